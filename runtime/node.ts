/**
 * The driver of Node, on `node:net`, `node:dgram` and the `ws` package. Deno and
 * Bun can run it too: they have the same builtins.
 *
 * @module
 */

import { nodeBuiltin } from "./_node_builtins.ts";
import type { Driver, TimerHandle } from "./driver.ts";
import { bindNodeDatagram } from "./node_datagram.ts";
import { connectNodeStream } from "./node_stream.ts";
import { connectNodeWebSocket } from "./node_web_socket_client.ts";
import { listenNodeWebSocket } from "./node_web_socket.ts";
import { listenNodeStream } from "./node_stream_listener.ts";

/** A timer as an object, because the runtimes' own handles have different types. */
class NodeTimer {
  readonly handle: ReturnType<typeof setTimeout>;

  constructor(callback: () => void, delayMs: number) {
    this.handle = setTimeout(callback, delayMs);
  }
}

/**
 * The driver on the `node:` builtins: Node's own, and a fallback for Deno and Bun.
 *
 * - TCP and Unix sockets, UDP with multicast: everything in the contract, but
 *   `pause` of a datagram socket drops what arrives meanwhile.
 * - `reusePort` needs Node 22.12 or 23.1 and is refused with `not-supported` before.
 * - WebSockets are those of the package `ws`. Where it is not installed, a server
 *   is refused with `not-supported`, and the client is the runtime's own (Node 22).
 * - Timers keep the process alive until they fire or are cleared.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { nodeDriver } from "./node.ts";
 *
 * const driver = nodeDriver();
 * const listener = await driver.listenStream({
 *   address: { family: "ipv4", hostname: "127.0.0.1", port: 0, path: "" },
 * }, { accept: () => undefined, fault: console.error });
 * assert(listener.address.port > 0);
 * await listener.close();
 * ```
 */
export function nodeDriver(): Driver {
  return {
    name: "node",
    now: () => performance.now(),
    setTimer: (callback, delayMs) => new NodeTimer(callback, delayMs),
    clearTimer(timer: TimerHandle): void {
      if (timer instanceof NodeTimer) clearTimeout(timer.handle);
    },
    defer(callback: () => void): void {
      nodeBuiltin("node:timers").setImmediate(callback);
    },
    connectStream: connectNodeStream,
    listenStream: listenNodeStream,
    bindDatagram: bindNodeDatagram,
    connectWebSocket: connectNodeWebSocket,
    listenWebSocket: listenNodeWebSocket,
  };
}
