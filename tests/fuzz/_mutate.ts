/**
 * Changes valid inputs into ones that nobody meant.
 *
 * @module
 */

import type { Random } from "./_random.ts";

/** Most inputs are short, because short ones reach as much code and are many more a second. */
const USUAL_SIZE = 2_048;
const LARGE_SIZE = 96 * 1024;

/** Where lengths, counts and their comparisons turn. */
const INTERESTING: readonly number[] = [
  0,
  1,
  2,
  4,
  5,
  0x7d,
  0x7e,
  0x7f,
  0x80,
  0x81,
  0xce,
  0xff,
  0x100,
  0x3fff,
  0x4000,
  0x7fff,
  0x8000,
  0xffff,
  0x1_0000,
  0xff_ffff,
  0x100_0000,
  0x100_0001,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_fffe,
  0xffff_ffff,
];

/** One array of all bytes. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Text as bytes, one a character. */
export function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/**
 * Applies one to five changes.
 *
 * @param corpus Where pieces to splice come from.
 * @param tokens Pieces that mean something to what is tested.
 */
export function mutate(
  random: Random,
  input: Uint8Array,
  corpus: readonly Uint8Array[],
  tokens: readonly Uint8Array[],
): Uint8Array {
  const limit = random.oneIn(2_000) ? LARGE_SIZE : USUAL_SIZE;
  let bytes: Uint8Array = input.slice();
  for (let turns = random.from(1, 5); turns > 0; turns--) {
    bytes = change(random, bytes, corpus, tokens, limit);
    if (bytes.length > limit) bytes = bytes.slice(0, limit);
  }
  return bytes;
}

function change(
  random: Random,
  bytes: Uint8Array,
  corpus: readonly Uint8Array[],
  tokens: readonly Uint8Array[],
  limit: number,
): Uint8Array {
  const size = bytes.length;
  if (size === 0) return random.bytes(random.from(1, 24));
  const at = random.below(size);
  const count = random.from(1, Math.min(size - at, 1 + random.below(48)));
  switch (random.below(14)) {
    case 0:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    case 1:
      bytes[at] = random.next();
      return bytes;
    case 2:
      bytes[at] = (bytes[at] ?? 0) + (random.oneIn(2) ? 1 : -1);
      return bytes;
    case 3:
    case 4:
      return writeInteger(random, bytes, at);
    case 5:
      return bytes.slice(0, at);
    case 6:
      return bytes.slice(at);
    case 7:
      return concat([bytes.subarray(0, at), bytes.subarray(at + count)]);
    case 8:
      return concat([
        bytes.subarray(0, at),
        random.bytes(random.from(1, 16)),
        bytes.subarray(at),
      ]);
    case 9:
      return repeat(random, bytes, at, count, limit);
    case 10:
      return splice(random, bytes, at, random.pick(corpus));
    case 11: {
      const to = random.below(size - count + 1);
      bytes.copyWithin(to, at, at + count);
      return bytes;
    }
    case 12:
      return concat([bytes, random.pick(corpus)]);
    default:
      return tokens.length === 0
        ? splice(random, bytes, at, random.pick(corpus))
        : concat([
          bytes.subarray(0, at),
          random.pick(tokens),
          bytes.subarray(random.oneIn(2) ? at : at + count),
        ]);
  }
}

/** Puts a number where a length may be: 1, 2, 4 or 8 bytes in either order, or a varint. */
function writeInteger(
  random: Random,
  bytes: Uint8Array,
  at: number,
): Uint8Array {
  let value = random.oneIn(4)
    ? random.below(4 * bytes.length)
    : random.pick(INTERESTING);
  if (random.oneIn(4)) {
    const varint: number[] = [];
    while (value >= 0x80) {
      varint.push((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    varint.push(value);
    return concat([
      bytes.subarray(0, at),
      Uint8Array.from(varint),
      bytes.subarray(at + 1),
    ]);
  }
  const width = random.pick([1, 2, 4, 8]);
  const isLittle = random.oneIn(4);
  for (let i = 0; i < width && at + i < bytes.length; i++) {
    const power = isLittle ? i : width - 1 - i;
    bytes[at + i] = Math.floor(value / 2 ** (8 * power)) % 256;
  }
  return bytes;
}

function repeat(
  random: Random,
  bytes: Uint8Array,
  at: number,
  count: number,
  limit: number,
): Uint8Array {
  const most = Math.max(1, Math.floor((limit - bytes.length) / count));
  const times = random.from(1, Math.min(most, random.oneIn(8) ? most : 8));
  const piece = bytes.slice(at, at + count);
  const copies: Uint8Array[] = [bytes.subarray(0, at)];
  for (let i = 0; i <= times; i++) copies.push(piece);
  copies.push(bytes.subarray(at + count));
  return concat(copies);
}

function splice(
  random: Random,
  bytes: Uint8Array,
  at: number,
  other: Uint8Array,
): Uint8Array {
  const from = random.below(other.length);
  return concat([bytes.subarray(0, at), other.subarray(from)]);
}

/** How a stream is cut: the sizes of its pieces, over and over. */
export function cuts(random: Random, size: number): readonly number[] {
  // Large inputs byte by byte take as long as hundreds of small ones.
  const least = random.oneIn(64) ? 1 : 1 + Math.floor(size / 256);
  switch (random.below(4)) {
    case 0:
      return [least];
    case 1:
      return [random.from(least, least + 8)];
    case 2:
      return [random.from(1, Math.max(1, size)), size + 1];
    default:
      return [
        random.from(least, least + 2),
        random.from(least, least + 40),
        random.from(1, 2),
        random.from(1, Math.max(1, size)),
      ];
  }
}

/** The pieces themselves, in memory that nobody else looks at. */
export function pieces(
  input: Uint8Array,
  sizes: readonly number[],
): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const copy = input.slice();
  let turn = 0;
  for (let at = 0; at < copy.length;) {
    const size = sizes[turn++ % sizes.length] ?? 1;
    parts.push(copy.subarray(at, at + size));
    at += size;
  }
  return parts;
}
