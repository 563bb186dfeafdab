/**
 * How long to wait before the next attempt: exponential, with full jitter.
 *
 * Full jitter spreads the clients of a server that comes back over the whole
 * time, so that they do not come all at once (Brooker, "Exponential Backoff And
 * Jitter", 2015).
 *
 * @module
 */

/** A connection that ends before this was no success, however short the delay was; milliseconds. */
const MIN_STABLE_MS = 1_000;

/** The part of a `ReconnectPlan` that delays depend on. */
export interface BackoffTimes {
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
}

/** The delays of one endpoint. */
export class Backoff {
  readonly #times: BackoffTimes;
  readonly #random: () => number;
  #failures = 0;
  #lastBound = 0;

  /** `random` gives numbers from 0 to below 1. */
  constructor(times: BackoffTimes, random: () => number) {
    this.#times = times;
    this.#random = random;
  }

  /** The delay before the next attempt, in milliseconds: from 0 to a bound that grows from call to call. */
  next(): number {
    const { initialDelayMs, maxDelayMs, factor } = this.#times;
    this.#lastBound = Math.min(
      maxDelayMs,
      initialDelayMs * factor ** this.#failures,
    );
    this.#failures += 1;
    return this.#random() * this.#lastBound;
  }

  /**
   * A connection has ended that was up for so long. The bound starts over if that was longer
   * than the last bound, and than a second: a server that accepts and closes at once is left alone more and more.
   */
  wasUp(ms: number): void {
    if (ms >= Math.max(MIN_STABLE_MS, this.#lastBound)) this.#failures = 0;
  }
}
