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

/** Cuts frames out of chunks. */
export class FrameReader {
  #partial: Uint8Array | undefined;

  // Hot: one call of `take` a message received.
  read(chunk: Uint8Array, take: (payload: Uint8Array) => void): void {
    let bytes = chunk;
    if (this.#partial !== undefined) {
      bytes = new Uint8Array(this.#partial.length + chunk.length);
      bytes.set(this.#partial);
      bytes.set(chunk, this.#partial.length);
      this.#partial = undefined;
    }
    const end = bytes.length;
    let at = 0;
    while (at < end) {
      let start = at;
      let length = 0;
      let shift = 0;
      let byte = 0x80;
      while (start < end && byte >= 0x80) {
        byte = bytes[start++] ?? 0;
        length += (byte & 0x7f) << shift;
        shift += 7;
      }
      if (byte >= 0x80 || start + length > end) break;
      take(bytes.subarray(start, start + length));
      at = start + length;
    }
    if (at < end) this.#partial = bytes.slice(at);
  }
}
