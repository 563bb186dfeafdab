import assert from "node:assert/strict";
import type { Framing } from "../../framing/framing.ts";
import { messagePackFraming } from "../../framing/message_pack.ts";
import { taggedFraming } from "../../framing/tagged.ts";
import { varintFraming } from "../../framing/varint.ts";
import { WebSocketDecoder } from "../../framing/web_socket_decoder.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";
import { Collector, encodeAll, summarize } from "./_stream.ts";
import { frameBytes, framesBytes, LogSink } from "./_web_socket_frames.ts";

const FRAMINGS: readonly Framing[] = [
  varintFraming,
  taggedFraming,
  messagePackFraming,
];

/** A stream as a read buffer gets it: in slabs, each filled bit by bit. */
const reads = fc.record({
  slab: fc.integer({ min: 8, max: 3_000 }),
  sizes: fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }),
});

function readInSlabs(
  stream: Uint8Array,
  { slab, sizes }: { slab: number; sizes: number[] },
  push: (chunk: Uint8Array) => void,
): void {
  let turn = 0;
  let memory = new Uint8Array(slab);
  let used = 0;
  for (let at = 0; at < stream.length;) {
    if (used === memory.length) {
      memory = new Uint8Array(slab);
      used = 0;
    }
    const size = Math.min(
      sizes[turn++ % sizes.length] ?? 1,
      slab - used,
      stream.length - at,
    );
    const chunk = memory.subarray(used, used + size);
    chunk.set(stream.subarray(at, at + size));
    push(chunk);
    used += size;
    at += size;
  }
}

const payloads = fc.array(fc.uint8Array({ maxLength: 1_500 }), {
  maxLength: 10,
});

for (const framing of FRAMINGS) {
  const { name } = framing;

  test(`${name}: reads that fill slabs bit by bit give the messages that were sent`, () => {
    fc.assert(fc.property(payloads, reads, (list, how) => {
      const sent = list.map((data) => ({ data, tag: 0 }))
        .filter(({ data }) => framing.refuses(data, 0) === undefined);
      const decoder = framing.createDecoder(1 << 20);
      const found = new Collector();
      readInSlabs(encodeAll(framing, sent), how, (chunk) => {
        assert.equal(decoder.push(chunk, found), undefined);
      });
      assert.deepEqual(found.summary, summarize(sent));
      assert.equal(decoder.buffered, 0);
    }));
  });

  test(`${name}: a message whose pieces lie in a row is a view, and one that ends elsewhere has its own memory`, () => {
    const data = Uint8Array.from({ length: 5_000 }, (_, at) => at % 251);
    const stream = encodeAll(framing, [{ data, tag: 0 }, { data, tag: 0 }]);
    const memory = new Uint8Array(8_000);
    memory.set(stream.subarray(0, 8_000));
    const decoder = framing.createDecoder(1 << 20);
    const found = new Collector();
    for (let at = 0; at < 8_000; at += 1_000) {
      decoder.push(memory.subarray(at, at + 1_000), found);
    }
    const rest = stream.slice(8_000);
    decoder.push(rest, found);
    const [joined, gathered] = found.messages;
    assert.deepEqual(joined?.data, data);
    assert.equal(joined?.data.buffer, memory.buffer);
    assert.deepEqual(gathered?.data, data);
    assert.notEqual(gathered?.data.buffer, memory.buffer);
    assert.notEqual(gathered?.data.buffer, rest.buffer);
  });
}

test("pieces that lie in the same memory but not in a row are put together as they came", () => {
  const data = Uint8Array.from({ length: 100 }, (_, at) => at);
  const stream = encodeAll(varintFraming, [{ data, tag: 0 }]);
  const memory = new Uint8Array(300);
  memory.set(stream.subarray(0, 40), 0);
  memory.set(stream.subarray(40, 70), 200);
  memory.set(stream.subarray(70), 40);
  const decoder = varintFraming.createDecoder(1 << 20);
  const found = new Collector();
  decoder.push(memory.subarray(0, 40), found);
  decoder.push(memory.subarray(200, 230), found);
  decoder.push(memory.subarray(40, 40 + stream.length - 70), found);
  assert.deepEqual(found.messages.map((message) => message.data), [data]);
});

test("a large memory is not held for a few bytes at its end", () => {
  const data = new Uint8Array(100).fill(7);
  const stream = encodeAll(varintFraming, [{ data, tag: 0 }]);
  const memory = new Uint8Array(100_000);
  memory.set(stream.subarray(0, 50), memory.length - 50);
  const decoder = varintFraming.createDecoder(1 << 20);
  const found = new Collector();
  decoder.push(memory.subarray(memory.length - 50), found);
  // Nothing of it is needed any more.
  memory.fill(0);
  decoder.push(stream.slice(50), found);
  assert.deepEqual(found.messages.map((message) => message.data), [data]);
});

for (const isServer of [true, false]) {
  const side = isServer ? "client" : "server";

  test(`WebSocket frames of a ${side}: reads that fill slabs bit by bit give the messages that were sent`, () => {
    fc.assert(fc.property(
      fc.array(
        fc.record({
          data: fc.uint8Array({ maxLength: 1_500 }),
          cut: fc.nat({ max: 1_500 }),
          ping: fc.boolean(),
        }),
        { maxLength: 8 },
      ),
      reads,
      (list, how) => {
        const stream = framesBytes(
          list.flatMap(({ data, cut, ping }) => [
            ...(cut < data.length
              ? [
                { opcode: 2, data: data.slice(0, cut), fin: false },
                ...(ping ? [{ opcode: 9, data: data.slice(0, 9) }] : []),
                { opcode: 0, data: data.slice(cut) },
              ]
              : [{ opcode: 2, data }]),
          ]),
          isServer,
        );
        const decoder = new WebSocketDecoder({
          isServer,
          maxMessageSize: 1 << 20,
        });
        const seen: Uint8Array[] = [];
        const sink = new LogSink();
        sink.message = (data) => seen.push(data) > 0;
        readInSlabs(stream, how, (chunk) => {
          assert.equal(decoder.push(chunk, sink), undefined);
        });
        assert.deepEqual(seen, list.map(({ data }) => data));
        assert.equal(decoder.buffered, 0);
      },
    ));
  });

  test(`WebSocket frames of a ${side}: a frame whose pieces lie in a row is a view of them`, () => {
    const data = Uint8Array.from({ length: 70_000 }, (_, at) => at % 251);
    const frame = frameBytes({ opcode: 2, data }, isServer);
    const memory = new Uint8Array(frame.length + 1);
    memory.set(frame);
    const decoder = new WebSocketDecoder({ isServer, maxMessageSize: 1 << 20 });
    const seen: Uint8Array[] = [];
    const sink = new LogSink();
    sink.message = (data) => seen.push(data) > 0;
    for (let at = 0; at < frame.length; at += 9_001) {
      const end = Math.min(at + 9_001, frame.length);
      decoder.push(memory.subarray(at, end), sink);
    }
    assert.deepEqual(seen, [data]);
    assert.equal(seen[0]?.buffer, memory.buffer);
  });
}
