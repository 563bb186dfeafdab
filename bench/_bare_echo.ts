/**
 * The one-in-flight echo over a runtime's bare TCP sockets, with nothing of
 * this library: what a careful programmer would write by hand.
 *
 * @module
 */

import net from "node:net";

/** Sends `count` chunks of `size` bytes one after the other; the round trips in microseconds. */
export type BareEcho = (count: number, size: number) => Promise<Float64Array>;

/** The part of Bun's API that is used here. */
interface BareBun {
  listen(options: {
    hostname: string;
    port: number;
    socket: BareHandlers;
  }): { readonly port: number; stop(closeActive: boolean): void };
  connect(options: {
    hostname: string;
    port: number;
    socket: BareHandlers;
  }): Promise<unknown>;
}

interface BareSocket {
  write(bytes: Uint8Array): number;
  end(): void;
}

interface BareHandlers {
  open?(socket: BareSocket): void;
  data(socket: BareSocket, chunk: Uint8Array): void;
}

function isBun(value: unknown): value is BareBun {
  return typeof value === "object" && value !== null && "listen" in value;
}

/** Notes when each round trip began and ended. */
class RoundTrips {
  readonly micros: Float64Array;
  #done = 0;
  #startedAt = 0;

  constructor(count: number) {
    this.micros = new Float64Array(count);
  }

  start(): void {
    this.#startedAt = performance.now();
  }

  /** Ends one and begins the next; true when all are done. */
  next(): boolean {
    const now = performance.now();
    this.micros[this.#done] = (now - this.#startedAt) * 1_000;
    this.#startedAt = now;
    this.#done += 1;
    return this.#done === this.micros.length;
  }
}

async function denoEcho(count: number, size: number): Promise<Float64Array> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async () => {
    const socket = await listener.accept();
    socket.setNoDelay(true);
    const chunk = new Uint8Array(65_536);
    for (;;) {
      const length = await socket.read(chunk);
      if (length === null) break;
      await socket.write(chunk.subarray(0, length));
    }
    socket.close();
    listener.close();
  };
  const served = serve();
  const { hostname, port } = listener.addr as Deno.NetAddr;
  const socket = await Deno.connect({ hostname, port });
  socket.setNoDelay(true);
  const trips = new RoundTrips(count);
  const payload = new Uint8Array(size);
  const chunk = new Uint8Array(65_536);
  trips.start();
  do {
    await socket.write(payload);
    await socket.read(chunk);
  } while (!trips.next());
  socket.close();
  await served;
  return trips.micros;
}

function bunEcho(bun: BareBun): BareEcho {
  return (count, size) =>
    new Promise((resolve, reject) => {
      const trips = new RoundTrips(count);
      const payload = new Uint8Array(size);
      const listener = bun.listen({
        hostname: "127.0.0.1",
        port: 0,
        socket: { data: (socket, chunk) => void socket.write(chunk) },
      });
      bun.connect({
        hostname: "127.0.0.1",
        port: listener.port,
        socket: {
          open(socket) {
            trips.start();
            socket.write(payload);
          },
          data(socket) {
            if (!trips.next()) return void socket.write(payload);
            socket.end();
            listener.stop(true);
            resolve(trips.micros);
          },
        },
      }).catch(reject);
    });
}

function nodeEcho(count: number, size: number): Promise<Float64Array> {
  return new Promise((resolve, reject) => {
    const trips = new RoundTrips(count);
    const payload = new Uint8Array(size);
    const server = net.createServer((socket) => {
      socket.setNoDelay(true);
      socket.on("data", (chunk) => socket.write(chunk));
    });
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") {
        return reject(new Error("no port"));
      }
      const socket = net.connect(address.port, "127.0.0.1");
      socket.setNoDelay(true);
      socket.on("error", reject);
      socket.on("connect", () => {
        trips.start();
        socket.write(payload);
      });
      socket.on("data", () => {
        if (!trips.next()) return void socket.write(payload);
        socket.end();
        server.close();
        resolve(trips.micros);
      });
    });
  });
}

/** The bare sockets of the runtime that runs this. */
export function bareEcho(): { readonly name: string; readonly run: BareEcho } {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (isBun(bun)) return { name: "Bun.listen", run: bunEcho(bun) };
  if ("Deno" in globalThis) return { name: "Deno.listen", run: denoEcho };
  return { name: "node:net", run: nodeEcho };
}
