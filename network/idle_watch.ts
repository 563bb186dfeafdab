/**
 * Ends connections that nothing goes over.
 *
 * @module
 */

import type { AdapterHost, HostTimer } from "../adapters/adapter.ts";
import type { Traffic } from "./traffic.ts";

/** How many looks make the time limit: the end comes at most one look late. */
const LOOKS = 4;

/** What is looked at. */
export interface IdleUser {
  /** What went over the connection. */
  readonly traffic: Traffic;
  /** Bytes that wait to leave: while they do, the connection is not idle. */
  readonly queuedBytes: number;
  /** Whether the node itself keeps messages from coming. */
  isHeldBack(): boolean;
  /** Nothing went for the whole time. */
  idle(): void;
}

/**
 * The idle time limit of one connection. It costs nothing per message: the
 * counters are compared four times in the limit, so that the end comes after
 * 1 to 1.25 times of it.
 */
export class IdleWatch {
  readonly #host: AdapterHost;
  readonly #user: IdleUser;
  readonly #lookMs: number;
  #quietLooks = 0;
  #seenMessages = 0;
  #seenBytes = 0;
  #timer: HostTimer;

  /** Begins at once. */
  constructor(host: AdapterHost, user: IdleUser, limitMs: number) {
    this.#host = host;
    this.#user = user;
    this.#lookMs = limitMs / LOOKS;
    this.#hasChanged();
    this.#timer = this.#set();
  }

  /** Ends; no timer is left. */
  stop(): void {
    this.#host.clearTimer(this.#timer);
  }

  #set(): HostTimer {
    return this.#host.setTimer(() => this.#look(), this.#lookMs);
  }

  #look(): void {
    if (this.#hasChanged() || this.#user.isHeldBack()) {
      this.#quietLooks = 0;
    } else {
      this.#quietLooks += 1;
      if (this.#quietLooks === LOOKS) return this.#user.idle();
    }
    this.#timer = this.#set();
  }

  #hasChanged(): boolean {
    const { traffic, queuedBytes } = this.#user;
    const messages = traffic.messagesSent + traffic.messagesReceived;
    const hasChanged = messages !== this.#seenMessages ||
      queuedBytes !== this.#seenBytes;
    this.#seenMessages = messages;
    this.#seenBytes = queuedBytes;
    return hasChanged;
  }
}
