/**
 * What a node publishes for tools.
 *
 * @module
 */

import type { DisconnectReason } from "../adapters/adapter.ts";
import type { Endpoint } from "./endpoint.ts";
import type { NetworkError } from "./errors.ts";
import type { ResourceId } from "./resource_id.ts";
import type { ResourceStats } from "./statistics.ts";

/** What belongs to one kind of message, beside what all have. */
export interface DiagnosticDetail {
  /** `connected`: the outcome. */
  readonly ok?: boolean;
  /** `connected`, `disconnected`, `reconnecting`: what failed. */
  readonly error?: NetworkError | undefined;
  /** `accepted`: who accepted; undefined for a connection that was attached. */
  readonly listener?: ResourceId | undefined;
  /** `disconnected`: as in the event. */
  readonly reason?: DisconnectReason;
  /** `disconnected`: as in the event. */
  readonly willReconnect?: boolean;
  /** `reconnecting`: which attempt of the outage begins, from 1. */
  readonly attempt?: number;
  /** `reconnecting`: how long it was waited for, in milliseconds. */
  readonly delayMs?: number;
}

/**
 * What a node publishes to the channels of `node:diagnostics_channel`, where the
 * runtime has it, while somebody listens there.
 *
 * | channel | when |
 * | --- | --- |
 * | `signalbox.listening` | a listener is bound |
 * | `signalbox.accepted` | a peer's handshake is done |
 * | `signalbox.refused` | a listener refused a connection: `maxConnections`, or too much waits |
 * | `signalbox.connected` | a `connect` has its outcome: `ok`, `error` |
 * | `signalbox.disconnected` | the peer or a fault ended a connection: `reason`, `error`, `willReconnect` |
 * | `signalbox.reconnecting` | an attempt to connect again begins: `attempt`, `delayMs`, `error` |
 * | `signalbox.closed` | the node ended a connection or a listener: `remove`, `stop` |
 * | `signalbox.paused` | the node stopped reading: too much waits for its listener |
 * | `signalbox.resumed` | the node reads again |
 *
 * A message is told before the event of the same name is delivered. What a
 * subscriber throws never reaches the node: the runtime reports it as an uncaught error.
 */
export interface DiagnosticMessage extends DiagnosticDetail {
  /** The `NodeHandler` of the node. */
  readonly node: object;
  /** The connection or listener; undefined for `paused` and `resumed`. */
  readonly resourceId: ResourceId | undefined;
  /** The name of its transport. */
  readonly transport: string | undefined;
  /** The peer; undefined for a listener. */
  readonly endpoint: Endpoint | undefined;
  /** What went over the resource until now. */
  readonly stats: ResourceStats | undefined;
}
