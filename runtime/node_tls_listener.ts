/**
 * Accepting with TLS, on `node:tls` of Node and Bun. Deno's goes another way:
 * `deno_tls_listener.ts`.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import { keepAccepting } from "./_accepting.ts";
import { BoundListener } from "./_bound_listener.ts";
import { isDenoBuiltin, nodeBuiltin } from "./_node_builtins.ts";
import { addressText, UNKNOWN_ADDRESS } from "./_socket_address.ts";
import { listenTakingOver } from "./_unix_path.ts";
import { serveDenoTls } from "./deno_tls_listener.ts";
import type {
  StreamListener,
  StreamListenerEvents,
  StreamListenRequest,
} from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";
import { NodeStream } from "./node_stream.ts";
import { boundAddress, listenOptions } from "./node_stream_listener.ts";
import { tlsFailureOf } from "./node_tls_fault.ts";
import { checkTlsListen } from "./node_tls_options.ts";
import { serverOptions, ServerSecurity, TlsGuard } from "./node_tls_server.ts";
import type { TlsListenRequest } from "./tls.ts";

/**
 * Listens with TLS, as `Driver.listenStream` asks.
 *
 * Handshakes run side by side. One that fails, or takes too long, and a
 * connection beyond the `maxHandshakes` under way are told as faults, and the
 * listener goes on. A connection that would take one of the last eight
 * descriptors of the process is closed and told as `too-many-open-files`: no
 * runtime tells when there is none left. This is done where the limit can be
 * read: on Linux.
 *
 * @throws {Fault} by rejection: `tls` for certificates and keys that cannot be
 * used; `not-supported` for a Unix path; else as for a plain listener.
 */
export async function listenNodeTls(
  request: StreamListenRequest,
  tls: TlsListenRequest,
  events: StreamListenerEvents,
): Promise<StreamListener> {
  const { address, keepAliveMs } = request;
  if (address.family === "unix") {
    throw new Fault(
      "not-supported",
      `Cannot listen on ${addressText(address)} with TLS: it is a Unix socket`,
    );
  }
  checkTlsListen(tls);
  const options = serverOptions(tls);
  const target = await listenOptions(request);
  const guard = new TlsGuard(tls);
  const acceptor = isDenoBuiltin()
    ? serveDenoTls(options, guard, keepAliveMs, events)
    : new TlsAcceptor(
      nodeBuiltin("node:tls").createServer(options),
      guard,
      keepAliveMs,
      events,
    );
  const { server } = acceptor;
  await listenTakingOver(
    address,
    () =>
      new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(target, () => {
          server.off("error", reject);
          resolve();
        });
      }),
  );
  server.on("error", (error) => {
    events.fault(faultFrom(error, "Cannot accept a connection"));
  });
  const endAccepting = keepAccepting(server, request.backlog);
  return new BoundListener(boundAddress(server), () => {
    endAccepting();
    server.close();
    return acceptor.close();
  });
}

/** A connection whose handshake is under way. */
interface Shaking {
  /** Below TLS on Node; the TLS socket itself on Bun. */
  readonly socket: Socket;
  readonly timer: ReturnType<typeof setTimeout> | undefined;
}

class TlsAcceptor {
  readonly server: Server;
  readonly #guard: TlsGuard;
  readonly #keepAliveMs: number | undefined;
  readonly #events: StreamListenerEvents;
  /** By the addresses of both ends: nothing else tells which TLS socket is over which. */
  readonly #shaking = new Map<string, Shaking>();
  /** Why sockets were dropped here; the runtime then tells of each that it broke off. */
  readonly #dropped: Fault[] = [];
  #isClosed = false;

  constructor(
    server: Server,
    guard: TlsGuard,
    keepAliveMs: number | undefined,
    events: StreamListenerEvents,
  ) {
    this.server = server;
    this.#guard = guard;
    this.#keepAliveMs = keepAliveMs;
    this.#events = events;
    server.on("connection", (socket: Socket) => this.#begin(socket));
    server.on("secureConnection", (socket) => this.#finish(socket));
    server.on("tlsClientError", (error, socket) => this.#fail(error, socket));
  }

  close(): void {
    this.#isClosed = true;
    for (const { socket, timer } of this.#shaking.values()) {
      clearTimeout(timer);
      socket.destroy();
    }
    this.#shaking.clear();
  }

  #begin(socket: Socket): void {
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    const refusal = this.#guard.refusal(this.#shaking.size);
    if (refusal !== undefined) {
      this.#drop(socket, refusal);
      return;
    }
    const key = keyOf(socket);
    const timer = this.#guard.limit((fault) => this.#drop(socket, fault));
    const shaking = { socket, timer };
    this.#shaking.set(key, shaking);
    socket.once("close", () => {
      clearTimeout(timer);
      if (this.#shaking.get(key) === shaking) this.#shaking.delete(key);
    });
  }

  #finish(socket: TLSSocket): void {
    const key = keyOf(socket);
    const shaking = this.#shaking.get(key);
    if (shaking === undefined) {
      // Dropped a moment ago.
      socket.destroy();
      return;
    }
    clearTimeout(shaking.timer);
    this.#shaking.delete(key);
    // Not before: a peer that leaves inside the handshake must not stay half-open.
    socket.allowHalfOpen = true;
    const security = new ServerSecurity(socket, shaking.socket, false);
    const { authorized, authorizationError } = socket;
    const refusal = this.#guard.judge(socket, authorized, authorizationError);
    if (refusal !== undefined) {
      // What goes wrong with it from now on concerns nobody.
      socket.on("error", () => {});
      security.reset();
      this.#events.fault(refusal);
      return;
    }
    new NodeStream(socket, UNKNOWN_ADDRESS, this.#keepAliveMs, security)
      .offer((stream) => this.#events.accept(stream));
  }

  #fail(error: Error, socket: TLSSocket): void {
    socket.destroy();
    if (this.#isClosed) return;
    // Set where the runtime refused a certificate; the error is then a mere end.
    const verdict: unknown = socket.authorizationError;
    if (tlsFailureOf(verdict) !== undefined) {
      this.#events.fault(this.#guard.refused(socket, verdict));
      return;
    }
    const isBrokenOff = Reflect.get(error, "code") === "ECONNRESET";
    const dropped = isBrokenOff ? this.#dropped.shift() : undefined;
    this.#events.fault(dropped ?? this.#guard.failed(error));
  }

  /** Closes a connection; its fault is told when the runtime tells of the end. */
  #drop(socket: Socket, fault: Fault): void {
    this.#dropped.push(fault);
    socket.destroy();
  }
}

function keyOf(socket: Socket): string {
  const { localAddress, remoteAddress, remotePort } = socket;
  return `${localAddress} ${remoteAddress} ${remotePort}`;
}
