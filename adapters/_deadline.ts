/**
 * The time that a step of a connection's end may take.
 *
 * @module
 */

import type { AdapterHost, HostTimer } from "./adapter.ts";

/** How long a peer is given at least to end its side, unless it gets less in all, in milliseconds. */
const LEAST_LINGER_MS = 1_000;

/**
 * How long the peer's end is awaited once the own output has left, in milliseconds.
 *
 * @param lingerMs What was asked for, from when the close began.
 * @param drainedMs What the output took of it.
 */
export function lingerLeft(lingerMs: number, drainedMs: number): number {
  return Math.max(lingerMs - drainedMs, Math.min(lingerMs, LEAST_LINGER_MS));
}

/** One timer, which a new step replaces and a second wish can only bring forward. */
export class Deadline {
  readonly #host: Pick<AdapterHost, "driver" | "setTimer" | "clearTimer">;
  #timer: HostTimer | undefined;
  #whenDue: (() => void) | undefined;
  #dueAt = Infinity;

  /** None is set yet. */
  constructor(host: Pick<AdapterHost, "driver" | "setTimer" | "clearTimer">) {
    this.#host = host;
  }

  /** Calls `whenDue` after so long, and nothing that was set before. */
  set(whenDue: () => void, delayMs: number): void {
    this.stop();
    this.#whenDue = whenDue;
    this.#dueAt = this.#host.driver.now() + delayMs;
    this.#timer = this.#host.setTimer(() => {
      this.stop();
      whenDue();
    }, delayMs);
  }

  /** Calls what was set, if anything was, no later than in `delayMs`. */
  hasten(delayMs: number): void {
    const whenDue = this.#whenDue;
    if (
      whenDue !== undefined && this.#host.driver.now() + delayMs < this.#dueAt
    ) this.set(whenDue, delayMs);
  }

  /** Calls nothing any more. */
  stop(): void {
    if (this.#timer !== undefined) this.#host.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#whenDue = undefined;
    this.#dueAt = Infinity;
  }
}
