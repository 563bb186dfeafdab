/**
 * The framings again, written to be obvious and not to be fast: byte by byte, over the whole stream.
 *
 * @module
 */

/** A message as a part of the stream. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly tag: number;
}

/** What a stream comes to. */
export interface Reading {
  readonly messages: readonly Span[];
  readonly fault: "message-too-big" | "protocol" | undefined;
  /** Bytes of the frame that has not ended; 0 after a fault. */
  readonly rest: number;
}

/** Reads a stream with a limit. */
export type Model = (stream: Uint8Array, max: number) => Reading;

/** How a head that begins at `at` reads: a payload, a fault, or that more must come. */
type Head =
  | { readonly size: number; readonly headSize: number; readonly tag: number }
  | "more"
  | "protocol"
  | "message-too-big";

function prefixed(
  readHead: (stream: Uint8Array, at: number, max: number) => Head,
): Model {
  return (stream, max) => {
    const messages: Span[] = [];
    let at = 0;
    while (at < stream.length) {
      const head = readHead(stream, at, max);
      if (head === "more") break;
      if (typeof head === "string") return { messages, fault: head, rest: 0 };
      const start = at + head.headSize;
      const end = start + head.size;
      if (end > stream.length) break;
      messages.push({ start, end, tag: head.tag });
      at = end;
    }
    return { messages, fault: undefined, rest: stream.length - at };
  };
}

/** Lengths as varints in their shortest form. */
export const varintModel: Model = prefixed((stream, at, max) => {
  let value = 0n;
  for (let i = 0; at + i < stream.length; i++) {
    const byte = BigInt(stream[at + i] ?? 0);
    if (i > 0 && byte === 0n) return "protocol";
    value |= (byte & 0x7fn) << BigInt(7 * i);
    const goesOn = byte >= 0x80n;
    // A later byte is at least 1, or this is not the shortest form.
    const next = 1n << BigInt(7 * (i + 1));
    const least = goesOn && next > value ? next : value;
    if (least > BigInt(Number.MAX_SAFE_INTEGER)) return "protocol";
    if (least > BigInt(max)) return "message-too-big";
    if (!goesOn) return { size: Number(value), headSize: i + 1, tag: 0 };
  }
  return "more";
});

function big(stream: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + (stream[at + i] ?? 0);
  return value;
}

/** The header of the crate `connect`. */
export const taggedModel: Model = prefixed((stream, at, max) => {
  const there = stream.length - at;
  if (there < 4) return "more";
  const size = big(stream, at, 4);
  if (size < 5) return "protocol";
  if (size - 4 > Math.min(max, 100_000_000)) return "message-too-big";
  if (there < 6) return "more";
  if (big(stream, at + 4, 2) !== 1) return "protocol";
  if (there < 8) return "more";
  return { size: size - 4, headSize: 8, tag: big(stream, at + 6, 2) };
});

/** Lengths as MessagePack's uint 32. */
export const messagePackModel: Model = prefixed((stream, at, max) => {
  if (stream[at] !== 0xce) return "protocol";
  if (stream.length - at < 5) return "more";
  const size = big(stream, at + 1, 4);
  if (size > Math.min(max, 2 ** 32 - 6)) return "message-too-big";
  return { size, headSize: 5, tag: 0 };
});

/** Lines. */
export function newlineModel(stripsReturn: boolean): Model {
  return (stream, max) => {
    const messages: Span[] = [];
    let start = 0;
    for (let at = 0; at < stream.length; at++) {
      const isFeed = stream[at] === 0x0a;
      // Behind the last byte that certainly belongs to the line.
      let end = isFeed ? at : at + 1;
      if (stripsReturn && end > start && stream[end - 1] === 0x0d) end -= 1;
      if (end - start > max) {
        return { messages, fault: "message-too-big", rest: 0 };
      }
      if (!isFeed) continue;
      messages.push({ start, end, tag: 0 });
      start = at + 1;
    }
    return { messages, fault: undefined, rest: stream.length - start };
  };
}
