// The eleven encoding tests of message-io, so that both libraries keep one behaviour.
import assert from "node:assert/strict";
import type { FrameDecoder } from "../../framing/framing.ts";
import { varintFraming } from "../../framing/varint.ts";
import { test } from "../_test.ts";
import { Collector, encode, toHex } from "./_stream.ts";

const SMALL = new Uint8Array(20).fill(42);
const LARGE = new Uint8Array(1000).fill(42);

function frame(data: Uint8Array): Uint8Array {
  return encode(varintFraming, { data, tag: 0 });
}

function frames(data: Uint8Array, count: number): Uint8Array {
  const one = frame(data);
  const all = new Uint8Array(one.length * count);
  for (let i = 0; i < count; i++) all.set(one, i * one.length);
  return all;
}

interface Step {
  /** How many bytes the next chunk has. */
  readonly take: number;
  /** How many messages have come after it. */
  readonly messages: number;
  /** How many bytes the decoder then holds. */
  readonly buffered: number;
}

function follow(
  decoder: FrameDecoder,
  stream: Uint8Array,
  data: Uint8Array,
  steps: readonly Step[],
): void {
  const found = new Collector();
  let at = 0;
  for (const step of steps) {
    const chunk = stream.slice(at, at + step.take);
    at += step.take;
    assert.equal(decoder.push(chunk, found), undefined);
    assert.equal(found.messages.length, step.messages);
    assert.equal(decoder.buffered, step.buffered);
  }
  assert.equal(at, stream.length);
  for (const message of found.messages) {
    assert.equal(toHex(message.data), toHex(data));
  }
}

test("a message of 20 bytes has a head of one byte", () => {
  assert.equal(toHex(frame(SMALL)), "14" + toHex(SMALL));
});

test("a message of 1000 bytes has a head of two bytes", () => {
  assert.equal(toHex(frame(LARGE)), "e807" + toHex(LARGE));
});

const rows: { name: string; data: Uint8Array; count: number; steps: Step[] }[] =
  [
    {
      // [ head | data ]
      name: "one message in one chunk",
      data: SMALL,
      count: 1,
      steps: [{ take: 21, messages: 1, buffered: 0 }],
    },
    {
      // [ head ]
      name: "an empty message is one call",
      data: new Uint8Array(0),
      count: 1,
      steps: [{ take: 1, messages: 1, buffered: 0 }],
    },
    {
      // [ head | 1 byte ]
      name: "a message of one byte",
      data: Uint8Array.of(0xff),
      count: 1,
      steps: [{ take: 2, messages: 1, buffered: 0 }],
    },
    {
      // [ head | data | head | data | head | data ]
      name: "three messages in one chunk",
      data: SMALL,
      count: 3,
      steps: [{ take: 63, messages: 3, buffered: 0 }],
    },
    {
      // [ head | da ] [ ta ]
      name: "one message in two chunks",
      data: SMALL,
      count: 1,
      steps: [
        { take: 10, messages: 0, buffered: 10 },
        { take: 11, messages: 1, buffered: 0 },
      ],
    },
    {
      // [ head | data | head | da ] [ ta ]
      name: "two messages in two chunks, cut at two thirds",
      data: SMALL,
      count: 2,
      steps: [
        { take: 28, messages: 1, buffered: 7 },
        { take: 14, messages: 2, buffered: 0 },
      ],
    },
    {
      // [ h ] [ d ] [ a ] [ t ] [ a ]
      name: "one message byte by byte, which comes with its last byte",
      data: SMALL,
      count: 1,
      steps: Array.from({ length: 21 }, (_, i) => ({
        take: 1,
        messages: i === 20 ? 1 : 0,
        buffered: i === 20 ? 0 : i + 1,
      })),
    },
    {
      // [ head ] [ data ]
      name: "a cut right after a head of two bytes",
      data: LARGE,
      count: 1,
      steps: [
        { take: 2, messages: 0, buffered: 2 },
        { take: 1000, messages: 1, buffered: 0 },
      ],
    },
    {
      // [ he ] [ ad | data ]
      name: "a cut inside a head of two bytes",
      data: LARGE,
      count: 1,
      steps: [
        { take: 1, messages: 0, buffered: 1 },
        { take: 1001, messages: 1, buffered: 0 },
      ],
    },
  ];

for (const { name, data, count, steps } of rows) {
  test(`decodes ${name}`, () => {
    const decoder = varintFraming.createDecoder(4096);
    follow(decoder, frames(data, count), data, steps);
  });
}
