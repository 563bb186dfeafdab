/**
 * Messages behind their length as a varint: the framing of message-io's
 * FramedTcp and of protosocket's prost codec.
 *
 * A varint is an unsigned LEB128 number: seven bits a byte, the lowest first,
 * the top bit set in every byte but the last
 * (https://protobuf.dev/programming-guides/encoding/#varints). A number has
 * many such forms; only the shortest is accepted here, because the Rust peers
 * lose their place in the stream on any other.
 *
 * @module
 */

import {
  MALFORMED,
  NEED_MORE,
  PartialFrame,
  TOO_BIG,
} from "./_partial_frame.ts";
import type { HeadFormat } from "./_partial_frame.ts";
import type {
  FrameDecoder,
  Framing,
  FramingFault,
  MessageSink,
} from "./framing.ts";

/** What {@linkcode readVarint} returns when the number goes on after the given bytes. */
export const VARINT_NEED_MORE: -1 = NEED_MORE;
/** What {@linkcode readVarint} returns for an overlong form, or a number above 2^53 − 1. */
export const VARINT_MALFORMED: -2 = MALFORMED;
/** What {@linkcode readVarint} returns when the number cannot but pass the given maximum. */
export const VARINT_TOO_BIG: -3 = TOO_BIG;

/**
 * The number of bytes that a number takes as a varint: 1 to 8.
 *
 * @param value An integer from 0 to 2^53 − 1; not checked.
 */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  if (value < 2 ** 35) return 5;
  if (value < 2 ** 42) return 6;
  return value < 2 ** 49 ? 7 : 8;
}

/**
 * Writes a number as a varint, in its shortest form.
 *
 * @param target Must have `varintSize(value)` bytes left at `offset`; not checked.
 * @param offset Where the first byte goes.
 * @param value An integer from 0 to 2^53 − 1; not checked.
 * @returns The offset after the last byte written.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { writeVarint } from "@signalbox/signalbox";
 *
 * const bytes = new Uint8Array(2);
 * assert.equal(writeVarint(bytes, 0, 300), 2);
 * assert.deepEqual([...bytes], [0xac, 0x02]);
 * ```
 */
export function writeVarint(
  target: Uint8Array,
  offset: number,
  value: number,
): number {
  // Bit operations would cut the number to 32 bits.
  while (value >= 0x80) {
    target[offset++] = (value % 0x80) | 0x80;
    value = Math.floor(value / 0x80);
  }
  target[offset++] = value;
  return offset;
}

/**
 * Reads a varint, as far as its bytes have come.
 *
 * The answer is final as early as the bytes allow: a number that goes on is at
 * least as big as its next bit, so it is refused before its last byte. How the
 * bytes were cut never changes the answer.
 *
 * @param source The bytes.
 * @param start Where the varint begins.
 * @param end Where the bytes that came end. Default: `source.length`.
 * @param max The biggest number wanted. Default: 2^53 − 1.
 * @returns The number (which took `varintSize(number)` bytes),
 * {@linkcode VARINT_NEED_MORE}, {@linkcode VARINT_MALFORMED} or {@linkcode VARINT_TOO_BIG}.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readVarint, VARINT_MALFORMED, VARINT_NEED_MORE } from "@signalbox/signalbox";
 *
 * assert.equal(readVarint(Uint8Array.of(0xac, 0x02), 0), 300);
 * assert.equal(readVarint(Uint8Array.of(0xac), 0), VARINT_NEED_MORE);
 * assert.equal(readVarint(Uint8Array.of(0x81, 0x00), 0), VARINT_MALFORMED);
 * ```
 */
export function readVarint(
  source: Uint8Array,
  start: number,
  end: number = source.length,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  let value = 0;
  let unit = 1;
  for (let at = start; at < end; at++) {
    const byte = source[at]!;
    if (byte === 0 && at > start) return VARINT_MALFORMED;
    value += (byte & 0x7f) * unit;
    unit *= 0x80;
    const least = byte < 0x80 ? value : Math.max(value, unit);
    if (least > Number.MAX_SAFE_INTEGER) return VARINT_MALFORMED;
    if (least > max) return VARINT_TOO_BIG;
    if (byte < 0x80) return value;
  }
  return VARINT_NEED_MORE;
}

const HEAD: HeadFormat = {
  maxHeadSize: 8,
  complaint: "The length of a message is not a varint in its shortest form",
  read: readVarint,
  tag: () => 0,
};

class VarintDecoder implements FrameDecoder {
  /** Made for the first frame that a chunk cuts: an idle connection has none. */
  #partial: PartialFrame | undefined;
  readonly #maxMessageSize: number;
  #isSpent = false;

  constructor(maxMessageSize: number) {
    this.#maxMessageSize = maxMessageSize;
  }

  get buffered(): number {
    return this.#partial?.buffered ?? 0;
  }

  push(chunk: Uint8Array, sink: MessageSink): FramingFault | undefined {
    if (this.#isSpent) return undefined;
    // Spent until this push ends well: so a sink that throws leaves no decoder
    // that has lost its place, and one that pushes again does no harm.
    this.#isSpent = true;
    const partial = this.#partial;
    const max = this.#maxMessageSize;
    const end = chunk.length;
    let at = 0;
    if (partial !== undefined && partial.buffered !== 0) {
      at = partial.take(chunk, 0);
      if (at < 0) return partial.fault(at);
      if (partial.isComplete && !sink.message(partial.release(), 0)) {
        return undefined;
      }
    }
    // Hot: one turn a message. Lengths of one and two bytes are read in place.
    while (at < end) {
      let size = chunk[at]!;
      let start = at + 1;
      if (size > 0x7f) {
        const second = start < end ? chunk[start]! : 0;
        if (second !== 0 && second < 0x80) {
          size = (size & 0x7f) | (second << 7);
          start++;
        } else {
          size = readVarint(chunk, at, end, max);
          if (size < 0 && size !== NEED_MORE) return this.#gather().fault(size);
          start = at + varintSize(size);
        }
      }
      if (size > max) return this.#gather().fault(TOO_BIG);
      const next = start + size;
      if (size < 0 || next > end) {
        this.#gather().take(chunk, at);
        break;
      }
      if (!sink.message(chunk.subarray(start, next), 0)) return undefined;
      at = next;
    }
    this.#isSpent = false;
    return undefined;
  }

  #gather(): PartialFrame {
    return this.#partial ??= new PartialFrame(HEAD, this.#maxMessageSize);
  }
}

/**
 * Messages behind their length as a varint; compatible with message-io's FramedTcp and protosocket's prost codec.
 *
 * Empty messages are legal; there are no tags. A decoder faults with `protocol`
 * on a length that is not in its shortest form, and with `message-too-big` on
 * one above its limit, as soon as the bytes of the length show it. A push from
 * inside the sink does nothing; a sink that throws leaves the decoder spent.
 */
export const varintFraming: Framing = {
  name: "varint",
  maxPayloadSize: Number.MAX_SAFE_INTEGER,
  tailSize: 0,
  createDecoder: (maxMessageSize: number): FrameDecoder =>
    new VarintDecoder(Math.min(maxMessageSize, Number.MAX_SAFE_INTEGER)),
  refuses: (_payload: Uint8Array, tag: number): string | undefined =>
    tag === 0 ? undefined : "The varint framing carries no tags",
  headSize: varintSize,
  // Hot: one call a message sent.
  writeHead(target: Uint8Array, offset: number, payloadSize: number): void {
    if (payloadSize < 0x80) {
      target[offset] = payloadSize;
    } else if (payloadSize < 0x4000) {
      target[offset] = (payloadSize & 0x7f) | 0x80;
      target[offset + 1] = payloadSize >> 7;
    } else {
      writeVarint(target, offset, payloadSize);
    }
  },
  writeTail() {},
};
