/**
 * How a call can end without an answer.
 *
 * @module
 */

/**
 * Which ending an {@linkcode RpcError} is. A call that got its answer, and a
 * stream that came to its end, end without an error; nothing else does.
 *
 * | code | when |
 * | --- | --- |
 * | `aborted` | the caller's own AbortSignal fired, or its `Rpc` was closed |
 * | `cancelled` | the serving side gave the call up: it was closed, or its handler threw an RpcError of this code |
 * | `disconnected` | the connection ended, or there was none, or the node was stopped |
 * | `failed` | the handler threw; the message is that of its error, the stack stays where it was |
 * | `overloaded` | too many calls are in flight, on either side; nothing was done |
 * | `protocol` | the peer's bytes cannot be read, a value does not fit, or a message cannot be carried |
 * | `timed-out` | no answer came in time; whether the handler ran is not known |
 * | `unknown-method` | the peer serves no such method |
 */
export type RpcErrorCode =
  | "aborted"
  | "cancelled"
  | "disconnected"
  | "failed"
  | "overloaded"
  | "protocol"
  | "timed-out"
  | "unknown-method";

/**
 * Why a call got no answer.
 *
 * A handler may throw one itself: `cancelled` and `overloaded` then reach the
 * caller as such, all others as `failed`.
 */
export class RpcError extends Error {
  /** Always `"RpcError"`. */
  override readonly name = "RpcError";
  /** Which ending it is. */
  readonly code: RpcErrorCode;

  /**
   * Makes an error.
   *
   * @param code Which ending it is.
   * @param message What happened.
   * @param options `cause`: the error underneath.
   */
  constructor(code: RpcErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
