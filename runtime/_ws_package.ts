/**
 * The `ws` package, as far as the driver of Node uses it. It is loaded when it is
 * first needed, and by a name that no bundler follows into a browser bundle.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Fault, faultFrom } from "./fault.ts";

/**
 * How many pongs may wait for the network. The package would end a connection
 * at 60, which a peer reaches with the pings of a single read.
 */
export const MAX_PENDING_PONGS = 65_536;

/** A socket of the package. */
export interface WsSocket {
  /** The subprotocol agreed on, or `""`. */
  readonly protocol: string;
  /** 1 while the socket is open. */
  readonly readyState: number;
  /** Bytes not yet on the network. */
  readonly bufferedAmount: number;
  /** Tells of each message. */
  on(
    event: "message",
    listener: (data: Uint8Array, isBinary: boolean) => void,
  ): void;
  /** Tells of the end, once. */
  on(
    event: "close",
    listener: (code: number, reason: { toString(): string }) => void,
  ): void;
  /** Tells of each ping, after it was answered. */
  on(event: "ping", listener: () => void): void;
  /** Tells what went wrong; "close" follows. */
  on(event: "error", listener: (error: Error) => void): void;
  /** Queues a message. */
  send(
    data: Uint8Array,
    options: { binary: boolean; compress: boolean },
    sent: (error?: Error | null) => void,
  ): void;
  /** Stops reading. */
  pause(): void;
  /** Reads again. */
  resume(): void;
  /** Starts the closing handshake. */
  close(code: number, reason: string): void;
  /** Drops the connection. */
  terminate(): void;
}

/** A server of the package that is given its handshakes. */
export interface WsServer {
  /** Answers a handshake. */
  handleUpgrade(
    request: IncomingMessage,
    stream: Duplex,
    head: Uint8Array,
    done: (socket: WsSocket) => void,
  ): void;
}

/** A socket of the package that connects. */
export interface WsClient extends WsSocket {
  /** Tells that the handshake was answered, on which stream. */
  once(
    event: "upgrade",
    listener: (response: { socket?: Socket | null }) => void,
  ): void;
  /** Tells that messages may flow. */
  once(event: "open", listener: () => void): void;
}

/** What the driver uses of the package. */
export interface WsPackage {
  /** The client's class. */
  readonly WebSocket: new (
    url: string,
    protocols: readonly string[],
    options: {
      perMessageDeflate: boolean;
      maxPendingAutoPongs: number;
      headers: Readonly<Record<string, string>>;
    },
  ) => WsClient;
  /** The server's class. */
  readonly WebSocketServer: new (options: {
    noServer: true;
    clientTracking: boolean;
    perMessageDeflate: boolean;
    maxPayload: number;
    maxPendingAutoPongs: number;
    handleProtocols: (
      offered: Set<string>,
      request: IncomingMessage,
    ) => string | false;
  }) => WsServer;
}

function isWsPackage(module: unknown): module is WsPackage {
  return typeof module === "object" && module !== null &&
    "WebSocketServer" in module &&
    typeof module.WebSocketServer === "function" &&
    "WebSocket" in module && typeof module.WebSocket === "function";
}

/**
 * The package.
 *
 * @throws {Fault} by rejection: `not-supported` where it is not installed.
 */
export async function loadWs(): Promise<WsPackage> {
  const name: string = "ws";
  let cause: unknown;
  try {
    const module: unknown = await import(name);
    if (isWsPackage(module)) return module;
  } catch (error) {
    cause = error;
  }
  throw new Fault(
    "not-supported",
    "Cannot use the runtime's WebSockets: install the package ws (npm install ws)",
    { cause },
  );
}

/** The fault of an error of the package. */
export function wsFault(error: Error): Fault {
  const code: unknown = Reflect.get(error, "code");
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") {
    return new Fault("message-too-big", error.message, { cause: error });
  }
  if (
    (typeof code === "string" && code.startsWith("WS_ERR_")) ||
    // A handshake that was refused carries no code.
    /^Unexpected server response|^Server sent|^Invalid Sec-WebSocket/.test(
      error.message,
    )
  ) {
    return new Fault("protocol", error.message, { cause: error });
  }
  return faultFrom(error, "The WebSocket failed");
}
