/**
 * The clock of one host, which can stand still.
 *
 * @module
 */

import type { TimerHandle } from "../runtime/driver.ts";
import type { MemoryClock } from "../runtime/memory_host.ts";
import type { ScheduledEvent, Scheduler } from "./_scheduler.ts";

class HostTimer {
  event: ScheduledEvent | undefined;
  isCleared = false;
}

/** Runs what is due on a host, unless the host stands still: then when it goes on. */
export class HostClock implements MemoryClock {
  readonly #scheduler: Scheduler;
  /** What was due while it stood still; undefined while it runs. */
  #waiting: (() => void)[] | undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  readonly now = (): number => this.#scheduler.now();

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    const timer = new HostTimer();
    timer.event = this.#schedule(() => {
      if (!timer.isCleared) callback();
    }, delayMs);
    return timer;
  }

  clearTimer(timer: TimerHandle): void {
    if (!(timer instanceof HostTimer)) return;
    timer.isCleared = true;
    if (timer.event !== undefined) this.#scheduler.cancel(timer.event);
  }

  defer(callback: () => void): void {
    this.#schedule(callback, 0);
  }

  freeze(): void {
    this.#waiting ??= [];
  }

  thaw(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const run of waiting) this.#schedule(run, 0);
  }

  #schedule(run: () => void, delayMs: number): ScheduledEvent {
    return this.#scheduler.schedule(delayMs, () => {
      if (this.#waiting === undefined) run();
      else this.#waiting.push(run);
    }, true);
  }
}
