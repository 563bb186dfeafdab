/**
 * What all calls of one Rpc share.
 *
 * @module
 */

import type { Codec, StandardSchema } from "../codec/codec.ts";
import type { NetworkController } from "../network/controller.ts";
import type { TimerService } from "../signals/timer_service.ts";
import type { RpcContext } from "./contract.ts";

/** A function of the user's, its types forgotten. */
export interface Method {
  readonly serve: (request: unknown, context: RpcContext) => unknown;
  readonly schema: StandardSchema<unknown> | undefined;
}

/** What all calls of one Rpc share. */
export interface Core {
  readonly network: Pick<NetworkController, "send" | "writable" | "isReady">;
  readonly timers: TimerService;
  readonly codec: Codec<unknown>;
  readonly methods: ReadonlyMap<string, Method>;
  readonly maxCallsPerConnection: number;
  readonly maxCalls: number;
  readonly streamWindow: number;
  /** How many handlers run, for all peers. */
  running: number;
  handlerFailed(error: unknown, context: RpcContext): void;
}

/** The text of whatever was thrown, short enough for any transport. */
export function messageOf(error: unknown): string {
  let text: string;
  try {
    text = error instanceof Error ? String(error.message) : String(error);
  } catch {
    // An object that cannot be made a string is no reason to fail twice.
    text = "The handler threw something that has no text";
  }
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE)}…`;
}

const MAX_MESSAGE = 256;
