/**
 * What goes wrong with TLS, told alike for all runtimes.
 *
 * `node:tls` is OpenSSL on Node, BoringSSL on Bun and rustls on Deno: three ways
 * to name a failure, of which these are the ones that were met.
 *
 * @module
 */

import { Fault, faultFrom } from "./fault.ts";
import type { TlsFailure } from "./tls.ts";

/** The codes of errors, the first that fits first. */
const FAILURE_OF_CODE: readonly (readonly [TlsFailure, RegExp])[] = [
  ["expired", /^CERT_(?:HAS_EXPIRED|NOT_YET_VALID)$/],
  ["wrong-name", /^ERR_TLS_CERT_ALTNAME|^HOSTNAME_MISMATCH$/],
  [
    "certificate-required",
    /PEER_DID_NOT_RETURN_A_CERTIFICATE|ALERT_CERTIFICATE_REQUIRED/,
  ],
  [
    "certificate-refused",
    /ALERT_(?:BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_|UNSUPPORTED_CERTIFICATE|NO_CERTIFICATE|ACCESS_DENIED)/,
  ],
  // The verdicts of OpenSSL on a chain of certificates.
  [
    "untrusted",
    /^(?:UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|INVALID_|PATH_LENGTH_|ERROR_IN_CERT|CA_|EE_|UNSPECIFIED)/,
  ],
  [
    "not-tls",
    /WRONG_VERSION_NUMBER|HTTPS?_(?:PROXY_)?REQUEST|UNKNOWN_PROTOCOL|BAD_RECORD_TYPE|PACKET_LENGTH_TOO_LONG|ENCRYPTED_LENGTH_TOO_LONG/,
  ],
  ["handshake", /^ERR_(?:SSL|TLS|OSSL)_|^EPROTO$/],
];

const MEANING: Readonly<Record<TlsFailure, string>> = {
  untrusted: "the peer's certificate leads to no authority that is trusted",
  "wrong-name": "the server's certificate is for another name",
  expired: "the peer's certificate is not valid at this time",
  "certificate-required": "a certificate of the client is required",
  "certificate-refused": "the peer does not accept the certificate",
  "not-tls": "the peer does not speak TLS",
  options: "the options cannot be used",
  handshake: "TLS failed",
};

/** The fault of a TLS connection. */
export function tlsFault(
  failure: TlsFailure,
  doing: string,
  cause?: unknown,
): Fault {
  const detail = cause instanceof Error && failure !== "options"
    ? ` (${cause.message.split("\n", 1)[0]})`
    : "";
  return new Fault("tls", `${doing}: ${MEANING[failure]}${detail}`, {
    tlsFailure: failure,
    ...(cause !== undefined && { cause }),
  });
}

/** What an error of `node:tls` stands for; undefined for one that is not about TLS. */
export function tlsFailureOf(error: unknown): TlsFailure | undefined {
  const code: unknown = error instanceof Error
    ? Reflect.get(error, "code")
    : error;
  if (typeof code !== "string") return undefined;
  return FAILURE_OF_CODE.find(([, pattern]) => pattern.test(code))?.[0];
}

/**
 * The fault of an error of a TLS socket.
 *
 * @param isShaking Whether the handshake was under way: a connection that breaks
 * then is one that TLS failed on.
 */
export function tlsFaultFrom(
  error: Error,
  doing: string,
  isShaking: boolean,
): Fault {
  if (error instanceof Fault) return error;
  const failure = tlsFailureOf(error);
  if (failure !== undefined) return tlsFault(failure, doing, error);
  const fault = faultFrom(error, doing);
  return isShaking && fault.code === "connection-reset"
    ? new Fault("tls", `${doing}: the peer broke off the handshake`, {
      cause: error,
      tlsFailure: "handshake",
    })
    : fault;
}
