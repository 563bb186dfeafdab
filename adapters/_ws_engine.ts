/**
 * What does the work of a WebSocket transport: the library's own coder, or the runtime's WebSockets.
 *
 * @module
 */

import type { WsConnectOptions, WsListenOptions } from "./_ws_options.ts";
import type { Adapter } from "./adapter.ts";

/** Connects and listens in one way. */
export type WsEngine = Pick<
  Adapter<WsConnectOptions, WsListenOptions>,
  "connect" | "listen"
>;

/** Makes the transport of an engine. */
export function wsTransport(
  engine: WsEngine,
): Adapter<WsConnectOptions, WsListenOptions> {
  return {
    id: 3,
    name: "Ws",
    maxMessageSize: Number.MAX_SAFE_INTEGER,
    isConnectionOriented: true,
    isPacketBased: true,
    connect: engine.connect,
    listen: engine.listen,
  };
}
