/**
 * The one error class that users meet.
 *
 * @module
 */

import type { DisconnectReason } from "../adapters/adapter.ts";
import type { Fault, FaultCode, FaultOptions } from "../runtime/fault.ts";
import type { TlsFailure } from "../runtime/tls.ts";

/**
 * Which failure a {@linkcode NetworkError} is; the same for the same failure on every runtime.
 *
 * | code | when |
 * | --- | --- |
 * | `aborted` | an AbortSignal fired, or the resource was removed while something waited for it |
 * | `address-in-use` | another socket is bound to the address |
 * | `address-not-available` | this host has no such address, or the directory of a Unix path does not exist |
 * | `already-consumed` | the listener of a node was consumed twice |
 * | `connection-refused` | nobody listens there |
 * | `connection-reset` | the peer or the network broke the connection |
 * | `host-not-found` | the host name has no address |
 * | `invalid-address` | the address cannot be read, or not be used by the transport |
 * | `invalid-message` | the framing cannot carry the message (a newline in `newlineFraming`, say) |
 * | `invalid-option` | an option is out of its range |
 * | `io` | any other failure; `cause` has the runtime's error |
 * | `message-too-big` | a message or datagram passes a limit |
 * | `not-supported` | the runtime cannot do it; the message says why |
 * | `overflow` | a queue reached its limit |
 * | `permission-denied` | the system or the runtime forbids it |
 * | `protocol` | the peer broke the protocol |
 * | `stopped` | the node is stopped |
 * | `timed-out` | a time limit passed |
 * | `tls` | the TLS handshake or a certificate failed |
 * | `too-many-open-files` | the process has no descriptors left |
 * | `unreachable` | no route leads to the address |
 */
export type NetworkErrorCode = FaultCode;

/** An error of signalbox. `cause` keeps the runtime's own error where there was one. */
export class NetworkError extends Error {
  /** Always `"NetworkError"`. */
  override readonly name = "NetworkError";
  /** Which failure it is. */
  readonly code: NetworkErrorCode;
  /** What is wrong with a TLS connection; undefined for every code but `tls`. */
  readonly tlsFailure: TlsFailure | undefined;

  /**
   * Makes an error.
   *
   * @param code Which failure it is.
   * @param message What was tried and why it failed.
   * @param options `cause`: the error underneath; `tlsFailure`: of the code `tls`, what is wrong.
   */
  constructor(code: NetworkErrorCode, message: string, options?: FaultOptions) {
    super(message, options);
    this.code = code;
    this.tlsFailure = options?.tlsFailure;
  }
}

/** The error that stands for a fault. */
export function networkErrorFrom(
  { code, message, cause, tlsFailure }: Fault,
): NetworkError {
  return new NetworkError(code, message, {
    ...(cause !== undefined && { cause }),
    ...(tlsFailure !== undefined && { tlsFailure }),
  });
}

/** The error `invalid-option` of a value; `wanted` says what it must be. */
export function badOption(
  name: string,
  value: unknown,
  wanted: string,
): NetworkError {
  return new NetworkError(
    "invalid-option",
    `Cannot use ${name} ${String(value)}: it must be ${wanted}`,
  );
}

/** The error of a call that an AbortSignal has ended; the signal's reason is its `cause`. */
export function abortError(doing: string, signal: AbortSignal): NetworkError {
  return new NetworkError("aborted", `${doing}: it was aborted`, {
    cause: signal.reason,
  });
}

/** Throws `invalid-option` for what is no AbortSignal, and `aborted` for one that has fired. */
export function checkSignal(
  name: string,
  signal: AbortSignal | undefined,
  doing: string,
): void {
  if (signal === undefined) return;
  // Programs without types may give anything.
  if (!(signal instanceof AbortSignal)) {
    throw badOption(name, signal, "an AbortSignal");
  }
  if (signal.aborted) throw abortError(doing, signal);
}

/** The error that stands for the end of a connection of which no more than the reason is known. */
export function failureOf(
  reason: DisconnectReason,
  peer: { toString(): string },
): NetworkError {
  return new NetworkError(CODE_OF[reason], `The connection to ${peer} ended`);
}

const CODE_OF: Readonly<Record<DisconnectReason, NetworkErrorCode>> = {
  closed: "connection-reset",
  reset: "connection-reset",
  timeout: "timed-out",
  protocol: "protocol",
  tls: "tls",
  "message-too-big": "message-too-big",
  overflow: "overflow",
  error: "io",
};
