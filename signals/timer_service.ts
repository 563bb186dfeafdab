/**
 * Callbacks after a delay, on one runtime timer.
 *
 * @module
 */

import { type Clock, systemClock } from "./clock.ts";
import { type TimerId, TimerQueue } from "./timer_queue.ts";
import { Wakeup } from "./wakeup.ts";

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
  readonly #clock: Clock;
  readonly #timers = new TimerQueue<() => void>();
  readonly #wakeup: Wakeup;
  #stopped = false;

  /** A service that runs by `clock`. Default: the runtime's own. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#wakeup = new Wakeup(clock, this.#timers, () => this.#runDue());
    this.#wakeup.arm();
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
    if (this.#stopped) return 0;
    const deadline = this.#clock.now() + delayMs;
    const id = this.#timers.schedule(callback, deadline);
    this.#wakeup.added(deadline);
    return id;
  }

  /** Forgets a callback. Returns false if it has run, was cleared before, or was never set. */
  clearTimer(id: TimerId): boolean {
    const cleared = this.#timers.cancel(id);
    if (cleared) this.#wakeup.removed();
    return cleared;
  }

  /** Forgets all callbacks and sets none from now on. May be called again. */
  stop(): void {
    this.#stopped = true;
    this.#timers.clear();
    this.#wakeup.disarm();
  }

  #runDue(): void {
    const now = this.#clock.now();
    const errors: unknown[] = [];
    // Bounded: a callback that sets a timer of 0 ms must not keep the loop going.
    for (
      let left = this.#timers.size;
      left > 0 && this.#timers.hasDue(now);
      left -= 1
    ) {
      try {
        this.#timers.take()?.();
      } catch (error) {
        errors.push(error);
      }
    }
    if (!this.#stopped) this.#wakeup.arm();
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) {
      throw new AggregateError(errors, "several timer callbacks failed");
    }
  }
}

/** Throws a RangeError that names the argument unless a delay is finite and not negative. */
export function checkDelay(name: string, delayMs: number): void {
  if (delayMs >= 0 && delayMs < Infinity) return;
  throw new RangeError(
    `${name} must be a finite number of milliseconds, 0 or more: got ${delayMs}`,
  );
}
