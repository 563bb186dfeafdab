/**
 * The part of Bun's API that the drivers use, in types of our own: a program on
 * another runtime needs no types of Bun. `tests/types/` proves them against Bun's.
 *
 * @module
 */

/** A connected TCP or Unix socket. */
export interface BunSocket<Data> {
  /** A slot for its owner. */
  data: Data;
  /** -1 once closed or shut down. */
  write(data: Uint8Array): number;
  /** Closes both directions. */
  end(): void;
  /** Sends FIN. */
  shutdown(): void;
  /** Closes with a reset. */
  terminate(): void;
  pause(): void;
  resume(): void;
  setKeepAlive(enable?: boolean, initialDelay?: number): boolean;
  /** Undefined for Unix sockets and closed ones, though Bun's types have it always. */
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
}

/** The callbacks of all sockets of a listener, or of a connection. */
export interface BunSocketHandler<Data> {
  binaryType: "uint8array";
  open(socket: BunSocket<Data>): void;
  data(socket: BunSocket<Data>, data: Uint8Array): void;
  drain(socket: BunSocket<Data>): void;
  end(socket: BunSocket<Data>): void;
  close(socket: BunSocket<Data>, error?: Error): void;
  error(socket: BunSocket<Data>, error: Error): void;
}

/** A connected socket that may be given to another owner. */
export interface BunHandle<Data> extends BunSocket<Data> {
  /** Gives the socket other callbacks. */
  reload(options: { readonly socket: BunSocketHandler<Data> }): void;
}

/** Where to listen. */
export interface BunTcpListenOptions<Data> {
  hostname: string;
  port: number;
  allowHalfOpen: true;
  ipv6Only: boolean;
  /** Honoured, though Bun's types do not have it. */
  reusePort: boolean;
  data: Data;
  socket: BunSocketHandler<Data>;
}

/** Where to listen or connect. */
export interface BunUnixOptions<Data> {
  unix: string;
  allowHalfOpen: true;
  data: Data;
  socket: BunSocketHandler<Data>;
}

/** A listener. */
export interface BunListener {
  stop(closeActiveConnections?: boolean): void;
}

/** A listener on TCP. */
export interface BunTcpListener extends BunListener {
  readonly port: number;
}

/** The callbacks of a UDP socket. */
export interface BunDatagramHandler {
  data(
    socket: BunDatagram,
    data: Uint8Array,
    port: number,
    address: string,
  ): void;
  drain(socket: BunDatagram): void;
  /** Bun's types put the socket first; 1.4 calls with the error alone. */
  error(first: unknown, second?: unknown): void;
}

/** Where to bind a UDP socket. */
export interface BunDatagramOptions {
  hostname: string;
  port: number;
  binaryType: "uint8array";
  socket: BunDatagramHandler;
}

/** What connected and unconnected UDP sockets share. */
export interface BunDatagram {
  readonly hostname: string;
  readonly port: number;
  close(): void;
  setBroadcast(enabled: boolean): boolean;
  setTTL(ttl: number): number;
  setMulticastTTL(ttl: number): number;
  setMulticastLoopback(enabled: boolean): boolean;
  setMulticastInterface(address: string): boolean;
  addMembership(group: string, address?: string): boolean;
  dropMembership(group: string, address?: string): boolean;
}

/** A UDP socket that sends to anyone. */
export interface BunFreeDatagram extends BunDatagram {
  send(data: Uint8Array, port: number, address: string): boolean;
}

/** A UDP socket with one peer; it refuses to be given a destination. */
export interface BunConnectedDatagram extends BunDatagram {
  send(data: Uint8Array): boolean;
}

/** A WebSocket of `Bun.serve`: the part that signalbox uses. */
export interface BunServerWebSocket {
  /** How binary messages come. */
  binaryType?: "nodebuffer" | "arraybuffer" | "uint8array" | "blob";
  /** Bytes sent, -1 if queued, 0 if dropped or empty. */
  sendBinary(data: Uint8Array): number;
  /** As `sendBinary`. */
  sendText(data: string): number;
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void;
  /** Cuts the connection off. */
  terminate(): void;
  /** Bytes queued. */
  getBufferedAmount(): number;
  /** Stops reading. */
  pause(): void;
  /** Reads again. */
  resume(): void;
  /** The peer's IP address. */
  readonly remoteAddress: string;
  /** 1 while open. */
  readonly readyState: number;
}

/** Callbacks and limits for the `websocket` of a `Bun.serve`. */
export interface BunWebSocketHandlers<
  Native extends BunServerWebSocket = BunServerWebSocket,
> {
  /** A handshake is done. */
  open(native: Native): void;
  /** A message came. */
  message(native: Native, message: string | Uint8Array): void;
  /** Queued messages went out. */
  drain(native: Native): void;
  /** The socket is gone. */
  close(native: Native, code: number, reason: string): void;
  /** A callback threw. */
  error(error: Error): void;
  /** Bytes that may be queued. */
  backpressureLimit: number;
  /** Whether a socket over the limit is closed: its messages are dropped otherwise. */
  closeOnBackpressureLimit: boolean;
}

/** A WebSocket of a server of our own. */
export interface BunOwnWebSocket<Data> extends BunServerWebSocket {
  readonly data: Data;
}

/** An HTTP server. */
export interface BunServer<Data> {
  readonly port: number | undefined;
  upgrade(
    request: Request,
    options: { headers: Record<string, string>; data: Data },
  ): boolean;
  requestIP(
    request: Request,
  ): { readonly address: string; readonly port: number } | null;
  stop(closeActiveConnections?: boolean): Promise<void>;
}

/** What an HTTP server is made with. */
export interface BunServeOptions<Data> {
  hostname: string;
  port: number;
  fetch(request: Request, server: BunServer<Data>): Response | undefined;
  error(error: Error): Response;
  websocket: BunWebSocketHandlers<BunOwnWebSocket<Data>> & {
    maxPayloadLength: number;
    idleTimeout: number;
    sendPings: boolean;
    perMessageDeflate: boolean;
  };
}

/** The global `Bun`. */
export interface BunApi {
  listen<Data>(options: BunTcpListenOptions<Data>): BunTcpListener;
  listen<Data>(options: BunUnixOptions<Data>): BunListener;
  connect<Data>(options: BunUnixOptions<Data>): Promise<unknown>;
  udpSocket(
    options: BunDatagramOptions & {
      connect: { hostname: string; port: number };
    },
  ): Promise<BunConnectedDatagram>;
  udpSocket(options: BunDatagramOptions): Promise<BunFreeDatagram>;
  serve<Data>(options: BunServeOptions<Data>): BunServer<Data>;
}

function isBunApi(value: unknown): value is BunApi {
  return typeof value === "object" && value !== null &&
    "listen" in value && "connect" in value && "udpSocket" in value &&
    "serve" in value;
}

/** The global `Bun`, or undefined on another runtime. */
export function findBun(): BunApi | undefined {
  const found: unknown = Reflect.get(globalThis, "Bun");
  return isBunApi(found) ? found : undefined;
}

/**
 * Throws an error where the runtime sees it as uncaught. Bun hands what its
 * handlers throw to their `error`; nothing of ours may end there unseen.
 */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
