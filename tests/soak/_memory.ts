/**
 * Resident memory, as far as garbage does not hide it.
 *
 * @module
 */

import process from "node:process";

/** Collects garbage where the runtime lets a program do so. */
export function collectGarbage(): void {
  const gc: unknown = Reflect.get(globalThis, "gc");
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (typeof gc === "function") gc();
  else if (
    typeof bun === "object" && bun !== null && "gc" in bun &&
    typeof bun.gc === "function"
  ) bun.gc(true);
}

/** Resident memory in bytes: the median of some samples, each after a collection. */
export class Window {
  readonly #samples: number[] = [];

  /** Takes a sample. */
  take(): void {
    collectGarbage();
    this.#samples.push(process.memoryUsage().rss);
  }

  /** The median; NaN before the first sample. */
  get median(): number {
    const sorted = [...this.#samples].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? NaN;
  }
}
