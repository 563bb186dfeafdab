import assert from "node:assert/strict";
import { Ring } from "../../signals/ring.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";

test("Ring: any sequence of operations gives what an array gives", () => {
  const operation = fc.oneof(
    { weight: 5, arbitrary: fc.integer().map((value) => ({ push: value })) },
    {
      weight: 5,
      arbitrary: fc.integer({ min: 1, max: 40 }).map((count) => ({
        shift: count,
      })),
    },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 200 }).map((count) => ({
        burst: count,
      })),
    },
    { weight: 1, arbitrary: fc.constant({ clear: true }) },
  );
  fc.assert(
    fc.property(fc.array(operation, { size: "large" }), (operations) => {
      const ring = new Ring<number>();
      let model: number[] = [];
      for (const step of operations) {
        if ("push" in step) {
          ring.push(step.push);
          model.push(step.push);
        } else if ("shift" in step) {
          for (let n = 0; n < step.shift; n += 1) {
            assert.equal(ring.shift(), model.shift());
          }
        } else if ("burst" in step) {
          for (let n = 0; n < step.burst; n += 1) {
            ring.push(n);
            model.push(n);
          }
        } else {
          ring.clear();
          model = [];
        }
        assert.equal(ring.length, model.length);
      }
      while (model.length > 0) assert.equal(ring.shift(), model.shift());
      assert.equal(ring.shift(), undefined);
    }),
  );
});

test("Ring: undefined is a value like others", () => {
  const ring = new Ring<undefined>();
  ring.push(undefined);
  ring.push(undefined);
  assert.equal(ring.length, 2);
  ring.shift();
  assert.equal(ring.length, 1);
});

test("Ring: the memory of a burst is given back as it is worked off", () => {
  const ring = new Ring<number>();
  const before = ring.capacity;
  for (let n = 0; n < 100_000; n += 1) ring.push(n);
  assert.ok(ring.capacity >= 100_000);
  for (let n = 0; n < 99_000; n += 1) assert.equal(ring.shift(), n);
  assert.ok(ring.capacity <= 16_384, `still ${ring.capacity} places`);
  for (let n = 99_000; n < 100_000; n += 1) assert.equal(ring.shift(), n);
  assert.equal(ring.capacity, before);
});

test("Ring: a constant length keeps the capacity constant", () => {
  const ring = new Ring<number>();
  for (let n = 0; n < 10; n += 1) ring.push(n);
  const before = ring.capacity;
  for (let n = 10; n < 10_000; n += 1) {
    ring.push(n);
    assert.equal(ring.shift(), n - 10);
    assert.equal(ring.capacity, before);
  }
});
