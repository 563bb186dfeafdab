/**
 * Messages over WebSocket (RFC 6455).
 *
 * @module
 */

import type { WebSocketSocket } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import { hasOnlyWebSockets } from "../runtime/web_socket.ts";
import type { StandardWebSocketLike } from "../runtime/web_socket.ts";
import { AttachedWebSocket } from "./_ws_attach.ts";
import type {
  AttachWebSocketOptions,
  WebSocketAttachment,
} from "./_ws_attach.ts";
import { codedEngine } from "./_ws_coded.ts";
import { wsTransport } from "./_ws_engine.ts";
import type { WsEngine } from "./_ws_engine.ts";
import { connectNative } from "./_ws_native.ts";
import { listenNative } from "./_ws_native_listen.ts";
import type { WsConnectOptions, WsListenOptions } from "./_ws_options.ts";
import type { Adapter } from "./adapter.ts";

export type {
  AttachWebSocketOptions,
  WebSocketAttachment,
} from "./_ws_attach.ts";
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
  TlsIdentityOptions,
  TlsListenOptions,
} from "./_tls_options.ts";
export type { StandardWebSocketLike } from "../runtime/web_socket.ts";

/** How a WebSocket transport works. */
export interface WsOptions {
  /**
   * `"coded"`: by the library's own coder, the same on every runtime.
   * `"native"`: by the runtime's own client and server. They have no pings, no
   * time limit of the handshake, no TCP options and no `tls` but `true` to connect
   * (`not-supported`), and tell
   * a lost stream as `reset`. Where they cannot stop reading (browsers, Deno),
   * a peer that goes on sending to a full node is ended with `overflow`.
   * `"auto"`: coded wherever there are streams, native in a browser.
   * Default: `"auto"`.
   */
  readonly engine?: "auto" | "coded" | "native";
}

const nativeEngine: WsEngine = { connect: connectNative, listen: listenNative };

const autoEngine: WsEngine = {
  connect(host, address, options, events) {
    const engine = hasOnlyWebSockets(host.driver) ? nativeEngine : codedEngine;
    return engine.connect(host, address, options, events);
  },
  listen(host, address, options, events) {
    const engine = hasOnlyWebSockets(host.driver) ? nativeEngine : codedEngine;
    return engine.listen(host, address, options, events);
  },
};

/**
 * Makes a WebSocket transport.
 *
 * The default engine is signalbox's own coder on all three server runtimes,
 * because their own WebSockets cannot keep its promises: Deno's sends no close
 * frame for a message that is too big, has one fixed limit of 64 MiB, cannot be
 * paused and buffers output without bound; Bun's drops messages above a limit;
 * the `ws` package is slow on small messages. The runtime's own are there for
 * who wants them.
 *
 * @param options `engine`: default `"auto"`; any other than the three is `invalid-option` at `connect` and `listen`.
 * @example
 * ```ts ignore
 * import { createNode, ws } from "@signalbox/signalbox";
 *
 * const { handler } = createNode();
 * handler.network.connect(ws({ engine: "native" }), "wss://example.com/feed");
 * ```
 */
export function ws(
  options: WsOptions = {},
): Adapter<WsConnectOptions, WsListenOptions> {
  const { engine = "auto" } = options;
  switch (engine) {
    case "auto":
      return wsTransport(autoEngine);
    case "coded":
      return wsTransport(codedEngine);
    case "native":
      return wsTransport(nativeEngine);
    default: {
      const fault = new Fault(
        "invalid-option",
        `Cannot use engine ${String(engine)}: it must be auto, coded or native`,
      );
      return wsTransport({
        connect: () => {
          throw fault;
        },
        listen: () => Promise.reject(fault),
      });
    }
  }
}

/**
 * Messages over WebSocket: one `send` is one binary message, or a text message
 * if it was a string. Whole and in order, up to `maxMessageSize` (16 MiB).
 *
 * Addresses: `"host:port"` (which asks for the path `/message-io-default`, as
 * message-io does), URLs with path and query (`"ws://host/chat?room=1"`, port
 * 80 if none is given), and paths of Unix sockets. `wss:`, or the option `tls`,
 * is the same with TLS; a listener then needs `tls` with its certificate.
 *
 * Pings are answered. A `remove` sends a close frame and waits for the peer's;
 * what the peer's close becomes is told at {@linkcode WebSocketClose}. A failed
 * handshake is no event on the server. Listen with
 * `origins` where web pages of others must not connect.
 *
 * No extensions are used: messages are never compressed.
 */
export const Ws: Adapter<WsConnectOptions, WsListenOptions> = ws();

/**
 * Hands a WebSocket that your own HTTP server upgraded to a node; it then
 * reports `accepted` with no listener, and its messages like any other.
 *
 * Attach it before the next message can come, in the same callback as the
 * upgrade: what came earlier is lost. The promises are those of the runtime's
 * own WebSockets, as with `ws({ engine: "native" })`.
 *
 * @param socket One of `Deno.upgradeWebSocket`, of the `ws` package, or of any
 * other maker of standard WebSockets; or what `createBunWebSocketHandlers` gives.
 * @param options Limits, and the peer's address if the server knows it.
 * @returns The argument of `network.attach`, which throws `invalid-option` for a socket that is closed.
 * @example With Deno.serve
 * ```ts ignore
 * import { attachWebSocket, createNode } from "@signalbox/signalbox";
 *
 * const { handler } = createNode();
 * Deno.serve((request) => {
 *   const { socket, response } = Deno.upgradeWebSocket(request);
 *   handler.network.attach(attachWebSocket(socket));
 *   return response;
 * });
 * ```
 * @example With Bun.serve
 * ```ts ignore
 * import { attachWebSocket, createBunWebSocketHandlers, createNode } from "@signalbox/signalbox";
 *
 * const { handler } = createNode();
 * Bun.serve({
 *   fetch: (request, server) => server.upgrade(request) ? undefined : new Response(null, { status: 426 }),
 *   websocket: createBunWebSocketHandlers((socket) => {
 *     const attachment = attachWebSocket(socket);
 *     handler.network.attach(attachment);
 *     return attachment.events;
 *   }),
 * });
 * ```
 */
export function attachWebSocket(
  socket: StandardWebSocketLike | WebSocketSocket,
  options: AttachWebSocketOptions = {},
): WebSocketAttachment {
  return new AttachedWebSocket(Ws, socket, options);
}
