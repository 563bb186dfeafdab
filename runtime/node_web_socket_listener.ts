/**
 * WebSocket servers on `node:http` and the `ws` package.
 *
 * @module
 */

import type * as http from "node:http";
import type { Duplex } from "node:stream";
import { BoundListener } from "./_bound_listener.ts";
import { nodeBuiltin } from "./_node_builtins.ts";
import { numericAddress } from "./_numeric_address.ts";
import { checkMayListen } from "./_permission.ts";
import { addressOf, addressText } from "./_socket_address.ts";
import { listenFault } from "./_socket_fault.ts";
import {
  checkServable,
  flawOf,
  listOf,
  refusalHeaders,
} from "./_web_socket_server.ts";
import { loadWs, MAX_PENDING_PONGS, type WsServer } from "./_ws_package.ts";
import { WsPackageSocket } from "./_ws_package_socket.ts";
import type {
  StreamListener,
  WebSocketHandshake,
  WebSocketListenerEvents,
  WebSocketListenRequest,
} from "./driver.ts";
import { faultFrom } from "./fault.ts";
import { boundAddress } from "./node_stream_listener.ts";

/** How long a client may take to send its handshake, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Listens for WebSockets with the `ws` package, as `Driver.listenWebSocket` asks.
 *
 * Messages are never compressed. A message above `maxMessageSize` closes the
 * connection with 1009 and the fault `message-too-big`. A plain HTTP request is
 * answered with 426. A handshake may take ten seconds.
 *
 * @throws {Fault} by rejection: `address-in-use`, `address-not-available`,
 * `permission-denied`, `invalid-address`, `host-not-found`; `not-supported` for
 * Unix paths, and where the package is not installed.
 */
export async function listenNodeWebSocket(
  request: WebSocketListenRequest,
  events: WebSocketListenerEvents,
): Promise<StreamListener> {
  const { address } = request;
  checkServable(address);
  checkMayListen(`Cannot listen on ${addressText(address)}`);
  const host = address.hostname === ""
    ? undefined
    : (await numericAddress(address, request.signal)).hostname;
  const { WebSocketServer } = await loadWs();
  const upgrades = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: request.maxMessageSize,
    maxPendingAutoPongs: MAX_PENDING_PONGS,
    handleProtocols: (_offered, handshake) => agreed.get(handshake) || false,
  });
  const agreed = new WeakMap<http.IncomingMessage, string>();
  const server = nodeBuiltin("node:http").createServer(
    {
      headersTimeout: HANDSHAKE_TIMEOUT_MS,
      requestTimeout: HANDSHAKE_TIMEOUT_MS,
      connectionsCheckingInterval: HANDSHAKE_TIMEOUT_MS / 5,
      noDelay: true,
    },
    (_request, response) => {
      response.writeHead(426, {
        ...refusalHeaders(426),
        connection: "close",
      });
      response.end();
    },
  );
  server.on("upgrade", (handshake, stream, head) => {
    const asked = readHandshake(handshake);
    const flaw = asked.header("upgrade")?.toLowerCase() === "websocket"
      ? flawOf(handshake.method ?? "", asked.header)
      : 426;
    if (flaw !== undefined) {
      refuse(stream, flaw);
      return;
    }
    const answer = request.admit(asked);
    if (typeof answer === "number") {
      refuse(stream, answer);
      return;
    }
    agreed.set(handshake, answer);
    upgrade(upgrades, handshake, stream, head, events);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, host, () => {
      server.off("error", reject);
      resolve();
    });
  }).catch((error: unknown) => {
    throw listenFault(error, address);
  });
  server.on("error", (error) => {
    events.fault(faultFrom(error, "Cannot accept a connection"));
  });
  return new BoundListener(boundAddress(server), () => {
    server.close();
    // Those that have not finished their handshake; upgraded ones are not counted.
    server.closeAllConnections();
  });
}

function upgrade(
  upgrades: WsServer,
  handshake: http.IncomingMessage,
  stream: Duplex,
  head: Uint8Array,
  events: WebSocketListenerEvents,
): void {
  const { localAddress, localPort, remoteAddress, remotePort } =
    handshake.socket;
  const local = addressOf(localAddress, localPort);
  const peer = addressOf(remoteAddress, remotePort);
  upgrades.handleUpgrade(handshake, stream, head, (ws) => {
    new WsPackageSocket(ws, stream, local, peer)
      .offer((socket) => events.accept(socket));
  });
}

function refuse(stream: Duplex, status: number): void {
  const text = nodeBuiltin("node:http").STATUS_CODES[status] ?? "Refused";
  // A peer that is gone already needs no answer.
  stream.on("error", () => stream.destroy());
  const headers = {
    connection: "close",
    "content-length": "0",
    ...refusalHeaders(status),
  };
  const lines = Object.entries(headers).map(([name, value]) =>
    `${name}: ${value}\r\n`
  );
  stream.end(
    `HTTP/1.1 ${status} ${text}\r\n${lines.join("")}\r\n`,
    () => stream.destroy(),
  );
}

function readHandshake(request: http.IncomingMessage): WebSocketHandshake {
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  };
  return {
    path: request.url ?? "/",
    origin: header("origin"),
    protocols: listOf(header("sec-websocket-protocol")),
    header,
  };
}
