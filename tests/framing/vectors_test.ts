import assert from "node:assert/strict";
import { messagePackFraming } from "../../framing/message_pack.ts";
import { taggedFraming } from "../../framing/tagged.ts";
import {
  readVarint,
  VARINT_MALFORMED,
  VARINT_NEED_MORE,
  varintFraming,
  varintSize,
  writeVarint,
} from "../../framing/varint.ts";
import { test } from "../_test.ts";
import connect from "../vectors/connect.json" with { type: "json" };
import messagePack from "../vectors/protosocket_message_pack.json" with {
  type: "json",
};
import prost from "../vectors/protosocket_prost.json" with { type: "json" };
import lengths from "../vectors/varint_lengths.json" with { type: "json" };
import {
  Collector,
  concat,
  encode,
  fromHex,
  pushInPieces,
  summarize,
  toHex,
} from "./_stream.ts";

const LIMIT = 1024;

const suites = [
  { name: "protosocket prost", framing: varintFraming, vectors: prost },
  {
    name: "protosocket MessagePack",
    framing: messagePackFraming,
    vectors: messagePack,
  },
  { name: "connect", framing: taggedFraming, vectors: connect },
];

for (const { name, framing, vectors } of suites) {
  const rows = vectors.frames.map((row) => ({
    name: row.name,
    frame: fromHex(row.frame),
    message: { data: fromHex(row.payload), tag: row.tag },
  }));
  const all = summarize(rows.map((row) => row.message));

  test(`${name}: every golden frame is written to the byte`, () => {
    assert.ok(rows.length > 0);
    for (const row of rows) {
      assert.equal(
        toHex(encode(framing, row.message)),
        toHex(row.frame),
        row.name,
      );
    }
  });

  test(`${name}: every golden frame is read, split at every byte`, () => {
    for (const row of rows) {
      for (let cut = 0; cut <= row.frame.length; cut++) {
        const decoder = framing.createDecoder(LIMIT);
        const found = new Collector();
        const first = row.frame.slice(0, cut);
        assert.equal(decoder.push(first, found), undefined);
        const isWhole = cut === row.frame.length;
        assert.equal(found.messages.length, isWhole ? 1 : 0);
        assert.equal(decoder.buffered, isWhole ? 0 : cut);
        assert.equal(decoder.push(row.frame.slice(cut), found), undefined);
        assert.deepEqual(found.summary, summarize([row.message]), row.name);
        assert.equal(decoder.buffered, 0);
      }
    }
  });

  test(`${name}: all golden frames are read from one chunk and byte by byte`, () => {
    const stream = concat(rows.map((row) => row.frame));
    for (const size of [stream.length, 1, 2, 3, 7]) {
      const decoder = framing.createDecoder(LIMIT);
      const found = new Collector();
      assert.equal(pushInPieces(decoder, found, stream, [size]), undefined);
      assert.deepEqual(found.summary, all);
      assert.equal(decoder.buffered, 0);
    }
  });
}

for (const { value, hex } of lengths.lengths) {
  const bytes = fromHex(hex);
  const number = Number(value);

  if (number <= Number.MAX_SAFE_INTEGER) {
    test(`the varint of ${value} is ${hex}, and asks for more at every cut`, () => {
      const target = new Uint8Array(varintSize(number));
      assert.equal(writeVarint(target, 0, number), target.length);
      assert.equal(toHex(target), toHex(bytes));
      assert.equal(readVarint(bytes, 0), number);
      for (let end = 0; end < bytes.length; end++) {
        assert.equal(readVarint(bytes, 0, end), VARINT_NEED_MORE);
      }
      const head = new Uint8Array(varintFraming.headSize(number));
      varintFraming.writeHead(head, 0, number, 0);
      assert.equal(toHex(head), toHex(bytes));
    });
  } else {
    test(`the varint of ${value} is refused, as it passes 2^53 - 1`, () => {
      assert.equal(readVarint(bytes, 0), VARINT_MALFORMED);
    });
  }
}
