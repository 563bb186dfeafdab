/**
 * The WebSocket client of the `ws` package, or of the runtime where that is not
 * installed.
 *
 * @module
 */

import { addressOf, UNKNOWN_ADDRESS } from "./_socket_address.ts";
import { StandardWebSocket } from "./_standard_web_socket.ts";
import { hasWebSocket, openWithHeaders } from "./_web_socket_client.ts";
import { ABNORMAL } from "./_web_socket_protocol.ts";
import {
  loadWs,
  MAX_PENDING_PONGS,
  type WsClient,
  wsFault,
  type WsPackage,
} from "./_ws_package.ts";
import { WsPackageSocket } from "./_ws_package_socket.ts";
import type {
  SocketAddress,
  WebSocketConnectRequest,
  WebSocketEvents,
  WebSocketSocket,
} from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";

class WsPackageClient implements WebSocketSocket {
  readonly #events: WebSocketEvents;
  #client: WsClient | undefined;
  /** The package's socket once it is open, or the runtime's own; everything goes there. */
  #open: WebSocketSocket | undefined;
  #isGivenUp = false;
  #fault: Fault | undefined;

  constructor(request: WebSocketConnectRequest, events: WebSocketEvents) {
    this.#events = events;
    loadWs().then(
      (ws) => this.#start(ws, request),
      (fault: Fault) => this.#startOwn(request, fault),
    ).catch((error: unknown) => {
      const fault = faultFrom(error, `Cannot connect to ${request.url}`);
      events.closed(ABNORMAL, "", this.#isGivenUp ? undefined : fault);
    });
  }

  get localAddress(): SocketAddress {
    return this.#open?.localAddress ?? UNKNOWN_ADDRESS;
  }

  get peerAddress(): SocketAddress {
    return this.#open?.peerAddress ?? UNKNOWN_ADDRESS;
  }

  get protocol(): string {
    return this.#open?.protocol ?? "";
  }

  get pending(): number {
    return this.#open?.pending ?? 0;
  }

  send(data: Uint8Array, isText: boolean): boolean {
    return this.#open?.send(data, isText) ?? false;
  }

  pause(): boolean {
    return this.#open?.pause() ?? false;
  }

  resume(): void {
    this.#open?.resume();
  }

  close(code: number, reason: string): void {
    if (this.#open === undefined) this.abort();
    else this.#open.close(code, reason);
  }

  abort(): void {
    this.#isGivenUp = true;
    if (this.#open === undefined) this.#client?.terminate();
    else this.#open.abort();
  }

  /** Without the package: `pause` and `abort` are then less than they could be. */
  #startOwn(request: WebSocketConnectRequest, lack: Fault): void {
    if (this.#isGivenUp || !hasWebSocket()) throw lack;
    this.#open = new StandardWebSocket(openWithHeaders(request))
      .start(this.#events);
  }

  #start({ WebSocket }: WsPackage, request: WebSocketConnectRequest): void {
    if (this.#isGivenUp) {
      this.#events.closed(ABNORMAL, "", undefined);
      return;
    }
    const client = new WebSocket(request.url, request.protocols, {
      perMessageDeflate: false,
      maxPendingAutoPongs: MAX_PENDING_PONGS,
      headers: request.headers ?? {},
    });
    this.#client = client;
    client.on("error", (error) => {
      this.#fault ??= wsFault(error);
    });
    client.on("close", (code, reason) => {
      if (this.#open !== undefined) return; // It tells that itself.
      this.#events.closed(
        code,
        reason.toString(),
        this.#isGivenUp ? undefined : this.#fault,
      );
    });
    client.once("upgrade", ({ socket }) => {
      client.once("open", () => {
        if (this.#isGivenUp) return;
        const stream = socket ?? undefined;
        const open = new WsPackageSocket(
          client,
          stream,
          addressOf(stream?.localAddress, stream?.localPort),
          addressOf(stream?.remoteAddress, stream?.remotePort),
        );
        open.tell(this.#events);
        this.#open = open;
        this.#events.open();
      });
    });
  }
}

/**
 * Connects with the `ws` package, as `Driver.connectWebSocket` asks, or with the
 * global `WebSocket` where the package is not installed: that one cannot pause,
 * and its `abort` closes. Where neither is there (Node before 22), `closed` tells
 * `not-supported`.
 *
 * @throws {Fault} `invalid-address` for a URL or a subprotocol that cannot be.
 */
export function connectNodeWebSocket(
  request: WebSocketConnectRequest,
  events: WebSocketEvents,
): WebSocketSocket {
  let url: URL;
  try {
    url = new URL(request.url);
  } catch (error) {
    throw new Fault("invalid-address", `Cannot connect to ${request.url}`, {
      cause: error,
    });
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw new Fault(
      "invalid-address",
      `Cannot connect to ${request.url}: the scheme must be ws or wss`,
    );
  }
  return new WsPackageClient(request, events);
}
