/**
 * Connecting and listening with Bun's own WebSockets.
 *
 * @module
 */

import type { BunApi, BunOwnWebSocket, BunServer } from "./_bun_api.ts";
import { type BunHandshake, handlersFor } from "./_bun_server_socket.ts";
import { nodeBuiltin } from "./_node_builtins.ts";
import { anyHost, numericHost } from "./_numeric_host.ts";
import {
  addressText,
  checkPort,
  inetAddress,
  UNKNOWN_ADDRESS,
} from "./_socket_address.ts";
import { StandardWebSocket } from "./_standard_web_socket.ts";
import type {
  SocketAddress,
  StreamListener,
  WebSocketConnectRequest,
  WebSocketEvents,
  WebSocketListenerEvents,
  WebSocketListenRequest,
  WebSocketSocket,
} from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";

class BunWebSocketListener implements StreamListener {
  readonly address: SocketAddress;
  readonly #server: BunServer<BunHandshake>;
  #isClosed = false;

  constructor(server: BunServer<BunHandshake>, address: SocketAddress) {
    this.#server = server;
    this.address = address;
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    // Not awaited: the address is free at once, and the promise waits for the last socket.
    void this.#server.stop(false);
    return new Promise((resolve) => {
      nodeBuiltin("node:timers").setImmediate(() => resolve());
    });
  }
}

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
  if (address.family === "unix") {
    throw new Fault(
      "not-supported",
      "Cannot listen for WebSockets on a Unix path: Bun.serve would not take over a stale one",
    );
  }
  checkPort(address);
  const given = address.hostname;
  const hostname = given === "" ? anyHost(address) : await numericHost(given);
  let bound = inetAddress(hostname, address.port);
  try {
    const server = bun.serve<BunHandshake>({
      hostname,
      port: address.port,
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
    bound = inetAddress(hostname, server.port ?? 0);
    return new BunWebSocketListener(server, bound);
  } catch (error) {
    throw faultFrom(error, `Cannot listen on ${addressText(address)}`);
  }
}

function answer(
  http: Request,
  server: BunServer<BunHandshake>,
  request: WebSocketListenRequest,
  localAddress: SocketAddress,
): Response | undefined {
  const { headers } = http;
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return upgradeRequired();
  }
  const protocol = request.admit({
    path: pathOf(http.url),
    origin: headers.get("origin") ?? undefined,
    protocols: listOf(headers.get("sec-websocket-protocol")),
    header: (name) => headers.get(name) ?? undefined,
  });
  if (typeof protocol === "number") {
    return new Response(null, { status: protocol });
  }
  // Bun would agree on the first of the client's by itself.
  if (protocol === "") headers.delete("sec-websocket-protocol");
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
  return isUpgraded ? undefined : upgradeRequired();
}

function upgradeRequired(): Response {
  return new Response(null, {
    status: 426,
    headers: { upgrade: "websocket", "sec-websocket-version": "13" },
  });
}

/** Path and query as they were sent: parsing the URL would rewrite them. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return start < 0 ? "/" : url.slice(start);
}

function listOf(header: string | null): string[] {
  if (header === null) return [];
  return header.split(",").map((item) => item.trim()).filter((item) =>
    item !== ""
  );
}

/** What Bun's client can do beside the standard. */
interface BunClient {
  terminate(): void;
  pause(): void;
  resume(): void;
}

function isBunClient(socket: object): socket is BunClient {
  return "terminate" in socket && "pause" in socket && "resume" in socket;
}

/** The standard's WebSocket, with the abort and the pause that Bun has beside it. */
class BunClientWebSocket extends StandardWebSocket {
  readonly #native: BunClient | undefined;

  constructor(native: WebSocket) {
    super(native);
    this.#native = isBunClient(native) ? native : undefined;
  }

  override pause(): boolean {
    this.#native?.pause();
    return this.#native !== undefined;
  }

  override resume(): void {
    this.#native?.resume();
  }

  override abort(): void {
    this.#native?.terminate();
    super.abort();
  }
}

/** Bun's constructor takes headers where the standard has the subprotocols only. */
type WebSocketWithHeaders = new (
  url: string,
  options: { protocols: string[]; headers: Record<string, string> },
) => WebSocket;

function takesHeaders(value: unknown): value is WebSocketWithHeaders {
  return typeof value === "function";
}

/**
 * Connects with the global `WebSocket`, as `Driver.connectWebSocket` asks.
 *
 * Bun's client fails when the server agrees on none of the subprotocols offered,
 * where the standard lets it go on without one.
 *
 * @throws {Fault} `invalid-address` for a URL or subprotocols that cannot be.
 */
export function connectBunWebSocket(
  request: WebSocketConnectRequest,
  events: WebSocketEvents,
): WebSocketSocket {
  const { url, headers } = request;
  const protocols = [...request.protocols];
  const Native: unknown = WebSocket;
  let native: WebSocket;
  try {
    native = headers !== undefined && takesHeaders(Native)
      ? new Native(url, { protocols, headers: { ...headers } })
      : new WebSocket(url, protocols);
  } catch (error) {
    throw new Fault(
      "invalid-address",
      `Cannot connect to ${url}: ${String(error)}`,
      { cause: error },
    );
  }
  const socket = new BunClientWebSocket(native);
  socket.start(events);
  return socket;
}
