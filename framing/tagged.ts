/**
 * Messages behind the eight-byte header of the Rust crate `connect` (0.2 and 0.3), each with a tag.
 *
 * All fields are big-endian: u32 size (4 + payload, not counting itself),
 * u16 version (1), u16 tag, then the payload of 1 to 100,000,000 bytes.
 *
 * @module
 */

import { MALFORMED, NEED_MORE, TOO_BIG } from "./_partial_frame.ts";
import type { HeadFormat } from "./_partial_frame.ts";
import { PrefixDecoder } from "./_prefix_decoder.ts";
import type { FrameDecoder, Framing } from "./framing.ts";

const VERSION = 1;
const HEAD_SIZE = 8;
/** The version and the tag, which the size counts too. */
const COUNTED_HEAD_SIZE = 4;
const MAX_PAYLOAD_SIZE = 100_000_000;
const MAX_TAG = 0xffff;

const HEAD: HeadFormat = {
  maxHeadSize: HEAD_SIZE,
  complaint:
    "The header of a message has no payload size of at least 1, or a version other than 1",
  read(
    bytes: Uint8Array,
    start: number,
    end: number,
    maxMessageSize: number,
  ): number {
    if (end - start < 4) return NEED_MORE;
    const size = ((bytes[start]! << 24) | (bytes[start + 1]! << 16) |
      (bytes[start + 2]! << 8) | bytes[start + 3]!) >>> 0;
    if (size <= COUNTED_HEAD_SIZE) return MALFORMED;
    const payloadSize = size - COUNTED_HEAD_SIZE;
    if (payloadSize > maxMessageSize) return TOO_BIG;
    if (end - start < 6) return NEED_MORE;
    const version = (bytes[start + 4]! << 8) | bytes[start + 5]!;
    if (version !== VERSION) return MALFORMED;
    return end - start < HEAD_SIZE ? NEED_MORE : payloadSize;
  },
  tag: (bytes: Uint8Array, start: number): number =>
    (bytes[start + 6]! << 8) | bytes[start + 7]!,
};

/**
 * Messages with a tag from 0 to 65,535, in the wire format of the Rust crate `connect`.
 *
 * An empty message cannot be sent: a `connect` peer panics on it. Above
 * 100,000,000 bytes none can be sent or received, whatever the limit. A decoder
 * faults with `protocol` on a size below 5, and on any version but 1: `connect`
 * passes unknown versions on, but what follows such a header is not known. It
 * faults with `message-too-big` once the four bytes of the size show it. A push
 * from inside the sink does nothing; a sink that throws leaves the decoder spent.
 */
export const taggedFraming: Framing = {
  name: "tagged",
  maxPayloadSize: MAX_PAYLOAD_SIZE,
  tailSize: 0,
  createDecoder: (maxMessageSize: number): FrameDecoder =>
    new PrefixDecoder(HEAD, Math.min(maxMessageSize, MAX_PAYLOAD_SIZE)),
  refuses(payload: Uint8Array, tag: number): string | undefined {
    if (payload.length === 0) {
      return "The tagged framing carries no empty messages";
    }
    if (payload.length > MAX_PAYLOAD_SIZE) {
      return `The tagged framing carries at most ${MAX_PAYLOAD_SIZE} bytes a message`;
    }
    return Number.isInteger(tag) && tag >= 0 && tag <= MAX_TAG
      ? undefined
      : `A tag is an integer from 0 to ${MAX_TAG}`;
  },
  headSize: (): number => HEAD_SIZE,
  writeHead(
    target: Uint8Array,
    offset: number,
    payloadSize: number,
    tag: number,
  ): void {
    const size = payloadSize + COUNTED_HEAD_SIZE;
    target[offset] = size >>> 24;
    target[offset + 1] = size >>> 16;
    target[offset + 2] = size >>> 8;
    target[offset + 3] = size;
    target[offset + 4] = VERSION >>> 8;
    target[offset + 5] = VERSION;
    target[offset + 6] = tag >>> 8;
    target[offset + 7] = tag;
  },
  writeTail() {},
};
