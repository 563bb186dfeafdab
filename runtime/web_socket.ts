/**
 * WebSockets of the standard interface that were made elsewhere.
 *
 * @module
 */

import { inetAddress } from "./_socket_address.ts";
import { StandardWebSocket } from "./_standard_web_socket.ts";
import { OPEN } from "./_web_socket_protocol.ts";
import type { Driver, WebSocketEvents, WebSocketSocket } from "./driver.ts";
import { Fault } from "./fault.ts";

const CONNECTING = 0;

/**
 * What every WebSocket of the standard has: those of `Deno.upgradeWebSocket`, of
 * the `ws` package and of `WebSocketPair`.
 */
export interface StandardWebSocketLike {
  /** 0 while it connects, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  /** Bytes queued. */
  readonly bufferedAmount: number;
  /** The subprotocol agreed on, or `""`. */
  readonly protocol: string;
  /** Who hears of messages; taken over, as `onopen`, `onerror` and `onclose` are. */
  readonly onmessage: unknown;
  /** Sends a message. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void;
}

/** A socket behind the contract of drivers. */
export interface WrappedWebSocket {
  /** The socket. */
  readonly socket: WebSocketSocket;
  /** Whether it was open already, so that no `open` will be told. */
  readonly isOpen: boolean;
}

/**
 * Puts a WebSocket behind the contract of drivers. Messages that came before are lost.
 *
 * @param socket One that connects or is open; its `on…` properties are taken over.
 * @param events Who hears of it.
 * @param peer The peer's address, if known.
 * @throws {Fault} `invalid-option` for one that is closing, or is no WebSocket.
 */
export function wrapStandardWebSocket(
  socket: StandardWebSocketLike,
  events: WebSocketEvents,
  peer: { readonly hostname: string; readonly port: number } | undefined,
): WrappedWebSocket {
  const { readyState } = socket;
  if (readyState !== CONNECTING && readyState !== OPEN) {
    throw new Fault(
      "invalid-option",
      "Cannot attach a WebSocket that is closing or closed",
    );
  }
  if (!isStandardWebSocket(socket)) {
    throw new Fault(
      "invalid-option",
      "Cannot attach this object: it is no WebSocket of the standard",
    );
  }
  const wrapped = new StandardWebSocket(
    socket,
    peer === undefined
      ? {}
      : { peerAddress: inetAddress(peer.hostname, peer.port) },
  );
  wrapped.start(events);
  return { socket: wrapped, isOpen: readyState === OPEN };
}

/** The properties that are used; those of the DOM that are not (`dispatchEvent`) may be missing. */
function isStandardWebSocket(value: object): value is WebSocket {
  return ["onopen", "onmessage", "onerror", "onclose", "binaryType"].every(
    (name) => name in value,
  );
}

/** Whether the runtime has no streams, so that its own WebSockets are all there is. */
export function hasOnlyWebSockets(driver: Driver): boolean {
  return driver.name === "browser";
}
