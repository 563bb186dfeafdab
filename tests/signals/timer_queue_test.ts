import assert from "node:assert/strict";
import { SmallTimerQueue } from "../../signals/_small_timer_queue.ts";
import { type TimerId, TimerQueue } from "../../signals/timer_queue.ts";
import type { TimerStore } from "../../signals/timer_store.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";

interface ModelTimer {
  readonly id: TimerId;
  readonly value: number;
  readonly deadline: number;
  readonly order: number;
}

/** The obvious and slow timer queue. */
class Model {
  timers: ModelTimer[] = [];

  get first(): ModelTimer | undefined {
    let first: ModelTimer | undefined;
    for (const timer of this.timers) {
      if (first === undefined || timer.deadline < first.deadline) first = timer;
    }
    return first;
  }

  remove(id: TimerId): boolean {
    const before = this.timers.length;
    this.timers = this.timers.filter((timer) => timer.id !== id);
    return this.timers.length < before;
  }
}

const deadlines = fc.oneof(
  fc.integer({ min: 0, max: 12 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const operations = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.array(deadlines, { minLength: 1, maxLength: 12 })
        .map((schedule) => ({ schedule })),
    },
    // Delays that mostly rise, and bursts that make the queue grow and shrink.
    {
      weight: 1,
      arbitrary: fc.integer({ min: 50, max: 300 }).map((burst) => ({ burst })),
    },
    { weight: 3, arbitrary: fc.nat().map((cancel) => ({ cancel })) },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 2, max: 9 }).map((cancelMost) => ({
        cancelMost,
      })),
    },
    {
      weight: 3,
      arbitrary: fc.integer({ min: 1, max: 60 }).map((take) => ({ take })),
    },
    { weight: 2, arbitrary: deadlines.map((takeDue) => ({ takeDue })) },
    { weight: 1, arbitrary: fc.constant({ clear: true }) },
  ),
  { size: "large" },
);

const STORES: readonly {
  readonly name: string;
  readonly make: <T>() => TimerStore<T>;
  readonly many: number;
}[] = [
  { name: "TimerQueue", make: () => new TimerQueue(), many: 1_000_000 },
  // A heap: small to download, and slow with so many.
  { name: "SmallTimerQueue", make: () => new SmallTimerQueue(), many: 200_000 },
];

for (const { name, make, many } of STORES) {
  test(`${name}: any sequence of operations gives what a sorted list gives`, () => {
    fc.assert(fc.property(operations, (steps) => {
      const queue = make<number>();
      const model = new Model();
      const given: TimerId[] = [];
      const schedule = (deadline: number): void => {
        const order = given.length;
        const id = queue.schedule(order, deadline);
        given.push(id);
        model.timers.push({ id, value: order, deadline, order });
      };
      const take = (): void => {
        const first = model.first;
        assert.equal(queue.take(), first?.value);
        if (first !== undefined) model.remove(first.id);
      };
      for (const step of steps) {
        if ("schedule" in step) step.schedule.forEach(schedule);
        else if ("burst" in step) {
          for (let n = 0; n < step.burst; n += 1) schedule(n - n % 3 * 7);
        } else if ("cancel" in step) {
          const id = given[step.cancel % given.length] ?? 0;
          assert.equal(queue.cancel(id), model.remove(id));
        } else if ("cancelMost" in step) {
          for (const { id, order } of [...model.timers]) {
            if (order % step.cancelMost === 0) continue;
            assert.equal(queue.cancel(id), true);
            assert.equal(queue.cancel(id), false);
            model.remove(id);
          }
        } else if ("take" in step) {
          for (let n = 0; n < step.take; n += 1) take();
        } else if ("takeDue" in step) {
          while ((model.first?.deadline ?? Infinity) <= step.takeDue) {
            assert.equal(queue.hasDue(step.takeDue), true);
            take();
          }
          assert.equal(queue.hasDue(step.takeDue), false);
        } else {
          queue.clear();
          model.timers = [];
        }
        assert.equal(queue.size, model.timers.length);
        assert.equal(queue.nextDeadline, model.first?.deadline ?? Infinity);
      }
      assert.equal(new Set(given).size, given.length, "an id came twice");
      while (model.timers.length > 0) take();
      assert.equal(queue.take(), undefined);
    }));
  });

  test(`${name}: ${many} timers in random order come in order of deadline, none early`, () => {
    const queue = make<number>();
    let random = 12345;
    for (let n = 0; n < many; n += 1) {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      const deadline = random / 4096;
      queue.schedule(deadline, deadline);
    }
    let taken = 0;
    let last = -Infinity;
    for (let now = 0; queue.size > 0; now += 1000) {
      while (queue.hasDue(now)) {
        const deadline = queue.take() ?? NaN;
        if (!(deadline >= last && deadline <= now)) {
          assert.fail(`${deadline} came after ${last}, at ${now}`);
        }
        last = deadline;
        taken += 1;
      }
    }
    assert.equal(taken, many);
  });

  for (const order of ["in order", "in reverse"] as const) {
    test(`${name}: of ${many} timers, cancelling all but one ${order} leaves that one`, () => {
      const queue = make<number>();
      const ids = new Float64Array(many);
      for (let n = 0; n < many; n += 1) {
        ids[n] = queue.schedule(n, (n * 7919) % 1000);
      }
      const spared = 123_456;
      let cancelled = 0;
      for (let n = 0; n < many; n += 1) {
        const at = order === "in order" ? n : many - 1 - n;
        if (at !== spared && queue.cancel(ids[at] ?? 0)) cancelled += 1;
      }
      assert.equal(cancelled, many - 1);
      assert.equal(queue.size, 1);
      assert.equal(queue.nextDeadline, (spared * 7919) % 1000);
      assert.equal(queue.take(), spared);
      assert.equal(queue.size, 0);
      assert.equal(queue.nextDeadline, Infinity);
    });
  }

  test(`${name}: equal deadlines come in order of creation`, () => {
    const queue = make<number>();
    // 99 makes the equal ones go different ways inside the queue.
    for (const deadline of [5, 99, 5, 5, 99, 5]) {
      for (let n = 0; n < 100; n += 1) queue.schedule(deadline, deadline);
    }
    queue.clear();
    let created = 0;
    const expected: number[] = [];
    for (const deadline of [5, 99, 5, 5, 98, 99, 5]) {
      for (let n = 0; n < 100; n += 1) {
        queue.schedule(created, deadline);
        if (deadline === 5) expected.push(created);
        created += 1;
      }
    }
    const taken: (number | undefined)[] = [];
    while (queue.hasDue(5)) taken.push(queue.take());
    assert.deepEqual(taken, expected);
  });

  test(`${name}: an id of a taken timer cancels none of those that came later`, () => {
    const queue = make<string>();
    const old = queue.schedule("old", 1);
    assert.equal(queue.take(), "old");
    const young = queue.schedule("young", 1);
    assert.notEqual(young, old);
    assert.equal(queue.cancel(old), false);
    assert.equal(queue.size, 1);
    assert.equal(queue.cancel(young), true);
  });

  test(`${name}: ids stay unique when the memory of a burst was given back`, () => {
    const queue = make<number>();
    const ids = new Set<TimerId>();
    let given = 0;
    for (let round = 0; round < 4; round += 1) {
      for (let n = 0; n < 10_000; n += 1) {
        ids.add(queue.schedule(n, n % 10));
        given += 1;
      }
      if (round % 2 === 0) queue.clear();
      else while (queue.size > 0) queue.take();
    }
    assert.equal(ids.size, given);
    for (const id of ids) assert.equal(queue.cancel(id), false);
  });

  test(`${name}: ids that were never given cancel nothing`, () => {
    const queue = make<string>();
    const kept = queue.schedule("kept", 1);
    for (const id of [0, -1, 0.5, NaN, Infinity, 2 ** 60, kept + 1, -kept]) {
      assert.equal(queue.cancel(id), false, `${id}`);
    }
    assert.equal(queue.size, 1);
  });

  test(`${name}: undefined is a value like others`, () => {
    const queue = make<undefined>();
    queue.schedule(undefined, 1);
    queue.schedule(undefined, 2);
    assert.equal(queue.hasDue(1), true);
    queue.take();
    assert.equal(queue.hasDue(1), false);
    assert.equal(queue.size, 1);
  });

  for (const deadline of [NaN, Infinity, -Infinity]) {
    test(`${name}: a deadline of ${deadline} is refused and nothing is scheduled`, () => {
      const queue = make<string>();
      assert.throws(
        () => queue.schedule("never", deadline),
        (error) =>
          error instanceof RangeError && /deadlineMs/.test(error.message),
      );
      assert.equal(queue.size, 0);
    });
  }
}
