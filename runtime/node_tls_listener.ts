/**
 * Accepting with TLS, on `node:tls` of whatever runtime.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { SecureContext, Server, TlsOptions, TLSSocket } from "node:tls";
import { BoundListener } from "./_bound_listener.ts";
import { descriptorLimit, nextDescriptor } from "./_descriptors.ts";
import { nodeBuiltin, nodeProcess } from "./_node_builtins.ts";
import { addressText, UNKNOWN_ADDRESS } from "./_socket_address.ts";
import { listenTakingOver } from "./_unix_path.ts";
import type {
  StreamListener,
  StreamListenerEvents,
  StreamListenRequest,
} from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";
import { NodeStream, type StreamSecurity } from "./node_stream.ts";
import { boundAddress, listenOptions } from "./node_stream_listener.ts";
import { tlsFailureOf, tlsFault, tlsFaultFrom } from "./node_tls_fault.ts";
import { checkTlsListen } from "./node_tls_options.ts";
import { peerCertificateBytes, tlsSession } from "./node_tls_session.ts";
import type { TlsIdentity, TlsListenRequest, TlsSession } from "./tls.ts";

/** How many descriptors are kept free of accepted sockets. */
const SPARE_DESCRIPTORS = 8;

/** More than any handshake takes, in milliseconds: the time limit is kept here, not by the runtime. */
const NO_LIMIT_MS = 2_147_483_647;

const REFUSING = "Refused a connection";
const SHAKING = "A TLS handshake failed";

/**
 * Listens with TLS, as `Driver.listenStream` asks.
 *
 * Handshakes run side by side. One that fails, or takes too long, and a
 * connection beyond the `maxHandshakes` under way are told as faults, and the
 * listener goes on. When a connection would take one of the last eight
 * descriptors of the process it is closed and told as `too-many-open-files`,
 * because Deno's `node:net` never accepts again once there was none left; this
 * is done where the limit can be read: on Linux.
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
  const acceptor = new TlsAcceptor(tls, keepAliveMs, events);
  const server = await listenTakingOver(
    address,
    () =>
      new Promise<Server>((resolve, reject) => {
        const server = nodeBuiltin("node:tls").createServer(options);
        server.once("error", reject);
        server.listen(target, () => {
          server.off("error", reject);
          acceptor.watch(server);
          resolve(server);
        });
      }),
  );
  return new BoundListener(boundAddress(server), () => {
    server.close();
    acceptor.close();
  });
}

function serverOptions(tls: TlsListenRequest): TlsOptions {
  const { identity, ca, alpnProtocols, minVersion, clientCertificate } = tls;
  const { createSecureContext } = nodeBuiltin("node:tls");
  const contextOf = ({ certificate, key }: TlsIdentity): SecureContext =>
    createSecureContext({
      cert: certificate,
      key,
      minVersion,
      ...(ca !== undefined && { ca: [...ca] }),
    });
  const options: TlsOptions = {
    cert: identity.certificate,
    key: identity.key,
    minVersion,
    handshakeTimeout: NO_LIMIT_MS,
    requestCert: clientCertificate !== "none",
    rejectUnauthorized: clientCertificate === "required",
  };
  if (ca !== undefined) options.ca = [...ca];
  if (alpnProtocols.length > 0) options.ALPNProtocols = [...alpnProtocols];
  try {
    // Tells at once what else is wrong with the options.
    contextOf(identity);
    if (tls.identities.size > 0) {
      const contexts = new Map(
        [...tls.identities].map(([name, one]) =>
          [name.toLowerCase(), contextOf(one)] as const
        ),
      );
      options.SNICallback = (name, done) => done(null, pick(contexts, name));
    }
  } catch (error) {
    throw tlsFault("options", "Cannot use the TLS options", error);
  }
  return options;
}

/** The entry of a name, or of the wildcard for its first label (RFC 6125, section 6.4.3). */
function pick<Context>(
  contexts: ReadonlyMap<string, Context>,
  serverName: string,
): Context | undefined {
  const name = serverName.toLowerCase();
  const dot = name.indexOf(".");
  return contexts.get(name) ??
    (dot === -1 ? undefined : contexts.get(`*${name.slice(dot)}`));
}

/** A connection whose handshake is under way. */
interface Shaking {
  /** Below TLS on Node and Deno; the TLS socket itself on Bun. */
  readonly socket: Socket;
  readonly timer: ReturnType<typeof setTimeout> | undefined;
}

class TlsAcceptor {
  readonly #tls: TlsListenRequest;
  readonly #keepAliveMs: number | undefined;
  readonly #events: StreamListenerEvents;
  readonly #descriptorLimit: number = descriptorLimit();
  /** By the addresses of both ends: nothing else tells which TLS socket is over which. */
  readonly #shaking = new Map<string, Shaking>();
  /** Why sockets were dropped here; the runtime then tells of each that it broke off. */
  readonly #dropped: Fault[] = [];
  #isShort = false;
  #isClosed = false;

  constructor(
    tls: TlsListenRequest,
    keepAliveMs: number | undefined,
    events: StreamListenerEvents,
  ) {
    this.#tls = tls;
    this.#keepAliveMs = keepAliveMs;
    this.#events = events;
  }

  watch(server: Server): void {
    server.on("connection", (socket: Socket) => this.#begin(socket));
    server.on("secureConnection", (socket) => this.#finish(socket));
    server.on("tlsClientError", (error, socket) => {
      this.#fail(error, socket);
    });
    server.on("error", (error) => {
      this.#events.fault(faultFrom(error, "Cannot accept a connection"));
    });
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
    const { maxHandshakes, handshakeTimeoutMs } = this.#tls;
    if (this.#shaking.size >= maxHandshakes) {
      this.#drop(
        socket,
        new Fault(
          "overflow",
          `${REFUSING}: ${maxHandshakes} TLS handshakes are under way`,
        ),
      );
      return;
    }
    if (this.#isOutOfDescriptors()) {
      this.#drop(
        socket,
        new Fault(
          "too-many-open-files",
          `${REFUSING}: all but ${SPARE_DESCRIPTORS} of ${this.#descriptorLimit} descriptors are open`,
        ),
      );
      return;
    }
    const key = keyOf(socket);
    const timer = handshakeTimeoutMs === 0 ? undefined : setTimeout(() => {
      this.#drop(
        socket,
        new Fault(
          "timed-out",
          `A TLS handshake took over ${handshakeTimeoutMs} ms`,
        ),
      );
    }, handshakeTimeoutMs);
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
    const security = new ServerSecurity(socket, shaking.socket);
    const refusal = this.#judge(socket);
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

  /** Required certificates are judged by the runtime; those that need not be there, here. */
  #judge(socket: TLSSocket): Fault | undefined {
    const { clientCertificate } = this.#tls;
    if (clientCertificate === "none") return undefined;
    const hasCertificate = peerCertificateBytes(socket) !== undefined;
    if (!hasCertificate) {
      return clientCertificate === "required"
        ? tlsFault("certificate-required", SHAKING)
        : undefined;
    }
    if (socket.authorized) return undefined;
    const failure = tlsFailureOf(socket.authorizationError) ?? "untrusted";
    return tlsFault(failure, SHAKING, socket.authorizationError);
  }

  #fail(error: Error, socket: TLSSocket): void {
    socket.destroy();
    if (this.#isClosed) return;
    const { authorizationError } = socket;
    const failure = tlsFailureOf(authorizationError);
    if (failure !== undefined) {
      this.#events.fault(tlsFault(failure, SHAKING, authorizationError));
      return;
    }
    const isBrokenOff = Reflect.get(error, "code") === "ECONNRESET";
    const fault = isBrokenOff ? this.#dropped.shift() : undefined;
    this.#events.fault(fault ?? tlsFaultFrom(error, SHAKING, true));
  }

  /** Closes a connection; its fault is told when the runtime tells of the end. */
  #drop(socket: Socket, fault: Fault): void {
    this.#dropped.push(fault);
    socket.destroy();
  }

  #isOutOfDescriptors(): boolean {
    if (this.#descriptorLimit === Infinity) return false;
    return nextDescriptor() >= this.#descriptorLimit - SPARE_DESCRIPTORS;
  }
}

function keyOf(socket: Socket): string {
  const { localAddress, remoteAddress, remotePort } = socket;
  return `${localAddress} ${remoteAddress} ${remotePort}`;
}

class ServerSecurity implements StreamSecurity {
  readonly #socket: TLSSocket;
  /** What the connection was before its handshake. */
  readonly #below: Socket;

  constructor(socket: TLSSocket, below: Socket) {
    this.#socket = socket;
    this.#below = below;
  }

  judge(): undefined {
    return undefined;
  }

  session(): TlsSession {
    // `false` or null for none.
    const { servername }: { servername?: unknown } = this.#socket;
    return tlsSession(
      this.#socket,
      typeof servername === "string" ? servername : "",
    );
  }

  fault(error: Error): Fault {
    return tlsFaultFrom(error, "The connection failed", false);
  }

  endFault(): undefined {
    return undefined;
  }

  reset(): void {
    // Deno's TLS sockets can only be closed, and stay open if one resets what is below.
    if (nodeProcess()?.versions.deno !== undefined) this.#socket.destroy();
    else this.#below.resetAndDestroy();
  }
}
