/**
 * Reads of Node's `net.Socket` into memory of our own.
 *
 * Node gives each read 64 KiB, cuts them down to what came, and passes them
 * through a stream. Its `onread` does without all of that, but is documented
 * for sockets that connect alone. Accepted ones have the same inside: three
 * fields under symbols, and `useUserBuffer` of the handle, which switches the
 * reading over. None of it is documented, so all of it is looked for first, and
 * a socket that lacks it is read like other streams.
 *
 * @module
 */

import type * as net from "node:net";
import { nodeBuiltin, nodeProcess } from "./_node_builtins.ts";
import { ReadSlab } from "./_read_slab.ts";

/** What all sockets read into that get little at a time. */
const SHARED_SIZE = 65_536;

interface Fields {
  /** What is read into next. */
  readonly buffer: symbol;
  /** Takes the number of bytes read; false stops the reading. */
  readonly callback: symbol;
  /** Gives what is read into after each read. */
  readonly generator: symbol;
  readonly shared: Uint8Array;
}

let fields: Fields | undefined | "unknown" = "unknown";

function findFields(): Fields | undefined {
  const process = nodeProcess();
  // Deno has the fields without their effect. On Windows a read may have its
  // memory long before it brings anything, which therefore cannot be shared.
  if (
    process === undefined || process.platform === "win32" ||
    process.versions.deno !== undefined || process.versions.bun !== undefined
  ) return undefined;
  const probe = new (nodeBuiltin("node:net").Socket)();
  const symbols = Object.getOwnPropertySymbols(probe);
  const named = (name: string) =>
    symbols.find(({ description }) => description === name);
  const buffer = named("kBuffer");
  const callback = named("kBufferCb");
  const generator = named("kBufferGen");
  return buffer === undefined || callback === undefined ||
      generator === undefined
    ? undefined
    : { buffer, callback, generator, shared: new Uint8Array(SHARED_SIZE) };
}

/**
 * Reads a socket, which has brought nothing yet and has no listener for `data`,
 * into memory of our own from now on. All else of the socket is as before.
 *
 * @param socket An open socket of `node:net`, without TLS.
 * @param receive Called with what each read brought, which is never written again.
 * @returns False if this runtime's sockets cannot be read so; then nothing has changed.
 */
export function readIntoOwnMemory(
  socket: net.Socket,
  receive: (chunk: Uint8Array) => void,
): boolean {
  if (fields === "unknown") fields = findFields();
  if (fields === undefined) return false;
  const handle: unknown = Reflect.get(socket, "_handle");
  if (
    typeof handle !== "object" || handle === null ||
    !("useUserBuffer" in handle) || typeof handle.useUserBuffer !== "function"
  ) return false;
  const memory = new ReadMemory(fields.shared);
  // Hot: once a read.
  Reflect.set(socket, fields.callback, (size: number): void => {
    try {
      receive(memory.take(size));
    } catch (error) {
      // The next read would go where this one went.
      socket.destroy();
      throw error;
    }
  });
  Reflect.set(socket, fields.generator, () => memory.offer());
  const first = memory.offer();
  Reflect.set(socket, fields.buffer, first);
  handle.useUserBuffer(first);
  // A stream that is paused reads ahead; this way of reading stops at once.
  if (socket.isPaused()) socket.pause();
  return true;
}

/**
 * The memory that one socket reads into.
 *
 * A read has ended before any other begins, so all sockets share what they read
 * into, and a copy is handed out. Where reads fill it, slabs of its own are
 * cheaper: such a socket has them until it reads little again.
 */
export class ReadMemory {
  readonly #shared: Uint8Array;
  #slab: ReadSlab | undefined;

  /** @param shared What all sockets have in common. */
  constructor(shared: Uint8Array) {
    this.#shared = shared;
  }

  // Hot: once a read.
  /** Where to read into. */
  offer(): Uint8Array {
    return this.#slab === undefined ? this.#shared : this.#slab.offer();
  }

  // Hot: once a read.
  /** The bytes that were read into what was offered last. */
  take(size: number): Uint8Array {
    const shared = this.#shared;
    const slab = this.#slab;
    if (slab === undefined) {
      if (size === shared.length) this.#slab = new ReadSlab(size * 4);
      return shared.slice(0, size);
    }
    // A socket that is busy once must not hold a slab for its idle life.
    if (size < shared.length >> 2) this.#slab = undefined;
    return slab.take(size);
  }
}
