/**
 * Which driver the running runtime needs.
 *
 * @module
 */

import { nodeProcess } from "./_node_builtins.ts";
import { browserDriver } from "./browser.ts";
import { bunDriver } from "./bun.ts";
import { denoDriver } from "./deno.ts";
import type { Driver } from "./driver.ts";
import { nodeDriver } from "./node.ts";

/**
 * The driver of the runtime that runs this: Deno's, Bun's, Node's, or, where
 * none of them is found, the browser's.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { detectDriver } from "./detect.ts";
 *
 * assert(["deno", "bun", "node", "browser"].includes(detectDriver().name));
 * ```
 */
export function detectDriver(): Driver {
  // Deno and Bun have a `process` too, with a version of Node that they stand for.
  const versions = nodeProcess()?.versions ?? {};
  if (versions.deno !== undefined) return denoDriver();
  if (versions.bun !== undefined) return bunDriver();
  if (versions.node !== undefined) return nodeDriver();
  return browserDriver();
}
