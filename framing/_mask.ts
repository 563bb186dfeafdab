/**
 * The masking of RFC 6455, section 5.3: payload byte i is combined with key byte i modulo 4.
 *
 * @module
 */

/** Copies below this size are masked on their way: `set` would cost more. */
const SET_FROM = 32;

/** What is seen again is kept no further than this, in bytes: a large message is masked in one call. */
const MAX_KEPT = 1 << 20;

/** The memory that was masked last, and its view: making one for each frame would cost more than masking it. */
let lastBytes: Uint8Array = new Uint8Array(0);
let lastView = new DataView(lastBytes.buffer);

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
  // Hot: every byte that a client sends. A DataView needs no alignment, as payloads have none.
  const view = bytes === lastBytes ? lastView : viewOf(bytes);
  const turned = rotatedKey(key, phase);
  const word = reversed(turned);
  let at = start;
  for (const last = end - 15; at < last; at += 16) {
    view.setInt32(at, view.getInt32(at, true) ^ word, true);
    view.setInt32(at + 4, view.getInt32(at + 4, true) ^ word, true);
    view.setInt32(at + 8, view.getInt32(at + 8, true) ^ word, true);
    view.setInt32(at + 12, view.getInt32(at + 12, true) ^ word, true);
  }
  for (const last = end - 3; at < last; at += 4) {
    view.setInt32(at, view.getInt32(at, true) ^ word, true);
  }
  if (at < end) bytes[at] = bytes[at]! ^ (turned >>> 24);
  if (at + 1 < end) bytes[at + 1] = bytes[at + 1]! ^ (turned >>> 16);
  if (at + 2 < end) bytes[at + 2] = bytes[at + 2]! ^ (turned >>> 8);
}

/**
 * Copies bytes into `target` at `offset` and masks them there.
 *
 * @param key As in {@linkcode applyMask}.
 * @param phase As in {@linkcode applyMask}.
 */
export function copyMasked(
  source: Uint8Array,
  target: Uint8Array,
  offset: number,
  key: number,
  phase: number,
): void {
  const size = source.length;
  if (size >= SET_FROM) {
    target.set(source, offset);
    applyMask(target, offset, offset + size, key, phase);
    return;
  }
  let turned = rotatedKey(key, phase);
  for (let from = 0; from < size; from++) {
    target[offset + from] = source[from]! ^ (turned >>> 24);
    turned = (turned << 8) | (turned >>> 24);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length <= MAX_KEPT) {
    lastBytes = bytes;
    lastView = view;
  }
  return view;
}

function rotatedKey(key: number, by: number): number {
  const bits = (by & 3) * 8;
  return bits === 0 ? key : (key << bits) | (key >>> (32 - bits));
}

/** The same four bytes the other way round. */
function reversed(word: number): number {
  return (word >>> 24) | ((word >>> 8) & 0xff00) | ((word & 0xff00) << 8) |
    (word << 24);
}
