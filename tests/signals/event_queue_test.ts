import assert from "node:assert/strict";
import { FakeClock } from "../../signals/clock.ts";
import {
  EventQueue,
  EventQueueClosedError,
} from "../../signals/event_queue.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";

function fake<E = string>(): { clock: FakeClock; queue: EventQueue<E> } {
  const clock = new FakeClock();
  return { clock, queue: new EventQueue<E>({ clock }) };
}

/** Lets everything happen that waits for promises alone. */
async function settle(): Promise<void> {
  for (let n = 0; n < 10; n += 1) await Promise.resolve();
}

/** Tells whether a promise has settled, and how. */
function watch<T>(promise: Promise<T>): { state: string; value?: T } {
  const seen: { state: string; value?: T } = { state: "waits" };
  promise.then(
    (value) => Object.assign(seen, { state: "resolved", value }),
    (reason) => Object.assign(seen, { state: String(reason) }),
  );
  return seen;
}

/** The two ways to take the next event; each gives undefined if there is none. */
const ways: [
  string,
  (queue: EventQueue<string>) => Promise<string | undefined>,
][] = [
  ["receiveTimeout(0)", (queue) => queue.receiveTimeout(0)],
  ["tryReceive", (queue) => Promise.resolve(queue.tryReceive())],
];

// message-io's own tests of its event queue, each for both ways of receiving.
for (const [way, next] of ways) {
  const cases: [
    string,
    (queue: EventQueue<string>, clock: FakeClock) => void,
    string[],
  ][] = [
    ["nothing was sent: nothing comes", () => {}, []],
    ["events come in the order of their sends", (queue) => {
      for (const event of ["a", "b", "c"]) queue.send(event);
    }, ["a", "b", "c"]],
    ["priority goes first, and each kind keeps its order", (queue) => {
      queue.send("a");
      queue.sendWithPriority("A");
      queue.send("b");
      queue.sendWithPriority("B");
    }, ["A", "B", "a", "b"]],
    ["timers come by deadline, not by creation", (queue, clock) => {
      queue.sendWithTimer("late", 50);
      queue.sendWithTimer("early", 20);
      clock.advance(50);
    }, ["early", "late"]],
    [
      "timers of one deadline all come, in order of creation",
      (queue, clock) => {
        for (const event of ["a", "b", "c"]) queue.sendWithTimer(event, 20);
        clock.advance(20);
      },
      ["a", "b", "c"],
    ],
    [
      "a due timer goes before an event that was sent earlier",
      (queue, clock) => {
        queue.send("event");
        queue.sendWithTimer("timer", 20);
        clock.advance(20);
      },
      ["timer", "event"],
    ],
    ["priority goes before a due timer", (queue, clock) => {
      queue.sendWithTimer("timer", 20);
      clock.advance(20);
      queue.sendWithPriority("priority");
    }, ["priority", "timer"]],
    ["a timer that is not due does not come", (queue, clock) => {
      queue.sendWithTimer("timer", 20);
      clock.advance(19.999);
    }, []],
    ["a timer that is not due holds up no event", (queue) => {
      queue.sendWithTimer("timer", 20);
      queue.send("event");
      queue.sendWithPriority("priority");
    }, ["priority", "event"]],
    ["a cancelled timer never comes", (queue, clock) => {
      const id = queue.sendWithTimer("timer", 20);
      assert.equal(queue.cancelTimer(id), true);
      clock.advance(100);
      assert.equal(queue.cancelTimer(id), false);
    }, []],
    [
      "a timer that is due can be cancelled until it is received",
      (queue, clock) => {
        const id = queue.sendWithTimer("timer", 20);
        clock.advance(100);
        assert.equal(queue.cancelTimer(id), true);
      },
      [],
    ],
    [
      "cancelling one of two timers of one deadline leaves the other",
      (queue, clock) => {
        const id = queue.sendWithTimer("cancelled", 20);
        queue.sendWithTimer("kept", 20);
        assert.equal(queue.cancelTimer(id), true);
        clock.advance(20);
      },
      ["kept"],
    ],
  ];
  for (const [name, prepare, expected] of cases) {
    test(`EventQueue by ${way}: ${name}`, async () => {
      const { clock, queue } = fake();
      prepare(queue, clock);
      const received: string[] = [];
      for (let event; (event = await next(queue)) !== undefined;) {
        received.push(event);
      }
      assert.deepEqual(received, expected);
      queue.close();
      assert.equal(clock.pending, 0);
    });
  }
}

test("EventQueue: sending to a closed queue is ignored", () => {
  const { clock, queue } = fake();
  queue.close();
  queue.send("event");
  queue.sendWithPriority("priority");
  const id = queue.sendWithTimer("timer", 1);
  assert.equal(queue.cancelTimer(id), false);
  assert.equal(queue.size, 0);
  assert.equal(clock.pending, 0);
});

test("EventQueue: the order holds for any sequence of sends, waits and receives", () => {
  interface Sent {
    readonly event: number;
    readonly kind: "priority" | "timer" | "normal";
    readonly deadline: number;
    readonly id: number;
  }
  const step = fc.oneof(
    fc.constant({ send: true }),
    fc.constant({ priority: true }),
    fc.integer({ min: 0, max: 8 }).map((timer) => ({ timer })),
    fc.nat().map((cancel) => ({ cancel })),
    fc.integer({ min: 0, max: 5 }).map((advance) => ({ advance })),
    fc.integer({ min: 1, max: 4 }).map((receive) => ({ receive })),
  );
  fc.assert(fc.property(fc.array(step, { size: "large" }), (steps) => {
    const { clock, queue } = fake<number>();
    let waiting: Sent[] = [];
    const timers: Sent[] = [];
    let event = 0;
    const expectNext = (): void => {
      const next = waiting.find(({ kind }) => kind === "priority") ??
        waiting.filter(({ kind, deadline }) =>
          kind === "timer" && deadline <= clock.now()
        ).toSorted((a, b) => a.deadline - b.deadline || a.event - b.event)[0] ??
        waiting.find(({ kind }) => kind === "normal");
      assert.equal(queue.hasReady(), next !== undefined);
      assert.equal(queue.tryReceive(), next?.event);
      waiting = waiting.filter((sent) => sent !== next);
    };
    for (const step of steps) {
      const deadline = clock.now();
      if ("send" in step) {
        queue.send(event);
        waiting.push({ event, kind: "normal", deadline, id: 0 });
      } else if ("priority" in step) {
        queue.sendWithPriority(event);
        waiting.push({ event, kind: "priority", deadline, id: 0 });
      } else if ("timer" in step) {
        const id = queue.sendWithTimer(event, step.timer);
        const sent: Sent = {
          event,
          kind: "timer",
          deadline: deadline + step.timer,
          id,
        };
        waiting.push(sent);
        timers.push(sent);
      } else if ("cancel" in step) {
        const sent = timers[step.cancel % timers.length];
        if (sent === undefined) continue;
        assert.equal(queue.cancelTimer(sent.id), waiting.includes(sent));
        waiting = waiting.filter((other) => other !== sent);
      } else if ("advance" in step) clock.advance(step.advance);
      else for (let n = 0; n < step.receive; n += 1) expectNext();
      event += 1;
      assert.equal(queue.size, waiting.length);
    }
    clock.advance(10);
    while (waiting.length > 0) expectNext();
    assert.equal(queue.tryReceive(), undefined);
    assert.equal(clock.pending, 0);
  }));
});

test("EventQueue: every edge from nothing to something is told, whatever was done before", () => {
  const step = fc.oneof(
    fc.constant({ send: true }),
    fc.integer({ min: 0, max: 8 }).map((timer) => ({ timer })),
    fc.nat().map((cancel) => ({ cancel })),
    fc.integer({ min: 0, max: 5 }).map((advance) => ({ advance })),
    fc.integer({ min: 1, max: 4 }).map((receive) => ({ receive })),
  );
  fc.assert(fc.property(fc.array(step, { size: "large" }), (steps) => {
    const { clock, queue } = fake<number>();
    const ids: number[] = [];
    let told = 0;
    queue.onReady = () => told += 1;
    for (const step of steps) {
      const ready = queue.hasReady();
      const before = told;
      if ("send" in step) queue.send(0);
      else if ("timer" in step) ids.push(queue.sendWithTimer(0, step.timer));
      else if ("cancel" in step) {
        queue.cancelTimer(ids[step.cancel % ids.length] ?? 0);
      } else if ("advance" in step) clock.advance(step.advance);
      else for (let n = 0; n < step.receive; n += 1) queue.tryReceive();
      // A timer of 0 ms is told of when the runtime timer fires.
      clock.advance(0);
      if (!ready && queue.hasReady()) assert.equal(told, before + 1);
      if (ready) assert.equal(told, before);
    }
  }));
});

test("EventQueue: receive waits for the next event, and receivers are served in order", async () => {
  const { clock, queue } = fake();
  const first = watch(queue.receive());
  const second = watch(queue.receive());
  await settle();
  assert.equal(first.state, "waits");
  queue.send("a");
  await settle();
  assert.deepEqual(first, { state: "resolved", value: "a" });
  assert.equal(second.state, "waits");
  queue.sendWithTimer("timer", 5);
  clock.advance(4);
  await settle();
  assert.equal(second.state, "waits");
  clock.advance(1);
  await settle();
  assert.deepEqual(second, { state: "resolved", value: "timer" });
  assert.equal(clock.pending, 0);
});

test("EventQueue: a due timer goes to the receiver that waits longest, before a newer event", async () => {
  // A clock whose timers never fire: the timer is due and nobody has noticed.
  let now = 0;
  const queue = new EventQueue<string>({
    clock: { now: () => now, setTimer: () => 1, clearTimer: () => {} },
  });
  const first = queue.receive();
  queue.sendWithTimer("timer", 5);
  now = 5;
  let told = 0;
  queue.onReady = () => told += 1;
  queue.send("event");
  assert.equal(await first, "timer");
  assert.equal(told, 1);
  assert.equal(await queue.receive(), "event");
});

test("EventQueue: receiveTimeout gives up when its time has passed, and not before", async () => {
  const { clock, queue } = fake();
  const seen = watch(queue.receiveTimeout(10));
  clock.advance(9);
  await settle();
  assert.equal(seen.state, "waits");
  clock.advance(1);
  await settle();
  assert.deepEqual(seen, { state: "resolved", value: undefined });
  queue.send("kept");
  assert.equal(queue.tryReceive(), "kept");
  assert.equal(clock.pending, 0);
});

test("EventQueue: receiveTimeout gets a timer that becomes due at the moment it would give up", async () => {
  const { clock, queue } = fake();
  const seen = watch(queue.receiveTimeout(10));
  queue.sendWithTimer("timer", 10);
  clock.advance(10);
  await settle();
  assert.deepEqual(seen, { state: "resolved", value: "timer" });
  assert.equal(clock.pending, 0);
});

test("EventQueue: receiveTimeout waits longer than the runtime's longest timer", async () => {
  const { clock, queue } = fake();
  const seen = watch(queue.receiveTimeout(2 ** 33));
  clock.advance(2 ** 33 - 1);
  await settle();
  assert.equal(seen.state, "waits");
  clock.advance(1);
  await settle();
  assert.equal(seen.state, "resolved");
});

test("EventQueue: an abort ends the waiting with its reason, loses no event and leaves no listener", async () => {
  const { clock, queue } = fake();
  let listeners = 0;
  const controller = new AbortController();
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...args);
  };
  const served = queue.receive({ signal });
  assert.equal(listeners, 1);
  queue.send("a");
  assert.equal(listeners, 0);

  const expired = queue.receiveTimeout(5, { signal });
  clock.advance(5);
  assert.equal(await expired, undefined);
  assert.equal(listeners, 0);

  const aborted = watch(queue.receive({ signal }));
  const abortedToo = watch(queue.receiveTimeout(1000, { signal }));
  const patient = watch(queue.receive());
  controller.abort(new Error("enough"));
  assert.equal(listeners, 0);
  queue.send("b");
  await settle();
  assert.equal(await served, "a");
  assert.equal(aborted.state, "Error: enough");
  assert.equal(abortedToo.state, "Error: enough");
  assert.deepEqual(patient, { state: "resolved", value: "b" });

  queue.send("c");
  await assert.rejects(queue.receive({ signal }), /enough/);
  assert.equal(queue.tryReceive(), "c");
  assert.equal(clock.pending, 0);
});

test("EventQueue: close rejects those who wait, ends iteration, drops events and clears the timer", async () => {
  const { clock, queue } = fake();
  queue.onReady = () => {};
  const waiting = watch(queue.receive());
  const limited = watch(queue.receiveTimeout(1000));
  const iterated: string[] = [];
  const iteration = (async () => {
    for await (const event of queue) iterated.push(event);
  })();
  queue.sendWithTimer("timer", 100);
  assert.ok(clock.pending > 0);
  queue.close();
  queue.close();
  assert.equal(clock.pending, 0);
  await iteration;
  await settle();
  assert.match(waiting.state, /EventQueueClosedError/);
  assert.match(limited.state, /EventQueueClosedError/);
  assert.equal(iterated.length, 0);
  await assert.rejects(
    queue.receive(),
    (error) =>
      error instanceof EventQueueClosedError && error.code === "stopped",
  );
  await assert.rejects(queue.receiveTimeout(0), EventQueueClosedError);
  for await (const event of queue) iterated.push(event);
  assert.equal(iterated.length, 0);
  assert.equal(queue.closed, true);
});

test("EventQueue: Symbol.dispose closes", () => {
  const { queue } = fake();
  queue.send("dropped");
  queue[Symbol.dispose]();
  assert.equal(queue.closed, true);
  assert.equal(queue.tryReceive(), undefined);
});

test("EventQueue: for await receives, and leaving the loop leaves the rest", async () => {
  const { queue } = fake();
  for (const event of ["a", "b", "c"]) queue.send(event);
  const received: string[] = [];
  for await (const event of queue) {
    received.push(event);
    if (event === "b") break;
  }
  assert.deepEqual(received, ["a", "b"]);
  assert.equal(queue.tryReceive(), "c");
});

test("EventQueue: no runtime timer is set while nobody waits, and the event is found all the same", () => {
  const { clock, queue } = fake();
  queue.sendWithTimer("timer", 10);
  assert.equal(clock.pending, 0);
  queue.onReady = () => {};
  assert.equal(clock.pending, 1);
  queue.onReady = undefined;
  assert.equal(clock.pending, 0);
  clock.advance(10);
  assert.equal(queue.tryReceive(), "timer");
});

test("EventQueue: the runtime timer is cleared with the last timer, and with the last who waits", async () => {
  const { clock, queue } = fake();
  queue.onReady = () => {};
  const id = queue.sendWithTimer("cancelled", 10);
  assert.equal(clock.pending, 1);
  queue.cancelTimer(id);
  assert.equal(clock.pending, 0);

  queue.onReady = undefined;
  queue.sendWithTimer("kept", 10);
  const controller = new AbortController();
  const waiting = queue.receive({ signal: controller.signal });
  assert.equal(clock.pending, 1);
  controller.abort();
  assert.equal(clock.pending, 0);
  await assert.rejects(waiting, { name: "AbortError" });
});

test("EventQueue: one runtime timer serves a thousand timers", () => {
  const { clock, queue } = fake<number>();
  const received: number[] = [];
  queue.onReady = () => {
    while (queue.hasReady()) received.push(queue.tryReceive() ?? -1);
  };
  for (let n = 0; n < 1000; n += 1) {
    queue.sendWithTimer(n, 1 + (n * 7) % 1000);
    assert.equal(clock.pending, 1);
  }
  clock.advance(1000);
  assert.deepEqual(received.map((n) => (n * 7) % 1000), [...received.keys()]);
  assert.equal(received.length, 1000);
  assert.equal(clock.pending, 0);
});

test("EventQueue: delays above 2^31 ms are kept", () => {
  const { clock, queue } = fake();
  let told = 0;
  queue.onReady = () => told += 1;
  queue.sendWithTimer("a year", 31_536_000_000);
  clock.advance(31_535_999_999);
  assert.equal(told, 0);
  assert.equal(queue.tryReceive(), undefined);
  clock.advance(1);
  assert.equal(told, 1);
  assert.equal(queue.tryReceive(), "a year");
});

test("EventQueue: the hook is called on the edge alone", () => {
  const { clock, queue } = fake();
  let told = 0;
  queue.onReady = () => told += 1;
  queue.send("a");
  queue.send("b");
  queue.sendWithPriority("c");
  assert.equal(told, 1);
  queue.sendWithTimer("d", 5);
  clock.advance(5);
  assert.equal(told, 1);
  while (queue.hasReady()) queue.tryReceive();
  queue.sendWithTimer("e", 5);
  queue.sendWithTimer("f", 6);
  clock.advance(5);
  assert.equal(told, 2);
  assert.equal(queue.tryReceive(), "e");
  clock.advance(1);
  assert.equal(told, 3);
});

test("EventQueue: a due timer that is cancelled unread makes way for the next edge", () => {
  const { clock, queue } = fake();
  let told = 0;
  queue.onReady = () => told += 1;
  const id = queue.sendWithTimer("cancelled", 5);
  clock.advance(5);
  assert.equal(told, 1);
  assert.equal(queue.cancelTimer(id), true);
  queue.send("event");
  assert.equal(told, 2);
});

for (const delay of [-1, NaN, Infinity]) {
  test(`EventQueue: a delay of ${delay} is refused by name`, async () => {
    const { queue } = fake();
    assert.throws(
      () => queue.sendWithTimer("never", delay),
      (error) => error instanceof RangeError && /delayMs/.test(error.message),
    );
    await assert.rejects(
      queue.receiveTimeout(delay),
      (error) => error instanceof RangeError && /timeoutMs/.test(error.message),
    );
    assert.equal(queue.size, 0);
  });
}

test("EventQueue: undefined is an event like others", async () => {
  const { queue } = fake<undefined>();
  const waiting = queue.receive();
  queue.send(undefined);
  await waiting;
  queue.send(undefined);
  assert.equal(queue.hasReady(), true);
  queue.tryReceive();
  assert.equal(queue.hasReady(), false);
});

test("EventQueue in real time: a timer that is set while a receiver waits is prompt, and never early", async () => {
  const queue = new EventQueue<number>();
  const lateness: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    const waiting = queue.receive();
    // A far timer first: the near one must not wait for it.
    const far = queue.sendWithTimer(-1, 60_000);
    await Promise.resolve();
    const delay = 1 + n / 7;
    const set = performance.now();
    queue.sendWithTimer(n, delay);
    assert.equal(await waiting, n);
    lateness.push(performance.now() - set - delay);
    assert.equal(queue.cancelTimer(far), true);
  }
  queue.close();
  lateness.sort((a, b) => a - b);
  assert.ok((lateness[0] ?? -1) >= 0, `${lateness[0]} ms too early`);
  // The median, for the machine may be busy.
  assert.ok((lateness[10] ?? 999) < 100, `typically ${lateness[10]} ms late`);
});
