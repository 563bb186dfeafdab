/**
 * TCP sockets of the runtime itself, behind the little that the bare peer needs.
 *
 * @module
 */

import net from "node:net";

/** A socket that takes bytes and keeps what the operating system has no room for. */
export interface RawSocket {
  /** The bytes must stay as they are while some are pending. */
  write(bytes: Uint8Array): void;
  /** Bytes that the operating system has not taken yet. */
  readonly pending: number;
  /** Resolves when nothing is pending. */
  drained(): Promise<void>;
  /** Ends the connection once nothing is pending. */
  end(): Promise<void>;
}

/** What is made of a socket, and told of it. */
export interface RawHandlers<T> {
  open(socket: RawSocket): T;
  /** Where chunks are lent, it is overwritten after the call. */
  data(state: T, chunk: Uint8Array): void;
  close(state: T): void;
}

/** The sockets of one runtime. */
export interface RawSockets {
  /** Whether the next read overwrites a chunk. */
  readonly lendsChunks: boolean;
  /** Resolves with the port. */
  listen<T>(
    hostname: string,
    port: number,
    handlers: RawHandlers<T>,
  ): Promise<number>;
  connect<T>(
    hostname: string,
    port: number,
    handlers: RawHandlers<T>,
  ): Promise<void>;
}

/** Wakes those who wait for something. */
class Waiting {
  #resolves: (() => void)[] = [];

  wait(): Promise<void> {
    return new Promise((resolve) => this.#resolves.push(resolve));
  }

  wake(): void {
    const resolves = this.#resolves;
    if (resolves.length === 0) return;
    this.#resolves = [];
    for (const resolve of resolves) resolve();
  }
}

class NodeSocket implements RawSocket {
  readonly #socket: net.Socket;
  readonly #waiting = new Waiting();

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("drain", () => this.#waiting.wake());
    socket.on("close", () => this.#waiting.wake());
  }

  get pending(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  drained(): Promise<void> {
    return this.#socket.writableNeedDrain
      ? this.#waiting.wait()
      : Promise.resolve();
  }

  end(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(resolve));
  }
}

const nodeSockets: RawSockets = {
  lendsChunks: false,
  listen(hostname, port, handlers) {
    return new Promise((resolve, reject) => {
      const server = net.createServer(
        { noDelay: true },
        (socket) => attachNode(socket, handlers),
      );
      server.on("error", reject);
      server.listen({ port, host: hostname, backlog: 4_096 }, () => {
        const address = server.address();
        resolve(typeof address === "object" ? address?.port ?? 0 : 0);
      });
    });
  },
  connect(hostname, port, handlers) {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host: hostname, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        attachNode(socket, handlers);
        resolve();
      });
    });
  },
};

function attachNode<T>(socket: net.Socket, handlers: RawHandlers<T>): void {
  const state = handlers.open(new NodeSocket(socket));
  socket.on("data", (chunk: Uint8Array) => {
    // Views of a Buffer are Buffers, and dear.
    const { buffer, byteOffset, length } = chunk;
    handlers.data(state, new Uint8Array(buffer, byteOffset, length));
  });
  socket.on("error", () => {});
  socket.on("close", () => handlers.close(state));
}

const DENO_READ_SIZE = 65_536;

class DenoSocket implements RawSocket {
  readonly #conn: Deno.TcpConn;
  readonly #waiting = new Waiting();
  readonly #queue: Uint8Array[] = [];
  #isWriting = false;
  pending = 0;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  write(bytes: Uint8Array): void {
    this.pending += bytes.length;
    this.#queue.push(bytes);
    if (!this.#isWriting) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isWriting = true;
    try {
      for (
        let bytes = this.#queue.shift();
        bytes !== undefined;
        bytes = this.#queue.shift()
      ) {
        while (bytes.length > 0) {
          const written = await this.#conn.write(bytes);
          this.pending -= written;
          bytes = bytes.subarray(written);
        }
      }
    } catch {
      // The read side tells of the end.
      this.pending = 0;
    }
    this.#isWriting = false;
    this.#waiting.wake();
  }

  drained(): Promise<void> {
    return this.pending > 0 ? this.#waiting.wait() : Promise.resolve();
  }

  async end(): Promise<void> {
    await this.drained();
    try {
      await this.#conn.closeWrite();
    } catch {
      // The other side was quicker.
    }
  }
}

const denoSockets: RawSockets = {
  lendsChunks: true,
  listen(hostname, port, handlers) {
    const listener = Deno.listen({ hostname, port, tcpBacklog: 4_096 });
    void (async () => {
      for await (const conn of listener) void attachDeno(conn, handlers);
    })();
    return Promise.resolve(listener.addr.port);
  },
  async connect(hostname, port, handlers) {
    void attachDeno(await Deno.connect({ hostname, port }), handlers);
  },
};

async function attachDeno<T>(
  conn: Deno.TcpConn,
  handlers: RawHandlers<T>,
): Promise<void> {
  conn.setNoDelay(true);
  const state = handlers.open(new DenoSocket(conn));
  const buffer = new Uint8Array(DENO_READ_SIZE);
  try {
    for (;;) {
      const read = await conn.read(buffer);
      if (read === null) break;
      handlers.data(state, buffer.subarray(0, read));
    }
  } catch {
    // A reset ends the connection too.
  }
  handlers.close(state);
}

/** The part of Bun's API that is used here. */
interface BunApi {
  listen<T>(options: {
    hostname: string;
    port: number;
    socket: BunHandlers<T>;
  }): { readonly port: number };
  connect<T>(options: {
    hostname: string;
    port: number;
    socket: BunHandlers<T>;
  }): Promise<unknown>;
}

interface BunStream<T> {
  data: BunState<T>;
  write(bytes: Uint8Array): number;
  setNoDelay(noDelay: boolean): void;
  shutdown(): void;
}

interface BunState<T> {
  readonly socket: BunSocket;
  readonly own: T;
}

interface BunHandlers<T> {
  readonly binaryType: "uint8array";
  open(socket: BunStream<T>): void;
  data(socket: BunStream<T>, chunk: Uint8Array): void;
  drain(socket: BunStream<T>): void;
  close(socket: BunStream<T>): void;
  error(socket: BunStream<T>, error: Error): void;
}

function isBun(value: unknown): value is BunApi {
  return typeof value === "object" && value !== null && "listen" in value;
}

class BunSocket implements RawSocket {
  readonly #stream: {
    write(bytes: Uint8Array): number;
    shutdown(): void;
  };
  readonly #waiting = new Waiting();
  #queue: Uint8Array[] = [];
  pending = 0;

  constructor(stream: { write(bytes: Uint8Array): number; shutdown(): void }) {
    this.#stream = stream;
  }

  write(bytes: Uint8Array): void {
    const written = this.pending > 0 ? 0 : this.#stream.write(bytes);
    if (written === bytes.length) return;
    this.#queue.push(bytes.subarray(Math.max(written, 0)));
    this.pending += bytes.length - Math.max(written, 0);
  }

  drain(): void {
    while (this.#queue.length > 0) {
      const bytes = this.#queue[0] ?? new Uint8Array();
      const written = Math.max(this.#stream.write(bytes), 0);
      this.pending -= written;
      if (written < bytes.length) {
        this.#queue[0] = bytes.subarray(written);
        return;
      }
      this.#queue.shift();
    }
    this.#waiting.wake();
  }

  drained(): Promise<void> {
    return this.pending > 0 ? this.#waiting.wait() : Promise.resolve();
  }

  async end(): Promise<void> {
    await this.drained();
    this.#stream.shutdown();
  }
}

function bunSockets(bun: BunApi): RawSockets {
  const handle = <T>(handlers: RawHandlers<T>): BunHandlers<T> => ({
    binaryType: "uint8array",
    open(stream) {
      stream.setNoDelay(true);
      const socket = new BunSocket(stream);
      stream.data = { socket, own: handlers.open(socket) };
    },
    data: (stream, chunk) => handlers.data(stream.data.own, chunk),
    drain: (stream) => stream.data.socket.drain(),
    close: (stream) => handlers.close(stream.data.own),
    error() {},
  });
  return {
    lendsChunks: false,
    listen: (hostname, port, handlers) =>
      Promise.resolve(
        bun.listen({ hostname, port, socket: handle(handlers) }).port,
      ),
    async connect(hostname, port, handlers) {
      await bun.connect({ hostname, port, socket: handle(handlers) });
    },
  };
}

/** The sockets of the runtime that runs this. */
export function rawSockets(): RawSockets {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (isBun(bun)) return bunSockets(bun);
  return "Deno" in globalThis ? denoSockets : nodeSockets;
}
