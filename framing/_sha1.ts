/**
 * SHA-1 (FIPS 180-4), which RFC 6455 asks for in its handshake and nowhere else.
 *
 * Web Crypto has it too, but answers with a promise, and a handshake is parsed
 * and answered inside one read callback.
 *
 * @module
 */

/**
 * The 20 bytes of the SHA-1 digest.
 *
 * @param message What is hashed: short things, it is copied once.
 */
export function sha1(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(((message.length + 8) >> 6) * 64 + 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  const bits = message.length * 8;
  view.setUint32(padded.length - 8, Math.floor(bits / 0x1_0000_0000));
  view.setUint32(padded.length - 4, bits >>> 0);
  const state = new Int32Array([
    0x67452301,
    0xefcdab89,
    0x98badcfe,
    0x10325476,
    0xc3d2e1f0,
  ]);
  const words = new Int32Array(80);
  for (let offset = 0; offset < padded.length; offset += 64) {
    addBlock(state, words, view, offset);
  }
  const digest = new DataView(new ArrayBuffer(20));
  state.forEach((word, index) => digest.setInt32(index * 4, word));
  return new Uint8Array(digest.buffer);
}

function addBlock(
  state: Int32Array,
  words: Int32Array,
  view: DataView,
  offset: number,
): void {
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(offset + i * 4);
  for (let i = 16; i < 80; i++) {
    words[i] = rotated(
      word(words, i - 3) ^ word(words, i - 8) ^ word(words, i - 14) ^
        word(words, i - 16),
      1,
    );
  }
  let a = word(state, 0);
  let b = word(state, 1);
  let c = word(state, 2);
  let d = word(state, 3);
  let e = word(state, 4);
  for (let i = 0; i < 80; i++) {
    let mixed: number;
    if (i < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else mixed = (b ^ c ^ d) + 0xca62c1d6;
    const next = (rotated(a, 5) + mixed + e + word(words, i)) | 0;
    e = d;
    d = c;
    c = rotated(b, 30);
    b = a;
    a = next;
  }
  state[0] = word(state, 0) + a;
  state[1] = word(state, 1) + b;
  state[2] = word(state, 2) + c;
  state[3] = word(state, 3) + d;
  state[4] = word(state, 4) + e;
}

function word(words: Int32Array, index: number): number {
  return words[index] ?? 0;
}

function rotated(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
