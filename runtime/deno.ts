/**
 * The driver of Deno: its native sockets, and the `node:` ones for what those lack.
 *
 * - Streams: `Deno.connect`, `Deno.listen`. By `node:net` a source address,
 *   `keepAliveMs` and `reusePort`, which Deno lacks or has behind a flag; by
 *   `node:tls` all of TLS, of which Deno's own API has too little.
 * - Datagrams: `Deno.listenDatagram` under `--unstable-net`. By `node:dgram` all
 *   else: Deno's has no options, and no groups from the start.
 * - WebSockets: `Deno.serve` with `Deno.upgradeWebSocket`; the global client.
 * - Turns by `node:timers` (`setImmediate`); stale Unix paths by `node:fs` and
 *   `node:net`, host names of `node:` sockets by `node:dns`, as on all runtimes.
 *
 * @module
 */

import { findDeno } from "./_deno_api.ts";
import { isAnyIpv6 } from "./_socket_address.ts";
import { timers } from "./_timer.ts";
import { defer } from "./_turn.ts";
import { bindDenoDatagram, isNativeDatagram } from "./deno_datagram.ts";
import { connectDenoStream } from "./deno_stream.ts";
import { listenDenoStream } from "./deno_stream_listener.ts";
import { connectDenoWebSocket } from "./deno_web_socket_client.ts";
import { listenDenoWebSocket } from "./deno_web_socket_listener.ts";
import { diagnosticChannels } from "./diagnostics.ts";
import type { Driver } from "./driver.ts";
import { Fault } from "./fault.ts";
import { bindNodeDatagram } from "./node_datagram.ts";
import { connectNodeStream } from "./node_stream.ts";
import { listenNodeStream } from "./node_stream_listener.ts";
import { listenNodeTls } from "./node_tls_listener.ts";
import { connectNodeTls } from "./node_tls_stream.ts";

/**
 * The driver of Deno.
 *
 * - TCP and Unix sockets are Deno's own. A source address, keepalive and a shared
 *   port go by `node:net`: Deno's API has no source address, no delay of keepalive,
 *   and `reusePort` only with a flag. TLS goes by `node:tls`: Deno's own asks no
 *   client for its certificate, and shows none of a peer.
 * - `ipv6Only` on `::` is refused with `not-supported`: no API of Deno's has it.
 * - UDP is `Deno.listenDatagram` under `--unstable-net` as long as no option is
 *   given that it lacks, else `node:dgram`.
 * - `abort` cannot reset a connection: the peer sees the end of the stream.
 * - Timers keep the process alive until they fire or are cleared.
 *
 * @throws {Fault} `not-supported` on another runtime.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { denoDriver } from "./deno.ts";
 *
 * const driver = denoDriver();
 * const listener = await driver.listenStream({
 *   address: { family: "ipv4", hostname: "127.0.0.1", port: 0, path: "" },
 * }, { accept: () => undefined, fault: console.error });
 * assert(listener.address.port > 0);
 * await listener.close();
 * ```
 */
export function denoDriver(): Driver {
  const deno = findDeno();
  if (deno === undefined) {
    throw new Fault(
      "not-supported",
      "Cannot make the driver of Deno: this is another runtime",
    );
  }
  return {
    name: "deno",
    ...timers,
    ...diagnosticChannels(),
    defer,
    connectStream(request, events) {
      if (request.tls !== undefined) {
        return connectNodeTls(request, request.tls, events);
      }
      // Deno.connect takes no source address, and its keepalive no delay.
      return request.sourceAddress !== undefined ||
          request.keepAliveMs !== undefined
        ? connectNodeStream(request, events)
        : connectDenoStream(deno, request, events);
    },
    listenStream(request, events) {
      const { address, ipv6Only, reusePort, keepAliveMs } = request;
      if (ipv6Only === true && isAnyIpv6(address)) {
        // Neither Deno.listen nor Deno's node:net sets IPV6_V6ONLY; the latter
        // takes the option and ignores it.
        return Promise.reject(
          new Fault(
            "not-supported",
            "Cannot listen on IPv6 alone: Deno cannot refuse IPv4 on [::]",
          ),
        );
      }
      if (request.tls !== undefined) {
        return listenNodeTls(request, request.tls, events);
      }
      // Deno.listen ends the process when it is given reusePort without
      // --unstable-net, and its keepalive takes no delay.
      return reusePort === true || keepAliveMs !== undefined
        ? listenNodeStream(request, events)
        : listenDenoStream(deno, request, events);
    },
    // Async functions, so that every failure is a rejection.
    bindDatagram: async (request, events) =>
      isNativeDatagram(deno, request)
        ? bindDenoDatagram(deno, request, events)
        : await bindNodeDatagram(request, events),
    connectWebSocket: connectDenoWebSocket,
    listenWebSocket: async (request, events) =>
      await listenDenoWebSocket(deno, request, events),
  };
}
