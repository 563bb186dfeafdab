import assert from "node:assert/strict";
import { WebSocketDecoder } from "../../framing/web_socket_decoder.ts";
import { FRAME_EXAMPLES } from "../vectors/rfc6455.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";
import { DECODER_CASES } from "./_web_socket_cases.ts";
import {
  bytesOf,
  cut,
  cuttings,
  decoded,
  frameBytes,
  framesBytes,
  LogSink,
} from "./_web_socket_frames.ts";
import type { FrameSpec } from "./_web_socket_frames.ts";

for (const example of FRAME_EXAMPLES) {
  test(`the decoder reads the RFC's example: ${example.name}`, () => {
    for (const [how, chunks] of cuttings(bytesOf(example.hex))) {
      assert.deepEqual(decoded(chunks, example), example.log, how);
    }
  });
}

for (const isServer of [true, false]) {
  const side = isServer ? "server" : "client";
  const groups = new Map<string, typeof DECODER_CASES[number][]>();
  for (const one of DECODER_CASES) {
    const group = /^\d+/.exec(one.name)?.[0] ?? "lengths";
    groups.set(group, [...groups.get(group) ?? [], one]);
  }
  for (const [group, cases] of groups) {
    test(`a ${side} decides the cases of group ${group} however they are cut`, () => {
      for (const one of cases) {
        const bytes = framesBytes(one.frames, isServer);
        for (const [how, chunks] of cuttings(bytes)) {
          assert.deepEqual(
            decoded(chunks, { isServer }),
            one.log,
            `${one.name}, ${how}`,
          );
        }
      }
    });
  }

  test(`a ${side} refuses frames masked the wrong way`, () => {
    for (const opcode of [1, 2, 8, 9, 10]) {
      const bytes = frameBytes(
        { opcode, data: opcode === 8 ? "" : "x", masked: !isServer },
        isServer,
      );
      for (const [how, chunks] of cuttings(bytes)) {
        assert.deepEqual(
          decoded(chunks, { isServer }),
          ["fault protocol 1002"],
          how,
        );
      }
    }
  });

  test(`a ${side} takes a message of the limit and refuses one byte more at its head`, () => {
    const options = { isServer, maxMessageSize: 300 };
    const good = frameBytes({ opcode: 2, data: new Uint8Array(300) }, isServer);
    assert.equal(decoded([good], options).length, 1);
    // The head alone is enough to refuse it.
    const bad = frameBytes({ opcode: 2, claim: 301 }, isServer);
    assert.deepEqual(decoded([bad], options), ["fault message-too-big 1009"]);
  });

  test(`a ${side} counts all fragments against the limit`, () => {
    const options = { isServer, maxMessageSize: 10 };
    const frames: FrameSpec[] = [
      { opcode: 2, data: "123456", fin: false },
      { opcode: 9, data: "a ping does not count" },
      { opcode: 0, claim: 5 },
    ];
    for (const [how, chunks] of cuttings(framesBytes(frames, isServer))) {
      assert.deepEqual(decoded(chunks, options), [
        'ping "a ping does not count"',
        "fault message-too-big 1009",
      ], how);
    }
  });

  test(`a ${side} limits the number of fragments, empty ones too`, () => {
    const fragments = (count: number): Uint8Array =>
      framesBytes(
        Array.from({ length: count }, (_, i) => ({
          opcode: i === 0 ? 2 : 0,
          fin: i === count - 1,
        })),
        isServer,
      );
    const options = { isServer, maxFragments: 5 };
    assert.deepEqual(decoded([fragments(5)], options), ['binary ""']);
    assert.deepEqual(decoded([fragments(6)], options), [
      "fault message-too-big 1009",
    ]);
  });

  test(`a ${side} finds any messages, in any fragments, with any cuts`, () => {
    const message = fc.record({
      isText: fc.boolean(),
      text: fc.string({ unit: "binary", maxLength: 60 }),
      bytes: fc.uint8Array({ maxLength: 400 }),
      breaks: fc.array(fc.nat(400), { maxLength: 4 }),
      pings: fc.array(fc.nat(4), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 6 }),
        fc.array(fc.nat(3000), { maxLength: 12 }),
        (messages, cuts) => {
          const frames: FrameSpec[] = [];
          const log: string[] = [];
          const shown = new LogSink();
          for (const { isText, text, bytes, breaks, pings } of messages) {
            const data = isText ? new TextEncoder().encode(text) : bytes;
            const pieces = cut(data, breaks);
            pieces.forEach((piece, i) => {
              for (const _ of pings.filter((at) => at === i)) {
                frames.push({ opcode: 9, data: `${i}` });
                log.push(`ping "${i}"`);
              }
              frames.push({
                opcode: i > 0 ? 0 : isText ? 1 : 2,
                data: piece,
                fin: i === pieces.length - 1,
              });
            });
            shown.log.length = 0;
            shown.message(data, isText);
            log.push(...shown.log);
          }
          const stream = framesBytes(frames, isServer);
          assert.deepEqual(decoded(cut(stream, cuts), { isServer }), log);
        },
      ),
      { numRuns: 300 },
    );
  });

  test(`a ${side} never completes a truncated stream and never throws on garbage`, () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(fc.nat(200), { maxLength: 6 }),
        (garbage, cuts) => {
          const whole = decoded([garbage.slice()], { isServer });
          assert.deepEqual(decoded(cut(garbage, cuts), { isServer }), whole);
        },
      ),
      { numRuns: 500 },
    );
    const bytes = frameBytes({ opcode: 2, data: "0123456789" }, isServer);
    for (let length = 0; length < bytes.length; length++) {
      assert.deepEqual(decoded([bytes.slice(0, length)], { isServer }), []);
    }
  });
}

test("a claimed length allocates in proportion to what came, not to the claim", () => {
  const decoder = new WebSocketDecoder({
    isServer: false,
    maxMessageSize: 2 ** 53,
  });
  const head = frameBytes({ opcode: 2, claim: 2n ** 50n }, false);
  assert.equal(decoder.push(head, new LogSink()), undefined);
  assert.equal(decoder.push(new Uint8Array(1000), new LogSink()), undefined);
  assert.equal(decoder.buffered, 1000);
});

test("a frame within one chunk is a view into it; a message in pieces has a buffer of its own size", () => {
  const seen: Uint8Array[] = [];
  const sink = new LogSink();
  sink.message = (data) => seen.push(data) > 0;
  const decoder = new WebSocketDecoder({ isServer: true, maxMessageSize: 1e6 });
  const chunk = frameBytes({ opcode: 2, data: "whole" }, true);
  decoder.push(chunk, sink);
  assert.equal(seen[0]?.buffer, chunk.buffer);
  const pieces = cut(
    frameBytes({ opcode: 2, data: new Uint8Array(50_000) }, true),
    [9_000, 18_000, 45_000],
  );
  for (const piece of pieces) decoder.push(piece, sink);
  assert.equal(seen[1]?.length, 50_000);
  assert.equal(seen[1]?.buffer.byteLength, 50_000);
});

test("nothing follows when the sink wants no more, not even out of the same chunk", () => {
  const sink = new LogSink();
  const take = sink.message.bind(sink);
  sink.message = (data, isText) => take(data, isText) && false;
  const decoder = new WebSocketDecoder({ isServer: false, maxMessageSize: 99 });
  const frames: FrameSpec[] = [{ opcode: 1, data: "a" }, {
    opcode: 1,
    data: "b",
  }, { opcode: 9 }];
  assert.equal(decoder.push(framesBytes(frames, false), sink), undefined);
  assert.equal(decoder.push(framesBytes(frames, false), sink), undefined);
  assert.deepEqual(sink.log, ['text "a"']);
  assert.equal(decoder.buffered, 0);
});

test("a decoder tells whether it holds a part of a message", () => {
  const decoder = new WebSocketDecoder({ isServer: false, maxMessageSize: 99 });
  const sink = new LogSink();
  assert.equal(decoder.buffered, 0);
  decoder.push(bytesOf("01"), sink);
  assert.equal(decoder.buffered, 1);
  decoder.push(bytesOf("02 61 62"), sink);
  assert.equal(decoder.buffered, 2);
  decoder.push(bytesOf("80 01 63"), sink);
  assert.equal(decoder.buffered, 0);
  assert.deepEqual(sink.log, ['text "abc"']);
});
