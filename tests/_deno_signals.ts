/**
 * What Deno opens for itself once it runs.
 *
 * @module
 */

import process from "node:process";

/**
 * Lets Deno open now what it needs for signals: it does so half a second after
 * its start, or when it is first asked for one, and panics if there is no
 * descriptor for it. Elsewhere nothing comes of it.
 */
export function openSignals(): void {
  const ignore = () => {};
  process.on("SIGINT", ignore).off("SIGINT", ignore);
}
