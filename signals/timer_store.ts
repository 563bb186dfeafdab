/**
 * What keeps timers in the order of their deadlines.
 *
 * @module
 */

/** Names one timer of one queue; never given twice in the queue's life. */
export type TimerId = number;

/** Values that each become due at a deadline, in order of deadline and then of creation. */
export interface TimerStore<T> {
  /** How many timers are set: neither taken nor cancelled. */
  readonly size: number;
  /** The earliest deadline, or Infinity if no timer is set. */
  readonly nextDeadline: number;
  /** Adds a value that becomes due at `deadlineMs`. Throws a RangeError if that is not a finite number. */
  schedule(value: T, deadlineMs: number): TimerId;
  /** Forgets a timer. Returns false if it was taken or cancelled before, or never set. */
  cancel(id: TimerId): boolean;
  /** Whether a timer is due at `nowMs`: its deadline is not later. */
  hasDue(nowMs: number): boolean;
  /** Takes the value with the earliest deadline, due or not; undefined if no timer is set. */
  take(): T | undefined;
  /** Cancels all timers. */
  clear(): void;
}

/** Throws a RangeError unless a deadline is a finite number. */
export function checkDeadline(deadlineMs: number): void {
  if (deadlineMs > -Infinity && deadlineMs < Infinity) return;
  throw new RangeError(
    `deadlineMs must be a finite number: got ${deadlineMs}`,
  );
}

/** Throws a RangeError that names the argument unless a delay is finite and not negative. */
export function checkDelay(name: string, delayMs: number): void {
  if (delayMs >= 0 && delayMs < Infinity) return;
  throw new RangeError(
    `${name} must be a finite number of milliseconds, 0 or more: got ${delayMs}`,
  );
}
