/**
 * Collects garbage, so that what is kept can be told from what is only not yet gone.
 *
 * @module
 */

import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Several turns, because the collector of Bun looks at the stack too. */
export async function collectGarbage(): Promise<void> {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  let collect: unknown;
  if (typeof bun === "object" && bun !== null) {
    const gc: unknown = Reflect.get(bun, "gc");
    assert(typeof gc === "function");
    collect = () => gc.call(bun, true);
  } else {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc");
  }
  assert(typeof collect === "function");
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
    collect();
  }
}
