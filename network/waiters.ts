/**
 * Those who wait for the same thing.
 *
 * @module
 */

import { abortError } from "./errors.ts";

interface Waiter<Value> {
  readonly resolve: (value: Value) => void;
  /** Undoes the subscription to an AbortSignal. */
  readonly forget: () => void;
}

/** Promises that are resolved together; one that is aborted leaves nothing behind. */
export class Waiters<Value> {
  readonly #waiters = new Set<Waiter<Value>>();

  /** Resolves with what `settle` is given; rejects with `aborted` when the signal fires first. */
  wait(signal: AbortSignal | undefined): Promise<Value> {
    if (signal?.aborted === true) {
      return Promise.reject(abortError("Stopped waiting", signal));
    }
    return new Promise((resolve, reject) => {
      if (signal === undefined) {
        this.#waiters.add({ resolve, forget: () => {} });
        return;
      }
      const abort = () => {
        this.#waiters.delete(waiter);
        reject(abortError("Stopped waiting", signal));
      };
      const waiter: Waiter<Value> = {
        resolve,
        forget: () => signal.removeEventListener("abort", abort),
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Ends the waiting of all. */
  settle(value: Value): void {
    if (this.#waiters.size === 0) return;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) {
      waiter.forget();
      waiter.resolve(value);
    }
  }
}
