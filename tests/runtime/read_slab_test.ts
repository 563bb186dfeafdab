import assert from "node:assert/strict";
import { ReadSlab } from "../../runtime/_read_slab.ts";
import { Fault } from "../../runtime/fault.ts";
import { test } from "../_test.ts";
import { giveAway } from "./_probe.ts";

test("read slab: bytes that were read into memory given away are told as lost", () => {
  const slab = new ReadSlab();
  slab.offer().fill(1, 0, 10);
  const chunk = slab.take(10);
  const next = slab.offer();
  giveAway(chunk);
  assert.equal(next.length, 0);
  assert.throws(
    () => slab.take(5),
    (error) => error instanceof Fault && error.code === "io",
  );
});

test("read slab: one that is given away between two reads is followed by another", () => {
  const slab = new ReadSlab();
  slab.offer().fill(1, 0, 10);
  const chunk = slab.take(10);
  giveAway(chunk);
  slab.offer().fill(2, 0, 5);
  assert.deepEqual(slab.take(5), Uint8Array.of(2, 2, 2, 2, 2));
});
