/**
 * Where the signals room gets its time from.
 *
 * @module
 */

import { TimerQueue } from "./timer_queue.ts";

/** A clock that never goes back, and one-shot timers that run by it. */
export interface Clock {
  /** Milliseconds since some moment in the past, with fractions. */
  now(): number;
  /** Calls back once, after about `delayMs` milliseconds (at most 2^31 - 1). What it returns is opaque. */
  setTimer(callback: () => void, delayMs: number): object | number;
  /** Forgets a timer; one that has fired is ignored. */
  clearTimer(timer: object | number): void;
}

/** The runtime's own clock: `performance.now`, `setTimeout` and `clearTimeout`. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs),
  // Runtimes disagree on the type, not on the meaning: it is what setTimeout returned.
  clearTimer: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/**
 * A clock for tests, that stands still until it is told to advance.
 *
 * @example
 * ```ts
 * const clock = new FakeClock();
 * const fired: number[] = [];
 * clock.setTimer(() => fired.push(clock.now()), 20);
 * clock.setTimer(() => fired.push(clock.now()), 10);
 * clock.advance(15); // fired is [10]
 * clock.advance(15); // fired is [10, 20]
 * clock.now(); // 30
 * ```
 */
export class FakeClock implements Clock {
  readonly #timers = new TimerQueue<() => void>();
  #now: number;

  /** A clock that shows `nowMs` milliseconds. Default: 0. */
  constructor(nowMs = 0) {
    this.#now = nowMs;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** The time that was advanced to. While a timer's callback runs: that timer's deadline. */
  now(): number {
    return this.#now;
  }

  /** Sets a timer; a delay below 0 counts as 0. It runs in a later `advance`, never by itself. */
  setTimer(callback: () => void, delayMs: number): object | number {
    return this.#timers.schedule(callback, this.#now + Math.max(0, delayMs));
  }

  /** Forgets a timer; one that has fired is ignored. */
  clearTimer(timer: object | number): void {
    if (typeof timer === "number") this.#timers.cancel(timer);
  }

  /**
   * Lets `ms` milliseconds pass and runs the timers that become due, by
   * deadline, then in the order in which they were set; also those that the
   * callbacks set, if they become due within this time. `advance(0)` runs what
   * is due now. What a callback throws is thrown on at once: the time is then
   * that callback's deadline, and the next `advance` goes on from there.
   * Throws a RangeError if `ms` is negative or not finite.
   */
  advance(ms: number): void {
    if (!(ms >= 0 && ms < Infinity)) {
      throw new RangeError(
        `ms must be a finite number, 0 or more: got ${ms}`,
      );
    }
    const end = this.#now + ms;
    while (this.#timers.hasDue(end)) {
      this.#now = Math.max(this.#now, this.#timers.nextDeadline);
      this.#timers.take()?.();
    }
    this.#now = end;
  }
}
