import assert from "node:assert/strict";
import type { Framing } from "../../framing/framing.ts";
import { messagePackFraming } from "../../framing/message_pack.ts";
import { createNewlineFraming, newlineFraming } from "../../framing/newline.ts";
import { taggedFraming } from "../../framing/tagged.ts";
import {
  readVarint,
  VARINT_NEED_MORE,
  varintFraming,
  varintSize,
  writeVarint,
} from "../../framing/varint.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";
import {
  Collector,
  encode,
  encodeAll,
  pushInPieces,
  summarize,
} from "./_stream.ts";
import type { Message } from "./_stream.ts";

const MIB = 1024 * 1024;
const FRAMINGS: readonly { name: string; framing: Framing }[] = [
  { name: "varint", framing: varintFraming },
  { name: "tagged", framing: taggedFraming },
  { name: "message-pack", framing: messagePackFraming },
  { name: "newline", framing: newlineFraming },
  {
    name: "newline without carriage returns",
    framing: createNewlineFraming({ stripCarriageReturn: true }),
  },
];

function messages(framing: Framing): fc.Arbitrary<Message[]> {
  const data = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.uint8Array({ minLength: 120, maxLength: 136 }),
    // Long ones are of one byte value: only their length is of interest.
    fc.tuple(
      fc.oneof(
        fc.integer({ min: 0, max: 2_000 }),
        fc.integer({ min: 16_380, max: 16_390 }),
      ),
      fc.integer({ min: 0, max: 255 }),
    ).map(([size, byte]) => new Uint8Array(size).fill(byte)),
  );
  const tag = framing === taggedFraming
    ? fc.integer({ min: 0, max: 0xffff })
    : fc.constant(0);
  const message = fc.record({ data, tag })
    .filter(({ data, tag }) => framing.refuses(data, tag) === undefined);
  return fc.array(message, { maxLength: 12 });
}

const cuts = fc.array(
  fc.oneof(
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 1, max: 20_000 }),
  ),
  { minLength: 1, maxLength: 10 },
);

for (const { name, framing } of FRAMINGS) {
  test(`${name}: any messages, cut anywhere, come out the same and in order`, () => {
    fc.assert(fc.property(messages(framing), cuts, (list, sizes) => {
      const decoder = framing.createDecoder(20_000);
      const found = new Collector();
      const stream = encodeAll(framing, list);
      assert.equal(pushInPieces(decoder, found, stream, sizes), undefined);
      assert.deepEqual(found.summary, summarize(list));
      assert.equal(decoder.buffered, 0);
    }));
  });

  test(`${name}: a truncated message never comes out, and what came of it is counted`, () => {
    fc.assert(fc.property(
      messages(framing).filter((list) => list.length > 0),
      fc.nat(),
      cuts,
      (list, at, sizes) => {
        const before = encodeAll(framing, list.slice(0, -1));
        const whole = encodeAll(framing, list);
        const kept = at % (whole.length - before.length);
        const decoder = framing.createDecoder(20_000);
        const found = new Collector();
        const stream = whole.subarray(0, before.length + kept);
        assert.equal(pushInPieces(decoder, found, stream, sizes), undefined);
        assert.equal(found.messages.length, list.length - 1);
        assert.equal(decoder.buffered, kept);
      },
    ));
  });

  test(`${name}: messages inside one chunk are views of it, and a gathered one has its own memory`, () => {
    const data = new Uint8Array(1000).fill(65);
    const frame = encode(framing, { data, tag: 0 });
    const decoder = framing.createDecoder(MIB);
    const found = new Collector();
    decoder.push(frame, found);
    decoder.push(frame.subarray(0, 500), found);
    const rest = frame.slice(500);
    decoder.push(rest, found);
    const [view, gathered] = found.messages;
    assert.ok(view !== undefined && gathered !== undefined);
    assert.equal(view.data.buffer, frame.buffer);
    assert.notEqual(gathered.data.buffer, frame.buffer);
    assert.notEqual(gathered.data.buffer, rest.buffer);

    // Nothing that comes later is written into it.
    const kept = gathered.data.slice();
    const other = encode(framing, {
      data: new Uint8Array(1000).fill(66),
      tag: 0,
    });
    pushInPieces(decoder, found, other, [7]);
    assert.deepEqual(gathered.data, kept);
    assert.equal(found.messages.length, 3);
  });

  for (const size of [8 * MIB, 16 * MIB]) {
    test(`${name}: a message of ${size / MIB} MiB comes whole in chunks of 64 KiB and with single bytes at its ends`, () => {
      const data = new Uint8Array(size);
      for (let i = 0; i < size; i++) data[i] = 32 + (i * 31 + (i >> 16)) % 90;
      const stream = encode(framing, { data, tag: 0 });
      const single = 200;
      const ends = [
        ...Array<number>(single).fill(1),
        stream.length - 2 * single,
        ...Array<number>(single).fill(1),
      ];
      for (const sizes of [[65_536], [65_535], ends]) {
        const decoder = framing.createDecoder(16 * MIB);
        const found = new Collector();
        assert.equal(pushInPieces(decoder, found, stream, sizes), undefined);
        assert.equal(found.messages.length, 1);
        const got = found.messages[0]!.data;
        assert.equal(got.length, size);
        assert.ok(got.every((byte, i) => byte === data[i]));
        assert.equal(decoder.buffered, 0);
      }
    });
  }
}

/** The sizes of all arrays that `run` makes by `new Uint8Array(size)`. */
function allocations(run: () => void): number[] {
  const sizes: number[] = [];
  const original = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args, newTarget) {
      if (typeof args[0] === "number") sizes.push(args[0]);
      return Reflect.construct(target, args, newTarget);
    },
  });
  try {
    run();
  } finally {
    globalThis.Uint8Array = original;
  }
  return sizes;
}

for (const { name, framing } of FRAMINGS) {
  test(`${name}: a claimed length allocates no more than 64 KiB, or twice what came`, () => {
    const head = new Uint8Array(framing.headSize(16 * MIB));
    framing.writeHead(head, 0, 16 * MIB, 0);
    const bytes = new Uint8Array(1000).fill(65);
    const decoder = framing.createDecoder(16 * MIB);
    const found = new Collector();
    let received = head.length;
    const alone = allocations(() => decoder.push(head, found));
    assert.ok(alone.every((size) => size <= 16));
    for (let i = 0; i < 500; i++) {
      const sizes = allocations(() => decoder.push(bytes, found));
      received += bytes.length;
      for (const size of sizes) {
        assert.ok(
          size <= Math.max(65_536, 2 * received),
          `${size} for ${received}`,
        );
      }
    }
    assert.equal(decoder.buffered, received);
    assert.equal(found.messages.length, 0);
  });
}

test("any number to 2^53 - 1 survives the varint, and none of its prefixes completes", () => {
  fc.assert(fc.property(
    fc.oneof(
      fc.maxSafeNat(),
      fc.tuple(fc.integer({ min: 0, max: 52 }), fc.integer({ min: -2, max: 2 }))
        .map(([bits, step]) => Math.max(0, 2 ** bits + step)),
      fc.constant(Number.MAX_SAFE_INTEGER),
    ),
    (value) => {
      const bytes = new Uint8Array(12);
      const end = writeVarint(bytes, 2, value);
      assert.equal(end, 2 + varintSize(value));
      assert.equal(readVarint(bytes, 2), value);
      assert.equal(readVarint(bytes, 2, end), value);
      for (let cut = 2; cut < end; cut++) {
        assert.equal(readVarint(bytes, 2, cut), VARINT_NEED_MORE);
      }
    },
  ));
});
