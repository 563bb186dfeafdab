/**
 * What holds the parts of a node together: the network, the signals, the one
 * way to the user's code, and the end.
 *
 * @module
 */

import type { AdapterHost, HostTimer } from "../adapters/adapter.ts";
import { NetworkController } from "../network/controller.ts";
import { badOption } from "../network/errors.ts";
import { stopOptions } from "../network/options.ts";
import { Registry } from "../network/registry.ts";
import type { ResourceId } from "../network/resource_id.ts";
import { totalOf } from "../network/statistics.ts";
import type { TransportStats } from "../network/statistics.ts";
import type { Driver } from "../runtime/driver.ts";
import { CallbackTimers } from "../signals/_callback_timers.ts";
import { SignalQueue } from "../signals/_signal_queue.ts";
import { Dispatcher } from "../signals/dispatcher.ts";
import type { NodeEvent } from "./events.ts";
import type { NodeParts } from "./node_parts.ts";

/** Options of `createNode`. */
export interface NodeOptions {
  /**
   * How many network events may wait for the listener before all sockets are
   * paused; while twice as many wait, new connections are refused. Default: 65,536.
   */
  readonly maxQueuedEvents?: number;
  /** How many bytes of messages may wait for the listener before all sockets are paused. Default: 64 MiB. */
  readonly maxQueuedBytes?: number;
  /** The runtime's sockets. Default: those of the runtime that runs the program. */
  readonly driver?: Driver;
}

/** What `stats` returns: a snapshot. The sums of all transports, and what the node itself holds. */
export interface NodeStats extends TransportStats {
  /** The same for each transport that was used, by its name. */
  readonly transports: Readonly<Record<string, TransportStats>>;
  /** How often the node stopped reading everywhere, because too much waited for the listener. */
  readonly pauses: number;
  /** Network events that wait for the listener. */
  readonly queuedEvents: number;
  /** Bytes of the messages that wait for the listener. */
  readonly queuedEventBytes: number;
  /** Whether the sockets are paused because too much waits for the listener. */
  readonly isPaused: boolean;
  /** Signals that wait for the listener, not counting timers. */
  readonly queuedSignals: number;
  /** Timers that are set. */
  readonly timers: number;
}

/** The state that a NodeHandler and a NodeListener share. */
export class Node<Signal> implements AdapterHost {
  readonly driver: Driver;
  readonly network: NetworkController;
  readonly signals: SignalQueue<Signal>;
  readonly createOutbox: AdapterHost["createOutbox"];
  readonly dispatcher: Dispatcher<NodeEvent<Signal>>;
  /** Resolves when the node has stopped and nothing is left of it. */
  readonly stopped: Promise<void>;
  /** What the user's callback threw, in a box: anything can be thrown. */
  failure: { readonly error: unknown } | undefined;
  readonly #registry: Registry;
  readonly #timers: CallbackTimers;
  #owner: object = this;
  #isRunning = true;
  #resolveStopped: () => void = () => {};

  constructor(driver: Driver, options: NodeOptions, parts: NodeParts) {
    this.driver = driver;
    const maxEvents = bound("maxQueuedEvents", options.maxQueuedEvents, 65_536);
    this.stopped = new Promise((resolve) => this.#resolveStopped = resolve);
    this.createOutbox = parts.createOutboxes();
    this.#timers = new CallbackTimers(driver, parts.createTimerStore());
    this.signals = new SignalQueue<Signal>(driver, parts.createTimerStore());
    const { signals } = this;
    this.dispatcher = new Dispatcher<NodeEvent<Signal>>(
      {
        hasReady: () => signals.hasReady(),
        take: () => ({
          type: "signal",
          signal: signals.tryReceive() as Signal,
        }),
      },
      {
        now: () => driver.now(),
        defer: (callback) => driver.defer(callback),
        full: () => this.#registry.pauseAll(),
        room: () => this.#registry.resumeAll(),
        failed: (error) => this.#fail(error),
      },
      {
        maxEvents,
        maxBytes: bound(
          "maxQueuedBytes",
          options.maxQueuedBytes,
          64 * (1 << 20),
        ),
      },
    );
    const { dispatcher } = this;
    signals.onReady = () => dispatcher.signalsReady();
    this.#registry = new Registry(this, {
      push: (event, bytes) => dispatcher.push(event, bytes),
      isOverfull: () => dispatcher.queuedEvents >= 2 * maxEvents,
      discard: (resourceId) => this.#discard(resourceId),
      failed: (error) => this.#fail(error),
      owner: () => this.#owner,
    }, parts);
    this.network = new NetworkController(this.#registry);
  }

  /** Says as whom diagnostics tell of the node. */
  ownedBy(owner: object): void {
    this.#owner = owner;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  setTimer(callback: () => void, delayMs: number): HostTimer {
    return this.#timers.setTimer(callback, delayMs);
  }

  clearTimer(timer: HostTimer): void {
    this.#timers.clearTimer(timer);
  }

  defer(callback: () => void): void {
    this.driver.defer(callback);
  }

  stats(): NodeStats {
    const transports = this.#registry.transports();
    return {
      ...totalOf(transports.values()),
      transports: Object.fromEntries(transports),
      pauses: this.#registry.pauses,
      queuedEvents: this.dispatcher.queuedEvents,
      queuedEventBytes: this.dispatcher.queuedBytes,
      isPaused: this.dispatcher.isFull,
      queuedSignals: this.signals.readyCount,
      timers: this.signals.timerCount,
    };
  }

  stop(drain: boolean | number | undefined): Promise<void> {
    const options = stopOptions(drain);
    if (this.#isRunning) {
      this.#isRunning = false;
      this.dispatcher.stop();
      this.signals.close();
    }
    // Called again it may shorten a drain that is under way.
    void this.#registry.removeAll(options).then(() => {
      this.#timers.stop();
      this.#resolveStopped();
    });
    return this.stopped;
  }

  #fail(error: unknown): void {
    this.failure = { error };
    void this.stop(undefined);
  }

  #discard(resourceId: ResourceId): void {
    if (this.dispatcher.queuedEvents === 0) return;
    this.dispatcher.discard((event) =>
      event.type !== "signal" && event.endpoint.resourceId === resourceId
    );
  }
}

function bound(
  name: string,
  value: number | undefined,
  byDefault: number,
): number {
  if (value === undefined) return byDefault;
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw badOption(name, value, "an integer from 1");
}
