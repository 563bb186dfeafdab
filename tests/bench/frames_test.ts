import assert from "node:assert/strict";
import { FrameReader, FrameWriter } from "../../bench/peers/_frames.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";

test("bench: the hand-written loop gives every message back, however the stream was cut", () => {
  const size = fc.oneof(fc.nat(300), fc.nat(200_000));
  fc.assert(
    fc.property(
      fc.array(size, { minLength: 1, maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 20 }),
      fc.integer({ min: 1_000, max: 100_000 }),
      (sizes, cuts, rest) => {
        const messages = sizes.map((size, index) =>
          new Uint8Array(size).fill(index + 1)
        );
        const stream = written(messages);
        const reader = new FrameReader();
        const back: Uint8Array[] = [];
        const left = [...cuts];
        for (let at = 0; at < stream.length;) {
          const end = at + (left.shift() ?? rest);
          reader.read(stream.slice(at, end), (data) => back.push(data));
          at = end;
        }
        assert.deepEqual(back, messages);
      },
    ),
    { numRuns: 50 },
  );
});

test("bench: the hand-written loop reads lengths that single bytes cut", () => {
  const messages = [new Uint8Array(3), new Uint8Array(300), new Uint8Array()];
  const reader = new FrameReader();
  const sizes: number[] = [];
  for (const byte of written(messages)) {
    reader.read(Uint8Array.of(byte), ({ length }) => sizes.push(length));
  }
  assert.deepEqual(sizes, [3, 300, 0]);
});

function written(messages: readonly Uint8Array[]): Uint8Array {
  const bytes: number[][] = [];
  const writer = new FrameWriter({
    pending: 0,
    write: (slab) => void bytes.push([...slab]),
    drained: () => Promise.resolve(),
    end: () => Promise.resolve(),
  });
  for (const message of messages) writer.write(message);
  writer.flush();
  return Uint8Array.from(bytes.flat());
}
