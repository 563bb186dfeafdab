/**
 * What happens on the network, as the user hears of it.
 *
 * @module
 */

import type { DisconnectReason } from "../adapters/adapter.ts";
import type { TlsSession } from "../runtime/tls.ts";
import type { Endpoint } from "./endpoint.ts";
import type { NetworkError } from "./errors.ts";
import type { ResourceId } from "./resource_id.ts";

/**
 * The outcome of a `connect`: exactly one for each call that returned, unless the
 * connection was removed, or the node stopped, before. With `reconnect` there is
 * one more after each `disconnected` that said `willReconnect`. After `ok: false`
 * the endpoint is gone.
 */
export type ConnectedEvent =
  | {
    readonly type: "connected";
    readonly endpoint: Endpoint;
    readonly ok: true;
    readonly error: undefined;
    /** What the TLS handshake agreed on; undefined without TLS. */
    readonly tls: TlsSession | undefined;
  }
  | {
    readonly type: "connected";
    readonly endpoint: Endpoint;
    readonly ok: false;
    readonly error: NetworkError;
    readonly tls: undefined;
  };

/** A peer connected to a listener, and its handshake is done. Connection-oriented transports only. */
export interface AcceptedEvent {
  /** Tells this event from the others. */
  readonly type: "accepted";
  /** The peer. */
  readonly endpoint: Endpoint;
  /** The listener; undefined for a connection that was attached. */
  readonly listener: ResourceId | undefined;
  /** What the TLS handshake agreed on, the peer's certificate with it; undefined without TLS. */
  readonly tls: TlsSession | undefined;
}

/** A message came. */
export interface NetworkMessageEvent {
  /** Tells this event from the others. */
  readonly type: "message";
  /** The sender: answer to it. */
  readonly endpoint: Endpoint;
  /**
   * The message. The library never writes these bytes again: keep them as long
   * as you like. They may be a view into a larger buffer, which they keep alive:
   * `slice()` those that you keep for long.
   */
  readonly data: Uint8Array;
  /** Whether the peer sent it as text (WebSocket); `data` is then UTF-8. */
  readonly isText: boolean;
  /** The tag that came with it (`taggedFraming`); 0 where the framing has none. */
  readonly tag: number;
}

/**
 * The peer or a fault ended a connection that had been `connected` or
 * `accepted`: exactly once for each, and the last event of the endpoint unless
 * `willReconnect` is true. A local `remove` or `stop` is not reported.
 */
export interface DisconnectedEvent {
  /** Tells this event from the others. */
  readonly type: "disconnected";
  /** The peer; `send` to it answers `ResourceNotFound` from now on, or with `willReconnect` as `reconnect` says. */
  readonly endpoint: Endpoint;
  /** Why it ended. */
  readonly reason: DisconnectReason;
  /** What happened in detail, where there is more to say than the reason. */
  readonly error: NetworkError | undefined;
  /**
   * Whether the node connects again (`reconnect`): one more `connected` of the
   * same endpoint then tells the outcome.
   */
  readonly willReconnect: boolean;
}

/** One of the four things that happen on the network. */
export type NetworkEvent =
  | ConnectedEvent
  | AcceptedEvent
  | NetworkMessageEvent
  | DisconnectedEvent;
