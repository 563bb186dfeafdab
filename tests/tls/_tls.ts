/**
 * The transports over which TLS is tested, nodes that use it, and raw peers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import {
  connect as connectTls,
  type ConnectionOptions,
  createServer as createTlsServer,
  type TlsOptions,
} from "node:tls";
import {
  type Adapter,
  type Endpoint,
  type Listening,
  NetworkError,
  type TcpConnectOptions,
  type TcpListenOptions,
  type TlsConnectOptions,
  type TlsFailure,
  type TlsListenOptions,
  Transport,
} from "../../mod.ts";
import {
  eventually,
  type TestNode,
  type World,
} from "../conformance/_nodes.ts";
import { CA, identity } from "./_certificates.ts";

/** A transport that can have TLS. */
export type TlsTransport = Adapter<TcpConnectOptions, TcpListenOptions>;

/** All of them. */
export const tlsTransports: readonly TlsTransport[] = [
  Transport.Tcp,
  Transport.FramedTcp,
  Transport.Ws,
];

/** What a client trusts in most tests. */
export const TRUSTING: TlsConnectOptions = {
  ca: CA,
  serverName: "server.test",
};

/** A listener's options that ask clients for their certificates. */
export const MUTUAL: TlsListenOptions = {
  ...identity("server"),
  ca: CA,
  clientCertificate: "required",
};

/** Where a listener is, for a client of this host. */
export function at(listening: Listening): { hostname: string; port: number } {
  return { hostname: "127.0.0.1", port: listening.address.port };
}

/** A node that listens with TLS, and another. */
export interface Ends {
  readonly server: TestNode;
  readonly client: TestNode;
  readonly listening: Listening;
}

/** Makes two nodes, of which one listens. */
export async function ends(
  world: World,
  transport: TlsTransport,
  tls: TlsListenOptions = identity("server"),
): Promise<Ends> {
  const server = world.node("the server");
  const client = world.node("the client");
  const listening = await server.network.listen(transport, "127.0.0.1:0", {
    tls,
  });
  return { server, client, listening };
}

/** Connects both nodes; resolves when both know. */
export async function joined(
  { server, client, listening }: Ends,
  transport: TlsTransport,
  tls: TlsConnectOptions = TRUSTING,
): Promise<{ toServer: Endpoint; toClient: Endpoint }> {
  const before = server.count("accepted");
  const toServer = await client.network.connectAsync(
    transport,
    at(listening),
    { tls },
  );
  const { endpoint } = await server.event("accepted", before);
  return { toServer, toClient: endpoint };
}

/** For `assert.throws` and `assert.rejects`: a `tls` error of a failure. */
export function isTls(
  failure: TlsFailure,
  message?: RegExp,
): (error: unknown) => true {
  return (error) => {
    assert(error instanceof NetworkError, `not a NetworkError: ${error}`);
    assert.equal(error.code, "tls", error.message);
    assert.equal(error.tlsFailure, failure, error.message);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };
}

/** Waits for a listener's fault. */
export async function lastFault(
  { server, listening }: Ends,
): Promise<NetworkError> {
  const fault = (): NetworkError | undefined =>
    server.network.resource(listening.resourceId)?.lastFault;
  await eventually("a fault of the listener", () => fault() !== undefined);
  const found = fault();
  assert(found !== undefined);
  return found;
}

/** A raw listener of this host, which is closed at the end. */
export async function rawServer(
  world: World,
  server: Server,
): Promise<number> {
  const sockets = new Set<Socket>();
  let isOver = false;
  server.on("connection", (socket: Socket) => {
    // One that was on its way when the test ended would keep the server open.
    if (isOver) socket.destroy();
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  world.defer(async () => {
    isOver = true;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  const address = server.address();
  assert(typeof address === "object" && address !== null);
  return address.port;
}

/** A raw listener without TLS. */
export function plainServer(
  world: World,
  greet: (socket: Socket) => void,
): Promise<number> {
  return rawServer(world, createServer({ allowHalfOpen: true }, greet));
}

/** A raw listener with TLS that answers with what it gets. */
export function echoServer(
  world: World,
  options: TlsOptions = {},
): Promise<number> {
  const { certificate, key } = identity("server");
  return rawServer(
    world,
    createTlsServer({ cert: certificate, key, ...options }, (socket) => {
      socket.on("error", () => {});
      socket.pipe(socket);
    }),
  );
}

/** Lets a raw TLS client try a listener that refuses it; resolves when it is closed. */
export function rawHandshake(
  listening: Listening,
  options: ConnectionOptions,
): Promise<void> {
  return new Promise((resolve) => {
    const socket = connectTls({
      host: "127.0.0.1",
      port: listening.address.port,
      servername: "server.test",
      ca: CA,
      ...options,
    });
    socket.on("error", () => {});
    socket.on("end", () => socket.destroy());
    socket.once("close", () => resolve());
    socket.resume();
  });
}
