/**
 * How a connection is made again: the options, checked and complete.
 *
 * @module
 */

import { checkInteger, MAX_TIME_MS } from "../adapters/_options.ts";
import type { ConnectOptions, ReconnectOptions } from "../adapters/adapter.ts";
import { badOption } from "./errors.ts";

const DEFAULT_INITIAL_DELAY_MS = 100;
const DEFAULT_MAX_DELAY_MS = 30_000;
const DEFAULT_FACTOR = 2;
const MAX_FACTOR = 1_000;

/** As `ReconnectOptions`, without gaps. */
export interface ReconnectPlan {
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
  /** Infinity for no limit. */
  readonly maxAttempts: number;
  /** Infinity for no limit. */
  readonly maxOutageMs: number;
  /** 0 for no queue. */
  readonly queueLimit: number;
  readonly signal: AbortSignal | undefined;
  readonly shouldRetry: ReconnectOptions["shouldRetry"];
}

/** The plan that `connect` is asked for; undefined for none. Throws `invalid-option`. */
export function reconnectPlan(
  asked: ConnectOptions["reconnect"],
): ReconnectPlan | undefined {
  if (asked === undefined || asked === false) return undefined;
  const options: unknown = asked;
  // Programs without types may give anything.
  if (options !== true && (typeof options !== "object" || options === null)) {
    throw badOption("reconnect", options, "true, false or an object");
  }
  return completePlan(asked === true ? {} : asked);
}

function completePlan(options: ReconnectOptions): ReconnectPlan {
  const { factor = DEFAULT_FACTOR, signal, shouldRetry } = options;
  const initialDelayMs = checkInteger(
    "reconnect.initialDelayMs",
    options.initialDelayMs ?? DEFAULT_INITIAL_DELAY_MS,
    1,
    MAX_TIME_MS,
  );
  if (!(typeof factor === "number" && factor >= 1 && factor <= MAX_FACTOR)) {
    throw badOption("reconnect.factor", factor, `from 1 to ${MAX_FACTOR}`);
  }
  if (shouldRetry !== undefined && typeof shouldRetry !== "function") {
    throw badOption("reconnect.shouldRetry", shouldRetry, "a function");
  }
  return {
    initialDelayMs,
    maxDelayMs: checkInteger(
      "reconnect.maxDelayMs",
      options.maxDelayMs ?? Math.max(DEFAULT_MAX_DELAY_MS, initialDelayMs),
      initialDelayMs,
      MAX_TIME_MS,
    ),
    factor,
    maxAttempts: integerOrInfinity(
      "reconnect.maxAttempts",
      options.maxAttempts,
      Number.MAX_SAFE_INTEGER,
    ),
    maxOutageMs: integerOrInfinity(
      "reconnect.maxOutageMs",
      options.maxOutageMs,
      MAX_TIME_MS,
    ),
    queueLimit: checkInteger(
      "reconnect.queueLimit",
      options.queueLimit ?? 0,
      0,
      Number.MAX_SAFE_INTEGER,
    ),
    signal,
    shouldRetry,
  };
}

function integerOrInfinity(
  name: string,
  value: number | undefined,
  high: number,
): number {
  if (value === undefined || value === Infinity) return Infinity;
  return checkInteger(name, value, 1, high);
}
