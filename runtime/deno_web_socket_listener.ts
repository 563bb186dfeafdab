/**
 * WebSocket servers on `Deno.serve` with `Deno.upgradeWebSocket`.
 *
 * @module
 */

import {
  type DenoApi,
  type DenoHttpServer,
  type DenoServeInfo,
  socketAddressFrom,
} from "./_deno_api.ts";
import { listenFault } from "./_socket_fault.ts";
import { StandardWebSocket } from "./_standard_web_socket.ts";
import {
  checkServable,
  flawOf,
  handshakeOf,
  refusal,
} from "./_web_socket_server.ts";
import type {
  SocketAddress,
  StreamListener,
  WebSocketEvents,
  WebSocketListenerEvents,
  WebSocketListenRequest,
} from "./driver.ts";
import { type Fault, faultFrom } from "./fault.ts";

/**
 * Listens with `Deno.serve`, as `Driver.listenWebSocket` asks.
 *
 * Deno takes messages of 64 MiB at most, whatever is asked for, and closes all
 * of a server's sockets when the server is shut down. For the accepted ones to
 * live on, `close` refuses handshakes at once (503) and releases the address
 * with the last of them.
 *
 * @throws {Fault} `address-in-use`, `address-not-available`,
 * `permission-denied`, `invalid-address`, `host-not-found`; `not-supported` for
 * Unix paths.
 */
export function listenDenoWebSocket(
  deno: DenoApi,
  request: WebSocketListenRequest,
  events: WebSocketListenerEvents,
): StreamListener {
  const { address } = request;
  checkServable(address);
  try {
    return new DenoWebSocketListener(deno, request, events);
  } catch (error) {
    throw listenFault(error, address);
  }
}

class DenoWebSocketListener implements StreamListener {
  readonly address: SocketAddress;
  readonly #deno: DenoApi;
  readonly #request: WebSocketListenRequest;
  readonly #events: WebSocketListenerEvents;
  readonly #server: DenoHttpServer;
  /** Sockets that are not closed, and handshakes under way. */
  #live = 0;
  #closed: Promise<void> | undefined;
  #lastGone: (() => void) | undefined;

  constructor(
    deno: DenoApi,
    request: WebSocketListenRequest,
    events: WebSocketListenerEvents,
  ) {
    this.#deno = deno;
    this.#request = request;
    this.#events = events;
    const { hostname, port } = request.address;
    this.#server = deno.serve({
      hostname: hostname === "" ? "::" : hostname,
      port,
      // Deno's own would print to the console.
      onListen: () => {},
      onError: (error) => {
        events.fault(faultFrom(error, "Cannot answer a handshake"));
        return new Response(null, { status: 500 });
      },
    }, this.#answer);
    this.address = socketAddressFrom(this.#server.addr);
  }

  close(): Promise<void> {
    this.#closed ??= this.#shutdown();
    return this.#closed;
  }

  async #shutdown(): Promise<void> {
    if (this.#live > 0) {
      await new Promise<void>((resolve) => {
        this.#lastGone = resolve;
      });
    }
    await this.#server.shutdown();
  }

  readonly #answer = (request: Request, info: DenoServeInfo): Response => {
    if (this.#closed !== undefined) return new Response(null, { status: 503 });
    const handshake = handshakeOf(request);
    if (handshake === undefined) return refusal(426);
    const flaw = flawOf(request.method, handshake.header);
    if (flaw !== undefined) return refusal(flaw);
    const verdict = this.#request.admit(handshake);
    if (typeof verdict === "number") return refusal(verdict);
    // Not to be had once the request is upgraded.
    const peerAddress = socketAddressFrom(info.remoteAddr);
    const { socket, response } = this.#deno.upgradeWebSocket(request, {
      // Idle connections are the network's to judge.
      idleTimeout: 0,
    });
    // Not by the option: Deno would look for it in a list that it cuts at ", "
    // only, and refuse what clients send as "a,b".
    if (verdict !== "") {
      response.headers.set("sec-websocket-protocol", verdict);
    }
    this.#live++;
    this.#await(socket, peerAddress, verdict);
    return response;
  };

  #await(
    native: WebSocket,
    peerAddress: SocketAddress,
    protocol: string,
  ): void {
    native.onopen = (): void => {
      const socket = new StandardWebSocket(native, {
        localAddress: this.address,
        peerAddress,
        protocol,
      });
      const events = this.#events.accept(socket);
      socket.start(new CountedEvents(events, this.#onGone));
      if (events === undefined) socket.abort();
    };
    // The peer went away before the handshake was done: it was never there.
    native.onerror = (): void => {
      native.onopen = native.onerror = null;
      this.#onGone();
    };
  }

  readonly #onGone = (): void => {
    this.#live--;
    if (this.#live === 0) this.#lastGone?.();
  };
}

/** Passes events on, and tells the listener when the socket is gone. */
class CountedEvents implements WebSocketEvents {
  readonly #events: WebSocketEvents | undefined;
  readonly #onGone: () => void;

  constructor(events: WebSocketEvents | undefined, onGone: () => void) {
    this.#events = events;
    this.#onGone = onGone;
  }

  open(): void {}

  // Hot: once per message.
  message(data: Uint8Array, isText: boolean): void {
    this.#events?.message(data, isText);
  }

  drain(): void {
    this.#events?.drain();
  }

  closed(code: number, reason: string, fault: Fault | undefined): void {
    this.#onGone();
    this.#events?.closed(code, reason, fault);
  }
}
