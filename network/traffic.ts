/**
 * What went over a resource, and whether more can.
 *
 * @module
 */

import { SendStatus } from "../adapters/adapter.ts";
import { Waiters } from "./waiters.ts";

/** Messages and bytes of payload each way. */
export interface TrafficTotals {
  /** Messages that `send` accepted. */
  readonly messagesSent: number;
  /** Messages that were delivered or queued for delivery. */
  readonly messagesReceived: number;
  /** Bytes of the messages sent, without framing. */
  readonly bytesSent: number;
  /** Bytes of the messages received, without framing. */
  readonly bytesReceived: number;
  /** Messages that `send` refused: too large, or the queue was full. */
  readonly sendsRefused: number;
}

/** Counts the messages of one resource and keeps those who wait until it can take more. */
export class Traffic implements TrafficTotals {
  messagesSent = 0;
  messagesReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;
  sendsRefused = 0;
  /** How often the node stopped reading. */
  pauses = 0;
  #isCongested = false;
  readonly #waiters = new Waiters<boolean>();

  // Hot: one call a message sent.
  /** Notes what became of a send, and returns it. */
  countSend(status: SendStatus, size: number): SendStatus {
    if (status === SendStatus.Sent) {
      this.messagesSent += 1;
      this.bytesSent += size;
      return status;
    }
    if (status === SendStatus.Congested) {
      this.messagesSent += 1;
      this.bytesSent += size;
      this.#isCongested = true;
    } else {
      this.sendsRefused += 1;
      if (status === SendStatus.QueueFull) this.#isCongested = true;
    }
    return status;
  }

  // Hot: one call a message received.
  /** Notes a message received. */
  countMessage(size: number): void {
    this.messagesReceived += 1;
    this.bytesReceived += size;
  }

  /** The counts of this moment. */
  totals(): TrafficTotals {
    const {
      messagesSent,
      messagesReceived,
      bytesSent,
      bytesReceived,
      sendsRefused,
    } = this;
    return {
      messagesSent,
      messagesReceived,
      bytesSent,
      bytesReceived,
      sendsRefused,
    };
  }

  /**
   * Resolves with true once the resource takes messages, at once if it does
   * already; with false when it ends first. Rejects with `aborted`.
   */
  whenWritable(
    isReady: boolean,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const isWritable = isReady && !this.#isCongested;
    if (isWritable && signal?.aborted !== true) return Promise.resolve(true);
    return this.#waiters.wait(signal);
  }

  /** The resource takes messages again (or at last). */
  writable(): void {
    this.#isCongested = false;
    this.#waiters.settle(true);
  }

  /** The resource has ended. */
  ended(): void {
    this.#waiters.settle(false);
  }
}
