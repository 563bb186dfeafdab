/**
 * The runtime's one-shot timers and clock, behind the contract of drivers.
 *
 * @module
 */

import type { TimerHandle } from "./driver.ts";

/** A timer in a class of its own: the runtimes differ on what `setTimeout` returns. */
class Timer {
  readonly handle: ReturnType<typeof setTimeout>;

  constructor(callback: () => void, delayMs: number) {
    this.handle = setTimeout(callback, delayMs);
  }
}

/** The members of a driver that tell and keep time, and draw lots: the same on every runtime. */
export const timers = {
  /** As `Driver.now`. */
  now: (): number => performance.now(),
  /** As `Driver.random`. */
  random: (): number => Math.random(),
  /** As `Driver.setTimer`. */
  setTimer: (callback: () => void, delayMs: number): TimerHandle =>
    new Timer(callback, delayMs),
  /** As `Driver.clearTimer`. */
  clearTimer(timer: TimerHandle): void {
    if (timer instanceof Timer) clearTimeout(timer.handle);
  },
};
