/**
 * WebSockets that the user's own HTTP server upgraded, handed to a node.
 *
 * @module
 */

import type { WebSocketEvents, WebSocketSocket } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import { wrapStandardWebSocket } from "../runtime/web_socket.ts";
import type { StandardWebSocketLike } from "../runtime/web_socket.ts";
import { connectionLimits, DEFAULT_MAX_MESSAGE_SIZE } from "./_options.ts";
import { NativeWsConnection } from "./_ws_native_connection.ts";
import type {
  Adapter,
  AdapterHost,
  Attachment,
  Connection,
  ConnectionEvents,
} from "./adapter.ts";

/** Options of `attachWebSocket`. */
export interface AttachWebSocketOptions {
  /** As in `ListenOptions`; the server's own limit may be lower. Default: 16 MiB. */
  readonly maxMessageSize?: number;
  /** As in `ListenOptions`. Default: 1 MiB. */
  readonly highWaterMark?: number;
  /** As in `ListenOptions`. Default: 64 MiB. */
  readonly outboxLimit?: number;
  /** As in `ListenOptions`. Default: 0, never. */
  readonly idleTimeoutMs?: number;
  /** The peer's address, where the server knows it: the standard interface does not. Default: unknown. */
  readonly peerAddress?: { readonly hostname: string; readonly port: number };
}

/** A WebSocket on its way into a node: the argument of `network.attach`. */
export interface WebSocketAttachment extends Attachment {
  /**
   * Who hears of a socket that is driven by callbacks (`createBunWebSocketHandlers`).
   * Throws a TypeError before `network.attach`.
   */
  readonly events: WebSocketEvents;
}

/** An attachment of either kind of socket. */
export class AttachedWebSocket implements WebSocketAttachment {
  readonly adapter: Adapter;
  readonly idleTimeoutMs: number;
  readonly #socket: StandardWebSocketLike | WebSocketSocket;
  readonly #options: AttachWebSocketOptions;
  #connection: NativeWsConnection | undefined;

  constructor(
    adapter: Adapter,
    socket: StandardWebSocketLike | WebSocketSocket,
    options: AttachWebSocketOptions,
  ) {
    this.adapter = adapter;
    this.idleTimeoutMs = options.idleTimeoutMs ?? 0;
    this.#socket = socket;
    this.#options = options;
  }

  get events(): WebSocketEvents {
    if (this.#connection === undefined) {
      throw new TypeError("Cannot hear of a WebSocket before it is attached");
    }
    return this.#connection;
  }

  attach(host: AdapterHost, events: ConnectionEvents): Connection {
    if (this.#connection !== undefined) {
      throw new Fault(
        "invalid-option",
        "Cannot attach a WebSocket twice",
      );
    }
    const connection = new NativeWsConnection(
      host,
      connectionLimits(this.#options, DEFAULT_MAX_MESSAGE_SIZE),
      undefined,
      undefined,
    );
    connection.listen(events);
    let isOpen = true;
    if ("onmessage" in this.#socket) {
      const wrapped = wrapStandardWebSocket(
        this.#socket,
        connection,
        this.#options.peerAddress,
      );
      isOpen = wrapped.isOpen;
      connection.attach(wrapped.socket);
    } else {
      connection.attach(this.#socket);
    }
    this.#connection = connection;
    // One that is open already tells nothing; and no event comes from inside this call.
    if (isOpen) host.defer(() => connection.open());
    return connection;
  }
}
