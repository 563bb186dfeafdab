/**
 * The stream under a WebSocket: one that also tells how its output leaves.
 *
 * @module
 */

import type { StreamSocket } from "../runtime/driver.ts";
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
  #socket: StreamSocket | undefined;

  constructor(
    host: AdapterHost,
    limits: OutboxLimits,
    user: WsStreamUser,
    state: "connecting" | "open",
  ) {
    super(host, limits, user, state);
    this.#user = user;
  }

  override attach(socket: StreamSocket): void {
    this.#socket = socket;
    super.attach(socket);
  }

  /** Bytes that the socket has not taken yet. */
  get untaken(): number {
    return this.outbox.size - (this.#socket?.pending ?? 0);
  }

  override drain(): void {
    super.drain();
    this.#user.drained();
  }
}
