/**
 * The global `WebSocket` of Deno, Bun and Node, which takes headers where the
 * standard has the subprotocols only.
 *
 * @module
 */

import { openWebSocket } from "./_bare_web_socket.ts";
import type { WebSocketConnectRequest } from "./driver.ts";

type WebSocketWithHeaders = new (
  url: string,
  options: {
    protocols: readonly string[];
    headers: Readonly<Record<string, string>>;
  },
) => WebSocket;

function takesHeaders(value: unknown): value is WebSocketWithHeaders {
  return typeof value === "function";
}

/** Whether the runtime has the global (Node has it from 22 on). */
export function hasWebSocket(): boolean {
  return takesHeaders(Reflect.get(globalThis, "WebSocket"));
}

/**
 * Starts to connect with the global `WebSocket`.
 *
 * @throws {Fault} `invalid-address` for a URL or subprotocols that cannot be.
 */
export function openWithHeaders(
  { url, protocols, headers }: WebSocketConnectRequest,
): WebSocket {
  const Native: unknown = WebSocket;
  return openWebSocket(
    url,
    () =>
      headers !== undefined && takesHeaders(Native)
        ? new Native(url, {
          protocols: [...protocols],
          headers: { ...headers },
        })
        : new WebSocket(url, [...protocols]),
  );
}
