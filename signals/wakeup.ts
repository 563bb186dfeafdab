/**
 * One runtime timer for any number of deadlines.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { TimerStore } from "./timer_store.ts";

// Runtimes take a longer delay for 1 ms.
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/**
 * Calls back when the earliest timer of a queue is due, by one timer of the
 * runtime's that is set again as needed.
 *
 * The callback is never called early: a runtime timer may fire up to a
 * millisecond before its time, so the clock is asked again, and the rest is
 * waited for. Delays above 2^31 - 1 ms, the longest that runtimes know, are
 * waited for in parts. While it is not armed, or the queue is empty, no runtime
 * timer is set, so the process may end.
 */
export class Wakeup {
  readonly #clock: Clock;
  readonly #timers: TimerStore<unknown>;
  readonly #due: () => void;
  readonly #fire = (): void => this.#fired();
  #handle: object | number | undefined;
  #wakesAt = Infinity;
  #armed = false;

  /** Watches `timers` and calls `due` when one of them is due, once armed. */
  constructor(clock: Clock, timers: TimerStore<unknown>, due: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#due = due;
  }

  /**
   * Sets the runtime timer for the queue's earliest deadline and keeps it
   * right. `due` is called once; after that, call `arm` again when what was
   * due has been taken.
   */
  arm(): void {
    this.#armed = true;
    this.added(this.#timers.nextDeadline);
  }

  /** Clears the runtime timer; `due` is not called until `arm` is. */
  disarm(): void {
    this.#armed = false;
    this.#clear();
  }

  /** To be called when a timer was added. Hot: one comparison, unless it is the earliest. */
  added(deadlineMs: number): void {
    if (deadlineMs < this.#wakesAt && this.#armed) this.#wakeAt(deadlineMs);
  }

  /** To be called when timers were taken or cancelled. */
  removed(): void {
    // A deadline that moved further away is found out when the runtime timer fires.
    if (this.#timers.size === 0) this.#clear();
  }

  #wakeAt(deadlineMs: number): void {
    this.#clear();
    this.#wakesAt = deadlineMs;
    // Runtimes cut fractions off.
    const delayMs = Math.ceil(deadlineMs - this.#clock.now());
    this.#handle = this.#clock.setTimer(
      this.#fire,
      Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS),
    );
  }

  #clear(): void {
    if (this.#handle === undefined) return;
    this.#clock.clearTimer(this.#handle);
    this.#handle = undefined;
    this.#wakesAt = Infinity;
  }

  #fired(): void {
    this.#handle = undefined;
    this.#wakesAt = Infinity;
    if (!this.#timers.hasDue(this.#clock.now())) {
      this.arm();
      return;
    }
    this.#armed = false;
    this.#due();
  }
}
