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

/** How often those that have a slab are looked at, in milliseconds. */
const SWEEP_MS = 1_000;

interface Fields {
  /** What is read into next. */
  readonly buffer: symbol;
  /** Takes the number of bytes read; false stops the reading. */
  readonly callback: symbol;
  /** Gives what is read into after each read. */
  readonly generator: symbol;
  readonly shared: Uint8Array;
}

/** The part of a handle that is used. */
interface ReadingHandle {
  useUserBuffer(buffer: Uint8Array): void;
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
  if (
    buffer === undefined || callback === undefined || generator === undefined
  ) return undefined;
  return { buffer, callback, generator, shared: new Uint8Array(SHARED_SIZE) };
}

function handleOf(socket: net.Socket): ReadingHandle | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  return isReadingHandle(handle) ? handle : undefined;
}

function isReadingHandle(value: unknown): value is ReadingHandle {
  return typeof value === "object" && value !== null &&
    "useUserBuffer" in value && typeof value.useUserBuffer === "function";
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
  if (fields === undefined || handleOf(socket) === undefined) return false;
  new Reader(socket, receive, fields).begin();
  const isPaused = socket.isPaused();
  // Bytes never enter the stream. One that has asked for some asks no more, and
  // so does not read by itself, a turn later, when a resume was taken back.
  socket.read(0);
  // A stream that is paused reads ahead; this way of reading stops at once.
  if (isPaused) socket.pause();
  return true;
}

/** The last reader that was given other memory than before. */
let lastMoved: WeakRef<Reader> | undefined;

/**
 * After a read Node runs `process.nextTick`; when something throws there, and
 * the program lives on, the answer that says where the next read goes is lost,
 * and it would go where the last one went. (That is told before the next read.)
 */
function moveAgain(): void {
  lastMoved?.deref()?.begin();
  lastMoved = undefined;
}

/** Those that have, or had, a slab since the last look. */
const watched = new Set<WeakRef<Reader>>();

function watch(reader: WeakRef<Reader>): void {
  if (watched.size === 0) {
    nodeProcess()?.on("uncaughtExceptionMonitor", moveAgain);
    sweepLater();
  }
  watched.add(reader);
}

function sweepLater(): void {
  // It keeps no program alive, and runs only while there are slabs.
  nodeBuiltin("node:timers").setTimeout(sweep, SWEEP_MS).unref();
}

function sweep(): void {
  for (const reader of watched) {
    if (reader.deref()?.letGo() !== false) watched.delete(reader);
  }
  if (watched.size > 0) sweepLater();
  else nodeProcess()?.off("uncaughtExceptionMonitor", moveAgain);
}

/** Reads one socket. */
class Reader {
  readonly #socket: net.Socket;
  readonly #receive: (chunk: Uint8Array) => void;
  readonly #fields: Fields;
  readonly #memory: ReadMemory;
  /** What the next read goes into. */
  #offered: Uint8Array;
  #self: WeakRef<Reader> | undefined;
  /** How often it was given other memory than before, and as of the last look. */
  #moves = 0;
  #movesSeen = 0;
  #isWatched = false;
  /** For how many looks it has been silent. */
  #silence = 0;
  /** For how many looks it may be. */
  #patience = 1;

  constructor(
    socket: net.Socket,
    receive: (chunk: Uint8Array) => void,
    fields: Fields,
  ) {
    this.#socket = socket;
    this.#receive = receive;
    this.#fields = fields;
    this.#memory = new ReadMemory(fields.shared);
    this.#offered = fields.shared;
    Reflect.set(socket, fields.callback, this.#onRead);
    Reflect.set(socket, fields.generator, this.#offer);
  }

  /** Reads into the shared memory from now on, unless the socket is closed. */
  begin(): void {
    const { shared, buffer } = this.#fields;
    this.#memory.release();
    this.#offered = shared;
    Reflect.set(this.#socket, buffer, shared);
    handleOf(this.#socket)?.useUserBuffer(shared);
  }

  // Hot: once a read.
  readonly #onRead = (size: number): void => {
    let chunk: Uint8Array;
    try {
      chunk = this.#memory.take(size);
    } catch (error) {
      // What was read is lost: no memory, or it was given away.
      this.#socket.destroy(error instanceof Error ? error : undefined);
      return;
    }
    try {
      this.#receive(chunk);
    } catch (error) {
      // The next read would go where this one went.
      this.#socket.destroy();
      throw error;
    }
  };

  // Hot: once a read.
  readonly #offer = (): Uint8Array => {
    const next = this.#memory.offer();
    if (next !== this.#offered) {
      this.#offered = next;
      this.#moves++;
      const self = this.#self ??= new WeakRef(this);
      lastMoved = self;
      if (!this.#isWatched) {
        this.#isWatched = true;
        watch(self);
      }
    }
    return next;
  };

  /**
   * Looks whether the slab of a socket that was busy is held for nothing. To go
   * back costs Node a few bytes until the socket is closed, so each time takes
   * twice the silence of the one before.
   *
   * @returns False while there is a slab to be let go.
   */
  letGo(): boolean {
    if (this.#memory.hasSlab && !this.#socket.destroyed) {
      this.#silence = this.#moves === this.#movesSeen ? this.#silence + 1 : 0;
      this.#movesSeen = this.#moves;
      if (this.#silence < this.#patience) return false;
      this.#patience *= 2;
      this.begin();
    }
    this.#silence = 0;
    this.#isWatched = false;
    return true;
  }
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
    const slab = this.#slab;
    if (slab === undefined) return this.#shared;
    try {
      return slab.offer();
    } catch {
      // No memory for another slab: what was handed out must not be read into again.
      this.#slab = undefined;
      return this.#shared;
    }
  }

  // Hot: once a read.
  /**
   * The bytes that were read into what was offered last.
   *
   * @throws {Fault} As `ReadSlab.take`.
   */
  take(size: number): Uint8Array {
    const shared = this.#shared;
    const slab = this.#slab;
    if (slab === undefined) {
      if (size === shared.length) {
        this.#slab = new ReadSlab(size * 4, lastingMemory);
      }
      return shared.slice(0, size);
    }
    // A socket that is busy once must not hold a slab for its idle life.
    if (size < shared.length >> 2) this.#slab = undefined;
    return slab.take(size);
  }

  /** Whether there is a slab, which only its socket uses. */
  get hasSlab(): boolean {
    return this.#slab !== undefined;
  }

  /** Goes back to the shared memory. */
  release(): void {
    this.#slab = undefined;
  }
}

/**
 * Memory that a program cannot hand to another thread with a message in it: Node
 * would read on into it.
 */
function lastingMemory(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  nodeBuiltin("node:worker_threads").markAsUntransferable(bytes.buffer);
  return bytes;
}
