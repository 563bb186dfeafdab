/**
 * A node's events on demand.
 *
 * @module
 */

import { abortError, badOption, NetworkError } from "../network/errors.ts";
import type { EventReceiver, ReceiveOptions } from "../signals/event_queue.ts";
import type { NodeEvent } from "./events.ts";
import type { Node } from "./node.ts";

/** After so many events without a pause the receiver lets sockets and timers have a turn. */
const EVENTS_PER_TURN = 1_024;

interface Waiter<Signal> {
  readonly resolve: (event: NodeEvent<Signal> | undefined) => void;
  /** Undoes the time limit and the subscription to a signal. */
  readonly forget: () => void;
}

/**
 * Takes the events of a node one at a time, in order: signals with priority,
 * then due timers and other signals, in turn with what the network brings.
 *
 * While nobody asks, events queue up; at the node's bound its sockets pause, and
 * peers are slowed down. After `stop` what was queued can still be taken.
 *
 * @typeParam Signal What the program sends to itself.
 */
export class NodeReceiver<Signal> implements EventReceiver<NodeEvent<Signal>> {
  readonly #node: Node<Signal>;
  readonly #waiters = new Set<Waiter<Signal>>();
  #eventsThisTurn = 0;
  readonly #startTurn = () => this.#nextTurn();

  /** `NodeListener.enqueue` makes it. */
  constructor(node: Node<Signal>) {
    this.#node = node;
    node.dispatcher.setPull(() => this.#serve());
    void node.stopped.then(() => this.#serve());
  }

  /** Takes the next event, or returns undefined when there is none now. */
  tryReceive(): NodeEvent<Signal> | undefined {
    return this.#node.dispatcher.take();
  }

  /**
   * Takes the next event, and waits for it if need be.
   *
   * @param options `signal`: gives the waiting up; no event is lost by it.
   * @throws {NetworkError} (as a rejection) `stopped` when the node has stopped and all is taken; `aborted`.
   */
  async receive(options: ReceiveOptions = {}): Promise<NodeEvent<Signal>> {
    const event = await this.#receive(undefined, options.signal);
    if (event === undefined) {
      throw stoppedError();
    }
    return event;
  }

  /**
   * Takes the next event, and waits for it at most so long.
   *
   * @param timeoutMs How long to wait, in milliseconds.
   * @param options `signal`: gives the waiting up.
   * @returns The event, or undefined when the time has passed.
   * @throws {NetworkError} (as a rejection) `stopped`, `aborted`, `invalid-option`.
   */
  async receiveTimeout(
    timeoutMs: number,
    options: ReceiveOptions = {},
  ): Promise<NodeEvent<Signal> | undefined> {
    if (!(Number.isFinite(timeoutMs) && timeoutMs >= 0)) {
      throw badOption("timeoutMs", timeoutMs, "finite and not negative");
    }
    const event = await this.#receive(timeoutMs, options.signal);
    if (event === undefined && this.#isFinished()) {
      throw stoppedError();
    }
    return event;
  }

  /** Takes events until the node has stopped and all is taken. Leaving the loop does not stop the node. */
  [Symbol.asyncIterator](): AsyncIterableIterator<NodeEvent<Signal>> {
    const left = new AbortController();
    const next = async (): Promise<IteratorResult<NodeEvent<Signal>>> => {
      try {
        const event = await this.#receive(undefined, left.signal);
        if (event !== undefined) return { done: false, value: event };
      } catch (error) {
        if (!left.signal.aborted) throw error;
      }
      return { done: true, value: undefined };
    };
    return {
      next,
      // A `next` that still waits must not take an event that nobody sees.
      return: () => {
        left.abort();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** The next event; undefined when the time has passed or the node is at its end. */
  #receive(
    timeoutMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<NodeEvent<Signal> | undefined> {
    if (signal?.aborted === true) {
      return Promise.reject(abortError("Cannot receive", signal));
    }
    const { dispatcher } = this.#node;
    if (this.#waiters.size === 0 && this.#eventsThisTurn < EVENTS_PER_TURN) {
      const event = dispatcher.take();
      if (event !== undefined) {
        this.#countEvent();
        return Promise.resolve(event);
      }
      if (this.#isFinished() || timeoutMs === 0) {
        return Promise.resolve(undefined);
      }
    }
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiters.delete(waiter);
        waiter.forget();
        if (signal !== undefined) reject(abortError("Cannot receive", signal));
      };
      const timer = timeoutMs === undefined
        ? undefined
        : this.#node.setTimer(() => {
          this.#waiters.delete(waiter);
          waiter.forget();
          resolve(undefined);
        }, timeoutMs);
      const waiter: Waiter<Signal> = {
        resolve,
        forget: () => {
          if (timer !== undefined) this.#node.clearTimer(timer);
          signal?.removeEventListener("abort", abort);
        },
      };
      signal?.addEventListener("abort", abort);
      this.#waiters.add(waiter);
    });
  }

  #countEvent(): void {
    this.#eventsThisTurn += 1;
    // The count starts over when the runtime next had time for its sockets.
    if (this.#eventsThisTurn === 1) this.#node.driver.defer(this.#startTurn);
  }

  #nextTurn(): void {
    this.#eventsThisTurn = 0;
    this.#serve();
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      if (this.#eventsThisTurn >= EVENTS_PER_TURN) return;
      const event = this.#node.dispatcher.take();
      if (event === undefined && !this.#isFinished()) return;
      this.#waiters.delete(waiter);
      waiter.forget();
      if (event !== undefined) this.#countEvent();
      waiter.resolve(event);
    }
  }

  #isFinished(): boolean {
    return !this.#node.isRunning && !this.#node.dispatcher.hasNext();
  }
}

function stoppedError(): NetworkError {
  return new NetworkError("stopped", "Cannot receive: the node is stopped");
}
