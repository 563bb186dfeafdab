/**
 * Messages over WebSocket (RFC 6455).
 *
 * @module
 */

import { codedEngine } from "./_ws_coded.ts";
import { wsTransport } from "./_ws_engine.ts";
import type { WsConnectOptions, WsListenOptions } from "./_ws_options.ts";
import type { Adapter } from "./adapter.ts";

export const Ws: Adapter<WsConnectOptions, WsListenOptions> = wsTransport(
  codedEngine,
);
