/**
 * Keeping the servers of Deno's `node:net` accepting.
 *
 * @module
 */

import type { Server } from "node:net";
import { nodeBuiltin, nodeProcess } from "./_node_builtins.ts";

/** How long a server may be stuck, in milliseconds: descriptors need time to come back. */
const LOOK_MS = 500;

/** What the runtimes take where no backlog is asked for. */
const USUAL_BACKLOG = 511;

/**
 * Lets a TCP server that listens accept again after it ran out of descriptors.
 *
 * Deno 2.9 tells nobody that accepting failed, and waits for no other connection
 * from then on. It looks at the queue again when the server's handle is told to
 * listen, which changes nothing else of one that does: no system call is made,
 * and those in the queue are taken. Nobody tells when that is needed, so it is
 * done all the time, at less than a thousandth of a core. The way in (`_handle`) is not
 * documented: where it is not as expected nothing is done, nor before Deno 2.9,
 * of which it is not known what it does.
 *
 * @param backlog What the server was told.
 * @returns Ends it.
 */
export function keepAccepting(
  server: Server,
  backlog: number = USUAL_BACKLOG,
): () => void {
  // The handle of a Unix server refuses to listen twice.
  const isUnix = typeof server.address() === "string";
  if (isUnix || !isForgetful(nodeProcess()?.versions.deno)) return () => {};
  const { clearInterval, setInterval } = nodeBuiltin("node:timers");
  const timer = setInterval(() => {
    const handle: unknown = Reflect.get(server, "_handle");
    if (isListenHandle(handle)) handle.listen(backlog);
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function isForgetful(version: string | undefined): boolean {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 9);
}

/** The part of a handle that is used. */
interface ListenHandle {
  listen(backlog: number): number;
}

function isListenHandle(value: unknown): value is ListenHandle {
  return typeof value === "object" && value !== null && "listen" in value &&
    typeof value.listen === "function";
}
