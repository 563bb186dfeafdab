/**
 * Chance that can be had again: a failed test tells its seed, and
 * `SIGNALBOX_SEED` brings the same run back.
 *
 * @module
 */

import { conformsOn, type World } from "../conformance/_nodes.ts";
import type { TransportRow } from "../conformance/_transports.ts";
import { chooseSeed } from "../_seed.ts";
import type { TestOptions } from "../_test.ts";

/** Numbers that follow from a seed (xorshift of 32 bits). */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0 || 1;
  }

  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor(this.#next() / 0x1_0000_0000 * limit);
  }

  /** A whole number from `low` to `high`. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** So many bytes. */
  bytes(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 1) bytes[at] = this.#next() >>> 24;
    return bytes;
  }

  #next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return this.#state;
  }
}

/** Registers one behaviour for each transport; a failure tells the seed. */
export function seededOn<Row extends TransportRow>(
  rows: readonly Row[],
  behaviour: string,
  run: (world: World, row: Row, random: Random) => Promise<void>,
  options?: TestOptions,
): void {
  for (const row of rows) {
    conformsOn([row], behaviour, async (world) => {
      const seed = chooseSeed();
      try {
        await run(world, row, new Random(seed));
      } catch (error) {
        throw new Error(
          `With SIGNALBOX_SEED=${seed}: ${
            error instanceof Error ? error.message : error
          }`,
          { cause: error },
        );
      }
    }, options);
  }
}
