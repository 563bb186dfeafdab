/**
 * What a TLS handshake agreed on, as `node:tls` tells it.
 *
 * @module
 */

import type { TLSSocket } from "node:tls";
import { nodeBuiltin } from "./_node_builtins.ts";
import { tlsFailureOf } from "./node_tls_fault.ts";
import type { PeerCertificate, TlsSession } from "./tls.ts";

/** What was agreed on over a socket whose handshake is done. */
export function tlsSession(socket: TLSSocket, serverName: string): TlsSession {
  const cipher = socket.getCipher();
  return {
    version: socket.getProtocol() === "TLSv1.2" ? "TLSv1.2" : "TLSv1.3",
    // The names of the standard, because each implementation has its own for TLS 1.2.
    cipher: cipher.standardName ?? cipher.name,
    alpnProtocol: socket.alpnProtocol || "",
    serverName,
    peerCertificate: peerCertificate(socket),
  };
}

/** The DER of the certificate that the peer has shown. */
export function peerCertificateBytes(
  socket: TLSSocket,
): Uint8Array | undefined {
  const certificate: unknown = socket.getPeerCertificate();
  if (typeof certificate !== "object" || certificate === null) return undefined;
  // An empty object stands for none.
  const raw: unknown = Reflect.get(certificate, "raw");
  return raw instanceof Uint8Array ? raw : undefined;
}

function peerCertificate(socket: TLSSocket): PeerCertificate | undefined {
  const raw = peerCertificateBytes(socket);
  return raw === undefined ? undefined : describeCertificate(raw);
}

/** What is wrong with a peer's certificate that was not accepted, by the verdict of the runtime. */
export function refusedFor(
  socket: TLSSocket,
  verdict: unknown,
): "expired" | "wrong-name" | "untrusted" {
  const failure = tlsFailureOf(verdict);
  if (failure === "expired" || failure === "wrong-name") return failure;
  // Deno tells no more than that it is not accepted.
  const raw = peerCertificateBytes(socket);
  if (raw === undefined) return "untrusted";
  const { validFromMs, validToMs } = describeCertificate(raw);
  const now = Date.now();
  return now < validFromMs || now > validToMs ? "expired" : "untrusted";
}

/** What a certificate says. */
function describeCertificate(
  certificate: Uint8Array | string,
): PeerCertificate {
  const { X509Certificate } = nodeBuiltin("node:crypto");
  const parsed = new X509Certificate(certificate);
  return {
    commonName: /^CN=(.*)$/m.exec(parsed.subject)?.[1] ?? "",
    subject: parsed.subject,
    issuer: parsed.issuer,
    subjectAltNames: alternativeNames(parsed.subjectAltName),
    validFromMs: Date.parse(parsed.validFrom),
    validToMs: Date.parse(parsed.validTo),
    serialNumber: parsed.serialNumber,
    fingerprint256: parsed.fingerprint256,
    raw: new Uint8Array(parsed.raw),
  };
}

function alternativeNames(list: string | undefined): string[] {
  if (list === undefined || list === "") return [];
  return list.split(", ").map((name) =>
    // OpenSSL writes IPv6 addresses out, rustls cuts them short.
    name.startsWith("IP Address:") && name.includes(":", 11)
      ? `IP Address:${shortIpv6(name.slice(11))}`
      : name
  );
}

function shortIpv6(address: string): string {
  const url = `http://[${address}]/`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : address;
}
