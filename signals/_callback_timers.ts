/**
 * Callbacks after a delay, on one runtime timer.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { TimerId, TimerStore } from "./timer_store.ts";
import { Wakeup } from "./wakeup.ts";

/** A TimerService whose timers wait where the maker says. */
export class CallbackTimers {
  readonly #clock: Clock;
  readonly #timers: TimerStore<() => void>;
  readonly #wakeup: Wakeup;
  #stopped = false;

  /** Timers that run by `clock` and wait in `timers`, which must be empty. */
  constructor(clock: Clock, timers: TimerStore<() => void>) {
    this.#clock = clock;
    this.#timers = timers;
    this.#wakeup = new Wakeup(clock, timers, () => this.#runDue());
    this.#wakeup.arm();
  }

  /** How many callbacks are waiting. */
  get size(): number {
    return this.#timers.size;
  }

  setTimer(callback: () => void, delayMs: number): TimerId {
    if (this.#stopped) return 0;
    const deadline = this.#clock.now() + delayMs;
    const id = this.#timers.schedule(callback, deadline);
    this.#wakeup.added(deadline);
    return id;
  }

  clearTimer(id: TimerId): boolean {
    const cleared = this.#timers.cancel(id);
    if (cleared) this.#wakeup.removed();
    return cleared;
  }

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
