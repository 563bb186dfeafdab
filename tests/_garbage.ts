/**
 * Collects garbage, so that what is kept can be told from what is only not yet gone.
 *
 * @module
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { collect, pause } from "../bench/_memory.ts";

/** Several turns, because the collector of Bun looks at the stack too. */
export async function collectGarbage(): Promise<void> {
  if (!("gc" in globalThis || "Bun" in globalThis)) {
    // These tests are started without the flag.
    setFlagsFromString("--expose-gc");
    Reflect.set(globalThis, "gc", runInNewContext("gc"));
  }
  for (let turn = 0; turn < 5; turn += 1) {
    await pause(5);
    collect();
  }
}
