/**
 * Callbacks after a delay, on one runtime timer.
 *
 * @module
 */

import { CallbackTimers } from "./_callback_timers.ts";
import { type Clock, systemClock } from "./clock.ts";
import { TimerQueue } from "./timer_queue.ts";
import { checkDelay } from "./timer_store.ts";
import type { TimerId } from "./timer_store.ts";

/**
 * Calls back after a delay, any number of times, by one timer of the runtime's.
 *
 * Callbacks run by deadline, then in the order in which they were set, never
 * early. Setting and clearing cost little even for millions of timers, which
 * suits time limits: nearly all of them are cleared before they pass.
 *
 * @example
 * ```ts
 * const timers = new TimerService();
 * const limit = timers.setTimer(() => console.log("too late"), 30_000);
 * timers.clearTimer(limit); // true
 * timers.stop();
 * ```
 */
export class TimerService {
  readonly #timers: CallbackTimers;

  /** A service that runs by `clock`. Default: the runtime's own. */
  constructor(clock: Clock = systemClock) {
    this.#timers = new CallbackTimers(clock, new TimerQueue());
  }

  /** How many callbacks are waiting. */
  get size(): number {
    return this.#timers.size;
  }

  /**
   * Calls back once, `delayMs` milliseconds from now or a little later. After
   * `stop` nothing is set, and the id names no timer. Throws a RangeError if
   * the delay is negative or not finite.
   *
   * An error that a callback throws reaches the runtime as an uncaught one,
   * after all other callbacks that are due have run. If several throw, it is an
   * AggregateError.
   */
  setTimer(callback: () => void, delayMs: number): TimerId {
    checkDelay("delayMs", delayMs);
    return this.#timers.setTimer(callback, delayMs);
  }

  /** Forgets a callback. Returns false if it has run, was cleared before, or was never set. */
  clearTimer(id: TimerId): boolean {
    return this.#timers.clearTimer(id);
  }

  /** Forgets all callbacks and sets none from now on. May be called again. */
  stop(): void {
    this.#timers.stop();
  }
}
