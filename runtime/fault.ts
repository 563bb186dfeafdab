/**
 * What went wrong below the network room, in one vocabulary for all runtimes.
 *
 * Drivers and adapters throw and report {@linkcode Fault}s. The network turns
 * each into the `NetworkError` that users see; nothing else leaves the module.
 *
 * @module
 */

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

/** A failure with a code; the runtime's own error, if there was one, is its `cause`. */
export class Fault extends Error {
  /** Always `"Fault"`. */
  override readonly name = "Fault";
  /** Which failure it is. */
  readonly code: FaultCode;

  /**
   * Makes a fault.
   *
   * @param code Which failure it is.
   * @param message What was tried and why it failed: a sentence without a final period.
   * @param options `cause`: the error underneath.
   */
  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** POSIX and resolver codes; the three runtimes put these strings in `error.code`. */
const CODE_OF_SYSTEM_CODE: Readonly<Record<string, FaultCode>> = {
  ABORT_ERR: "aborted",
  EACCES: "permission-denied",
  EADDRINUSE: "address-in-use",
  EADDRNOTAVAIL: "address-not-available",
  EAFNOSUPPORT: "address-not-available",
  EAI_AGAIN: "host-not-found",
  EAI_FAIL: "host-not-found",
  EAI_NODATA: "host-not-found",
  EAI_NONAME: "host-not-found",
  ECANCELED: "aborted",
  ECONNABORTED: "connection-reset",
  ECONNREFUSED: "connection-refused",
  ECONNRESET: "connection-reset",
  EHOSTDOWN: "unreachable",
  EHOSTUNREACH: "unreachable",
  EINVAL: "invalid-option",
  EMFILE: "too-many-open-files",
  EMSGSIZE: "message-too-big",
  ENAMETOOLONG: "invalid-address",
  ENETDOWN: "unreachable",
  ENETUNREACH: "unreachable",
  ENFILE: "too-many-open-files",
  ENOENT: "connection-refused",
  ENOTFOUND: "host-not-found",
  ENOTSUP: "not-supported",
  EPERM: "permission-denied",
  EPIPE: "connection-reset",
  EPROTONOSUPPORT: "not-supported",
  ETIMEDOUT: "timed-out",
};

/** Deno's error classes, for the errors that carry no `code`. */
const CODE_OF_ERROR_NAME: Readonly<Record<string, FaultCode>> = {
  AbortError: "aborted",
  AddrInUse: "address-in-use",
  AddrNotAvailable: "address-not-available",
  BrokenPipe: "connection-reset",
  ConnectionAborted: "connection-reset",
  ConnectionRefused: "connection-refused",
  ConnectionReset: "connection-reset",
  NotCapable: "permission-denied",
  NotFound: "connection-refused",
  NotSupported: "not-supported",
  PermissionDenied: "permission-denied",
  TimedOut: "timed-out",
  TimeoutError: "timed-out",
};

function codeOf(error: Error): FaultCode {
  const systemCode: unknown = Reflect.get(error, "code");
  if (typeof systemCode === "string") {
    const known = CODE_OF_SYSTEM_CODE[systemCode];
    if (known !== undefined) return known;
  }
  const named = CODE_OF_ERROR_NAME[error.name];
  if (named !== undefined) return named;
  // Deno reports a failed look-up as a bare Error; the text is all there is.
  if (
    /failed to lookup address|no address associated|name or service not known/i
      .test(error.message)
  ) {
    return "host-not-found";
  }
  return "io";
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
  if (error instanceof Error) {
    return new Fault(codeOf(error), `${doing}: ${error.message}`, {
      cause: error,
    });
  }
  return new Fault("io", `${doing}: ${String(error)}`, { cause: error });
}
