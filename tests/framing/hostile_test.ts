import assert from "node:assert/strict";
import type { Framing } from "../../framing/framing.ts";
import { messagePackFraming } from "../../framing/message_pack.ts";
import { createNewlineFraming, newlineFraming } from "../../framing/newline.ts";
import { taggedFraming } from "../../framing/tagged.ts";
import { varintFraming } from "../../framing/varint.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";
import { Collector, encode, fromHex, pushInPieces } from "./_stream.ts";

const MIB = 1024 * 1024;
const UNLIMITED = Infinity;
const ALL = [
  { name: "varint", framing: varintFraming },
  { name: "tagged", framing: taggedFraming },
  { name: "message-pack", framing: messagePackFraming },
  { name: "newline", framing: newlineFraming },
  {
    name: "newline without carriage returns",
    framing: createNewlineFraming({ stripCarriageReturn: true }),
  },
];

interface Row {
  readonly name: string;
  readonly framing: Framing;
  readonly hex: string;
  readonly limit: number;
  readonly code: "protocol" | "message-too-big";
  /** The bytes after which the fault is known. */
  readonly after: number;
}

function row(
  name: string,
  framing: Framing,
  hex: string,
  limit: number,
  code: Row["code"],
  after: number,
): Row {
  return { name, framing, hex, limit, code, after };
}

const TOO_BIG = "message-too-big";
const rows: Row[] = [
  row("81 00", varintFraming, "81 00", MIB, "protocol", 2),
  row("82 00", varintFraming, "82 00", MIB, "protocol", 2),
  row("80 80 00", varintFraming, "80 80 00", MIB, "protocol", 3),
  row("ten continuations", varintFraming, "80".repeat(10), MIB, TOO_BIG, 3),
  row("eleven continuations", varintFraming, "ff".repeat(11), MIB, TOO_BIG, 3),
  row(
    "ten continuations without a limit",
    varintFraming,
    "80".repeat(10),
    UNLIMITED,
    "protocol",
    8,
  ),
  row(
    "eleven continuations without a limit",
    varintFraming,
    "ff".repeat(11),
    UNLIMITED,
    "protocol",
    8,
  ),
  row("2^64-1", varintFraming, "ff".repeat(9) + "01", MIB, TOO_BIG, 3),
  row(
    "2^64-1 without a limit",
    varintFraming,
    "ff".repeat(9) + "01",
    UNLIMITED,
    "protocol",
    8,
  ),
  row(
    "2^53 without a limit",
    varintFraming,
    "80".repeat(7) + "10",
    UNLIMITED,
    "protocol",
    8,
  ),
  row("limit + 1 in one byte", varintFraming, "65", 100, TOO_BIG, 1),
  row("128 above a limit of 127", varintFraming, "80 01", 127, TOO_BIG, 1),
  row("limit + 1 in two bytes", varintFraming, "ad 02", 300, TOO_BIG, 2),
  row("limit + 1 in three", varintFraming, "81 80 40", MIB, TOO_BIG, 3),
  ...[0, 1, 2, 3, 4].map((size) =>
    row(
      `size ${size}`,
      taggedFraming,
      `000000 0${size} 0001 0000`,
      MIB,
      "protocol",
      4,
    )
  ),
  row("size 2^32-1", taggedFraming, "ffffffff 0001 0000", MIB, TOO_BIG, 4),
  row(
    "a payload of 100,000,001 bytes without a limit",
    taggedFraming,
    "05f5e105 0001 0000",
    UNLIMITED,
    TOO_BIG,
    4,
  ),
  row("limit + 1", taggedFraming, "00000069 0001 0000", 100, TOO_BIG, 4),
  row("version 0", taggedFraming, "00000005 0000 0000", MIB, "protocol", 6),
  row("version 2", taggedFraming, "00000005 0002 0000", MIB, "protocol", 6),
  row("marker CC", messagePackFraming, "cc05", MIB, "protocol", 1),
  row("marker CD", messagePackFraming, "cd0005", MIB, "protocol", 1),
  row(
    "marker CF",
    messagePackFraming,
    "cf" + "00".repeat(8),
    MIB,
    "protocol",
    1,
  ),
  row("a fixint", messagePackFraming, "05", MIB, "protocol", 1),
  row("length 2^32-1", messagePackFraming, "ceffffffff", MIB, TOO_BIG, 5),
  row("length 2^32-5", messagePackFraming, "cefffffffb", UNLIMITED, TOO_BIG, 5),
  row("limit + 1", messagePackFraming, "ce00000065", 100, TOO_BIG, 5),
  row(
    "limit + 1 without end",
    newlineFraming,
    "61".repeat(101),
    100,
    TOO_BIG,
    101,
  ),
  row("limit + 1", newlineFraming, "61".repeat(101) + "0a", 100, TOO_BIG, 101),
];

for (const { name, framing, hex, limit, code, after } of rows) {
  test(`${framing.name}: ${name} is a ${code} fault, whole or cut anywhere`, () => {
    const bytes = fromHex(hex);
    const sound = encode(framing, { data: Uint8Array.of(65), tag: 0 });
    for (let cut = 0; cut <= bytes.length; cut++) {
      const decoder = framing.createDecoder(limit);
      const found = new Collector();
      assert.equal(decoder.push(sound, found), undefined);
      const first = decoder.push(bytes.slice(0, cut), found);
      assert.equal(first?.code, cut >= after ? code : undefined, `cut ${cut}`);
      const fault = first ?? decoder.push(bytes.slice(cut), found);
      assert.equal(fault?.code, code);
      assert.match(fault?.message ?? "", /^[A-Z].*[^.]$/);
      assert.equal(decoder.buffered, 0);
      assert.equal(decoder.push(sound, found), undefined);
      assert.equal(found.messages.length, 1, "a spent decoder is silent");
    }
  });
}

for (const { name, framing } of ALL) {
  test(`${name}: a message of exactly the limit passes, one byte more does not`, () => {
    for (const limit of [1, 127, 128, 300, 70_000]) {
      for (const piece of [limit + 16, 64, 1000]) {
        for (const over of [0, 1]) {
          const decoder = framing.createDecoder(limit);
          const found = new Collector();
          const data = new Uint8Array(limit + over).fill(65);
          const fault = pushInPieces(
            decoder,
            found,
            encode(framing, { data, tag: 0 }),
            [piece],
          );
          assert.equal(fault?.code, over === 0 ? undefined : TOO_BIG);
          assert.equal(found.messages.length, 1 - over);
          assert.equal(decoder.buffered, 0);
        }
      }
    }
  });

  test(`${name}: a sink that says stop gets nothing more`, () => {
    const one = encode(framing, { data: Uint8Array.of(65), tag: 0 });
    const three = new Uint8Array([...one, ...one, ...one]);
    for (const piece of [three.length, 1]) {
      const decoder = framing.createDecoder(100);
      const found = new Collector(2);
      assert.equal(pushInPieces(decoder, found, three, [piece]), undefined);
      assert.equal(decoder.push(three, found), undefined);
      assert.equal(found.messages.length, 2);
      assert.equal(decoder.buffered, 0);
    }
  });

  test(`${name}: a sink that throws or pushes again leaves no decoder out of step`, () => {
    const one = encode(framing, { data: Uint8Array.of(65), tag: 0 });
    const two = new Uint8Array([...one, ...one]);
    const thrower = framing.createDecoder(100);
    const message = (): boolean => {
      throw new Error("from the sink");
    };
    assert.throws(() => thrower.push(two, { message }), /from the sink/);
    const found = new Collector();
    assert.equal(thrower.push(two, found), undefined);
    assert.equal(found.messages.length, 0);

    const decoder = framing.createDecoder(100);
    let count = 0;
    const again = {
      message(): boolean {
        count++;
        assert.equal(decoder.push(one, again), undefined);
        return true;
      },
    };
    assert.equal(decoder.push(two, again), undefined);
    assert.equal(count, 2);
    assert.equal(decoder.buffered, 0);
  });

  test(`${name}: random bytes never throw, never pass the limit and are never held above it`, () => {
    fc.assert(fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 200 }),
      (bytes, cuts, limit) => {
        const run = (sizes: number[]): unknown => {
          const decoder = framing.createDecoder(limit);
          const found = new Collector();
          const fault = pushInPieces(decoder, found, bytes, sizes);
          for (const { data } of found.messages) {
            assert.ok(data.length <= limit);
          }
          assert.ok(decoder.buffered <= limit + 8);
          return [fault?.code, found.summary, decoder.buffered];
        };
        assert.deepEqual(run(cuts), run([400]));
      },
    ));
  });
}
