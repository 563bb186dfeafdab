/**
 * The driver of Node. Deno and Bun can run it too: they have the same builtins.
 *
 * - Streams: `node:net`; with TLS `node:tls`.
 * - Datagrams: `node:dgram`.
 * - WebSockets: `node:http` with the package `ws`, because Node has no server of
 *   its own; the client of `ws`, else the global one (Node 22), which cannot pause.
 * - Turns by `node:timers` (`setImmediate`); stale Unix paths by `node:fs`, host
 *   names by `node:dns`.
 *
 * @module
 */

import { timers } from "./_timer.ts";
import { defer } from "./_turn.ts";
import { diagnosticChannels } from "./diagnostics.ts";
import type { Driver } from "./driver.ts";
import { bindNodeDatagram } from "./node_datagram.ts";
import { connectNodeStream } from "./node_stream.ts";
import { connectNodeWebSocket } from "./node_web_socket_client.ts";
import { listenNodeWebSocket } from "./node_web_socket_listener.ts";
import { listenNodeStream } from "./node_stream_listener.ts";
import { listenNodeTls } from "./node_tls_listener.ts";
import { connectNodeTls } from "./node_tls_stream.ts";

/**
 * The driver on the `node:` builtins: Node's own, and a fallback for Deno and Bun.
 *
 * - TCP with and without TLS, Unix sockets, UDP with multicast: everything in the contract, but
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
    ...timers,
    ...diagnosticChannels(),
    defer,
    connectStream: (request, events) =>
      request.tls === undefined
        ? connectNodeStream(request, events)
        : connectNodeTls(request, request.tls, events),
    listenStream: (request, events) =>
      request.tls === undefined
        ? listenNodeStream(request, events)
        : listenNodeTls(request, request.tls, events),
    bindDatagram: bindNodeDatagram,
    connectWebSocket: connectNodeWebSocket,
    listenWebSocket: listenNodeWebSocket,
  };
}
