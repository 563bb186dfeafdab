/**
 * Random messages, the same for the same seed.
 *
 * @module
 */

import { chooseSeed } from "../_seed.ts";

/** The seed of this run: `SIGNALBOX_SEED` repeats one. */
export const SEED: number = chooseSeed();

/** A generator of numbers from 0 up to 1. */
export type Random = () => number;

/** Mulberry32. */
export function random(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Messages of every order of magnitude, the small ones more often, so that all
 * together are quick. The first is the smallest and the second the largest.
 */
export function randomMessages(
  next: Random,
  count: number,
  minSize: number,
  maxSize: number,
): Uint8Array[] {
  // Each message is another piece of these: random bytes are slow to make.
  const pool = new Uint8Array(2 * maxSize);
  const words = new Uint32Array(pool.buffer, 0, pool.length >>> 2);
  for (let at = 0; at < words.length; at += 1) words[at] = next() * 2 ** 32;
  const orders = Math.ceil(Math.log2(maxSize + 1));
  return Array.from({ length: count }, (_, index) => {
    const most = 2 ** Math.floor(next() ** 3 * (orders + 1));
    const size = index === 0
      ? minSize
      : index === 1
      ? maxSize
      : Math.max(minSize, Math.min(maxSize, Math.floor(next() * most)));
    const from = Math.floor(next() * maxSize);
    return pool.subarray(from, from + size);
  });
}

/** What a Rust peer sends as `source --random SEED --size SIZE`. */
export function peerMessages(
  seed: number,
  count: number,
  maxSize: number,
): Uint8Array[] {
  let state = seed >>> 0;
  const step = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  const orders = Math.floor(Math.log2(maxSize)) + 1;
  return Array.from({ length: count }, () => {
    const order = (step() >>> 24) % (orders + 1);
    const size = Math.min((step() >>> 8) % 2 ** order, maxSize);
    const message = new Uint8Array(size);
    for (let at = 0; at < size; at += 1) message[at] = step() >>> 24;
    return message;
  });
}

/** A protobuf message with the bytes as its field 1; one with no bytes is empty, as defaults are left out. */
export function protobuf(data: Uint8Array): Uint8Array {
  if (data.length === 0) return data;
  const head = [0x0a];
  let rest = data.length;
  for (; rest >= 0x80; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  head.push(rest);
  return withHead(head, data);
}

/** A MessagePack array of one `bin`. */
export function messagePack(data: Uint8Array): Uint8Array {
  const { length } = data;
  const head = length < 0x100
    ? [0xc4, length]
    : length < 0x1_0000
    ? [0xc5, length >>> 8, length & 0xff]
    : [
      0xc6,
      length >>> 24,
      (length >>> 16) & 0xff,
      (length >>> 8) & 0xff,
      length & 0xff,
    ];
  return withHead([0x91, ...head], data);
}

function withHead(head: readonly number[], data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + data.length);
  whole.set(head);
  whole.set(data, head.length);
  return whole;
}
