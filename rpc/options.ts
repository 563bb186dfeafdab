/**
 * What calls may be told.
 *
 * @module
 */

import type { Codec, StandardSchema } from "../codec/codec.ts";
import type { NetworkController } from "../network/controller.ts";
import type { Clock } from "../signals/clock.ts";
import type { RequestOf, RpcContext, RpcHandlers } from "./contract.ts";

/** The part of a NodeHandler that calls need. */
export interface RpcNode {
  /** The node's sockets. */
  readonly network: Pick<NetworkController, "send" | "writable" | "isReady">;
  /** Whether the node has not been stopped. */
  readonly isRunning: boolean;
  /** What time limits run by. Default: the runtime's clock. */
  readonly clock?: Clock;
}

/** Options of {@linkcode Rpc}. */
export interface RpcOptions<Local> {
  /** What this side serves; `{}` for nothing. */
  readonly handlers: RpcHandlers<Local>;
  /** How values become bytes; the same on both sides. Default: JSON, with undefined as no bytes at all. */
  readonly codec?: Codec<unknown>;
  /**
   * What requests must look like, by method: a request that does not fit is
   * answered by `protocol` and reaches no handler. Default: whatever the codec decodes.
   */
  readonly requests?: {
    readonly [Method in keyof Local]?: StandardSchema<RequestOf<Local, Method>>;
  };
  /** How many calls may be in flight on one connection, each way. Default: 1,024. */
  readonly maxCallsPerConnection?: number;
  /** How many handlers may run at once, for all peers. Default: 65,536. */
  readonly maxCalls?: number;
  /**
   * How long a call may take, and how long a stream may be waited for between two items:
   * milliseconds, 0 for no limit. Default: 30,000.
   */
  readonly timeoutMs?: number;
  /** How many items of a stream may be on their way or wait for the consumer. Default: 64. */
  readonly streamWindow?: number;
  /**
   * Hears of everything that a handler throws, also when nobody waits for the
   * answer any more. The caller gets the message and no more. It must not
   * throw: nothing catches that. Default: nobody hears of it here.
   */
  readonly onHandlerError?: (error: unknown, context: RpcContext) => void;
}

/** Options of one call. */
export interface CallOptions {
  /** As in {@linkcode RpcOptions}, for this call. */
  readonly timeoutMs?: number;
  /** Gives the call up; the peer is told, and the handler's signal fires. */
  readonly signal?: AbortSignal;
}

/** What `stats` returns: a snapshot. */
export interface RpcStats {
  /** Calls and streams that this side waits for. */
  readonly calls: number;
  /** Handlers that run here. */
  readonly serving: number;
  /** Broken messages that were ignored. */
  readonly malformed: number;
}
