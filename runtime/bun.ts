/**
 * The driver of Bun: its native sockets, and the `node:` ones for what those lack.
 *
 * - Streams: `Bun.listen`, and `Bun.connect` for Unix paths. By `node:net` the
 *   connecting to TCP, which Bun's own API cannot give up (Bun's own socket then
 *   carries on), and a `backlog`; by `node:tls` all of TLS.
 * - Datagrams: `Bun.udpSocket`. By `node:dgram` shared addresses, IPv6 alone,
 *   sizes of buffers, and broadcast to one peer, which Bun's lacks.
 * - WebSockets: `Bun.serve`; the global client, with its `pause` and `terminate`.
 * - Turns by `node:timers` (`setImmediate`); stale Unix paths by `node:fs` and
 *   `node:net`, host names by `node:dns`, as on all runtimes.
 *
 * @module
 */

import { findBun } from "./_bun_api.ts";
import { timers } from "./_timer.ts";
import { defer } from "./_turn.ts";
import { bindBunDatagram, isBunDatagram } from "./bun_datagram.ts";
import { connectBunTcp, connectBunUnix } from "./bun_stream_connect.ts";
import { listenBunStream } from "./bun_stream_listener.ts";
import { connectBunWebSocket } from "./bun_web_socket_client.ts";
import { listenBunWebSocket } from "./bun_web_socket_listener.ts";
import { diagnosticChannels } from "./diagnostics.ts";
import type { Driver } from "./driver.ts";
import { Fault } from "./fault.ts";
import { bindNodeDatagram } from "./node_datagram.ts";
import { listenNodeStream } from "./node_stream_listener.ts";
import { listenNodeTls } from "./node_tls_listener.ts";
import { connectNodeTls } from "./node_tls_stream.ts";

/**
 * The driver of Bun.
 *
 * - TCP and Unix listeners are `Bun.listen`; a `backlog` goes by `node:net`.
 * - Connecting to a Unix path is `Bun.connect`. Connecting by TCP is `node:net`,
 *   because a connect that Bun's own API has begun cannot be given up; once it
 *   is connected, Bun's own socket is taken from it. TLS is `node:tls`.
 * - UDP is `Bun.udpSocket`; shared addresses, IPv6 alone and sizes of buffers
 *   go by `node:dgram`.
 * - A reset that comes after a local `shutdown` is told as an end in order: Bun
 *   does not tell them apart.
 * - `close` waits up to a second for the peer's FIN before it lets go of the
 *   socket, so that what was taken is not lost to a reset.
 * - WebSockets are `Bun.serve` and the global client.
 * - Timers keep the process alive until they fire or are cleared.
 *
 * @throws {Fault} `not-supported` on another runtime.
 *
 * @example
 * ```ts ignore
 * import assert from "node:assert/strict";
 * import { bunDriver } from "./bun.ts";
 *
 * const driver = bunDriver();
 * const listener = await driver.listenStream({
 *   address: { family: "ipv4", hostname: "127.0.0.1", port: 0, path: "" },
 * }, { accept: () => undefined, fault: console.error });
 * assert(listener.address.port > 0);
 * await listener.close();
 * ```
 */
export function bunDriver(): Driver {
  const bun = findBun();
  if (bun === undefined) {
    throw new Fault(
      "not-supported",
      "Cannot make the driver of Bun: this is another runtime",
    );
  }
  return {
    name: "bun",
    ...timers,
    ...diagnosticChannels(),
    defer,
    connectStream(request, events) {
      if (request.tls !== undefined) {
        return connectNodeTls(request, request.tls, events);
      }
      return request.address.family === "unix"
        ? connectBunUnix(bun, request, events)
        : connectBunTcp(request, events);
    },
    listenStream(request, events) {
      if (request.tls !== undefined) {
        return listenNodeTls(request, request.tls, events);
      }
      // Bun.listen does not let the backlog be chosen.
      return request.backlog !== undefined
        ? listenNodeStream(request, events)
        : listenBunStream(bun, request, events);
    },
    bindDatagram: (request, events) =>
      isBunDatagram(request)
        ? bindBunDatagram(bun, request, events)
        : bindNodeDatagram(request, events),
    connectWebSocket: connectBunWebSocket,
    listenWebSocket: (request, events) =>
      listenBunWebSocket(bun, request, events),
  };
}
