/**
 * Events with priorities and timers in the order in which they are to be received.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { EventSender } from "./event_queue.ts";
import { Ring } from "./ring.ts";
import type { TimerId, TimerStore } from "./timer_store.ts";
import { Wakeup } from "./wakeup.ts";

/**
 * The part of an event queue that does not wait: it takes events and gives them
 * out in order, and calls back when there is one. `EventQueue` is built on it.
 */
export class SignalQueue<E> implements EventSender<E> {
  readonly #clock: Clock;
  readonly #priority = new Ring<E>();
  readonly #normal = new Ring<E>();
  readonly #timers: TimerStore<E>;
  readonly #wakeup: Wakeup;
  // When the clock was last looked at: what was due then still is, and many
  // timers that are due together cost one look.
  #seen = -Infinity;
  // The wakeup has told of a due timer, and that timer was not yet taken.
  #timerTold = false;
  #isClosed = false;
  #onReady: (() => void) | undefined;

  /** An open, empty queue whose timers wait in `timers`, which must be empty too. */
  constructor(clock: Clock, timers: TimerStore<E>) {
    this.#clock = clock;
    this.#timers = timers;
    this.#wakeup = new Wakeup(clock, timers, () => this.#timerIsDue());
  }

  /** How many events were sent, not by timer, and not yet received. */
  get readyCount(): number {
    return this.#priority.length + this.#normal.length;
  }

  /** How many timers are set and not yet received, due or not. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Whether nothing is receivable, as far as is known without a look at the clock. */
  get isIdle(): boolean {
    return this.#priority.length === 0 && this.#normal.length === 0 &&
      !this.#timerTold;
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Called when the queue goes from idle to not. Without it, no runtime timer is set. */
  get onReady(): (() => void) | undefined {
    return this.#onReady;
  }

  set onReady(callback: (() => void) | undefined) {
    this.#onReady = callback;
    this.#armOrDisarm();
  }

  send(event: E): void {
    if (this.#isClosed) return;
    const wasIdle = this.isIdle;
    this.#normal.push(event);
    if (wasIdle) this.#onReady?.();
  }

  sendWithPriority(event: E): void {
    if (this.#isClosed) return;
    const wasIdle = this.isIdle;
    this.#priority.push(event);
    if (wasIdle) this.#onReady?.();
  }

  sendWithTimer(event: E, delayMs: number): TimerId {
    if (this.#isClosed) return 0;
    const deadline = this.#clock.now() + delayMs;
    const id = this.#timers.schedule(event, deadline);
    this.#wakeup.added(deadline);
    return id;
  }

  cancelTimer(id: TimerId): boolean {
    const cancelled = this.#timers.cancel(id);
    if (cancelled) {
      this.#wakeup.removed();
      if (this.#timerTold) this.#lookAgain();
    }
    return cancelled;
  }

  /** Whether `tryReceive` would return an event now. */
  hasReady(): boolean {
    return this.#priority.length > 0 || this.#normal.length > 0 ||
      this.#hasDueTimer();
  }

  /** Takes the next event, or returns undefined if none can be received now. */
  tryReceive(): E | undefined {
    if (this.#priority.length > 0) return this.#priority.shift();
    if (this.#hasDueTimer()) {
      const event = this.#timers.take();
      if (this.#timerTold) this.#lookAgain();
      this.#wakeup.removed();
      return event;
    }
    return this.#normal.shift();
  }

  /** Drops all events and timers; what is sent from now on is ignored. */
  close(): void {
    this.#isClosed = true;
    this.#onReady = undefined;
    this.#timerTold = false;
    this.#priority.clear();
    this.#normal.clear();
    this.#timers.clear();
    this.#wakeup.disarm();
  }

  #timerIsDue(): void {
    const wasIdle = this.readyCount === 0;
    this.#timerTold = true;
    if (wasIdle) this.#onReady?.();
  }

  #hasDueTimer(): boolean {
    const timers = this.#timers;
    if (timers.size === 0) return false;
    if (timers.hasDue(this.#seen)) return true;
    this.#seen = this.#clock.now();
    return timers.hasDue(this.#seen);
  }

  /** Finds out whether a timer is still due of those that the wakeup has told of. */
  #lookAgain(): void {
    if (this.#hasDueTimer()) return;
    this.#timerTold = false;
    this.#armOrDisarm();
  }

  #armOrDisarm(): void {
    if (this.#onReady === undefined) this.#wakeup.disarm();
    else if (!this.#timerTold && !this.#isClosed) this.#wakeup.arm();
  }
}
