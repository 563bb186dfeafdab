/**
 * The stream under a WebSocket: one that also tells how its output leaves.
 *
 * @module
 */

import { StreamConnection } from "./_stream_connection.ts";
import type { StreamUser } from "./_stream_connection.ts";
import type { AdapterHost, OutboxLimits } from "./adapter.ts";

/** What a WebSocket makes of its stream. */
export interface WsStreamUser extends StreamUser {
  /** The socket took something that had waited. */
  drained(): void;
}

/** One stream of a WebSocket. */
export class WsStream extends StreamConnection {
  readonly #user: WsStreamUser;

  constructor(
    host: AdapterHost,
    limits: OutboxLimits,
    user: WsStreamUser,
    state: "connecting" | "open",
  ) {
    super(host, limits, user, state);
    this.#user = user;
  }

  override drain(): void {
    super.drain();
    this.#user.drained();
  }
}
