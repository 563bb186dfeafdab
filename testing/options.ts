/**
 * How a simulation runs.
 *
 * @module
 */

import { NetworkError } from "../network/errors.ts";
import { environmentVariable } from "../runtime/environment.ts";
import type { LinkConditions } from "./conditions.ts";
import type { SimulationEvent } from "./trace.ts";

/** Options of `simulate`. */
export interface SimulationOptions {
  /**
   * What all lots are drawn from: the same seed, the same run. A whole number
   * from 0 to 2^53 - 1. Default: the environment variable `SIGNALBOX_SEED`; if
   * there is none, it is drawn, and told when the simulation fails.
   */
  readonly seed?: number;
  /** What the links between all hosts do until they are told otherwise. Default: 1 to 10 ms, nothing lost. */
  readonly link?: LinkConditions;
  /**
   * How long a stream repeats what is not acknowledged before it fails with
   * `timed-out`, in milliseconds. Default: 60,000 (Linux: about 15 minutes).
   */
  readonly streamTimeoutMs?: number;
  /** How many bytes may be under way in one direction of a stream. Default: 256 KiB. */
  readonly streamCapacity?: number;
  /** How much simulated time the body may take, in milliseconds. Default: 86,400,000, a day. */
  readonly timeLimitMs?: number;
  /** How many events may happen: the answer to what goes in a circle. Default: 2,000,000. */
  readonly maxEvents?: number;
  /** How many events of the trace are kept, the last ones. Default: 100,000. */
  readonly traceLimit?: number;
  /** Hears of each event of the trace as it happens. */
  readonly onEvent?: (event: SimulationEvent) => void;
  /**
   * Whether the timers, `Date`, `performance.now` and `Math.random` of the
   * runtime are the simulation's while it runs: for programs that use them
   * directly. One simulation at a time. Default: false.
   */
  readonly globals?: boolean;
}

/** {@linkcode SimulationOptions} with nothing left open. */
export type FullSimulationOptions =
  & Required<Omit<SimulationOptions, "onEvent">>
  & Pick<SimulationOptions, "onEvent">;

/**
 * Completes and checks the options.
 *
 * @throws {NetworkError} `invalid-option`, naming the option.
 */
export function fullOptions(options: SimulationOptions): FullSimulationOptions {
  const full = {
    link: {},
    streamTimeoutMs: 60_000,
    streamCapacity: 256 * 1024,
    timeLimitMs: 24 * 60 * 60 * 1_000,
    maxEvents: 2_000_000,
    traceLimit: 100_000,
    globals: false,
    ...options,
    seed: options.seed ?? seedOfEnvironment() ??
      Math.floor(Math.random() * 0x1_0000_0000),
  };
  checkSeed("seed", full.seed);
  for (const name of ["streamTimeoutMs", "timeLimitMs"] as const) {
    if (!(full[name] > 0)) throw invalid(name, full[name], "above 0");
  }
  for (const name of ["maxEvents", "streamCapacity"] as const) {
    if (!(full[name] >= 1)) throw invalid(name, full[name], "from 1");
  }
  if (!(full.traceLimit >= 0)) {
    throw invalid("traceLimit", full.traceLimit, "from 0");
  }
  return full;
}

/**
 * Refuses what is no length of time: a clock that was moved by NaN never runs again.
 *
 * @throws {NetworkError} `invalid-option`, naming it.
 */
export function checkDuration(name: string, durationMs: number): void {
  if (!(durationMs >= 0)) throw invalid(name, durationMs, "from 0");
}

/**
 * The seeds that so many runs, or such a list, stand for.
 *
 * @throws {NetworkError} `invalid-option`: a test without a run would prove nothing.
 */
export function seedsOf(
  seeds: number | readonly number[],
  firstSeed: number,
): readonly number[] {
  if (typeof seeds !== "number") {
    if (seeds.length === 0) throw invalid("seeds", "[]", "a list of some");
    return seeds;
  }
  if (!(Number.isSafeInteger(seeds) && seeds >= 1)) {
    throw invalid("seeds", seeds, "a whole number from 1, or a list");
  }
  checkSeed("firstSeed", firstSeed);
  return Array.from({ length: seeds }, (_, at) => firstSeed + at);
}

/** The seed that the environment asks for. */
export function seedOfEnvironment(): number | undefined {
  const text = environmentVariable("SIGNALBOX_SEED");
  if (text === undefined || text === "") return undefined;
  const seed = Number(text);
  checkSeed("SIGNALBOX_SEED", seed);
  return seed;
}

function checkSeed(name: string, seed: number): void {
  if (Number.isSafeInteger(seed) && seed >= 0) return;
  throw invalid(name, seed, "a whole number from 0 to 2^53 - 1");
}

function invalid(name: string, value: unknown, range: string): NetworkError {
  return new NetworkError(
    "invalid-option",
    `Cannot use ${name} ${String(value)}: it must be ${range}`,
  );
}
