/**
 * The run of a node whose events go to a callback.
 *
 * @module
 */

import type { Node } from "./node.ts";

/**
 * Ends when its node has stopped and nothing of it is left open; fails with
 * what the callback threw. Await it, or keep it: a failure that nobody awaits is
 * an unhandled rejection, as it should be.
 */
export class NodeTask implements PromiseLike<void> {
  readonly #done: Promise<void>;
  #isFinished = false;

  /** `NodeListener.forEach` makes it. */
  constructor(node: Pick<Node<unknown>, "stopped" | "failure">) {
    this.#done = node.stopped.then(() => {
      this.#isFinished = true;
      if (node.failure !== undefined) throw node.failure.error;
    });
  }

  /** Whether the node has stopped and nothing of it is left. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Resolves when the node has stopped; rejects with what the callback threw. May be called any number of times. */
  wait(): Promise<void> {
    return this.#done;
  }

  /** For `await task`. */
  then<Result1 = void, Result2 = never>(
    onFulfilled?: ((value: void) => Result1 | PromiseLike<Result1>) | null,
    onRejected?: ((reason: unknown) => Result2 | PromiseLike<Result2>) | null,
  ): Promise<Result1 | Result2> {
    return this.#done.then(onFulfilled, onRejected);
  }
}
