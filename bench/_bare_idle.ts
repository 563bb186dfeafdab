/**
 * A server on the runtime's bare sockets that keeps its connections and does
 * what a careful program must: reads, hears of errors, and can name each one.
 *
 * @module
 */

import net from "node:net";

/** A bound server. */
export interface BareServer {
  readonly port: number;
  /** How many connections are open. */
  count(): number;
}

/** What a program needs of a read is its own: this is what an idle connection of the library reads into on Deno. */
const READ_SIZE = 2048;

interface BareBun {
  listen(options: {
    hostname: string;
    port: number;
    allowHalfOpen: boolean;
    data: undefined;
    socket: {
      binaryType: "uint8array";
      open(socket: BunSocket): void;
      data(socket: BunSocket, chunk: Uint8Array): void;
      end(socket: BunSocket): void;
      close(socket: BunSocket): void;
      error(socket: BunSocket, error: Error): void;
    };
  }): { readonly port: number };
}

interface BunSocket {
  data: { received: number } | undefined;
  end(): void;
}

function isBun(value: unknown): value is BareBun {
  return typeof value === "object" && value !== null && "listen" in value;
}

function bunServer(bun: BareBun): BareServer {
  const sockets = new Set<BunSocket>();
  const { port } = bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    data: undefined,
    socket: {
      binaryType: "uint8array",
      open(socket) {
        socket.data = { received: 0 };
        sockets.add(socket);
      },
      data(socket, chunk) {
        if (socket.data !== undefined) socket.data.received += chunk.length;
      },
      end: (socket) => socket.end(),
      close: (socket) => void sockets.delete(socket),
      error() {},
    },
  });
  return { port, count: () => sockets.size };
}

function denoServer(): BareServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sockets = new Set<Deno.Conn>();
  const read = async (socket: Deno.TcpConn) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    const chunk = new Uint8Array(READ_SIZE);
    try {
      while (await socket.read(chunk) !== null);
    } catch {
      // A reset ends the connection as well as FIN does.
    }
    sockets.delete(socket);
    socket.close();
  };
  const accept = async () => {
    for await (const socket of listener) void read(socket);
  };
  void accept();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    count: () => sockets.size,
  };
}

function nodeServer(): Promise<BareServer> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    let received = 0;
    socket.on("data", (chunk) => received += chunk.length);
    socket.on("end", () => socket.end());
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") {
        return reject(new Error("no port"));
      }
      resolve({ port: address.port, count: () => sockets.size });
    });
  });
}

/** Listens with the runtime that runs this. */
export function bareServer(): BareServer | Promise<BareServer> {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (isBun(bun)) return bunServer(bun);
  return "Deno" in globalThis ? denoServer() : nodeServer();
}
