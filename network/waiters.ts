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
  /** Made for the first: most resources never have one. */
  #waiters: Set<Waiter<Value>> | undefined;

  /** Resolves with what `settle` is given; rejects with `aborted` when the signal fires first. */
  wait(signal: AbortSignal | undefined): Promise<Value> {
    if (signal?.aborted === true) {
      return Promise.reject(abortError("Stopped waiting", signal));
    }
    const waiters = this.#waiters ??= new Set();
    return new Promise((resolve, reject) => {
      if (signal === undefined) {
        waiters.add({ resolve, forget: () => {} });
        return;
      }
      const abort = () => {
        waiters.delete(waiter);
        reject(abortError("Stopped waiting", signal));
      };
      const waiter: Waiter<Value> = {
        resolve,
        forget: () => signal.removeEventListener("abort", abort),
      };
      signal.addEventListener("abort", abort, { once: true });
      waiters.add(waiter);
    });
  }

  /** Ends the waiting of all. */
  settle(value: Value): void {
    const waiters = this.#waiters;
    if (waiters === undefined) return;
    // Whoever waits from inside is one of the next.
    this.#waiters = undefined;
    for (const waiter of waiters) {
      waiter.forget();
      waiter.resolve(value);
    }
  }
}
