/**
 * Resident memory, as far as garbage does not hide it.
 *
 * @module
 */

import process from "node:process";
import { collect } from "../../bench/_memory.ts";

/** Resident memory in bytes: the median of some samples, each after a collection. */
export class Window {
  readonly #samples: number[] = [];

  /** Takes a sample. */
  take(): void {
    collect();
    this.#samples.push(process.memoryUsage().rss);
  }

  /** The median; NaN before the first sample. */
  get median(): number {
    const sorted = [...this.#samples].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? NaN;
  }
}
