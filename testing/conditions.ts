/**
 * What a link between two hosts does to what it carries.
 *
 * @module
 */

import { NetworkError } from "../network/errors.ts";

/** How a link carries, in each direction. All may be changed at any time. */
export interface LinkConditions {
  /**
   * How long a packet takes, in milliseconds: always the same, or drawn for each
   * between two bounds. Order is kept all the same. Default: `[1, 10]`.
   */
  readonly latencyMs?: number | readonly [min: number, max: number];
  /**
   * The mean of what is added to the latency, in milliseconds, drawn for each
   * packet from an exponential distribution: mostly little, now and then much.
   * Order is kept. Default: 0.
   */
  readonly jitterMs?: number;
  /**
   * The chance that a packet is lost, from 0 to 1. A datagram is gone. A segment
   * of a stream is sent again, after 200 ms and a round trip, then after twice
   * that, to 5 s: all that shows is a delay. Default: 0.
   */
  readonly lossRate?: number;
  /** The chance that a datagram arrives twice, from 0 to 1. Streams are spared. Default: 0. */
  readonly duplicateRate?: number;
  /**
   * The chance that a datagram is held up for up to `reorderMs`, so that later
   * ones overtake it, from 0 to 1. Streams are spared. Default: 0.
   */
  readonly reorderRate?: number;
  /** See `reorderRate`; in milliseconds. Default: 50. */
  readonly reorderMs?: number;
  /**
   * How many bytes of user data go through in a second, of all streams and
   * datagrams together. Default: Infinity.
   */
  readonly bytesPerSecond?: number;
  /**
   * How many bytes may wait for `bytesPerSecond`; a datagram that comes on top is
   * lost. Streams wait as long as it takes. Default: 256 KiB.
   */
  readonly queueBytes?: number;
  /**
   * The chance that what was written to a stream at once arrives in two parts,
   * from 0 to 1: programs that take chunks for messages find out. Default: 0.1.
   */
  readonly splitRate?: number;
}

/** Conditions with nothing left open. */
export type FullLinkConditions = Required<LinkConditions>;

/** What links do unless told otherwise. */
export const DEFAULT_CONDITIONS: FullLinkConditions = {
  latencyMs: [1, 10],
  jitterMs: 0,
  lossRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
  reorderMs: 50,
  bytesPerSecond: Infinity,
  queueBytes: 256 * 1024,
  splitRate: 0.1,
};

/**
 * Conditions with some changed.
 *
 * @throws {NetworkError} `invalid-option`, naming the field.
 */
export function changedConditions(
  before: FullLinkConditions,
  change: LinkConditions,
): FullLinkConditions {
  const after = { ...before, ...change };
  for (
    const name of [
      "lossRate",
      "duplicateRate",
      "reorderRate",
      "splitRate",
    ] as const
  ) {
    check(name, after[name], after[name] >= 0 && after[name] <= 1, "0 to 1");
  }
  const [min, max] = latencyBounds(after);
  check(
    "latencyMs",
    after.latencyMs,
    min >= 0 && min <= max && max < Infinity,
    "0, the lower bound first",
  );
  for (const name of ["jitterMs", "reorderMs"] as const) {
    check(name, after[name], after[name] >= 0 && after[name] < Infinity, "0");
  }
  const { bytesPerSecond, queueBytes } = after;
  check("bytesPerSecond", bytesPerSecond, bytesPerSecond > 0, "just above 0");
  check("queueBytes", queueBytes, queueBytes >= 0, "0");
  return after;
}

/** The shortest and the longest latency, jitter apart. */
export function latencyBounds(
  { latencyMs }: FullLinkConditions,
): readonly [number, number] {
  return typeof latencyMs === "number" ? [latencyMs, latencyMs] : latencyMs;
}

function check(
  name: string,
  value: unknown,
  isGood: boolean,
  range: string,
): void {
  if (isGood) return;
  throw new NetworkError(
    "invalid-option",
    `Cannot use ${name} ${String(value)}: it must be a number from ${range}`,
  );
}
