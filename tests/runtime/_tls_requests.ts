/**
 * What drivers are asked for with TLS.
 *
 * @module
 */

import type { Driver, TlsConnectRequest, TlsListenRequest } from "../../mod.ts";
import { CA, identity } from "../tls/_certificates.ts";

/** A client's request, with defaults that fit {@linkcode tlsListen}. */
export function tlsConnect(
  parts: Partial<TlsConnectRequest> = {},
): TlsConnectRequest {
  return {
    serverName: "server.test",
    ca: [CA],
    identity: undefined,
    alpnProtocols: [],
    minVersion: "TLSv1.2",
    isVerified: true,
    handshakeTimeoutMs: 10_000,
    ...parts,
  };
}

/** A listener's request. */
export function tlsListen(
  parts: Partial<TlsListenRequest> = {},
): TlsListenRequest {
  return {
    identity: identity("server"),
    identities: new Map(),
    ca: undefined,
    clientCertificate: "none",
    alpnProtocols: [],
    minVersion: "TLSv1.2",
    handshakeTimeoutMs: 10_000,
    maxHandshakes: 1_000,
    ...parts,
  };
}

/** A driver whose streams all have TLS. */
export function withTls(driver: Driver): Driver {
  const connect = tlsConnect();
  const listen = tlsListen();
  return {
    ...driver,
    connectStream: (request, events) =>
      driver.connectStream({ ...request, tls: connect }, events),
    listenStream: (request, events) =>
      driver.listenStream({ ...request, tls: listen }, events),
  };
}
