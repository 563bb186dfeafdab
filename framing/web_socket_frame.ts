/**
 * WebSocket frames as they are sent (RFC 6455, section 5): heads, masks and close payloads.
 *
 * signalbox codes WebSocket itself on all three server runtimes, because their
 * own servers cannot keep its promises: Deno sends no close frame for a message
 * that is too big, has one fixed limit of 64 MiB, cannot stop reading, buffers
 * without bound and answers some lists of subprotocols with an error 500; Bun
 * drops messages above a limit; the `ws` package is some twenty times slower
 * on small frames. Pure: bytes in, bytes out.
 *
 * @module
 */

import { copyMasked } from "./_mask.ts";

/** The opcodes of RFC 6455, section 5.2. */
export const WebSocketOpcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** One of the values of {@linkcode WebSocketOpcode}. */
export type WebSocketOpcode =
  (typeof WebSocketOpcode)[keyof typeof WebSocketOpcode];

/** The largest payload of a close, ping or pong frame, in bytes (RFC 6455, section 5.5). */
export const MAX_CONTROL_PAYLOAD = 125;

/** The largest reason of a close frame, in bytes of UTF-8: what two bytes of code leave. */
export const MAX_CLOSE_REASON: number = MAX_CONTROL_PAYLOAD - 2;

/** The code that stands for a close frame without one (RFC 6455, section 7.1.5); never sent. */
export const CLOSE_NO_STATUS = 1005;

/** The code that stands for a connection that ended without a close frame; never sent. */
export const CLOSE_ABNORMAL = 1006;

/** Gives the keys that a client masks its frames with. */
export interface MaskKeys {
  /** The next key: an integer of 32 bits that nobody can foretell (RFC 6455, section 10.3). */
  next(): number;
}

/** How many keys one call to the system's random source gives. */
const KEYS_PER_BLOCK = 2048;

/** Keys from a random source, asked for in blocks: a call for each frame would cost more than the frame. */
export class RandomMaskKeys implements MaskKeys {
  readonly #fill: (block: Uint32Array<ArrayBuffer>) => void;
  readonly #block = new Uint32Array(KEYS_PER_BLOCK);
  #used = KEYS_PER_BLOCK;

  /**
   * A source of keys, for any number of connections.
   *
   * @param fill Fills the block with random bits. Default: `crypto.getRandomValues`.
   */
  constructor(fill: (block: Uint32Array<ArrayBuffer>) => void = fillRandom) {
    this.#fill = fill;
  }

  /** The next key. Throws what the random source throws. */
  next(): number {
    if (this.#used === KEYS_PER_BLOCK) {
      this.#fill(this.#block);
      this.#used = 0;
    }
    // Signed, which engines keep unboxed.
    const key = this.#block[this.#used]! | 0;
    this.#used += 1;
    return key;
  }
}

function fillRandom(block: Uint32Array<ArrayBuffer>): void {
  crypto.getRandomValues(block);
}

/**
 * The number of bytes before a payload: 2, 4 or 10, and 4 more for a mask.
 *
 * @param payloadSize Bytes of payload, 0 to 2^53 - 1.
 * @param isMasked Whether a client sends it.
 */
export function webSocketHeadSize(
  payloadSize: number,
  isMasked: boolean,
): number {
  const size = payloadSize < 126 ? 2 : payloadSize <= 0xffff ? 4 : 10;
  return isMasked ? size + 4 : size;
}

/**
 * Writes the head of a server's frame, `webSocketHeadSize(payloadSize, false)` bytes, at `offset`.
 *
 * @param opcode What the frame is.
 * @param payloadSize Bytes of payload, 0 to 2^53 - 1.
 * @param isFinal Whether the message ends with this frame. Default: true.
 */
export function writeWebSocketHead(
  target: Uint8Array,
  offset: number,
  opcode: WebSocketOpcode,
  payloadSize: number,
  isFinal = true,
): void {
  writeHead(target, offset, opcode, payloadSize, isFinal, 0);
}

/**
 * Writes a client's frame, head and masked payload, at `offset`. The payload itself is left as it is.
 *
 * @param opcode What the frame is.
 * @param payload The payload in the clear.
 * @param key From {@linkcode MaskKeys}.
 * @param isFinal Whether the message ends with this frame. Default: true.
 * @returns The number of bytes written: `webSocketHeadSize(payload.length, true) + payload.length`.
 */
export function writeMaskedFrame(
  target: Uint8Array,
  offset: number,
  opcode: WebSocketOpcode,
  payload: Uint8Array,
  key: number,
  isFinal = true,
): number {
  // Hot: one call a message that a client sends.
  const size = payload.length;
  const at = writeMaskedHead(target, offset, opcode, size, key, isFinal);
  copyMasked(payload, target, at, key, 0);
  return at + size - offset;
}

/**
 * Writes the head of a client's frame, `webSocketHeadSize(payloadSize, true)` bytes, at `offset`.
 *
 * @param opcode What the frame is.
 * @param payloadSize Bytes of payload, 0 to 2^53 - 1.
 * @param key From {@linkcode MaskKeys}; the payload is to be masked with it.
 * @param isFinal Whether the message ends with this frame. Default: true.
 * @returns The offset behind the head.
 */
export function writeMaskedHead(
  target: Uint8Array,
  offset: number,
  opcode: WebSocketOpcode,
  payloadSize: number,
  key: number,
  isFinal = true,
): number {
  const at = writeHead(target, offset, opcode, payloadSize, isFinal, 0x80);
  target[at] = key >>> 24;
  target[at + 1] = key >>> 16;
  target[at + 2] = key >>> 8;
  target[at + 3] = key;
  return at + 4;
}

/**
 * Writes the bytes of a client's payload from `start` to `end`, masked, at `offset`. The payload itself is left as it is.
 *
 * @param payload The whole payload in the clear.
 * @param key As in its head.
 */
export function writeMaskedPart(
  target: Uint8Array,
  offset: number,
  payload: Uint8Array,
  start: number,
  end: number,
  key: number,
): void {
  copyMasked(payload.subarray(start, end), target, offset, key, start);
}

/** Writes opcode and length; returns the offset behind them. */
function writeHead(
  target: Uint8Array,
  offset: number,
  opcode: WebSocketOpcode,
  size: number,
  isFinal: boolean,
  maskBit: number,
): number {
  target[offset] = isFinal ? 0x80 | opcode : opcode;
  if (size < 126) {
    target[offset + 1] = maskBit | size;
    return offset + 2;
  }
  if (size <= 0xffff) {
    target[offset + 1] = maskBit | 126;
    target[offset + 2] = size >>> 8;
    target[offset + 3] = size;
    return offset + 4;
  }
  target[offset + 1] = maskBit | 127;
  const high = Math.floor(size / 0x1_0000_0000);
  target[offset + 2] = high >>> 24;
  target[offset + 3] = high >>> 16;
  target[offset + 4] = high >>> 8;
  target[offset + 5] = high;
  target[offset + 6] = size >>> 24;
  target[offset + 7] = size >>> 16;
  target[offset + 8] = size >>> 8;
  target[offset + 9] = size;
  return offset + 10;
}

/**
 * Whether a close frame may carry this code (RFC 6455, section 7.4, and the
 * IANA registry): 1000 to 1003, 1007 to 1014 and 3000 to 4999.
 *
 * @param code The close code.
 */
export function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 1000 && code <= 1014) {
    return code !== 1004 && code !== CLOSE_NO_STATUS && code !== CLOSE_ABNORMAL;
  }
  return code >= 3000 && code <= 4999;
}

/**
 * The payload of a close frame. A reason above 123 bytes of UTF-8 is cut between two characters.
 *
 * @param code The close code; {@linkcode CLOSE_NO_STATUS} makes an empty payload.
 * @param reason Why, for a person. Default: none.
 */
export function closePayload(code: number, reason = ""): Uint8Array {
  if (code === CLOSE_NO_STATUS) return new Uint8Array(0);
  const payload = new Uint8Array(MAX_CONTROL_PAYLOAD);
  payload[0] = code >>> 8;
  payload[1] = code;
  const { written } = new TextEncoder().encodeInto(
    reason,
    payload.subarray(2),
  );
  return payload.slice(0, 2 + written);
}
