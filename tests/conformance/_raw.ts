/**
 * Raw sockets, to say to a node what no node would say.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Listening } from "../../mod.ts";
import { join, type World } from "./_nodes.ts";
import type { TransportRow } from "./_transports.ts";

const WAIT_MS = 20_000;

/** One end of a raw connection. It never ends its own direction unless it is told to. */
export class RawPeer {
  readonly socket: Socket;
  readonly chunks: Uint8Array[] = [];
  received = 0;
  isEnded = false;
  isClosed = false;
  error: Error | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.chunks.push(Uint8Array.from(chunk));
      this.received += chunk.length;
      this.#look();
    });
    socket.on("end", () => {
      this.isEnded = true;
      this.#look();
    });
    socket.on("error", (error) => {
      this.error = error;
      this.#look();
    });
    socket.on("close", () => {
      this.isClosed = true;
      this.#look();
    });
  }

  /** What has come so far. */
  bytes(): Uint8Array {
    return join(this.chunks);
  }

  until(what: string, isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(
          new Error(
            `A raw socket waited for ${what}: ${this.received} bytes came, ended ${this.isEnded}, closed ${this.isClosed}`,
          ),
        );
      }, WAIT_MS);
      const look = () => {
        if (!isMet()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** Waits for so many bytes. */
  size(size: number): Promise<void> {
    return this.until(`${size} bytes`, () => this.received >= size);
  }

  /** Waits for the node's end of the connection, in whatever way it comes. */
  over(): Promise<void> {
    return this.until("the end", () => this.isEnded || this.isClosed);
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }
}

async function destroyed(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = new Promise<void>((resolve) =>
    socket.once("close", () => resolve())
  );
  socket.destroy();
  await closed;
}

/** Connects to a node's listener. */
export async function rawConnect(
  world: World,
  row: TransportRow,
  { address }: Listening,
): Promise<RawPeer> {
  const socket = row.raw === "path"
    ? connect({ path: address.path, allowHalfOpen: true })
    : connect({ host: "127.0.0.1", port: address.port, allowHalfOpen: true });
  const peer = new RawPeer(socket);
  world.defer(() => destroyed(socket));
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("error", reject);
  });
  return peer;
}

/** A raw listener. */
export interface RawServer {
  readonly port: number;
  /** Those that have connected, oldest first. */
  readonly peers: readonly RawPeer[];
}

/** Listens on a port of this machine; `greet` is called for each that connects. */
export async function rawListen(
  world: World,
  greet: (peer: RawPeer) => void = () => {},
): Promise<RawServer> {
  const peers: RawPeer[] = [];
  let isOver = false;
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = new RawPeer(socket);
    peers.push(peer);
    // One that was on its way when the test ended would keep the server open.
    if (isOver) socket.destroy();
    else greet(peer);
  });
  world.defer(async () => {
    isOver = true;
    const closed = new Promise<void>((resolve) =>
      server.close(() => resolve())
    );
    for (const { socket } of peers) await destroyed(socket);
    await closed;
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new TypeError("A raw listener has no port");
  }
  return { port: address.port, peers };
}

/** The frame of a message behind its varint length. */
export function varintFrame(message: Uint8Array): Uint8Array {
  const head: number[] = [];
  let size = message.length;
  while (size >= 0x80) {
    head.push((size % 0x80) | 0x80);
    size = Math.floor(size / 0x80);
  }
  head.push(size);
  return join([Uint8Array.from(head), message]);
}
