import assert from "node:assert/strict";
import {
  median,
  quantile,
  summarize,
  turns,
} from "../../bench/_statistics.mjs";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";

/** What a benchmark may find. */
const figures = fc.double({ min: 1e-9, max: 1e15, noNaN: true });

test("bench: the median is the middle value, or between the two in the middle", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
  assert.ok(Number.isNaN(median([])));
});

test("bench: quantiles lie between values in proportion", () => {
  const values = [10, 20, 30, 40, 50];
  assert.equal(quantile(values, 0), 10);
  assert.equal(quantile(values, 0.25), 20);
  assert.equal(quantile(values, 0.9), 46);
  assert.equal(quantile(values, 1), 50);
});

test("bench: as many values lie below the median as above, in whatever order they came", () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const middle = median(values);
      const below = values.filter((value) => value < middle).length;
      const above = values.filter((value) => value > middle).length;
      assert.ok(below <= values.length / 2);
      assert.ok(above <= values.length / 2);
      assert.equal(median(values.toReversed()), middle);
    }),
  );
});

test("bench: a summary holds the median between the least and the greatest", () => {
  fc.assert(
    fc.property(fc.array(figures, { minLength: 1 }), (values) => {
      const summary = summarize(values);
      assert.ok(summary !== undefined);
      assert.equal(summary.count, values.length);
      assert.ok(values.includes(summary.min));
      assert.ok(values.includes(summary.max));
      assert.ok(summary.min <= summary.median);
      assert.ok(summary.median <= summary.max);
    }),
  );
  assert.equal(summarize([]), undefined);
});

test("bench: in each round every contender has one turn", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(50), (size, round) => {
      const items = Array.from({ length: size }, (_, index) => index);
      assert.deepEqual(
        turns(items, round).toSorted((a, b) => a - b),
        items,
      );
    }),
  );
  assert.deepEqual(turns([], 3), []);
});

test("bench: no contender always goes first, nor always after the same one", () => {
  const items = ["a", "b", "c", "d", "e", "f"];
  const firsts = new Set<string>();
  const before = new Map<string, Set<string>>();
  for (let round = 0; round < 5; round += 1) {
    const order = turns(items, round);
    firsts.add(order[0] ?? "");
    for (const [index, item] of order.entries()) {
      const previous = order[index - 1];
      if (previous === undefined) continue;
      const seen = before.get(item) ?? new Set();
      before.set(item, seen.add(previous));
    }
  }
  assert.equal(firsts.size, 5);
  for (const item of items) assert.ok((before.get(item)?.size ?? 0) > 1, item);
});
