/**
 * The side of a node that acts.
 *
 * @module
 */

import type { NetworkController } from "../network/controller.ts";
import { badOption } from "../network/errors.ts";
import type { Clock } from "../signals/clock.ts";
import type { EventSender } from "../signals/event_queue.ts";
import type { TimerId } from "../signals/timer_queue.ts";
import type { Node, NodeStats } from "./node.ts";

/** Options of `stop`. */
export interface StopOptions {
  /**
   * How long what was accepted may take to go out before the sockets close:
   * milliseconds, or true for 30,000. Default: what the sockets take at once goes
   * out, the rest is dropped.
   */
  readonly drain?: boolean | number;
}

/**
 * Acts for a node: on the network, and by signals. It may be used anywhere,
 * inside callbacks too, and shared freely.
 *
 * @typeParam Signal What the program sends to itself.
 */
export class NodeHandler<Signal> {
  /** The sockets. */
  readonly network: NetworkController;
  /** To send events to the own listener: at once, with priority, or by timer. What is sent after `stop` is ignored. */
  readonly signals: EventSender<Signal>;
  readonly #node: Node<Signal>;

  /** `createNode` makes it. */
  constructor(node: Node<Signal>) {
    this.#node = node;
    this.network = node.network;
    this.signals = new NodeSignals(node);
    node.ownedBy(this);
  }

  /** Whether the node has not been stopped: true from its creation on. */
  get isRunning(): boolean {
    return this.#node.isRunning;
  }

  /**
   * Ends the node: no callback comes from now on, every socket and timer is
   * closed, and peers see their connections end. May be called again, also to
   * cut a drain short.
   *
   * @param options `drain`: how long what was accepted may take to go out.
   * @returns A promise that resolves when nothing of the node is left open.
   * @throws {NetworkError} `invalid-option`.
   */
  stop(options: StopOptions = {}): Promise<void> {
    return this.#node.stop(options.drain);
  }

  /**
   * The clock that the node's timers run by: the runtime's own, or what the
   * node's driver has instead, such as the time of a simulation. For code that
   * keeps time limits of its own on this node.
   */
  get clock(): Clock {
    return this.#node.driver;
  }

  /** What the node has done and what waits in it. Counting costs nothing until it is asked for. */
  stats(): NodeStats {
    return this.#node.stats();
  }

  /** Stops and drains: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#node.stop(true);
  }
}

class NodeSignals<Signal> implements EventSender<Signal> {
  readonly #node: Node<Signal>;

  constructor(node: Node<Signal>) {
    this.#node = node;
  }

  send(signal: Signal): void {
    this.#node.signals.send(signal);
  }

  sendWithPriority(signal: Signal): void {
    this.#node.signals.sendWithPriority(signal);
  }

  sendWithTimer(signal: Signal, delayMs: number): TimerId {
    if (!Number.isFinite(delayMs) || delayMs < 0) {
      throw badOption("delayMs", delayMs, "finite and not negative");
    }
    return this.#node.signals.sendWithTimer(signal, delayMs);
  }

  cancelTimer(id: TimerId): boolean {
    return this.#node.signals.cancelTimer(id);
  }
}
