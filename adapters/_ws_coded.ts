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
import type { ConnectionLimits } from "./_framed_connection.ts";
import {
  connectionLimits,
  DEFAULT_MAX_MESSAGE_SIZE,
  pathAddress,
} from "./_options.ts";
import { StreamTransportListener } from "./_stream_transport.ts";
import { tcpConnectRequest, tcpListenRequest } from "./_tcp_options.ts";
import { WsConnection } from "./_ws_connection.ts";
import type { WsEngine } from "./_ws_engine.ts";
import { ClientHandshake, ServerHandshake } from "./_ws_handshake.ts";
import { admission } from "./_ws_admission.ts";
import type { Admit } from "./_ws_admission.ts";
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
    const target = wsTarget(address);
    refuseTls(
      target,
      'the runtime\'s own client, ws({ engine: "native" }), has it',
    );
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
    const connection = new WsConnection(
      host,
      connectionLimits(options, DEFAULT_MAX_MESSAGE_SIZE),
      wsTimes(options),
      new ClientHandshake(request, address.text),
      streamRequest.address,
    );
    connection.listen(events);
    connection.attach(
      host.driver.connectStream(streamRequest, connection.stream),
    );
    return connection;
  },
  async listen(host, address, options, events) {
    const target = wsTarget(address);
    refuseTls(
      target,
      "let your own HTTPS server upgrade, and attach the WebSockets",
    );
    const acceptor = new WsAcceptor(
      host,
      connectionLimits(options, DEFAULT_MAX_MESSAGE_SIZE),
      wsTimes(options),
      admission(options, target.resource),
      events,
    );
    return new StreamTransportListener(
      await host.driver.listenStream(listenRequest(target, options), acceptor),
    );
  },
};

function connectRequest(
  target: WsTarget,
  options: WsConnectOptions,
): StreamConnectRequest {
  return target.stream.path === ""
    ? tcpConnectRequest("Ws", target.stream, options)
    : { address: pathAddress("Ws", target.stream) };
}

function listenRequest(
  target: WsTarget,
  options: WsListenOptions,
): StreamListenRequest {
  return target.stream.path === ""
    ? tcpListenRequest("Ws", target.stream, options)
    : { address: pathAddress("Ws", target.stream) };
}

function refuseTls(target: WsTarget, advice: string): void {
  if (!target.isSecure) return;
  throw new Fault(
    "not-supported",
    `Cannot use ${target.stream.text}: TLS is not part of this version; ${advice}`,
  );
}

class WsAcceptor implements StreamListenerEvents {
  readonly #host: AdapterHost;
  readonly #limits: ConnectionLimits;
  readonly #times: WsTimes;
  readonly #admit: Admit;
  readonly #events: ListenerEvents;

  constructor(
    host: AdapterHost,
    limits: ConnectionLimits,
    times: WsTimes,
    admit: Admit,
    events: ListenerEvents,
  ) {
    this.#host = host;
    this.#limits = limits;
    this.#times = times;
    this.#admit = admit;
    this.#events = events;
  }

  accept(socket: StreamSocket): StreamEvents | undefined {
    const connection = new WsConnection(
      this.#host,
      this.#limits,
      this.#times,
      new ServerHandshake(this.#admit),
      undefined,
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
