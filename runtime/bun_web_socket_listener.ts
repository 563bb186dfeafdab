/**
 * WebSocket servers on `Bun.serve`.
 *
 * @module
 */

import type { BunApi, BunOwnWebSocket, BunServer } from "./_bun_api.ts";
import { type BunHandshake, handlersFor } from "./_bun_server_socket.ts";
import { BoundListener } from "./_bound_listener.ts";
import { numericBinding } from "./_numeric_address.ts";
import { inetAddress, UNKNOWN_ADDRESS } from "./_socket_address.ts";
import { listenFault } from "./_socket_fault.ts";
import {
  checkServable,
  flawOf,
  handshakeOf,
  refusal,
} from "./_web_socket_server.ts";
import type {
  SocketAddress,
  StreamListener,
  WebSocketListenerEvents,
  WebSocketListenRequest,
} from "./driver.ts";
import { faultFrom } from "./fault.ts";

/**
 * Listens with `Bun.serve`, as `Driver.listenWebSocket` asks.
 *
 * Messages are not compressed, nothing is dropped for being queued, and idle
 * sockets stay. Bun tells a text message as a string, which is encoded again.
 *
 * @throws {Fault} by rejection: `address-in-use`, `address-not-available`,
 * `permission-denied`, `invalid-address`, `host-not-found`; `not-supported` for
 * Unix paths.
 */
export async function listenBunWebSocket(
  bun: BunApi,
  request: WebSocketListenRequest,
  events: WebSocketListenerEvents,
): Promise<StreamListener> {
  const { address } = request;
  checkServable(address);
  let bound = await numericBinding(address, "::", request.signal);
  try {
    const server = bun.serve<BunHandshake>({
      hostname: bound.hostname,
      port: bound.port,
      fetch: (http, server) => answer(http, server, request, bound),
      error: (error) => {
        events.fault(faultFrom(error, "Cannot answer a handshake"));
        return new Response(null, { status: 500 });
      },
      websocket: {
        ...handlersFor(
          (native: BunOwnWebSocket<BunHandshake>) => native.data,
          (socket) => events.accept(socket),
        ),
        maxPayloadLength: request.maxMessageSize,
        // Idle connections are the network's to judge.
        idleTimeout: 0,
        sendPings: false,
        perMessageDeflate: false,
      },
    });
    bound = inetAddress(bound.hostname, server.port ?? 0);
    return new BoundListener(bound, () => void server.stop(false));
  } catch (error) {
    throw listenFault(error, address);
  }
}

function answer(
  http: Request,
  server: BunServer<BunHandshake>,
  request: WebSocketListenRequest,
  localAddress: SocketAddress,
): Response | undefined {
  const handshake = handshakeOf(http);
  if (handshake === undefined) return refusal(426);
  const flaw = flawOf(http.method, handshake.header);
  if (flaw !== undefined) return refusal(flaw);
  const protocol = request.admit(handshake);
  if (typeof protocol === "number") return refusal(protocol);
  // Bun would agree on the first of the client's by itself.
  if (protocol === "") http.headers.delete("sec-websocket-protocol");
  const peer = server.requestIP(http);
  const isUpgraded = server.upgrade(http, {
    headers: protocol === "" ? {} : { "sec-websocket-protocol": protocol },
    data: {
      localAddress,
      peerAddress: peer === null
        ? UNKNOWN_ADDRESS
        : inetAddress(peer.address, peer.port),
      protocol,
    },
  });
  return isUpgraded ? undefined : refusal(400);
}
