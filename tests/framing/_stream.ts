/**
 * What the tests of the framings share: encoding a stream, cutting it, and keeping what a decoder finds.
 *
 * @module
 */

import type {
  FrameDecoder,
  Framing,
  FramingFault,
  MessageSink,
} from "../../framing/framing.ts";

/** One message of a stream. */
export interface Message {
  readonly data: Uint8Array;
  readonly tag: number;
}

/** Keeps every message, and asks for more until it has `limit` of them. */
export class Collector implements MessageSink {
  readonly messages: Message[] = [];
  readonly #limit: number;

  constructor(limit: number = Infinity) {
    this.#limit = limit;
  }

  message(data: Uint8Array, tag: number): boolean {
    this.messages.push({ data, tag });
    return this.messages.length < this.#limit;
  }

  /** What came, in a form to compare. */
  get summary(): string[] {
    return summarize(this.messages);
  }
}

/** Messages in a form to compare: the tag and the bytes in hex. */
export function summarize(messages: readonly Message[]): string[] {
  return messages.map(({ data, tag }) => `${tag}:${toHex(data)}`);
}

/** One frame, with a guard byte on either side to show what is written beyond it. */
export function encode(framing: Framing, { data, tag }: Message): Uint8Array {
  const headSize = framing.headSize(data.length);
  const size = headSize + data.length + framing.tailSize;
  const target = new Uint8Array(size + 2).fill(0xee);
  framing.writeHead(target, 1, data.length, tag);
  target.set(data, 1 + headSize);
  framing.writeTail(target, 1 + headSize + data.length);
  if (target[0] !== 0xee || target[size + 1] !== 0xee) {
    throw new Error(`${framing.name} wrote beyond its frame`);
  }
  return target.slice(1, size + 1);
}

/** The stream of all messages. */
export function encodeAll(
  framing: Framing,
  messages: readonly Message[],
): Uint8Array {
  return concat(messages.map((message) => encode(framing, message)));
}

/** One array of all bytes. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    parts.reduce((size, part) => size + part.length, 0),
  );
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Pushes pieces of the given sizes, over and over, each in memory of its own, until the stream ends or a fault comes. */
export function pushInPieces(
  decoder: FrameDecoder,
  sink: MessageSink,
  stream: Uint8Array,
  sizes: readonly number[],
): FramingFault | undefined {
  let turn = 0;
  for (let at = 0; at < stream.length;) {
    const size = Math.max(1, sizes[turn++ % sizes.length] ?? 1);
    const fault = decoder.push(stream.slice(at, at + size), sink);
    if (fault !== undefined) return fault;
    at += size;
  }
  return undefined;
}

/** Reads `"0a ff"`. */
export function fromHex(hex: string): Uint8Array {
  const digits = hex.replaceAll(" ", "");
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Writes `"0aff"`. */
export function toHex(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}
