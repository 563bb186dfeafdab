/**
 * What a process holds, with its garbage and without.
 *
 * @module
 */

import process from "node:process";

/** Bytes; of the whole process, and of its heap with what hangs on it. */
export interface Memory {
  readonly rss: number;
  readonly used: number;
}

/** What the process holds now, garbage included. */
export function memoryNow(): Memory {
  const { rss, heapUsed, external } = process.memoryUsage();
  // Bun's heap is told with the buffers that hang on it, which are told as `external` once more.
  return { rss, used: "Bun" in globalThis ? heapUsed : heapUsed + external };
}

/**
 * What the process holds once its garbage is collected: one collection leaves
 * what only the next finds, and finalizers run between them.
 */
export async function memoryKept(
  { collections, pauseMs }: {
    readonly collections: number;
    readonly pauseMs: number;
  },
): Promise<Memory> {
  for (let turn = 0; turn < collections; turn += 1) {
    collect();
    await pause(pauseMs);
  }
  return memoryNow();
}

/** Collects garbage, old and young: V8 takes an argument for a wish to collect the young alone. */
export function collect(): void {
  const gc: unknown = Reflect.get(globalThis, "gc");
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (typeof gc === "function") gc();
  else if (
    typeof bun === "object" && bun !== null && "gc" in bun &&
    typeof bun.gc === "function"
  ) bun.gc(true);
  else throw new Error("Cannot collect garbage: run with --expose-gc");
}

/** Lets time pass. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
