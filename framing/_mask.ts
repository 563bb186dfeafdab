/**
 * The masking of RFC 6455, section 5.3: payload byte i is combined with key byte i modulo 4.
 *
 * @module
 */

/** Below so many bytes the plain loop is faster than setting up a view of words. */
const WORDS_FROM = 128;

const keyBytes = new Uint8Array(4);
// The same four bytes as a word of the machine's own byte order.
const keyWord = new Uint32Array(keyBytes.buffer);

/**
 * Masks, or unmasks, bytes where they are.
 *
 * @param bytes Holds the payload from `start` to `end`.
 * @param key The key, its first byte in the highest eight bits.
 * @param phase How many bytes of the same payload came before `start`.
 */
export function applyMask(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
  phase: number,
): void {
  // Hot: every byte that a client sends.
  const turned = rotatedKey(key, phase);
  if (end - start < WORDS_FROM) {
    applyBytes(bytes, start, end, turned);
    return;
  }
  const aligned = start + ((4 - ((bytes.byteOffset + start) & 3)) & 3);
  applyBytes(bytes, start, aligned, turned);
  const wordKey = rotatedKey(turned, aligned - start);
  keyBytes[0] = wordKey >>> 24;
  keyBytes[1] = wordKey >>> 16;
  keyBytes[2] = wordKey >>> 8;
  keyBytes[3] = wordKey;
  const pattern = keyWord[0] ?? 0;
  const count = (end - aligned) >>> 2;
  const words = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset + aligned,
    count,
  );
  // The compound form would convert twice; the elements exist, the index is below the length.
  for (let i = 0; i < count; i++) words[i] = (words[i] ?? 0) ^ pattern;
  applyBytes(bytes, aligned + count * 4, end, wordKey);
}

/**
 * Copies bytes into `target` at `offset` and masks them there.
 *
 * @param key As in {@linkcode applyMask}.
 */
export function copyMasked(
  source: Uint8Array,
  target: Uint8Array,
  offset: number,
  key: number,
): void {
  const size = source.length;
  if (size >= WORDS_FROM) {
    target.set(source, offset);
    applyMask(target, offset, offset + size, key, 0);
    return;
  }
  const k0 = key >>> 24;
  const k1 = (key >>> 16) & 0xff;
  const k2 = (key >>> 8) & 0xff;
  const k3 = key & 0xff;
  let from = 0;
  let to = offset;
  for (const last = size - 3; from < last; from += 4, to += 4) {
    target[to] = (source[from] ?? 0) ^ k0;
    target[to + 1] = (source[from + 1] ?? 0) ^ k1;
    target[to + 2] = (source[from + 2] ?? 0) ^ k2;
    target[to + 3] = (source[from + 3] ?? 0) ^ k3;
  }
  if (from < size) target[to] = (source[from] ?? 0) ^ k0;
  if (from + 1 < size) target[to + 1] = (source[from + 1] ?? 0) ^ k1;
  if (from + 2 < size) target[to + 2] = (source[from + 2] ?? 0) ^ k2;
}

function rotatedKey(key: number, by: number): number {
  const bits = (by & 3) * 8;
  return bits === 0 ? key : (key << bits) | (key >>> (32 - bits));
}

function applyBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
): void {
  const k0 = key >>> 24;
  const k1 = (key >>> 16) & 0xff;
  const k2 = (key >>> 8) & 0xff;
  const k3 = key & 0xff;
  let at = start;
  for (const last = end - 3; at < last; at += 4) {
    bytes[at] = (bytes[at] ?? 0) ^ k0;
    bytes[at + 1] = (bytes[at + 1] ?? 0) ^ k1;
    bytes[at + 2] = (bytes[at + 2] ?? 0) ^ k2;
    bytes[at + 3] = (bytes[at + 3] ?? 0) ^ k3;
  }
  if (at < end) bytes[at] = (bytes[at] ?? 0) ^ k0;
  if (at + 1 < end) bytes[at + 1] = (bytes[at + 1] ?? 0) ^ k1;
  if (at + 2 < end) bytes[at + 2] = (bytes[at + 2] ?? 0) ^ k2;
}
