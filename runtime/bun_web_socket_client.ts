/**
 * The WebSocket client of Bun: the global `WebSocket`, with the abort and the
 * pause that Bun has beside the standard.
 *
 * @module
 */

import { StandardWebSocket } from "./_standard_web_socket.ts";
import { openWithHeaders } from "./_web_socket_client.ts";
import type {
  WebSocketConnectRequest,
  WebSocketEvents,
  WebSocketSocket,
} from "./driver.ts";

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
  return new BunClientWebSocket(openWithHeaders(request)).start(events);
}
