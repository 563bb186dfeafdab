import assert from "node:assert/strict";
import {
  Dispatcher,
  type DispatcherOptions,
} from "../../signals/dispatcher.ts";
import { Ring } from "../../signals/ring.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";

/** A dispatcher with a source of signals, and hooks that note their calls. */
class Bench {
  readonly signals = new Ring<string>();
  readonly log: string[] = [];
  readonly errors: unknown[] = [];
  readonly dispatcher: Dispatcher<string>;
  time = 0;
  #deferred: (() => void)[] = [];

  constructor(options?: DispatcherOptions) {
    this.dispatcher = new Dispatcher<string>(
      {
        hasReady: () => this.signals.length > 0,
        take: () => this.signals.shift(),
      },
      {
        now: () => this.time,
        defer: (callback) => this.#deferred.push(callback),
        full: () => this.log.push("full"),
        room: () => this.log.push("room"),
        failed: (error) => this.errors.push(error),
      },
      options,
    );
  }

  get turnsWaiting(): number {
    return this.#deferred.length;
  }

  signal(event: string): void {
    const first = this.signals.length === 0;
    this.signals.push(event);
    if (first) this.dispatcher.signalsReady();
  }

  /** Runs one round of deferred callbacks; false if there was none. */
  turn(): boolean {
    const callbacks = this.#deferred;
    this.#deferred = [];
    for (const callback of callbacks) callback();
    return callbacks.length > 0;
  }

  turns(): void {
    while (this.turn());
  }

  pushAll(...events: string[]): void {
    for (const event of events) this.dispatcher.push(event, 10);
  }
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}${n}`);
}

test("Dispatcher: with a callback and nothing waiting, a push delivers at once", () => {
  const bench = new Bench();
  const seen: string[] = [];
  bench.dispatcher.setCallback((event) => {
    seen.push(event);
  });
  bench.pushAll("a");
  assert.deepEqual(seen, ["a"]);
  bench.pushAll("b", "c");
  assert.deepEqual(seen, ["a", "b", "c"]);
  assert.equal(bench.turnsWaiting, 0);
  assert.equal(bench.dispatcher.queuedEvents, 0);
});

test("Dispatcher: what came before the callback goes first, and setting it calls nothing", () => {
  const bench = new Bench();
  const seen: string[] = [];
  bench.pushAll(...numbered("early", 3000));
  bench.dispatcher.setCallback((event) => {
    seen.push(event);
  });
  assert.deepEqual(seen, []);
  bench.pushAll("live0");
  bench.turn();
  assert.ok(seen.length > 0 && seen.length < 3000, "a turn is bounded");
  bench.pushAll("live1");
  bench.turns();
  bench.pushAll("live2");
  assert.deepEqual(seen, [...numbered("early", 3000), ...numbered("live", 3)]);
});

test("Dispatcher: a turn of slow callbacks ends when its time is over", () => {
  const bench = new Bench();
  let calls = 0;
  bench.pushAll(...numbered("e", 500));
  bench.dispatcher.setCallback(() => {
    calls += 1;
    bench.time += 1;
  });
  bench.turn();
  assert.ok(calls <= 16, `${calls} callbacks of 1 ms in one turn`);
  bench.turns();
  assert.equal(calls, 500);
});

test("Dispatcher: never two callbacks at once; a push from within comes right after, in order", () => {
  const bench = new Bench();
  const seen: string[] = [];
  let running = 0;
  bench.dispatcher.setCallback((event) => {
    running += 1;
    assert.equal(running, 1);
    if (event.length < 4) bench.pushAll(`${event}x`, `${event}y`);
    seen.push(event);
    running -= 1;
  });
  bench.pushAll("a", "b");
  assert.deepEqual(seen.slice(0, 4), ["a", "ax", "ay", "axx"]);
  assert.equal(seen.length, 30);
  assert.equal(seen[15], "b");
  assert.equal(bench.turnsWaiting, 0);
  assert.equal(bench.dispatcher.queuedBytes, 0);
});

test("Dispatcher: a callback that always pushes leaves time to everything else", () => {
  const bench = new Bench();
  let calls = 0;
  bench.dispatcher.setCallback((event) => {
    calls += 1;
    if (event === "signal") bench.dispatcher.stop();
    else bench.pushAll("again");
  });
  bench.pushAll("first");
  assert.ok(calls > 1 && calls < 10_000);
  bench.signal("signal");
  bench.turns();
  assert.ok(calls < 20_000);
});

test("Dispatcher: any mix of pushes, signals, turns and re-entrant pushes keeps each source's order", () => {
  const step = fc.constantFrom(
    "push",
    "push in callback",
    "signal",
    "turn",
    "consume",
  );
  fc.assert(fc.property(fc.array(step, { size: "large" }), (steps) => {
    const bench = new Bench();
    const expected = { n: [] as string[], s: [] as string[] };
    const seen = { n: [] as string[], s: [] as string[] };
    let inside = false;
    let made = 0;
    let nested = 0;
    const push = (): void => {
      made += 1;
      expected.n.push(`n${made}`);
      bench.pushAll(`n${made}`);
    };
    const consume = (): void =>
      bench.dispatcher.setCallback((event) => {
        assert.equal(inside, false);
        inside = true;
        seen[event.startsWith("n") ? "n" : "s"].push(event);
        if (nested > 0) {
          nested -= 1;
          push();
        }
        inside = false;
      });
    let consumed = false;
    for (const step of steps) {
      if (step === "push") push();
      else if (step === "push in callback") nested += 1;
      else if (step === "signal") {
        made += 1;
        expected.s.push(`s${made}`);
        bench.signal(`s${made}`);
      } else if (step === "turn") bench.turn();
      else if (!consumed) {
        consumed = true;
        consume();
      }
    }
    if (!consumed) consume();
    bench.turns();
    assert.deepEqual(seen, expected);
    assert.equal(bench.dispatcher.queuedEvents, 0);
    assert.equal(bench.dispatcher.queuedBytes, 0);
  }));
});

test("Dispatcher: signals that send signals do not starve a backlog of the network", () => {
  const bench = new Bench();
  const seen: string[] = [];
  bench.pushAll(...numbered("n", 1000));
  bench.signal("s");
  bench.dispatcher.setCallback((event) => {
    seen.push(event);
    if (event === "s" && seen.length < 10_000) bench.signal("s");
  });
  bench.turn();
  bench.turn();
  assert.deepEqual(
    seen.filter((event) => event !== "s"),
    numbered("n", 1000),
  );
  const firstHundred = seen.slice(0, 100).filter((event) => event === "s");
  assert.equal(firstHundred.length, 50);
  bench.turns();
});

test("Dispatcher: signals that send signals end their turn, and a live push is delivered in between", () => {
  const bench = new Bench();
  let signals = 0;
  let messages = 0;
  bench.dispatcher.setCallback((event) => {
    if (event === "n") {
      messages += 1;
      return;
    }
    signals += 1;
    bench.signal("s");
  });
  bench.signal("s");
  for (let n = 1; n <= 10; n += 1) {
    assert.equal(bench.turn(), true);
    bench.pushAll("n");
    assert.equal(messages, n);
  }
  assert.ok(signals <= 10 * 1024);
});

test("Dispatcher: a network backlog does not starve the signals", () => {
  const bench = new Bench();
  const seen: string[] = [];
  bench.pushAll(...numbered("n", 1000));
  for (const signal of numbered("s", 10)) bench.signal(signal);
  bench.dispatcher.setCallback((event) => {
    seen.push(event);
    bench.pushAll("more");
    if (seen.length === 5000) bench.dispatcher.stop();
  });
  bench.turn();
  const signals = seen.filter((event) => event.startsWith("s"));
  assert.deepEqual(signals, numbered("s", 10));
  assert.ok(seen.indexOf("s9") < 20);
  bench.turns();
});

test("Dispatcher: a network that is busy with live pushes leaves the signals as much time as it takes", () => {
  const bench = new Bench();
  let signals = 0;
  bench.dispatcher.setCallback((event) => {
    if (event !== "s") return;
    bench.time += 0.25;
    signals += 1;
    bench.signal("s");
  });
  bench.signal("s");
  bench.turn();
  signals = 0;
  for (let n = 0; n < 10; n += 1) {
    bench.pushAll("n");
    bench.time += 20;
    assert.equal(bench.turn(), true);
  }
  const share = signals * 0.25 / (10 * 20);
  assert.ok(share > 0.9 && share < 1.2, `${share} of the network's time`);
  bench.time += 10_000;
  const before = bench.time;
  bench.turn();
  assert.ok(bench.time - before < 100, "a turn has a bound");
  bench.dispatcher.stop();
});

test("Dispatcher: signals are delivered in a turn, never within the send", () => {
  const bench = new Bench();
  const seen: string[] = [];
  bench.dispatcher.setCallback((event) => {
    seen.push(event);
  });
  bench.signal("a");
  bench.signal("b");
  assert.deepEqual(seen, []);
  assert.equal(bench.turnsWaiting, 1);
  bench.turns();
  assert.deepEqual(seen, ["a", "b"]);
});

test("Dispatcher: full is told once at the bound of events, room once at half", () => {
  const bench = new Bench({ maxEvents: 10 });
  bench.dispatcher.setPull(() => {});
  bench.pushAll(...numbered("e", 9));
  assert.deepEqual(bench.log, []);
  bench.pushAll(...numbered("f", 5));
  assert.deepEqual(bench.log, ["full"]);
  assert.equal(bench.dispatcher.isFull, true);
  for (let n = 0; n < 8; n += 1) bench.dispatcher.take();
  assert.deepEqual(bench.log, ["full"]);
  bench.dispatcher.take();
  assert.deepEqual(bench.log, ["full", "room"]);
  assert.equal(bench.dispatcher.isFull, false);
  while (bench.dispatcher.take() !== undefined);
  assert.deepEqual(bench.log, ["full", "room"]);
});

test("Dispatcher: the bound of bytes counts what each event holds", () => {
  const bench = new Bench({ maxBytes: 100 });
  bench.dispatcher.push("big", 99);
  assert.deepEqual(bench.log, []);
  bench.dispatcher.push("small", 1);
  assert.deepEqual(bench.log, ["full"]);
  assert.equal(bench.dispatcher.queuedBytes, 100);
  assert.equal(bench.dispatcher.take(), "big");
  assert.deepEqual(bench.log, ["full", "room"]);
  assert.equal(bench.dispatcher.queuedBytes, 1);
});

test("Dispatcher: a backlog that is delivered makes room", () => {
  const bench = new Bench({ maxEvents: 100 });
  bench.pushAll(...numbered("e", 100));
  assert.deepEqual(bench.log, ["full"]);
  let delivered = 0;
  bench.dispatcher.setCallback(() => {
    delivered += 1;
  });
  bench.turns();
  assert.equal(delivered, 100);
  assert.deepEqual(bench.log, ["full", "room"]);
});

test("Dispatcher: a callback that throws ends the delivery, at once and for good", () => {
  const error = new Error("oops");
  const bench = new Bench();
  const seen: string[] = [];
  bench.pushAll("a", "b", "c");
  bench.dispatcher.setCallback((event) => {
    seen.push(event);
    if (event === "b") throw error;
  });
  bench.signal("s");
  bench.turns();
  bench.pushAll("d");
  bench.signal("t");
  bench.turns();
  assert.deepEqual(seen.filter((event) => event !== "s"), ["a", "b"]);
  assert.deepEqual(bench.errors, [error]);
  assert.equal(bench.dispatcher.queuedEvents, 0);
  assert.equal(bench.dispatcher.queuedBytes, 0);
});

test("Dispatcher: a callback that throws on a live push does not throw at who pushed", () => {
  const error = new Error("oops");
  const bench = new Bench();
  bench.dispatcher.setCallback(() => {
    bench.pushAll("inner");
    throw error;
  });
  bench.pushAll("a");
  bench.pushAll("b");
  assert.deepEqual(bench.errors, [error]);
  assert.equal(bench.dispatcher.queuedEvents, 0);
});

test("Dispatcher: a callback that stops and then throws is heard", () => {
  const error = new Error("oops");
  const bench = new Bench();
  bench.dispatcher.setCallback(() => {
    bench.dispatcher.stop();
    throw error;
  });
  bench.pushAll("a");
  assert.deepEqual(bench.errors, [error]);
});

test("Dispatcher: the rejection of an async callback counts as thrown, and is not waited for", async () => {
  const error = new Error("later");
  const bench = new Bench();
  const seen: string[] = [];
  bench.dispatcher.setCallback(async (event) => {
    seen.push(event);
    await Promise.resolve();
    if (event === "b") throw error;
  });
  bench.pushAll("a", "b", "c");
  assert.deepEqual(seen, ["a", "b", "c"]);
  for (let n = 0; n < 10; n += 1) await Promise.resolve();
  assert.deepEqual(bench.errors, [error]);
  bench.pushAll("d");
  assert.deepEqual(seen, ["a", "b", "c"]);
});

test("Dispatcher: after stop the callback is not called, not even for the rest of a turn", () => {
  const bench = new Bench();
  const seen: string[] = [];
  bench.pushAll("a", "b", "c");
  bench.signal("s");
  bench.dispatcher.setCallback((event) => {
    seen.push(event);
    if (event === "b") {
      bench.pushAll("inner");
      bench.dispatcher.stop();
      bench.dispatcher.stop();
    }
  });
  bench.turns();
  bench.pushAll("d");
  bench.dispatcher.signalsReady();
  bench.turns();
  assert.deepEqual(seen.filter((event) => event !== "s"), ["a", "b"]);
  assert.equal(bench.dispatcher.queuedEvents, 0);
  assert.deepEqual(bench.errors, []);
});

test("Dispatcher: a callback that is set after stop is never called", () => {
  const bench = new Bench();
  bench.pushAll("a");
  bench.dispatcher.stop();
  bench.dispatcher.setCallback(() => assert.fail("it was called"));
  bench.turns();
  bench.pushAll("b");
  assert.equal(bench.dispatcher.queuedEvents, 0);
});

test("Dispatcher: what was queued stays to be taken after stop, signals too, and nothing more", () => {
  const bench = new Bench();
  bench.dispatcher.setPull(() => {});
  bench.pushAll("a", "b");
  bench.signal("s");
  bench.dispatcher.stop();
  bench.pushAll("late");
  bench.signal("late signal");
  const taken: (string | undefined)[] = [];
  while (bench.dispatcher.hasNext()) taken.push(bench.dispatcher.take());
  assert.deepEqual(taken.toSorted(), ["a", "b", "s"]);
  assert.equal(bench.dispatcher.take(), undefined);
});

test("Dispatcher: discard drops the events of one endpoint, wherever they wait, and their bytes", () => {
  const bench = new Bench({ maxEvents: 6 });
  bench.pushAll("x1", "y1", "x2", "y2", "x3", "x4");
  assert.deepEqual(bench.log, ["full"]);
  bench.dispatcher.discard((event) => event.startsWith("x"));
  assert.deepEqual(bench.log, ["full", "room"]);
  assert.equal(bench.dispatcher.queuedEvents, 2);
  assert.equal(bench.dispatcher.queuedBytes, 20);
  assert.deepEqual(
    [0, 0, 0].map(() => bench.dispatcher.take()),
    ["y1", "y2", undefined],
  );
});

test("Dispatcher: discard within a callback holds for the rest of the same turn", () => {
  const bench = new Bench();
  const seen: string[] = [];
  bench.pushAll("x1", "y1", "x2", "y2");
  bench.dispatcher.setCallback((event) => {
    seen.push(event);
    bench.dispatcher.discard((other) => other.startsWith("x"));
  });
  bench.turns();
  bench.pushAll("x3");
  assert.deepEqual(seen, ["x1", "y1", "y2", "x3"]);
});

test("Dispatcher: pulling takes network events and signals alternately", () => {
  const bench = new Bench();
  bench.pushAll("n0", "n1", "n2", "n3");
  bench.signal("s0");
  bench.signal("s1");
  const taken: (string | undefined)[] = [];
  for (let n = 0; n < 7; n += 1) taken.push(bench.dispatcher.take());
  assert.deepEqual(taken, ["n0", "s0", "n1", "s1", "n2", "n3", undefined]);
});

test("Dispatcher: who pulls hears of each edge from nothing to something", () => {
  const bench = new Bench();
  let told = 0;
  bench.dispatcher.setPull(() => {
    told += 1;
  });
  bench.pushAll("a", "b");
  assert.equal(told, 1);
  while (bench.dispatcher.take() !== undefined);
  bench.signal("s");
  assert.equal(told, 2);
  assert.equal(bench.dispatcher.take(), "s");
  bench.pushAll("c");
  assert.equal(told, 3);
});

test("Dispatcher: an owner that pushes while room is told does not disturb the order of a pull", () => {
  const taken: (string | undefined)[] = [];
  let refill = 3;
  const dispatcher: Dispatcher<string> = new Dispatcher<string>(
    { hasReady: () => false, take: () => undefined },
    {
      now: () => 0,
      defer: () => {},
      full: () => {},
      room: () => {
        refill -= 1;
        if (refill >= 0) dispatcher.push(`r${refill}`, 1);
      },
      failed: () => {},
    },
    { maxEvents: 1 },
  );
  dispatcher.setPull(() => {
    taken.push("told", dispatcher.take());
  });
  dispatcher.push("a", 1);
  while (dispatcher.hasNext()) taken.push(dispatcher.take());
  assert.deepEqual(taken, ["told", "a", "r2", "r1", "r0"]);
});

test("Dispatcher: a second consumer is refused", () => {
  const bench = new Bench();
  bench.dispatcher.setCallback(() => {});
  assert.throws(() => bench.dispatcher.setCallback(() => {}), /consumer/);
  assert.throws(() => bench.dispatcher.setPull(() => {}), /consumer/);
});
