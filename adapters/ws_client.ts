/**
 * The WebSocket transport of browsers: the runtime's own client and nothing else,
 * so that a bundle holds neither coder nor server.
 *
 * @module
 */

import { Fault } from "../runtime/fault.ts";
import { wsTransport } from "./_ws_engine.ts";
import { connectNative } from "./_ws_native.ts";
import type { WsConnectOptions, WsListenOptions } from "./_ws_options.ts";
import type { Adapter } from "./adapter.ts";

export { WebSocketClose } from "./_ws_close.ts";
export type { WsLimitOptions } from "./_ws_limits.ts";
export type {
  WsConnectOptions,
  WsListenOptions,
  WsTimeOptions,
} from "./_ws_options.ts";
export type {
  Pem,
  TlsConnectOptions,
  TlsListenOptions,
} from "./_tls_options.ts";

/**
 * Messages over the runtime's own WebSocket client; addresses and events as
 * with the `Ws` of the main entry, and `wss:` too. `listen` is `not-supported`.
 */
export const Ws: Adapter<WsConnectOptions, WsListenOptions> = wsTransport({
  connect: connectNative,
  listen: () =>
    Promise.reject(
      new Fault(
        "not-supported",
        "Cannot listen with Ws: this entry has the client alone",
      ),
    ),
});
