/**
 * Handing the WebSockets of a `Bun.serve` of the user's own to signalbox.
 *
 * @module
 */

import type { BunServerWebSocket, BunWebSocketHandlers } from "./_bun_api.ts";
import { type BunHandshake, handlersFor } from "./_bun_server_socket.ts";
import { inetAddress, UNKNOWN_ADDRESS } from "./_socket_address.ts";
import type { WebSocketEvents, WebSocketSocket } from "./driver.ts";

export type { BunServerWebSocket, BunWebSocketHandlers };

/**
 * The `websocket` callbacks that hand the sockets of a `Bun.serve` of your own
 * to signalbox. `data` of the sockets stays yours.
 *
 * The limits among them keep Bun from dropping messages; add `maxPayloadLength`,
 * `idleTimeout` and the rest as you like. What a callback throws is rethrown
 * as an uncaught error.
 *
 * @param attach Takes each socket whose handshake is done. Returns who hears of it, or undefined to have it cut off.
 *
 * @example
 * ```ts ignore
 * const handlers = createBunWebSocketHandlers((socket) => ({
 *   open() {},
 *   message: (data, isText) => void socket.send(data, isText),
 *   drain() {},
 *   closed() {},
 * }));
 * Bun.serve({
 *   fetch: (request, server) =>
 *     server.upgrade(request) ? undefined : new Response("Hello"),
 *   websocket: { ...handlers, maxPayloadLength: 1024 },
 * });
 * ```
 */
export function createBunWebSocketHandlers<
  Native extends BunServerWebSocket = BunServerWebSocket,
>(
  attach: (
    socket: WebSocketSocket,
    native: Native,
  ) => WebSocketEvents | undefined,
): BunWebSocketHandlers<Native> {
  return handlersFor(describeForeign, attach);
}

/** The socket tells the peer's address, and neither its port nor the subprotocol. */
function describeForeign(native: BunServerWebSocket): BunHandshake {
  const { remoteAddress } = native;
  return {
    localAddress: UNKNOWN_ADDRESS,
    peerAddress: remoteAddress === ""
      ? UNKNOWN_ADDRESS
      : inetAddress(remoteAddress, 0),
    protocol: "",
  };
}
