import assert from "node:assert/strict";
import { type Clock, FakeClock, systemClock } from "../../signals/clock.ts";
import { TimerQueue } from "../../signals/timer_queue.ts";
import { TimerService } from "../../signals/timer_service.ts";
import { Wakeup } from "../../signals/wakeup.ts";
import { test } from "../_test.ts";

/** A clock that notes what was asked of it, and fires when the test says so. */
class ManualClock implements Clock {
  time = 0;
  delays: number[] = [];
  callback: (() => void) | undefined;

  now(): number {
    return this.time;
  }

  setTimer(callback: () => void, delayMs: number): number {
    assert.equal(this.callback, undefined, "a second runtime timer was set");
    this.callback = callback;
    this.delays.push(delayMs);
    return this.delays.length;
  }

  clearTimer(): void {
    this.callback = undefined;
  }

  fireAt(time: number): void {
    this.time = time;
    const { callback } = this;
    this.callback = undefined;
    callback?.();
  }
}

function watched(): {
  clock: ManualClock;
  timers: TimerQueue<string>;
  wakeup: Wakeup;
  due: number[];
} {
  const clock = new ManualClock();
  const timers = new TimerQueue<string>();
  const due: number[] = [];
  const wakeup = new Wakeup(clock, timers, () => due.push(clock.time));
  return { clock, timers, wakeup, due };
}

test("Wakeup: a runtime timer that fires early is set again for the rest", () => {
  const { clock, timers, wakeup, due } = watched();
  timers.schedule("a", 10.25);
  wakeup.arm();
  clock.fireAt(9.5);
  assert.deepEqual(due, []);
  clock.fireAt(10.2);
  assert.deepEqual(due, []);
  clock.fireAt(10.25);
  assert.deepEqual(due, [10.25]);
  assert.deepEqual(clock.delays, [11, 1, 1]);
});

test("Wakeup: an earlier deadline sets the runtime timer again, a later one does not", () => {
  const { clock, timers, wakeup } = watched();
  timers.schedule("a", 100);
  wakeup.arm();
  timers.schedule("b", 200);
  wakeup.added(200);
  timers.schedule("c", 50);
  wakeup.added(50);
  assert.deepEqual(clock.delays, [100, 50]);
});

test("Wakeup: a wait longer than the runtime's longest is made in parts", () => {
  const { clock, timers, wakeup, due } = watched();
  const longest = 2 ** 31 - 1;
  timers.schedule("a", 2 * longest + 5);
  wakeup.arm();
  clock.fireAt(longest);
  clock.fireAt(2 * longest);
  assert.deepEqual(due, []);
  clock.fireAt(2 * longest + 5);
  assert.deepEqual(due, [2 * longest + 5]);
  assert.deepEqual(clock.delays, [longest, longest, 5]);
});

test("Wakeup: an empty queue has no runtime timer", () => {
  const { clock, timers, wakeup } = watched();
  wakeup.arm();
  assert.equal(clock.callback, undefined);
  const id = timers.schedule("a", 5);
  wakeup.added(5);
  assert.notEqual(clock.callback, undefined);
  timers.cancel(id);
  wakeup.removed();
  assert.equal(clock.callback, undefined);
  timers.schedule("b", 7);
  wakeup.added(7);
  wakeup.disarm();
  assert.equal(clock.callback, undefined);
});

test("Wakeup: a deadline that was cancelled costs a look at the clock and no call", () => {
  const { clock, timers, wakeup, due } = watched();
  const id = timers.schedule("a", 5);
  timers.schedule("b", 9);
  wakeup.arm();
  timers.cancel(id);
  wakeup.removed();
  clock.fireAt(5);
  assert.deepEqual(due, []);
  clock.fireAt(9);
  assert.deepEqual(due, [9]);
});

test("TimerService: callbacks run by deadline, then in the order they were set", () => {
  const clock = new FakeClock();
  const timers = new TimerService(clock);
  const ran: string[] = [];
  for (const [name, delay] of [["c", 9], ["a", 3], ["b", 3]] as const) {
    timers.setTimer(() => ran.push(`${name}@${clock.now()}`), delay);
  }
  assert.equal(timers.size, 3);
  assert.equal(clock.pending, 1);
  clock.advance(20);
  assert.deepEqual(ran, ["a@3", "b@3", "c@9"]);
  assert.equal(clock.pending, 0);
});

test("TimerService: a cleared timer does not run, and is cleared once", () => {
  const clock = new FakeClock();
  const timers = new TimerService(clock);
  const id = timers.setTimer(() => assert.fail("it ran"), 5);
  assert.equal(timers.clearTimer(id), true);
  assert.equal(timers.clearTimer(id), false);
  assert.equal(clock.pending, 0);
  clock.advance(10);
});

test("TimerService: a callback that throws keeps none of the others from running", () => {
  const clock = new FakeClock();
  const timers = new TimerService(clock);
  const ran: string[] = [];
  timers.setTimer(() => ran.push("a"), 5);
  timers.setTimer(() => {
    throw new Error("one");
  }, 5);
  timers.setTimer(() => ran.push("b"), 5);
  timers.setTimer(() => ran.push("c"), 6);
  assert.throws(() => clock.advance(5), /one/);
  assert.deepEqual(ran, ["a", "b"]);
  clock.advance(1);
  assert.deepEqual(ran, ["a", "b", "c"]);
});

test("TimerService: of several errors none is lost", () => {
  const clock = new FakeClock();
  const timers = new TimerService(clock);
  for (const message of ["one", "two"]) {
    timers.setTimer(() => {
      throw new Error(message);
    }, 5);
  }
  assert.throws(
    () => clock.advance(5),
    (error) =>
      error instanceof AggregateError &&
      error.errors.map((each) => each.message).join() === "one,two",
  );
});

test("TimerService: a callback that sets itself again after 0 ms lets others run", () => {
  const clock = new FakeClock();
  const timers = new TimerService(clock);
  let runs = 0;
  const again = (): void => {
    runs += 1;
    if (runs === 50) timers.stop();
    else timers.setTimer(again, 0);
  };
  timers.setTimer(again, 0);
  clock.setTimer(() => assert.ok(runs < 50, "it ran alone"), 0);
  clock.advance(0);
  assert.equal(runs, 50);
});

test("TimerService: stop forgets all, also from within a callback, and sets none later", () => {
  const clock = new FakeClock();
  const timers = new TimerService(clock);
  timers.setTimer(() => timers.stop(), 5);
  timers.setTimer(() => assert.fail("it ran"), 5);
  timers.setTimer(() => assert.fail("it ran"), 6);
  clock.advance(5);
  timers.setTimer(() => assert.fail("it ran"), 0);
  timers.stop();
  assert.equal(timers.size, 0);
  assert.equal(clock.pending, 0);
  clock.advance(10);
});

test("TimerService: a bad delay is refused by name", () => {
  const timers = new TimerService(new FakeClock());
  for (const delay of [-1, NaN, Infinity]) {
    assert.throws(() => timers.setTimer(() => {}, delay), /delayMs/);
  }
});

test("TimerService in real time: no callback is early, and a cleared one holds up nothing", async () => {
  const timers = new TimerService(systemClock);
  const early: number[] = [];
  await new Promise<void>((resolve) => {
    let left = 200;
    for (let n = 0; n < 200; n += 1) {
      const delay = (n * 7 % 200) / 10;
      const due = performance.now() + delay;
      const doomed = timers.setTimer(() => early.push(NaN), delay / 2);
      timers.setTimer(() => {
        const now = performance.now();
        if (now < due) early.push(due - now);
        left -= 1;
        if (left === 0) resolve();
      }, delay);
      timers.clearTimer(doomed);
    }
  });
  assert.deepEqual(early, []);
  timers.stop();
});

test("FakeClock: timers run in order, each at its own time, also those set by others", () => {
  const clock = new FakeClock(100);
  const ran: string[] = [];
  clock.setTimer(() => ran.push(`late@${clock.now()}`), 30);
  clock.setTimer(() => {
    ran.push(`early@${clock.now()}`);
    clock.setTimer(() => ran.push(`inner@${clock.now()}`), 5);
  }, 10);
  const cleared = clock.setTimer(() => ran.push("cleared"), 20);
  clock.clearTimer(cleared);
  clock.advance(29);
  assert.deepEqual(ran, ["early@110", "inner@115"]);
  assert.equal(clock.pending, 1);
  clock.advance(1);
  assert.deepEqual(ran, ["early@110", "inner@115", "late@130"]);
  assert.equal(clock.now(), 130);
  assert.throws(() => clock.advance(-1), RangeError);
});
