/**
 * The WebSocket client of Deno: the global `WebSocket`.
 *
 * @module
 */

import { StandardWebSocket } from "./_standard_web_socket.ts";
import { openWithHeaders } from "./_web_socket_client.ts";
import type {
  WebSocketConnectRequest,
  WebSocketEvents,
  WebSocketSocket,
} from "./driver.ts";

/**
 * Connects with the global `WebSocket`, as `Driver.connectWebSocket` asks.
 *
 * @throws {Fault} `invalid-address` for a URL or subprotocols that cannot be.
 */
export function connectDenoWebSocket(
  request: WebSocketConnectRequest,
  events: WebSocketEvents,
): WebSocketSocket {
  return new StandardWebSocket(openWithHeaders(request)).start(events);
}
