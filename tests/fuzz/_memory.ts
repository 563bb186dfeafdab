/**
 * How much memory a program keeps once everything that it can let go of is gone.
 *
 * @module
 */

import process from "node:process";

/** Collections after which no more is let go of: buffers follow what referred to them, and not at once. */
const QUIET_TURNS = 6;
const MOST_TURNS = 60;

/** Bytes that cannot be collected: the heap, and the buffers beside it. */
export async function keptBytes(): Promise<number> {
  let least = Infinity;
  for (let turn = 0, quiet = 0; turn < MOST_TURNS; turn++) {
    collect();
    await new Promise<void>((resolve) => setTimeout(resolve, 20));
    const { heapUsed, external } = process.memoryUsage();
    const bytes = heapUsed + external;
    quiet = bytes < 0.99 * least ? 0 : quiet + 1;
    least = Math.min(least, bytes);
    if (quiet === QUIET_TURNS) break;
  }
  return least;
}

function collect(): void {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (typeof bun === "object" && bun !== null) {
    const collector: unknown = Reflect.get(bun, "gc");
    if (typeof collector === "function") return collector(true);
  }
  const collector: unknown = Reflect.get(globalThis, "gc");
  if (typeof collector !== "function") {
    throw new TypeError("Start the runtime with --expose-gc");
  }
  // V8 takes true for a wish to collect what is young alone.
  collector();
}
