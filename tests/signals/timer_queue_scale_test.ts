import assert from "node:assert/strict";
import { type TimerId, TimerQueue } from "../../signals/timer_queue.ts";
import { test } from "../_test.ts";

/** Numbers that look random and are the same in each run. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const COUNT = 30_000;

// Sets of deadlines large enough to fill every part of the queue.
const patterns: Record<string, (n: number, random: () => number) => number> = {
  rising: (n) => n,
  falling: (n) => -n,
  equal: () => 7,
  "nearly all equal": (n) => n % 5000 === 0 ? n : 7,
  "a saw": (n) => n % 1000,
  "a falling saw": (n) => -n % 1000,
  "a few values": (n, random) => n < 3 ? 100 : Math.floor(random() * 4),
  random: (_n, random) => random() * 1e6,
  "random, of very different sizes": (_n, random) => 2 ** (random() * 200),
  "one far, then falling": (n) => n === 0 ? 1e12 : 1e9 - n,
};

for (const [name, pattern] of Object.entries(patterns)) {
  test(`TimerQueue: ${COUNT} deadlines, ${name}, come in order, with a third cancelled`, () => {
    const random = makeRandom(COUNT);
    const queue = new TimerQueue<number>();
    const deadlines: number[] = [];
    const ids: TimerId[] = [];
    for (let n = 0; n < COUNT; n += 1) {
      const deadline = pattern(n, random);
      deadlines.push(deadline);
      ids.push(queue.schedule(n, deadline));
    }
    let expected = [...deadlines.keys()];
    expected = expected.filter((n) => {
      if (random() >= 1 / 3) return true;
      assert.equal(queue.cancel(ids[n] ?? 0), true);
      return false;
    });
    expected.sort((a, b) => (deadlines[a] ?? 0) - (deadlines[b] ?? 0) || a - b);
    assert.equal(queue.nextDeadline, deadlines[expected[0] ?? 0]);
    const taken: (number | undefined)[] = [];
    while (queue.size > 0) taken.push(queue.take());
    assert.deepEqual(taken, expected);
  });

  test(`TimerQueue: deadlines, ${name}, set while others are taken and cancelled, are each found in time`, () => {
    const random = makeRandom(COUNT + 1);
    const queue = new TimerQueue<number>();
    const deadlines: number[] = [];
    const ids: TimerId[] = [];
    const set = new Set<number>();
    let lastTaken = -1;
    const take = (): void => {
      const next = queue.nextDeadline;
      const n = queue.take() ?? -1;
      assert.ok(set.delete(n), `${n} came, and was not set`);
      assert.equal(deadlines[n], next);
      lastTaken = n;
    };
    for (let n = 0; n < COUNT; n += 1) {
      const deadline = pattern(n, random);
      deadlines.push(deadline);
      ids.push(queue.schedule(n, deadline));
      set.add(n);
      assert.ok(n % 64 !== 0 || queue.nextDeadline <= deadline);
      const choice = random();
      if (choice < 0.2) take();
      else if (choice < 0.3) {
        const other = Math.floor(random() * n);
        assert.equal(queue.cancel(ids[other] ?? 0), set.delete(other));
      } else if (choice < 0.3001) {
        for (let m = 0; m < 500 && set.size > 0; m += 1) {
          take();
        }
      }
      assert.equal(queue.size, set.size);
    }
    // Nothing is added any more: what is left comes in the strict order.
    const expected = [...set].sort((a, b) =>
      (deadlines[a] ?? 0) - (deadlines[b] ?? 0) || a - b
    );
    for (const n of expected) {
      take();
      assert.equal(lastTaken, n);
    }
    assert.equal(queue.nextDeadline, Infinity);
  });
}

test("TimerQueue: a young timer waits for old ones of its deadline that are still far away", () => {
  for (let young = 0; young < 10; young += 1) {
    const queue = new TimerQueue<number>();
    // While this one is set, all that are earlier go another way inside the queue.
    const anchor = queue.schedule(-1, 10);
    const deadlines: number[] = [];
    for (let n = 0; n < 5000; n += 1) {
      deadlines.push(n % 10);
      queue.schedule(n, n % 10);
    }
    queue.cancel(anchor);
    assert.equal(queue.nextDeadline, 0);
    deadlines.push(young);
    queue.schedule(5000, young);
    const expected = [...deadlines.keys()].sort((a, b) =>
      (deadlines[a] ?? 0) - (deadlines[b] ?? 0) || a - b
    );
    const taken: (number | undefined)[] = [];
    while (queue.size > 0) taken.push(queue.take());
    assert.deepEqual(taken, expected);
  }
});

test("TimerQueue: bursts that are cancelled in order, newest first or at random leave the others in order", () => {
  const random = makeRandom(11);
  const queue = new TimerQueue<number>();
  const set = new Map<TimerId, number>();
  const deadlines: number[] = [];
  let now = 0;
  const byDeadline = (one: [TimerId, number], other: [TimerId, number]) =>
    (deadlines[one[1]] ?? 0) - (deadlines[other[1]] ?? 0) || one[1] - other[1];
  for (let step = 0; step < 60; step += 1) {
    const count = [10, 300, 4_000][step % 3] ?? 0;
    for (let made = 0; made < count; made += 1) {
      const deadline = now + Math.floor(random() * 50);
      set.set(queue.schedule(deadlines.length, deadline), deadlines.length);
      deadlines.push(deadline);
    }
    const ids = [...set.keys()];
    if (step % 4 === 1) ids.reverse();
    for (const id of ids.slice(0, ids.length * random())) {
      if (step % 4 === 2 && random() < 0.5) continue;
      assert.equal(queue.cancel(id), true);
      set.delete(id);
    }
    now += 20 * random();
    for (const [id, value] of [...set].sort(byDeadline)) {
      if ((deadlines[value] ?? 0) > now) break;
      assert.equal(queue.hasDue(now), true);
      assert.equal(queue.take(), value);
      set.delete(id);
    }
    assert.equal(queue.hasDue(now), false);
    assert.equal(queue.size, set.size);
  }
});

test("TimerQueue: few that outlast many are in order, and can be cancelled", () => {
  const random = makeRandom(5);
  const queue = new TimerQueue<number>();
  const deadlines: number[] = [];
  const ids: TimerId[] = [];
  let outlasting: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const first = ids.length;
    for (let n = 0; n < 100_000; n += 1) {
      deadlines.push(Math.floor(random() * 1000));
      ids.push(queue.schedule(ids.length, deadlines.at(-1) ?? 0));
    }
    // Some rounds put all in order before.
    if (round > 0) assert.equal(queue.nextDeadline, 0);
    for (let n = first; n < ids.length; n += 1) {
      if (n % 1000 === 7) outlasting.push(n);
      else assert.equal(queue.cancel(ids[n] ?? 0), true);
    }
    assert.equal(queue.size, outlasting.length);
    outlasting = outlasting.filter((n) => {
      if (random() < 0.7) return true;
      assert.equal(queue.cancel(ids[n] ?? 0), true);
      return false;
    });
  }
  for (const [n, id] of ids.entries()) {
    if (n % 1000 !== 7) assert.equal(queue.cancel(id), false);
  }
  const expected = outlasting.toSorted((a, b) =>
    (deadlines[a] ?? 0) - (deadlines[b] ?? 0) || a - b
  );
  const taken: (number | undefined)[] = [];
  while (queue.size > 0) taken.push(queue.take());
  assert.deepEqual(taken, expected);
});

test("TimerQueue: an old timer stays, and is the only one, while millions come and go", () => {
  const queue = new TimerQueue<string>();
  const old = queue.schedule("old", 1e9);
  let young: TimerId = 0;
  for (let n = 0; n < 2_000_000; n += 1) {
    const next = queue.schedule("young", 1e6 + n);
    assert.equal(queue.cancel(young), n > 0);
    young = next;
  }
  assert.equal(queue.size, 2);
  assert.equal(queue.take(), "young");
  assert.equal(queue.cancel(young), false);
  assert.equal(queue.nextDeadline, 1e9);
  assert.equal(queue.cancel(old), true);
  assert.equal(queue.nextDeadline, Infinity);
});
