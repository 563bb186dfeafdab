/**
 * Varint frames by hand, as a careful programmer would write them for one
 * program: packed into slabs, and given out as views.
 *
 * @module
 */

import type { RawSocket } from "./_sockets.ts";

const SLAB_SIZE = 65_536;
const MAX_HEAD_SIZE = 5;

/** Packs frames into slabs. */
export class FrameWriter {
  readonly #socket: RawSocket;
  #slab = new Uint8Array(SLAB_SIZE);
  /** What is packed and not handed over yet lies between the two. */
  #start = 0;
  #end = 0;

  constructor(socket: RawSocket) {
    this.#socket = socket;
  }

  // Hot: one call a message sent.
  write(payload: Uint8Array): void {
    const { length } = payload;
    if (SLAB_SIZE - this.#end < length + MAX_HEAD_SIZE) this.#makeRoom();
    const slab = this.#slab;
    let at = this.#end;
    let rest = length;
    while (rest >= 0x80) {
      slab[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    slab[at++] = rest;
    if (at + length > SLAB_SIZE) {
      this.#end = at;
      this.flush();
      this.#socket.write(payload);
      return;
    }
    slab.set(payload, at);
    this.#end = at + length;
  }

  /** Hands over what is packed. */
  flush(): void {
    if (this.#end === this.#start) return;
    this.#socket.write(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #makeRoom(): void {
    this.flush();
    // What the socket still holds must not change.
    if (this.#socket.pending > 0) this.#slab = new Uint8Array(SLAB_SIZE);
    this.#start = 0;
    this.#end = 0;
  }
}

/** Cuts frames out of chunks: only what two chunks have cut is copied. */
export class FrameReader {
  #partial: Uint8Array | undefined;

  // Hot: one call of `take` a message received.
  read(chunk: Uint8Array, take: (payload: Uint8Array) => void): void {
    const end = chunk.length;
    let at = this.#partial === undefined
      ? 0
      : this.#complete(this.#partial, chunk, take);
    while (at < end) {
      let start = at;
      let length = 0;
      let shift = 0;
      let byte = 0x80;
      while (start < end && byte >= 0x80) {
        byte = chunk[start++] ?? 0;
        length += (byte & 0x7f) << shift;
        shift += 7;
      }
      if (byte >= 0x80 || start + length > end) break;
      take(chunk.subarray(start, start + length));
      at = start + length;
    }
    if (at < end) this.#partial = chunk.slice(at);
  }

  /** Ends the frame that the last chunk has cut; how much of this one it took. */
  #complete(
    partial: Uint8Array,
    chunk: Uint8Array,
    take: (payload: Uint8Array) => void,
  ): number {
    const head = join(partial, chunk.subarray(0, MAX_HEAD_SIZE));
    let headSize = 0;
    let length = 0;
    let byte = 0x80;
    while (headSize < head.length && byte >= 0x80) {
      byte = head[headSize] ?? 0;
      length += (byte & 0x7f) << (7 * headSize);
      headSize += 1;
    }
    const missing = headSize + length - partial.length;
    if (byte >= 0x80 || missing > chunk.length) {
      this.#partial = join(partial, chunk);
      return chunk.length;
    }
    this.#partial = undefined;
    take(join(partial, chunk.subarray(0, missing)).subarray(headSize));
    return missing;
  }
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
