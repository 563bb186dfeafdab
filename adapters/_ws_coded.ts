/**
 * WebSockets by the library's own coder, over the streams of any driver.
 *
 * @module
 */

import {
  refusesWebSocketRequest,
  webSocketKey,
} from "../framing/web_socket_client_handshake.ts";
import type {
  StreamConnectRequest,
  StreamEvents,
  StreamListenerEvents,
  StreamListenRequest,
  StreamSocket,
} from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import { pathAddress } from "./_options.ts";
import { StreamTransportListener } from "./_stream_transport.ts";
import { tcpConnectRequest, tcpListenRequest } from "./_tcp_options.ts";
import { withoutTls } from "./_tls_asked.ts";
import { WsConnection } from "./_ws_connection.ts";
import type { WsEngine } from "./_ws_engine.ts";
import { ClientHandshake, ServerHandshake } from "./_ws_handshake.ts";
import { admission } from "./_ws_admission.ts";
import type { Admit } from "./_ws_admission.ts";
import { wsLimits } from "./_ws_limits.ts";
import type { WsLimits } from "./_ws_limits.ts";
import { checkProtocols, connectHeaders, wsTimes } from "./_ws_options.ts";
import type {
  WsConnectOptions,
  WsListenOptions,
  WsTimes,
} from "./_ws_options.ts";
import { requestedResource, wsTarget } from "./_ws_target.ts";
import type { WsTarget } from "./_ws_target.ts";
import type { AdapterHost, ListenerEvents } from "./adapter.ts";

/** The engine that keeps every promise, and so the default wherever there are streams. */
export const codedEngine: WsEngine = {
  connect(host, address, options, events) {
    const target = wsTarget(address, options);
    const request = {
      path: requestedResource(address, target),
      host: target.host,
      key: webSocketKey(),
      protocols: checkProtocols(options.protocols),
      headers: connectHeaders(options),
    };
    const refusal = refusesWebSocketRequest(request);
    if (refusal !== undefined) {
      throw new Fault(
        "invalid-option",
        `Cannot connect to ${address.text}: ${refusal}`,
      );
    }
    const streamRequest = connectRequest(target, options);
    const limits = wsLimits(options);
    const connection = new WsConnection(
      host,
      limits,
      wsTimes(options),
      new ClientHandshake(request, address.text, limits.head),
      streamRequest.address,
      streamRequest.tls !== undefined,
    );
    connection.listen(events);
    connection.attach(
      host.driver.connectStream(streamRequest, connection.stream),
    );
    return connection;
  },
  async listen(host, address, options, events) {
    const target = wsTarget(address, options);
    const request = listenRequest(target, options);
    const acceptor = new WsAcceptor(
      host,
      wsLimits(options),
      wsTimes(options),
      admission(options, target.resource),
      request.tls !== undefined,
      events,
    );
    return new StreamTransportListener(
      await host.driver.listenStream(
        { ...request, signal: options.signal },
        acceptor,
      ),
    );
  },
};

function connectRequest(
  target: WsTarget,
  options: WsConnectOptions,
): StreamConnectRequest {
  return target.stream.path === ""
    ? tcpConnectRequest("Ws", target.stream, options, target.isSecure)
    : { address: pathAddress("Ws", target.stream) };
}

function listenRequest(
  target: WsTarget,
  options: WsListenOptions,
): StreamListenRequest {
  return target.stream.path === ""
    ? tcpListenRequest("Ws", target.stream, options, target.isSecure)
    : { address: pathAddress("Ws", target.stream) };
}

class WsAcceptor implements StreamListenerEvents {
  readonly #host: AdapterHost;
  readonly #limits: WsLimits;
  readonly #times: WsTimes;
  readonly #admit: Admit;
  readonly #isSecure: boolean;
  readonly #events: ListenerEvents;

  constructor(
    host: AdapterHost,
    limits: WsLimits,
    times: WsTimes,
    admit: Admit,
    isSecure: boolean,
    events: ListenerEvents,
  ) {
    this.#host = host;
    this.#limits = limits;
    this.#times = times;
    this.#admit = admit;
    this.#isSecure = isSecure;
    this.#events = events;
  }

  accept(socket: StreamSocket): StreamEvents | undefined {
    if (this.#isSecure && socket.tls === undefined) {
      this.#events.fault(withoutTls());
      return undefined;
    }
    const connection = new WsConnection(
      this.#host,
      this.#limits,
      this.#times,
      new ServerHandshake(this.#admit, this.#limits.head),
      undefined,
      false,
    );
    connection.attach(socket);
    const events = this.#events.accept(connection);
    if (events === undefined) return undefined;
    connection.listen(events);
    return connection.stream;
  }

  fault(fault: Fault): void {
    this.#events.fault(fault);
  }
}
