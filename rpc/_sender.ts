/**
 * The way out to one peer.
 *
 * @module
 */

import type { NetworkController } from "../network/controller.ts";
import type { Endpoint } from "../network/endpoint.ts";
import { NetworkError, type NetworkErrorCode } from "../network/errors.ts";
import { SendStatus } from "../network/send_status.ts";
import type { TimerService } from "../signals/timer_service.ts";

/** Something to send, and who wants to know what became of it. */
export interface Parcel {
  readonly bytes: Uint8Array;
  /** The network has taken it. */
  sent(): void;
  /** It can never be sent. */
  refused(error: NetworkError): void;
}

/** What a sender needs of its owner. */
export interface SenderHost {
  readonly network: Pick<NetworkController, "send" | "writable">;
  readonly timers: Pick<TimerService, "setTimer">;
  /** The connection is no more. */
  gone(): void;
}

// A queue that says that it has room and then has none would be asked for ever.
const RETRY_MS = 10;

/**
 * Sends in order, and keeps what the network does not take until it does. It
 * holds back from the first sign of congestion on, so that a peer that reads
 * slowly fills no queue but the short one here, which its owner bounds.
 */
export class Sender {
  readonly #host: SenderHost;
  readonly #endpoint: Endpoint;
  // A set, so that a parcel in the middle can be withdrawn at once.
  #waiting = new Set<Parcel>();
  #turns: (() => void)[] = [];
  #isBlocked = false;
  #isRefused = false;
  #isOver = false;

  constructor(host: SenderHost, endpoint: Endpoint) {
    this.#host = host;
    this.#endpoint = endpoint;
  }

  /** Whether what is sent now has to wait. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** How many parcels wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  send(parcel: Parcel): void {
    if (this.#isOver) return;
    if (this.#isBlocked || !this.#transmit(parcel)) this.#waiting.add(parcel);
  }

  /** Takes a parcel back that waits. Returns false if it does not. */
  withdraw(parcel: Parcel): boolean {
    return this.#waiting.delete(parcel);
  }

  /** Resolves when nothing holds the sender back, or it has ended; in the order in which it was asked. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isBlocked && !this.#isOver) this.#turns.push(resolve);
      else resolve();
    });
  }

  /** Drops what waits, and whatever is sent from now on. */
  end(): void {
    this.#isOver = true;
    this.#waiting.clear();
    this.#wake();
  }

  /** False if the parcel has to wait. */
  #transmit(parcel: Parcel): boolean {
    let status: SendStatus;
    try {
      status = this.#host.network.send(this.#endpoint, parcel.bytes);
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      parcel.refused(error);
      return true;
    }
    switch (status) {
      case SendStatus.Sent:
        this.#isRefused = false;
        parcel.sent();
        return true;
      case SendStatus.Congested:
        this.#isRefused = false;
        this.#block();
        parcel.sent();
        return true;
      case SendStatus.QueueFull:
      case SendStatus.ResourceNotAvailable:
        this.#block();
        return false;
      case SendStatus.MaxPacketSizeExceeded:
        parcel.refused(this.#error("message-too-big", "it is too big"));
        return true;
      case SendStatus.ResourceNotFound:
        this.#host.gone();
        return true;
    }
  }

  #block(): void {
    const wasRefused = this.#isRefused;
    this.#isBlocked = true;
    this.#isRefused = true;
    void this.#host.network.writable(this.#endpoint).then((isWritable) => {
      if (!isWritable) this.#host.gone();
      else if (wasRefused) {
        this.#host.timers.setTimer(() => this.#resume(), RETRY_MS);
      } else this.#resume();
    });
  }

  #resume(): void {
    if (this.#isOver) return;
    this.#isBlocked = false;
    for (const parcel of this.#waiting) {
      // Out first: what is refused may send itself again, with other bytes.
      this.#waiting.delete(parcel);
      if (!this.#transmit(parcel)) {
        this.#waiting = new Set([parcel, ...this.#waiting]);
        return;
      }
      if (this.#isBlocked || this.#isOver) return;
    }
    this.#isRefused = false;
    this.#wake();
  }

  #wake(): void {
    const turns = this.#turns;
    this.#turns = [];
    for (const resolve of turns) resolve();
  }

  #error(code: NetworkErrorCode, why: string): NetworkError {
    return new NetworkError(
      code,
      `Cannot send to ${this.#endpoint}: ${why}`,
    );
  }
}
