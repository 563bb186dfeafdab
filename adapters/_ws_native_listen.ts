/**
 * Listening with the runtime's own WebSocket server.
 *
 * @module
 */

import type {
  WebSocketEvents,
  WebSocketListenerEvents,
  WebSocketSocket,
} from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import type { ConnectionLimits } from "./_framed_connection.ts";
import {
  connectionLimits,
  DEFAULT_MAX_MESSAGE_SIZE,
  internetAddress,
  pathAddress,
} from "./_options.ts";
import { StreamTransportListener } from "./_stream_transport.ts";
import type { WsEngine } from "./_ws_engine.ts";
import { refuseOptions } from "./_ws_native.ts";
import { NativeWsConnection } from "./_ws_native_connection.ts";
import { admission } from "./_ws_admission.ts";
import { wsTimes } from "./_ws_options.ts";
import { wsTarget } from "./_ws_target.ts";
import type { AdapterHost, ListenerEvents } from "./adapter.ts";

/** As `WsEngine.listen`, by the runtime's own server. */
export const listenNative: WsEngine["listen"] = async (
  host,
  address,
  options,
  events,
) => {
  refuseOptions(options, [
    "backlog",
    "handshakeTimeoutMs",
    "ipv6Only",
    "keepAliveMs",
    "maxFragments",
    "maxHandshakeSize",
    "maxHeaders",
    "pingIntervalMs",
    "pongTimeoutMs",
    "reusePort",
    "tls",
  ]);
  const target = wsTarget(address, options);
  if (target.isSecure) {
    throw new Fault(
      "not-supported",
      `Cannot listen on ${address.text} with the runtime's own WebSockets: the coded ones have TLS`,
    );
  }
  const limits = connectionLimits(options, DEFAULT_MAX_MESSAGE_SIZE);
  const acceptor = new NativeWsAcceptor(
    host,
    limits,
    wsTimes(options).closeTimeoutMs,
    events,
  );
  const listener = await host.driver.listenWebSocket({
    address: target.stream.path === ""
      ? internetAddress("Ws", target.stream, [""], "0.0.0.0")
      : pathAddress("Ws", target.stream),
    maxMessageSize: limits.maxMessageSize,
    admit: judge(admission(options, target.resource), events),
    signal: options.signal,
  }, acceptor);
  return new StreamTransportListener(listener);
};

/** A check of the user's that throws lets nobody in, and the listener tells why. */
function judge(
  admit: ReturnType<typeof admission>,
  events: ListenerEvents,
): ReturnType<typeof admission> {
  return (request) => {
    try {
      return admit(request);
    } catch (error) {
      events.fault(
        new Fault(
          "protocol",
          "A WebSocket handshake was refused with 503: The request could not be judged",
          { cause: error },
        ),
      );
      return 503;
    }
  };
}

class NativeWsAcceptor implements WebSocketListenerEvents {
  readonly #host: AdapterHost;
  readonly #limits: ConnectionLimits;
  readonly #closeTimeoutMs: number | undefined;
  readonly #events: ListenerEvents;

  constructor(
    host: AdapterHost,
    limits: ConnectionLimits,
    closeTimeoutMs: number | undefined,
    events: ListenerEvents,
  ) {
    this.#host = host;
    this.#limits = limits;
    this.#closeTimeoutMs = closeTimeoutMs;
    this.#events = events;
  }

  accept(socket: WebSocketSocket): WebSocketEvents | undefined {
    const connection = new NativeWsConnection(
      this.#host,
      this.#limits,
      this.#closeTimeoutMs,
      undefined,
    );
    connection.attach(socket);
    const events = this.#events.accept(connection);
    if (events === undefined) return undefined;
    connection.listen(events);
    connection.open();
    return connection;
  }

  fault(fault: Fault): void {
    this.#events.fault(fault);
  }
}
