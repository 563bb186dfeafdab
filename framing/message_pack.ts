/**
 * Messages behind their length as a MessagePack number: the framing of protosocket's MessagePack codec.
 *
 * The length is always in the five-byte form of MessagePack's uint 32: the
 * marker `CE`, then the length as a big-endian u32
 * (https://github.com/msgpack/msgpack/blob/master/spec.md#int-format-family).
 *
 * @module
 */

import { MALFORMED, NEED_MORE, TOO_BIG } from "./_partial_frame.ts";
import type { HeadFormat } from "./_partial_frame.ts";
import { PrefixDecoder } from "./_prefix_decoder.ts";
import type { FrameDecoder, Framing } from "./framing.ts";

const UINT32_MARKER = 0xce;
const HEAD_SIZE = 5;

/** From 2^32 − 5 on, the frame's size wraps around in a protosocket peer. */
const MAX_PAYLOAD_SIZE = 2 ** 32 - 1 - HEAD_SIZE;

const HEAD: HeadFormat = {
  maxHeadSize: HEAD_SIZE,
  complaint:
    "The length of a message is not a MessagePack uint 32 in its five-byte form",
  read(
    bytes: Uint8Array,
    start: number,
    end: number,
    maxMessageSize: number,
  ): number {
    if (start === end) return NEED_MORE;
    if (bytes[start] !== UINT32_MARKER) return MALFORMED;
    if (end - start < HEAD_SIZE) return NEED_MORE;
    const size = ((bytes[start + 1]! << 24) | (bytes[start + 2]! << 16) |
      (bytes[start + 3]! << 8) | bytes[start + 4]!) >>> 0;
    return size > maxMessageSize ? TOO_BIG : size;
  },
  tag: (): number => 0,
};

/**
 * Messages behind a five-byte MessagePack length; compatible with protosocket's MessagePack codec.
 *
 * The payload must be exactly one MessagePack value, or a protosocket peer loses
 * its place in the stream; that is not checked here. There are no tags. A decoder
 * faults with `protocol` on any marker but `CE`, and with `message-too-big` on a
 * length above its limit. A push from inside the sink does nothing; a sink that
 * throws leaves the decoder spent.
 */
export const messagePackFraming: Framing = {
  name: "message-pack",
  maxPayloadSize: MAX_PAYLOAD_SIZE,
  tailSize: 0,
  createDecoder: (maxMessageSize: number): FrameDecoder =>
    new PrefixDecoder(HEAD, Math.min(maxMessageSize, MAX_PAYLOAD_SIZE)),
  refuses: (_payload: Uint8Array, tag: number): string | undefined =>
    tag === 0 ? undefined : "The MessagePack framing carries no tags",
  headSize: (): number => HEAD_SIZE,
  writeHead(target: Uint8Array, offset: number, payloadSize: number): void {
    target[offset] = UINT32_MARKER;
    target[offset + 1] = payloadSize >>> 24;
    target[offset + 2] = payloadSize >>> 16;
    target[offset + 3] = payloadSize >>> 8;
    target[offset + 4] = payloadSize;
  },
  writeTail() {},
};
