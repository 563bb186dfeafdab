/**
 * How much memory a program keeps once everything that it can let go of is gone.
 *
 * @module
 */

import process from "node:process";
import { collect, pause } from "../../bench/_memory.ts";

/** Collections after which no more is let go of: buffers follow what referred to them, and not at once. */
const QUIET_TURNS = 6;
const MOST_TURNS = 60;

/** Bytes that cannot be collected: the heap, and the buffers beside it. */
export async function keptBytes(): Promise<number> {
  let least = Infinity;
  for (let turn = 0, quiet = 0; turn < MOST_TURNS; turn++) {
    collect();
    await pause(20);
    const { heapUsed, external } = process.memoryUsage();
    const bytes = heapUsed + external;
    quiet = bytes < 0.99 * least ? 0 : quiet + 1;
    least = Math.min(least, bytes);
    if (quiet === QUIET_TURNS) break;
  }
  return least;
}
