/**
 * Bun's own socket under a socket of its `node:net`.
 *
 * On Bun a `net.Socket` is a stream around one of Bun's own sockets, which costs
 * as much again as the socket itself. Its `_handle` is not documented, so all
 * that is relied on is looked for first: the handle is there while the socket
 * connects, is of the class that `Bun.connect` gives (`reload` and `data` are of
 * its documented API), and is let go of by writing null, as `destroy` does.
 *
 * @module
 */

import type { BunHandle, BunSocket, BunSocketHandler } from "./_bun_api.ts";

const FUNCTIONS = [
  "end",
  "pause",
  "reload",
  "resume",
  "setKeepAlive",
  "shutdown",
  "terminate",
  "write",
] as const;

function isBunHandle<Data>(value: unknown): value is BunHandle<Data> {
  return typeof value === "object" && value !== null && "data" in value &&
    "localAddress" in value && "remoteAddress" in value &&
    FUNCTIONS.every((name) => typeof Reflect.get(value, name) === "function");
}

/** Whether a `net.Socket` that has begun to connect can be parted from Bun's own. */
export function hasBunHandle(socket: object): boolean {
  return isBunHandle(Reflect.get(socket, "_handle"));
}

/**
 * Parts a connected `net.Socket` from Bun's own socket, which is given `data`
 * and `handler`; the `net.Socket` does and hears nothing any more.
 *
 * To be called when all that comes with `connect` has run, and before anything
 * was read.
 *
 * @returns Bun's own socket; undefined if there is none, as after `destroy`.
 */
export function takeBunHandle<Data>(
  socket: object,
  data: Data,
  handler: BunSocketHandler<Data>,
): BunSocket<Data> | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (!isBunHandle<Data>(handle)) return undefined;
  Reflect.set(socket, "_handle", null);
  handle.data = data;
  handle.reload({ socket: handler });
  return handle;
}
