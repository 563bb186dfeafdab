/**
 * What went wrong below the network room, in one vocabulary for all runtimes.
 *
 * Drivers and adapters throw and report {@linkcode Fault}s. The network turns
 * each into the `NetworkError` that users see; nothing else leaves the module.
 *
 * @module
 */

import type { TlsFailure } from "./tls.ts";

/** The codes of every error that signalbox raises. `docs/errors.md` explains each. */
export type FaultCode =
  | "aborted"
  | "address-in-use"
  | "address-not-available"
  | "already-consumed"
  | "connection-refused"
  | "connection-reset"
  | "host-not-found"
  | "invalid-address"
  | "invalid-message"
  | "invalid-option"
  | "io"
  | "message-too-big"
  | "not-supported"
  | "overflow"
  | "permission-denied"
  | "protocol"
  | "stopped"
  | "timed-out"
  | "tls"
  | "too-many-open-files"
  | "unreachable";

/** More about a {@linkcode Fault}. */
export interface FaultOptions extends ErrorOptions {
  /** Of the code `tls`: what is wrong. */
  readonly tlsFailure?: TlsFailure;
}

/** A failure with a code; the runtime's own error, if there was one, is its `cause`. */
export class Fault extends Error {
  /** Always `"Fault"`. */
  override readonly name = "Fault";
  /** Which failure it is. */
  readonly code: FaultCode;
  /** What is wrong with a TLS connection; undefined for every code but `tls`. */
  readonly tlsFailure: TlsFailure | undefined;

  /**
   * Makes a fault.
   *
   * @param code Which failure it is.
   * @param message What was tried and why it failed: a sentence without a final period.
   * @param options `cause`: the error underneath; `tlsFailure`: of the code `tls`, what is wrong.
   */
  constructor(code: FaultCode, message: string, options?: FaultOptions) {
    super(message, options);
    this.code = code;
    this.tlsFailure = options?.tlsFailure;
  }
}

/**
 * What the runtimes call the failures: POSIX and resolver codes in `error.code`,
 * and the names of Deno's error classes, for the errors that carry no code.
 */
const NAMES_OF_CODE: readonly (readonly [FaultCode, string])[] = [
  ["aborted", "ABORT_ERR ECANCELED AbortError"],
  ["address-in-use", "EADDRINUSE AddrInUse"],
  [
    "address-not-available",
    "EADDRNOTAVAIL EAFNOSUPPORT ENODEV AddrNotAvailable",
  ],
  // ENOENT: a Unix path that nobody listens on.
  ["connection-refused", "ECONNREFUSED ENOENT ConnectionRefused NotFound"],
  [
    "connection-reset",
    "ECONNABORTED ECONNRESET EPIPE BrokenPipe ConnectionAborted ConnectionReset",
  ],
  ["host-not-found", "EAI_AGAIN EAI_FAIL EAI_NODATA EAI_NONAME ENOTFOUND"],
  ["invalid-address", "ENAMETOOLONG"],
  ["invalid-option", "EINVAL"],
  ["message-too-big", "EMSGSIZE"],
  ["not-supported", "ENOTSUP EPROTONOSUPPORT NotSupported"],
  [
    "permission-denied",
    "EACCES EPERM ERR_ACCESS_DENIED NotCapable PermissionDenied",
  ],
  ["timed-out", "ETIMEDOUT TimedOut TimeoutError"],
  ["too-many-open-files", "EMFILE ENFILE"],
  ["unreachable", "EHOSTDOWN EHOSTUNREACH ENETDOWN ENETUNREACH"],
];

function codeNamed(name: unknown): FaultCode | undefined {
  return NAMES_OF_CODE.find(([, names]) =>
    names.split(" ").includes(String(name))
  )?.[0];
}

function codeOf(error: Error): FaultCode {
  const named = codeNamed(Reflect.get(error, "code")) ?? codeNamed(error.name);
  if (named !== undefined) return named;
  // Deno reports a failed look-up as a bare Error; the text is all there is.
  return /failed to lookup address|no address associated|name or service not known/i
      .test(error.message)
    ? "host-not-found"
    : "io";
}

/**
 * The fault that an error of any runtime stands for. A Fault is returned as it is.
 *
 * @param error What was thrown or reported.
 * @param doing What was being done, to open the message: "Cannot connect to 127.0.0.1:80".
 */
export function faultFrom(error: unknown, doing: string): Fault {
  if (error instanceof Fault) return error;
  // Several addresses tried: the first reason tells more than the empty wrapper.
  if (error instanceof AggregateError && error.errors.length > 0) {
    const first: unknown = error.errors[0];
    const inner = faultFrom(first, doing);
    return new Fault(inner.code, inner.message, { cause: error });
  }
  const isError = error instanceof Error;
  return new Fault(
    isError ? codeOf(error) : "io",
    `${doing}: ${isError ? error.message : String(error)}`,
    { cause: error },
  );
}
