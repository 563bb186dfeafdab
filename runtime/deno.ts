/**
 * The driver of Deno: its native sockets, and the `node:` ones for what those lack.
 *
 * @module
 */

import { type DenoApi, findDeno } from "./_deno_api.ts";
import { nodeBuiltin } from "./_node_builtins.ts";
import { bindDenoDatagram, isNativeDatagram } from "./deno_datagram.ts";
import { connectDenoStream } from "./deno_stream.ts";
import { listenDenoStream } from "./deno_stream_listener.ts";
import {
  connectDenoWebSocket,
  listenDenoWebSocket,
} from "./deno_web_socket.ts";
import type {
  DatagramBindRequest,
  DatagramEvents,
  DatagramSocket,
  Driver,
  SocketAddress,
  StreamConnectRequest,
  StreamEvents,
  StreamListener,
  StreamListenerEvents,
  StreamListenRequest,
  StreamSocket,
  TimerHandle,
  WebSocketConnectRequest,
  WebSocketEvents,
  WebSocketListenerEvents,
  WebSocketListenRequest,
  WebSocketSocket,
} from "./driver.ts";
import { Fault } from "./fault.ts";
import { bindNodeDatagram } from "./node_datagram.ts";
import { connectNodeStream } from "./node_stream.ts";
import { listenNodeStream } from "./node_stream_listener.ts";

/**
 * The driver of Deno.
 *
 * - TCP and Unix sockets are Deno's own. A source address, keepalive and a shared
 *   port go by `node:net`: Deno's API has no source address, no delay of keepalive,
 *   and `reusePort` only with a flag.
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
  return new DenoDriver(deno);
}

/** A timer in a class of its own, because Deno's handles are numbers in one version and objects in the next. */
class DenoTimer {
  readonly handle: ReturnType<typeof setTimeout>;

  constructor(callback: () => void, delayMs: number) {
    this.handle = setTimeout(callback, delayMs);
  }
}

class DenoDriver implements Driver {
  readonly name = "deno";
  readonly defer: (callback: () => void) => void = chooseDefer();
  readonly #deno: DenoApi;

  constructor(deno: DenoApi) {
    this.#deno = deno;
  }

  now(): number {
    return performance.now();
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    return new DenoTimer(callback, delayMs);
  }

  clearTimer(timer: TimerHandle): void {
    if (timer instanceof DenoTimer) clearTimeout(timer.handle);
  }

  connectStream(
    request: StreamConnectRequest,
    events: StreamEvents,
  ): StreamSocket {
    // Deno.connect takes no source address, and its keepalive no delay.
    return request.sourceAddress !== undefined ||
        request.keepAliveMs !== undefined
      ? connectNodeStream(request, events)
      : connectDenoStream(this.#deno, request, events, this.defer);
  }

  listenStream(
    request: StreamListenRequest,
    events: StreamListenerEvents,
  ): Promise<StreamListener> {
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
    // Deno.listen ends the process when it is given reusePort without
    // --unstable-net, and its keepalive takes no delay.
    return reusePort === true || keepAliveMs !== undefined
      ? listenNodeStream(request, events)
      : listenDenoStream(this.#deno, request, events, this.defer);
  }

  // An async function, so that every failure is a rejection.
  async bindDatagram(
    request: DatagramBindRequest,
    events: DatagramEvents,
  ): Promise<DatagramSocket> {
    return isNativeDatagram(this.#deno, request)
      ? bindDenoDatagram(this.#deno, request, events)
      : await bindNodeDatagram(request, events);
  }

  connectWebSocket(
    request: WebSocketConnectRequest,
    events: WebSocketEvents,
  ): WebSocketSocket {
    return connectDenoWebSocket(request, events);
  }

  // An async function, so that every failure is a rejection.
  async listenWebSocket(
    request: WebSocketListenRequest,
    events: WebSocketListenerEvents,
  ): Promise<StreamListener> {
    return await listenDenoWebSocket(this.#deno, request, events);
  }
}

function isAnyIpv6(address: SocketAddress): boolean {
  return address.family !== "unix" &&
    (address.hostname === "" || address.hostname === "::");
}

/**
 * `setImmediate` runs after input and output that is ready, and costs a
 * microsecond; MessageChannel costs half as much again, `setTimeout` 2,000 times.
 */
function chooseDefer(): (callback: () => void) => void {
  const found: unknown = Reflect.get(globalThis, "setImmediate");
  if (isSetImmediate(found)) return (callback) => void found(callback);
  // Deno had the global only in `node:` code once.
  const { setImmediate } = nodeBuiltin("node:timers");
  return (callback) => void setImmediate(callback);
}

function isSetImmediate(
  value: unknown,
): value is (callback: () => void) => unknown {
  return typeof value === "function";
}
