import assert from "node:assert/strict";
import {
  closePayload,
  isCloseCode,
  MAX_CLOSE_REASON,
  RandomMaskKeys,
  webSocketHeadSize,
  WebSocketOpcode,
  writeMaskedFrame,
  writeMaskedHead,
  writeMaskedPart,
  writeWebSocketHead,
} from "../../framing/web_socket_frame.ts";
import { HEAD_EXAMPLES } from "../vectors/rfc6455.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";
import {
  bytesOf,
  cut,
  decoded,
  frameBytes,
  hexOf,
  joined,
  LogSink,
  utf8,
} from "./_web_socket_frames.ts";

const { text, binary, continuation, ping, close } = WebSocketOpcode;

test("heads are those of the RFC's examples", () => {
  for (const { size, hex } of HEAD_EXAMPLES) {
    const head = new Uint8Array(webSocketHeadSize(size, false));
    writeWebSocketHead(head, 0, binary, size);
    assert.equal(hexOf(head), hex);
  }
});

test("a client's frame is that of the RFC's example", () => {
  const frame = new Uint8Array(13);
  const size = writeMaskedFrame(frame, 1, text, utf8("Hello"), 0x37fa213d);
  assert.equal(size, 11);
  assert.equal(hexOf(frame), "00 81 85 37 fa 21 3d 7f 9f 4d 51 58 00");
});

test("heads of every size equal those built by hand", () => {
  for (
    const size of [
      0,
      1,
      125,
      126,
      127,
      255,
      256,
      65_535,
      65_536,
      2 ** 31,
      2 ** 32 + 5,
      2 ** 53 - 1,
    ]
  ) {
    for (const isFinal of [true, false]) {
      const head = new Uint8Array(webSocketHeadSize(size, false));
      writeWebSocketHead(head, 0, binary, size, isFinal);
      const expected = frameBytes(
        { opcode: 2, claim: BigInt(size), fin: isFinal },
        false,
      );
      assert.equal(hexOf(head), hexOf(expected), `${size}`);
      assert.equal(webSocketHeadSize(size, true), head.length + 4);
    }
  }
});

test("any payload survives any mask at any alignment, and is itself left alone", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 700 }),
      fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }),
      fc.nat(9),
      fc.array(fc.nat(700), { maxLength: 5 }),
      (payload, key, offset, cuts) => {
        const before = payload.slice();
        const size = webSocketHeadSize(payload.length, true) + payload.length;
        const target = new Uint8Array(offset + size + 3).fill(0xee);
        assert.equal(
          writeMaskedFrame(target, offset, binary, payload, key),
          size,
        );
        assert.deepEqual(payload, before);
        assert.deepEqual(
          target.subarray(0, offset),
          new Uint8Array(offset).fill(0xee),
        );
        assert.deepEqual(
          target.subarray(offset + size),
          new Uint8Array(3).fill(0xee),
        );
        // In place, at the odd offset, and in pieces.
        const shown = new LogSink();
        shown.message(before, false);
        const frame = target.slice(offset, offset + size);
        assert.deepEqual(
          decoded([target.subarray(offset, offset + size)], { isServer: true }),
          shown.log,
        );
        assert.deepEqual(
          decoded(cut(frame, cuts), { isServer: true }),
          shown.log,
        );
      },
    ),
    { numRuns: 500 },
  );
});

test("a client's frame written in parts is the one written at once", () => {
  fc.assert(fc.property(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }),
    fc.array(fc.nat(300), { maxLength: 6 }),
    (payload, key, cuts) => {
      const size = payload.length;
      const whole = new Uint8Array(webSocketHeadSize(size, true) + size);
      writeMaskedFrame(whole, 0, binary, payload, key);
      const parts = new Uint8Array(whole.length);
      const at = writeMaskedHead(parts, 0, binary, size, key);
      const ends = [...cuts.filter((cut) => cut < size), size];
      let start = 0;
      for (const end of ends.sort((a, b) => a - b)) {
        writeMaskedPart(parts, at + start, payload, start, end, key);
        start = end;
      }
      assert.deepEqual(parts, whole);
    },
  ));
});

test("masking follows the RFC's formula byte by byte", () => {
  const payload = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
  const frame = new Uint8Array(1008);
  writeMaskedFrame(frame, 0, binary, payload, 0x01020408);
  const key = [1, 2, 4, 8];
  assert.deepEqual(
    frame.subarray(8),
    payload.map((byte, i) => byte ^ (key[i & 3] ?? 0)),
  );
});

test("fragments that the encoder writes are one message", () => {
  const part = (
    opcode: typeof text | typeof continuation,
    data: string,
    isFinal: boolean,
  ) => {
    const frame = new Uint8Array(6 + data.length);
    writeMaskedFrame(frame, 0, opcode, utf8(data), 0xdeadbeef, isFinal);
    return frame;
  };
  const stream = joined([
    part(text, "one ", false),
    part(continuation, "two ", false),
    part(continuation, "three", true),
  ]);
  assert.deepEqual(decoded([stream], { isServer: true }), [
    'text "one two three"',
  ]);
});

test("mask keys come from the random source in order, each once", () => {
  let calls = 0;
  const keys = new RandomMaskKeys((block) => {
    calls += 1;
    block.forEach((_, i) => block[i] = calls * 10_000 + i);
  });
  const drawn = Array.from({ length: 1000 }, () => keys.next());
  assert.equal(new Set(drawn).size, 1000);
  assert.ok(calls < 10);
  assert.equal(drawn[0], 10_000);
});

test("mask keys of the system differ", () => {
  const keys = new RandomMaskKeys();
  assert.ok(new Set(Array.from({ length: 100 }, () => keys.next())).size > 95);
});

test("close payloads hold code and reason, cut between characters at 123 bytes", () => {
  assert.equal(hexOf(closePayload(1000, "ok")), "03 e8 6f 6b");
  assert.equal(closePayload(1005, "unheard").length, 0);
  for (
    const [reason, size] of [["x".repeat(200), 123], ["é".repeat(100), 122], [
      "🦊".repeat(40),
      120,
    ]] as const
  ) {
    const payload = closePayload(4000, reason);
    assert.equal(payload.length, 2 + size);
    assert.ok(size <= MAX_CLOSE_REASON);
    const kept = new TextDecoder("utf-8", { fatal: true }).decode(
      payload.subarray(2),
    );
    assert.ok(reason.startsWith(kept));
  }
  const lone = closePayload(1000, "\ud800");
  assert.equal(hexOf(lone), "03 e8 ef bf bd");
});

test("close codes are those that the RFC and its registry let a peer send", () => {
  const allowed = [
    1000,
    1001,
    1002,
    1003,
    1007,
    1008,
    1009,
    1010,
    1011,
    1012,
    1013,
    1014,
    3000,
    4999,
  ];
  for (const code of allowed) assert.ok(isCloseCode(code), `${code}`);
  for (
    const code of [-1, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, NaN]
  ) {
    assert.ok(!isCloseCode(code), `${code}`);
  }
});

test("control frames of the encoder are read as such", () => {
  const payload = closePayload(1001, "bye");
  const frame = new Uint8Array(6 + payload.length + 6);
  const at = writeMaskedFrame(frame, 0, ping, new Uint8Array(0), 1);
  writeMaskedFrame(frame, at, close, payload, 2);
  assert.deepEqual(decoded([frame], { isServer: true }), [
    'ping ""',
    'close 1001 "bye"',
  ]);
  assert.deepEqual(decoded([bytesOf("88 00")], { isServer: false }), [
    'close 1005 ""',
  ]);
});
