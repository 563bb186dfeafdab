/**
 * What all listeners with TLS have in common: how `node:tls` is told to serve,
 * whom to let shake hands, and whose certificate to take.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { SecureContext, TlsOptions, TLSSocket } from "node:tls";
import { DescriptorGuard } from "./_descriptors.ts";
import { nodeBuiltin } from "./_node_builtins.ts";
import { resetSocket } from "./_reset.ts";
import { Fault } from "./fault.ts";
import type { StreamSecurity } from "./node_stream.ts";
import { tlsFault, tlsFaultFrom } from "./node_tls_fault.ts";
import {
  peerCertificateBytes,
  refusedFor,
  tlsSession,
} from "./node_tls_session.ts";
import type { TlsIdentity, TlsListenRequest, TlsSession } from "./tls.ts";

/** More than any handshake takes, in milliseconds: the time limit is kept by the listener. */
const NO_LIMIT_MS = 2_147_483_647;

const REFUSING = "Refused a connection";
const SHAKING = "A TLS handshake failed";

/**
 * How `node:tls` is told to serve.
 *
 * @throws {Fault} `tls` for what else is wrong with certificates and keys.
 */
export function serverOptions(tls: TlsListenRequest): TlsOptions {
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
    options.secureContext = contextOf(identity);
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

/** Lets peers shake hands, and judges them. */
export class TlsGuard {
  readonly #tls: TlsListenRequest;
  readonly #descriptors = new DescriptorGuard();

  constructor(tls: TlsListenRequest) {
    this.#tls = tls;
  }

  /** Why a connection is not let in, with so many handshakes under way. */
  refusal(underWay: number): Fault | undefined {
    const { maxHandshakes } = this.#tls;
    if (underWay >= maxHandshakes) {
      return new Fault(
        "overflow",
        `${REFUSING}: ${maxHandshakes} TLS handshakes are under way`,
      );
    }
    return this.#descriptors.refusal();
  }

  /** Calls back with a fault when a handshake has taken too long. */
  limit(
    expired: (fault: Fault) => void,
  ): ReturnType<typeof setTimeout> | undefined {
    const { handshakeTimeoutMs } = this.#tls;
    if (handshakeTimeoutMs === 0) return undefined;
    return setTimeout(() => {
      expired(
        new Fault(
          "timed-out",
          `A TLS handshake took over ${handshakeTimeoutMs} ms`,
        ),
      );
    }, handshakeTimeoutMs);
  }

  /**
   * Why a peer whose handshake is done is not let in.
   *
   * @param isVerified Whether the runtime accepts its certificate.
   * @param verdict What it says otherwise.
   */
  judge(
    socket: TLSSocket,
    isVerified: boolean,
    verdict: unknown,
  ): Fault | undefined {
    const { clientCertificate } = this.#tls;
    if (clientCertificate === "none") return undefined;
    if (peerCertificateBytes(socket) === undefined) {
      return clientCertificate === "required"
        ? tlsFault("certificate-required", SHAKING)
        : undefined;
    }
    return isVerified ? undefined : this.refused(socket, verdict);
  }

  /** The fault of a certificate that is not accepted. */
  refused(socket: TLSSocket, verdict: unknown): Fault {
    return tlsFault(refusedFor(socket, verdict), SHAKING, verdict);
  }

  /** The fault of a handshake that failed. */
  failed(error: Error): Fault {
    return tlsFaultFrom(error, SHAKING, true);
  }
}

/** TLS of an accepted stream. */
export class ServerSecurity implements StreamSecurity {
  readonly carrier: Socket | undefined;
  readonly #socket: TLSSocket;
  readonly #below: Socket;
  #broken: Error | undefined;

  /**
   * @param below What the connection was before TLS, where it can be reset.
   * @param isCarrier Whether it has what TLS does not tell.
   */
  constructor(socket: TLSSocket, below: Socket, isCarrier: boolean) {
    this.#socket = socket;
    this.#below = below;
    this.carrier = isCarrier ? below : undefined;
    // Of a socket that no server of its own made, Deno tells a broken record here alone, and then an end.
    socket.on("_tlsError", (error: Error) => {
      this.#broken = error;
    });
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

  endFault(): Fault | undefined {
    return this.#broken === undefined ? undefined : this.fault(this.#broken);
  }

  reset(): void {
    resetSocket(this.#below, this.#socket);
  }
}
