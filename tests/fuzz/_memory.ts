/**
 * How much memory a program keeps once everything that it can let go of is gone.
 *
 * @module
 */

import process from "node:process";

/** Bytes that cannot be collected: the heap, and the buffers beside it. */
export async function keptBytes(): Promise<number> {
  for (let turn = 0; turn < 6; turn++) {
    collect();
    await new Promise<void>((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function collect(): void {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  const collector: unknown = typeof bun === "object" && bun !== null
    ? Reflect.get(bun, "gc")
    : Reflect.get(globalThis, "gc");
  if (typeof collector !== "function") {
    throw new TypeError("Start the runtime with --expose-gc");
  }
  collector(true);
}
