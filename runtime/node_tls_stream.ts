/**
 * Connecting with TLS, on `node:tls` of whatever runtime.
 *
 * One implementation for Node, Deno and Bun. The native ones keep less than the
 * contract asks for: `Deno.connectTls` cannot be given up and tells neither the
 * peer's certificate nor the protocol agreed on before its first read,
 * `Deno.listenTls` asks no client for a certificate, and what `Bun.connect` has
 * begun cannot be given up.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { gateOver } from "./_cipher_gate.ts";
import { isDenoBuiltin, nodeBuiltin } from "./_node_builtins.ts";
import { resetSocket } from "./_reset.ts";
import { addressText } from "./_socket_address.ts";
import { connectFault } from "./_socket_fault.ts";
import type {
  StreamConnectRequest,
  StreamEvents,
  StreamSocket,
} from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";
import { NodeStream, type StreamSecurity, tcpOptions } from "./node_stream.ts";
import { tlsFailureOf, tlsFault, tlsFaultFrom } from "./node_tls_fault.ts";
import { checkTlsConnect } from "./node_tls_options.ts";
import { refusedFor, tlsSession } from "./node_tls_session.ts";
import type { TlsConnectRequest, TlsSession } from "./tls.ts";

/**
 * For how long after a TLS 1.3 handshake an end without a word is the refusal of
 * the own certificate, in milliseconds.
 */
const LATE_REFUSAL_MS = 1_000;

/**
 * Connects with TLS, as `Driver.connectStream` asks.
 *
 * A server with TLS 1.3 judges the client's certificate after the client is done:
 * the refusal comes when the stream is open, and ends it with a `tls` fault.
 * Servers on `node:tls` refuse without a word of TLS. So an end or a reset within
 * a second of such a handshake, in which a certificate was at hand, with nothing
 * received before, is told as `certificate-refused` too.
 *
 * A stream that is cut short without TLS's own sign of the end is told as an end
 * in order: no runtime tells them apart.
 *
 * @throws {Fault} `invalid-address`; `not-supported` for a Unix path; `tls` for
 * certificates and keys that cannot be used.
 */
export function connectNodeTls(
  request: StreamConnectRequest,
  tls: TlsConnectRequest,
  events: StreamEvents,
): StreamSocket {
  const { address, sourceAddress, keepAliveMs } = request;
  if (address.family === "unix") {
    throw new Fault(
      "not-supported",
      `Cannot connect to ${addressText(address)} with TLS: it is a Unix socket`,
    );
  }
  checkTlsConnect(tls);
  const target = tcpOptions(address, sourceAddress);
  const options = { ...target, ...secureOptions(tls) };
  let carrier: Socket | undefined;
  let socket: TLSSocket;
  try {
    const { connect } = nodeBuiltin("node:tls");
    if (isDenoBuiltin()) {
      carrier = nodeBuiltin("node:net").connect(target);
      socket = connect({ ...options, socket: gateOver(carrier) });
    } else {
      socket = connect(options);
    }
  } catch (error) {
    carrier?.destroy();
    throw tlsFailureOf(error) === undefined
      ? faultFrom(error, `Cannot connect to ${addressText(address)}`)
      : tlsFault("options", "Cannot use the TLS options", error);
  }
  const security = new ClientSecurity(socket, carrier, request, tls);
  const stream = new NodeStream(socket, address, keepAliveMs, security);
  stream.awaitOpen(events);
  return stream;
}

function secureOptions(tls: TlsConnectRequest): ConnectionOptions {
  const { serverName, ca, identity, alpnProtocols, minVersion } = tls;
  const { isIP } = nodeBuiltin("node:net");
  const { checkServerIdentity } = nodeBuiltin("node:tls");
  return {
    // RFC 6066, section 3: no literal addresses.
    servername: isIP(serverName) === 0 ? serverName : "",
    minVersion,
    // Deno says of every certificate that it refuses that it is untrusted, an
    // expired one too, and hides it: there its verdict is carried out by `judge`.
    rejectUnauthorized: tls.isVerified && !isDenoBuiltin(),
    checkServerIdentity: (_host, certificate) =>
      checkServerIdentity(serverName, certificate),
    ...(ca !== undefined && { ca: [...ca] }),
    ...(identity !== undefined &&
      { cert: identity.certificate, key: identity.key }),
    ...(alpnProtocols.length > 0 && { ALPNProtocols: [...alpnProtocols] }),
  };
}

class ClientSecurity implements StreamSecurity {
  readonly carrier: Socket | undefined;
  readonly #socket: TLSSocket;
  readonly #request: StreamConnectRequest;
  readonly #tls: TlsConnectRequest;
  readonly #doing: string;
  #isConnected = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the handshake was done; undefined before. */
  #doneAt: number | undefined;
  /** A server that gave a ticket for the next time has accepted the client. */
  #hasTicket = false;

  constructor(
    socket: TLSSocket,
    carrier: Socket | undefined,
    request: StreamConnectRequest,
    tls: TlsConnectRequest,
  ) {
    this.#socket = socket;
    this.carrier = carrier;
    this.#request = request;
    this.#tls = tls;
    this.#doing = `Cannot connect to ${addressText(request.address)}`;
    (carrier ?? socket).once("connect", () => this.#limitHandshake());
    socket.once("close", () => clearTimeout(this.#timer));
    socket.once("session", () => {
      this.#hasTicket = true;
    });
  }

  judge(): Fault | undefined {
    clearTimeout(this.#timer);
    this.#doneAt = performance.now();
    if (!this.#tls.isVerified) return undefined;
    const socket = this.#socket;
    if (!socket.authorized) {
      return tlsFault(
        refusedFor(socket, socket.authorizationError),
        this.#doing,
        socket.authorizationError,
      );
    }
    const certificate = socket.getPeerCertificate();
    const mismatch = nodeBuiltin("node:tls").checkServerIdentity(
      this.#tls.serverName,
      certificate,
    );
    return mismatch === undefined
      ? undefined
      : tlsFault("wrong-name", this.#doing, mismatch);
  }

  session(): TlsSession {
    const { serverName } = this.#tls;
    const isName = nodeBuiltin("node:net").isIP(serverName) === 0;
    return tlsSession(this.#socket, isName ? serverName : "");
  }

  fault(error: Error): Fault {
    if (!this.#isConnected && tlsFailureOf(error) === undefined) {
      return connectFault(error, this.#request.address);
    }
    const isShaking = this.#doneAt === undefined;
    const fault = tlsFaultFrom(
      error,
      isShaking ? this.#doing : "The connection failed",
      isShaking,
    );
    return fault.code === "connection-reset"
      ? this.endFault(error) ?? fault
      : fault;
  }

  endFault(cause?: Error): Fault | undefined {
    const isLateRefusal = this.#tls.identity !== undefined &&
      this.#doneAt !== undefined && !this.#hasTicket &&
      performance.now() - this.#doneAt < LATE_REFUSAL_MS &&
      this.#socket.bytesRead === 0 &&
      this.#socket.getProtocol() !== "TLSv1.2";
    return isLateRefusal
      ? tlsFault(
        "certificate-refused",
        "The server ended the connection right after the handshake",
        cause,
      )
      : undefined;
  }

  reset(): void {
    // Where TLS has no socket of its own below, it can only be closed.
    if (this.carrier === undefined) this.#socket.destroy();
    else resetSocket(this.carrier, this.#socket);
  }

  #limitHandshake(): void {
    this.#isConnected = true;
    const { handshakeTimeoutMs } = this.#tls;
    if (handshakeTimeoutMs === 0) return;
    this.#timer = setTimeout(() => {
      this.#socket.destroy(
        new Fault(
          "timed-out",
          `${this.#doing}: the TLS handshake took over ${handshakeTimeoutMs} ms`,
        ),
      );
    }, handshakeTimeoutMs);
  }
}
