/**
 * WebSockets of the `ws` package on `node:http`: the server of Node.
 *
 * @module
 */

import type * as http from "node:http";
import type { Duplex } from "node:stream";
import { nodeBuiltin, nodeProcess } from "./_node_builtins.ts";
import {
  addressText,
  checkPath,
  checkPort,
  inetAddress,
  unixAddress,
  UNKNOWN_ADDRESS,
} from "./_socket_address.ts";
import {
  loadWs,
  wsFault,
  type WsServer,
  type WsSocket,
} from "./_ws_package.ts";
import { unixListenFault } from "./_unix_path.ts";
import type {
  SocketAddress,
  StreamListener,
  WebSocketEvents,
  WebSocketHandshake,
  WebSocketListenerEvents,
  WebSocketListenRequest,
  WebSocketSocket,
} from "./driver.ts";
import { type Fault, faultFrom } from "./fault.ts";
import { addressOf, socketFault } from "./node_stream.ts";

/** How long a client may take to send its handshake, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** The `readyState` of a socket that is open (WHATWG WebSockets). */
const OPEN = 1;
const AS_TEXT = { binary: false, compress: false };
const AS_BINARY = { binary: true, compress: false };

/** One WebSocket of the `ws` package. */
export class WsPackageSocket implements WebSocketSocket {
  readonly localAddress: SocketAddress;
  readonly peerAddress: SocketAddress;
  readonly #ws: WsSocket;
  /** The stream under it; unknown where the runtime has a `ws` of its own (Bun). */
  readonly #stream: Duplex | undefined;
  #events: WebSocketEvents | undefined;
  #isLocallyClosed = false;
  #isCorked = false;
  #owesDrain = false;
  #fault: Fault | undefined;

  /** Wraps a socket that is open and has delivered nothing yet. */
  constructor(
    ws: WsSocket,
    stream: Duplex | undefined,
    localAddress: SocketAddress,
    peerAddress: SocketAddress,
  ) {
    this.#ws = ws;
    this.#stream = stream;
    this.localAddress = localAddress;
    this.peerAddress = peerAddress;
  }

  /** Offers the socket to its listener's owner. */
  offer(
    accept: (socket: WebSocketSocket) => WebSocketEvents | undefined,
  ): void {
    const events = accept(this);
    if (events !== undefined) {
      this.tell(events);
      return;
    }
    this.#ws.on("error", () => {}); // Of a socket that nobody hears of.
    this.abort();
  }

  /** From now on the events are told. */
  tell(events: WebSocketEvents): void {
    const ws = this.#ws;
    this.#events = events;
    ws.on("error", (error) => {
      this.#fault ??= wsFault(error);
    });
    ws.on("message", this.#onMessage);
    ws.on("close", (code, reason) => {
      this.#events = undefined;
      if (this.#isLocallyClosed) this.#fault = undefined;
      events.closed(code, reason.toString(), this.#fault);
    });
  }

  get protocol(): string {
    return this.#ws.protocol;
  }

  get pending(): number {
    return this.#ws.readyState === OPEN ? this.#ws.bufferedAmount : 0;
  }

  // Hot: once per message sent.
  send(data: Uint8Array, isText: boolean): boolean {
    if (this.#isLocallyClosed || this.#ws.readyState !== OPEN) return false;
    // `ws` writes header and payload apart, and each message for itself:
    // without the cork that is two system calls a message.
    if (!this.#isCorked && this.#stream !== undefined) {
      this.#isCorked = true;
      this.#stream.cork();
      queueMicrotask(this.#uncork);
    }
    this.#owesDrain = true;
    this.#ws.send(data, isText ? AS_TEXT : AS_BINARY, this.#onSent);
    return true;
  }

  pause(): boolean {
    this.#ws.pause();
    return true;
  }

  resume(): void {
    this.#ws.resume();
  }

  close(code: number, reason: string): void {
    if (this.#isLocallyClosed) return;
    this.#isLocallyClosed = true;
    // The peer's answer is read even if the socket was paused.
    this.#ws.resume();
    this.#ws.close(code, reason);
  }

  abort(): void {
    this.#isLocallyClosed = true;
    this.#ws.terminate();
  }

  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#stream?.uncork();
  };

  // Hot: once per message received.
  readonly #onMessage = (data: Uint8Array, isBinary: boolean): void => {
    if (this.#isLocallyClosed) return;
    this.#events?.message(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      !isBinary,
    );
  };

  // Hot: once per message sent.
  readonly #onSent = (error?: Error | null): void => {
    if (error) {
      this.#fault ??= wsFault(error);
      return;
    }
    if (
      !this.#owesDrain || this.#isLocallyClosed || this.#ws.bufferedAmount !== 0
    ) return;
    this.#owesDrain = false;
    this.#events?.drain();
  };
}

class WsPackageListener implements StreamListener {
  readonly address: SocketAddress;
  readonly #server: http.Server;
  #isClosed = false;

  constructor(server: http.Server, address: SocketAddress) {
    this.#server = server;
    this.address = address;
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    this.#server.close();
    // Those that have not finished their handshake; upgraded ones are not counted.
    this.#server.closeAllConnections();
    return new Promise((resolve) => {
      nodeBuiltin("node:timers").setImmediate(() => resolve());
    });
  }
}

/**
 * Listens for WebSockets with the `ws` package, as `Driver.listenWebSocket` asks.
 *
 * Messages are never compressed. A message above `maxMessageSize` closes the
 * connection with 1009 and the fault `message-too-big`. A plain HTTP request is
 * answered with 426. A handshake may take ten seconds.
 *
 * @throws {Fault} by rejection: `not-supported` where the package is not
 * installed; else as for streams.
 */
export async function listenNodeWebSocket(
  request: WebSocketListenRequest,
  events: WebSocketListenerEvents,
): Promise<StreamListener> {
  const { address } = request;
  const options = address.family === "unix"
    ? { path: address.path }
    : { port: address.port, host: address.hostname || undefined };
  if (address.family === "unix") {
    checkPath(address.path, nodeProcess()?.platform ?? "");
  } else checkPort(address);
  const { WebSocketServer } = await loadWs();
  const upgrades = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: request.maxMessageSize,
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
      response.writeHead(426, { upgrade: "websocket", connection: "close" });
      response.end();
    },
  );
  server.on("upgrade", (handshake, stream, head) => {
    const answer = request.admit(readHandshake(handshake));
    if (typeof answer === "number") {
      refuse(stream, answer);
      return;
    }
    agreed.set(handshake, answer);
    upgrade(upgrades, handshake, stream, head, events);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  }).catch((error: unknown) => {
    throw address.family === "unix"
      ? unixListenFault(error, address)
      : socketFault(error, `Cannot listen on ${addressText(address)}`);
  });
  server.on("error", (error) => {
    events.fault(faultFrom(error, "Cannot accept a connection"));
  });
  const bound = server.address();
  return new WsPackageListener(
    server,
    bound === null
      ? UNKNOWN_ADDRESS
      : typeof bound === "string"
      ? unixAddress(bound)
      : inetAddress(bound.address, bound.port),
  );
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
  stream.end(
    `HTTP/1.1 ${status} ${text}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
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
    protocols: (header("sec-websocket-protocol") ?? "").split(",")
      .map((protocol) => protocol.trim()).filter((one) => one !== ""),
    header,
  };
}
