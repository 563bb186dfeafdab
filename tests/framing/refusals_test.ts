import assert from "node:assert/strict";
import { messagePackFraming } from "../../framing/message_pack.ts";
import { createNewlineFraming, newlineFraming } from "../../framing/newline.ts";
import { taggedFraming } from "../../framing/tagged.ts";
import { varintFraming } from "../../framing/varint.ts";
import { test } from "../_test.ts";
import { Collector, pushInPieces } from "./_stream.ts";

const stripping = createNewlineFraming({ stripCarriageReturn: true });
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

test("each framing refuses what it could not carry, and nothing else", () => {
  const rows = [
    { framing: varintFraming, payload: "", tag: 0, refused: false },
    { framing: varintFraming, payload: "a\n", tag: 0, refused: false },
    { framing: varintFraming, payload: "a", tag: 1, refused: true },
    { framing: messagePackFraming, payload: "", tag: 0, refused: false },
    { framing: messagePackFraming, payload: "a", tag: 1, refused: true },
    { framing: taggedFraming, payload: "", tag: 0, refused: true },
    { framing: taggedFraming, payload: "a", tag: 0, refused: false },
    { framing: taggedFraming, payload: "a", tag: 65_535, refused: false },
    { framing: taggedFraming, payload: "a", tag: 65_536, refused: true },
    { framing: taggedFraming, payload: "a", tag: -1, refused: true },
    { framing: taggedFraming, payload: "a", tag: 0.5, refused: true },
    { framing: taggedFraming, payload: "a", tag: NaN, refused: true },
    { framing: newlineFraming, payload: "", tag: 0, refused: false },
    { framing: newlineFraming, payload: "a\r", tag: 0, refused: false },
    { framing: newlineFraming, payload: "a\nb", tag: 0, refused: true },
    { framing: newlineFraming, payload: "a", tag: 1, refused: true },
    { framing: stripping, payload: "a\rb", tag: 0, refused: false },
    { framing: stripping, payload: "a\r", tag: 0, refused: true },
  ];
  for (const { framing, payload, tag, refused } of rows) {
    const reason = framing.refuses(text(payload), tag);
    assert.equal(
      typeof reason,
      refused ? "string" : "undefined",
      `${framing.name} ${JSON.stringify(payload)} ${tag}`,
    );
  }
});

test("the largest payload of the tagged framing is 100,000,000 bytes", () => {
  assert.equal(taggedFraming.maxPayloadSize, 100_000_000);
  const largest = new Uint8Array(100_000_000);
  assert.equal(taggedFraming.refuses(largest, 0), undefined);
  assert.equal(
    typeof taggedFraming.refuses(new Uint8Array(100_000_001), 0),
    "string",
  );
});

test("lines keep or lose their carriage return as asked, cut anywhere", () => {
  const stream = text("one\r\n\r\n\ntw\ro\r\r\nthree\n");
  const kept = ["one\r", "\r", "", "tw\ro\r\r", "three"];
  const stripped = ["one", "", "", "tw\ro\r", "three"];
  const rows = [
    { framing: newlineFraming, lines: kept },
    { framing: stripping, lines: stripped },
  ];
  for (const { framing, lines } of rows) {
    for (let piece = 1; piece <= stream.length; piece++) {
      const decoder = framing.createDecoder(100);
      const found = new Collector();
      assert.equal(pushInPieces(decoder, found, stream, [piece]), undefined);
      const decode = new TextDecoder();
      assert.deepEqual(
        found.messages.map(({ data }) => decode.decode(data)),
        lines,
      );
      assert.equal(decoder.buffered, 0);
    }
  }
});

test("a carriage return that is taken off does not count against the limit, any other does", () => {
  const rows = [
    { line: "abc\r\n", fault: undefined },
    { line: "abcd\n", fault: "message-too-big" },
    { line: "abc\r\r\n", fault: "message-too-big" },
    { line: "abc\rd\n", fault: "message-too-big" },
  ];
  for (const { line, fault } of rows) {
    const stream = text(line);
    for (let piece = 1; piece <= stream.length; piece++) {
      const decoder = stripping.createDecoder(3);
      const found = new Collector();
      const got = pushInPieces(decoder, found, stream, [piece]);
      assert.equal(got?.code, fault, `${JSON.stringify(line)} by ${piece}`);
      assert.ok(decoder.buffered === 0);
    }
  }
});
