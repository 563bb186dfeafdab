/**
 * The side of a node that reacts.
 *
 * @module
 */

import { NetworkError } from "../network/errors.ts";
import type { NodeEvent } from "./events.ts";
import type { Node } from "./node.ts";
import { NodeReceiver } from "./receiver.ts";
import { NodeTask } from "./task.ts";

/**
 * Hears of everything that happens to a node. It is consumed once, in one of
 * three ways: `forEach` (fastest), `enqueue` (to ask when it suits you), or
 * `for await`. Events that come before that wait, and the sockets pause when
 * too many do.
 *
 * @typeParam Signal What the program sends to itself.
 */
export class NodeListener<Signal> implements AsyncIterable<NodeEvent<Signal>> {
  readonly #node: Node<Signal>;
  #isConsumed = false;

  /** `createNode` makes it. */
  constructor(node: Node<Signal>) {
    this.#node = node;
  }

  /**
   * Calls back for each event, one after the other and never two at once,
   * from now until the node stops. The first call comes after this has returned.
   *
   * A callback that throws, or returns a promise that rejects, stops the node,
   * and the task rejects with that error. A promise is not waited for: the next
   * event may come before it settles. To take events one by one with `await`, use
   * `for await`.
   *
   * @param callback What to do.
   * @returns A task to await: it ends when the node has stopped.
   * @throws {NetworkError} `already-consumed`.
   */
  forEach(callback: (event: NodeEvent<Signal>) => void): NodeTask {
    this.#consume();
    this.#node.dispatcher.setCallback(callback);
    return new NodeTask(this.#node);
  }

  /**
   * Lets the program ask for events when it suits it: in a game loop, say.
   *
   * @returns A receiver to poll or to await.
   * @throws {NetworkError} `already-consumed`.
   */
  enqueue(): NodeReceiver<Signal> {
    this.#consume();
    return new NodeReceiver(this.#node);
  }

  /**
   * For `for await`: takes events one by one, each when the loop asks for it.
   * The loop ends when the node has stopped and all that was queued is taken.
   * Leaving the loop does not stop the node.
   *
   * @throws {NetworkError} `already-consumed`.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<NodeEvent<Signal>> {
    return this.enqueue()[Symbol.asyncIterator]();
  }

  #consume(): void {
    if (this.#isConsumed) {
      throw new NetworkError(
        "already-consumed",
        "Cannot consume the listener: it was consumed before",
      );
    }
    this.#isConsumed = true;
  }
}
