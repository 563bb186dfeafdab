/**
 * Answers to the peer's pings, bounded however many come.
 *
 * @module
 */

import { WebSocketOpcode } from "../framing/web_socket_frame.ts";
import type { WsSender } from "./_ws_sender.ts";
import type { Outbox } from "./adapter.ts";

/** Sends a pong for each ping while there is room, and else remembers only the latest (RFC 6455, section 5.5.3). */
export class Pongs {
  readonly #sender: WsSender;
  readonly #highWaterMark: number;
  #owed: Uint8Array | undefined;

  /**
   * @param sender Sends them.
   * @param highWaterMark Above so many queued bytes, none is sent.
   */
  constructor(sender: WsSender, highWaterMark: number) {
    this.#sender = sender;
    this.#highWaterMark = highWaterMark;
  }

  /** A ping came. */
  answer(ping: Uint8Array, outbox: Outbox): void {
    if (outbox.size <= this.#highWaterMark) {
      this.#owed = undefined;
      this.#sender.control(WebSocketOpcode.pong, ping);
    } else {
      // Copied, not to pin its chunk.
      this.#owed = ping.slice();
    }
  }

  /** The outbox has drained: sends what is owed, if there is room now. */
  settle(outbox: Outbox): void {
    const owed = this.#owed;
    if (owed !== undefined) this.answer(owed, outbox);
  }
}
