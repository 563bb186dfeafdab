/**
 * The one funnel through which a node's events reach their consumer.
 *
 * @module
 */

import { Ring } from "./ring.ts";

/** Where a {@linkcode Dispatcher} takes signals from, already in the shape of its events. */
export interface SignalSource<E> {
  /** Whether `take` would return a signal. */
  hasReady(): boolean;
  /** Takes the next signal; only called when there is one. */
  take(): E | undefined;
}

/** What a {@linkcode Dispatcher} needs from its owner, and tells it. */
export interface DispatcherHooks {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Calls back soon, after input and output that is ready; never from within the call. */
  defer(callback: () => void): void;
  /** The bound is reached: push no more than what is on its way already. */
  full(): void;
  /** Half of both bounds is free again. Called only after `full`. */
  room(): void;
  /** The callback threw, or its promise rejected; nothing is delivered any more. Called at most once. */
  failed(error: unknown): void;
}

/** Options of a {@linkcode Dispatcher}. */
export interface DispatcherOptions {
  /** How many network events may be queued before `full` is called. Default: 65,536. */
  readonly maxEvents?: number;
  /** How many bytes of queued events before `full` is called. Default: 64 MiB. */
  readonly maxBytes?: number;
}

// One turn delivers at most this many events and takes at most this long, then
// sockets and timers have theirs. The clock is asked once in so many events.
const TURN_EVENTS = 1024;
const TURN_MS = 4;
const EVENTS_PER_LOOK = 8;

// A turn that goes on takes as long as the others took in between, and as many
// events more, up to so many times the above: live pushes have no bound of
// their own, and would leave the signals next to nothing of a busy loop.
const MAX_SHARES = 16;

/**
 * Brings network events and signals to one consumer: a callback, or calls of
 * `take`.
 *
 * Events that are pushed before there is a consumer wait. With a callback, what
 * waits is delivered first, in order, in turns that leave time to everything
 * else; from then on a push calls the callback at once. Two callbacks never run
 * at the same time: what is pushed by a callback, directly or not, is delivered
 * after it has returned. Network events and signals that both wait are taken
 * alternately, so neither starves the other, even when each signal sends
 * another; signals among themselves keep the order of their source.
 *
 * The bounds do not drop anything: `full` asks the owner to pause its sockets,
 * and what is pushed nevertheless is queued.
 */
export class Dispatcher<E> {
  readonly #signals: SignalSource<E>;
  readonly #hooks: DispatcherHooks;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  // The bytes of each event lie in a ring of their own: nothing is allocated to
  // keep the two together.
  readonly #events = new Ring<E>();
  readonly #sizes = new Ring<number>();
  #bytes = 0;
  #full = false;

  #callback: ((event: E) => void) | undefined;
  #available: (() => void) | undefined;
  // There is a callback, it is not running, and nothing waits that would have to go before.
  #direct = false;
  #taking = false;
  #deferred = false;
  #stopped = false;
  #failed = false;
  #networkIsNext = true;
  /** When the last turn ended with something left; Infinity if nothing was. */
  #brokenOffAt = Infinity;
  readonly #turn = (): void => this.#takeTurn();

  /** A dispatcher without a consumer, that takes signals from `signals`. */
  constructor(
    signals: SignalSource<E>,
    hooks: DispatcherHooks,
    options: DispatcherOptions = {},
  ) {
    this.#signals = signals;
    this.#hooks = hooks;
    this.#maxEvents = options.maxEvents ?? 65_536;
    this.#maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  }

  /** How many network events wait. */
  get queuedEvents(): number {
    return this.#events.length;
  }

  /** How many bytes the network events that wait hold. */
  get queuedBytes(): number {
    return this.#bytes;
  }

  /** Whether the bound was reached and `room` was not called since. */
  get isFull(): boolean {
    return this.#full;
  }

  /**
   * Makes a callback the consumer. It is not called from within this call. If
   * it returns a promise, that is not waited for, but its rejection counts as
   * an error that was thrown. After `stop`, what waits is dropped.
   */
  setCallback(callback: (event: E) => void): void {
    this.#refuseSecondConsumer();
    if (this.#stopped) {
      this.#dropQueued();
      return;
    }
    this.#callback = callback;
    this.#direct = this.#events.length === 0;
    if (!this.#direct || this.#signals.hasReady()) this.#defer();
  }

  /**
   * Makes the caller of `take` the consumer. `available` is called whenever
   * something comes to be taken while no network event waits; at least once
   * after each `take` that returned nothing.
   */
  setPull(available: () => void): void {
    this.#refuseSecondConsumer();
    this.#available = available;
  }

  /**
   * Takes in a network event that holds `bytes` bytes. Hot: with a callback and
   * nothing waiting, this is the callback's call and little else.
   */
  push(event: E, bytes: number): void {
    if (this.#direct) {
      this.#deliver(event);
      if (this.#events.length > 0) this.#finishBurst();
      else this.#direct = this.#callback !== undefined;
    } else if (!this.#stopped) this.#enqueue(event, bytes);
  }

  /** To be called when the source of signals goes from nothing ready to something. */
  signalsReady(): void {
    if (this.#callback !== undefined) this.#defer();
    else if (!this.#stopped) this.#available?.();
  }

  /**
   * Takes the next event, or returns undefined if there is none. Not for use
   * with a callback. After `stop` it returns what was queued until then.
   */
  take(): E | undefined {
    const signal = !this.#stopped && this.#signals.hasReady();
    // `room` may make the owner push: that is no news to who is taking.
    this.#taking = true;
    const event = this.#takeNext(signal);
    this.#taking = false;
    return event;
  }

  /** Whether `take` would return an event. */
  hasNext(): boolean {
    return this.#events.length > 0 ||
      (!this.#stopped && this.#signals.hasReady());
  }

  /** Drops the queued network events for which `predicate` is true. Takes time for each that is queued. */
  discard(predicate: (event: E) => boolean): void {
    for (let left = this.#events.length; left > 0; left -= 1) {
      const event = this.#events.shift() as E;
      const bytes = this.#sizes.shift() ?? 0;
      if (predicate(event)) {
        this.#bytes -= bytes;
        continue;
      }
      this.#events.push(event);
      this.#sizes.push(bytes);
    }
    this.#tellRoom();
  }

  /**
   * Ends the delivery. The callback is not called any more and what waits for
   * it is dropped. Without a callback, what is queued, and the signals that are
   * ready, can still be taken. May be called again.
   */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#direct = false;
    if (this.#callback !== undefined) {
      this.#callback = undefined;
      this.#dropQueued();
      return;
    }
    while (this.#signals.hasReady()) {
      this.#events.push(this.#signals.take() as E);
      this.#sizes.push(0);
    }
  }

  #refuseSecondConsumer(): void {
    if (this.#callback !== undefined || this.#available !== undefined) {
      throw new Error("the dispatcher has a consumer already");
    }
  }

  #enqueue(event: E, bytes: number): void {
    const first = this.#events.length === 0;
    this.#events.push(event);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    if (
      !this.#full &&
      (this.#events.length >= this.#maxEvents || this.#bytes >= this.#maxBytes)
    ) {
      this.#full = true;
      this.#hooks.full();
    }
    if (first && !this.#taking) this.#available?.();
  }

  /** Calls the callback. Hot. */
  #deliver(event: E): void {
    const callback = this.#callback;
    if (callback === undefined) return;
    // A push from within the callback finds this and is queued.
    this.#direct = false;
    try {
      const result: unknown = callback(event);
      if (result !== undefined) this.#watch(result);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Delivers what a callback pushed, right after it; a turn goes on if that is much. */
  #finishBurst(): void {
    for (let n = 0; n < TURN_EVENTS; n += 1) {
      if (this.#events.length === 0) {
        this.#direct = this.#callback !== undefined;
        return;
      }
      this.#deliver(this.#takeNetwork());
    }
    this.#defer();
  }

  #takeTurn(): void {
    this.#deferred = false;
    const start = this.#hooks.now();
    const shares = Math.min(
      MAX_SHARES,
      Math.max(1, (start - this.#brokenOffAt) / TURN_MS),
    );
    const end = start + TURN_MS * shares;
    this.#brokenOffAt = Infinity;
    for (let n = 1; this.#callback !== undefined; n += 1) {
      const signal = this.#signals.hasReady();
      if (this.#events.length === 0 && !signal) {
        this.#direct = true;
        return;
      }
      this.#deliver(this.#takeNext(signal) as E);
      if (
        n >= TURN_EVENTS * shares ||
        (n % EVENTS_PER_LOOK === 0 && this.#hooks.now() >= end)
      ) {
        break;
      }
    }
    if (this.#callback === undefined) return;
    this.#direct = this.#events.length === 0;
    if (!this.#direct || this.#signals.hasReady()) {
      this.#brokenOffAt = this.#hooks.now();
      this.#defer();
    }
  }

  #takeNext(signal: boolean): E | undefined {
    const network = this.#events.length > 0;
    if (network && (this.#networkIsNext || !signal)) {
      this.#networkIsNext = false;
      return this.#takeNetwork();
    }
    if (!signal) return undefined;
    this.#networkIsNext = true;
    return this.#signals.take();
  }

  #takeNetwork(): E {
    const event = this.#events.shift() as E;
    this.#bytes -= this.#sizes.shift() ?? 0;
    if (this.#full) this.#tellRoom();
    return event;
  }

  #tellRoom(): void {
    if (
      this.#full && !this.#stopped &&
      this.#events.length <= this.#maxEvents / 2 &&
      this.#bytes <= this.#maxBytes / 2
    ) {
      this.#full = false;
      this.#hooks.room();
    }
  }

  #defer(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#hooks.defer(this.#turn);
  }

  #watch(result: unknown): void {
    if (
      typeof result === "object" && result !== null && "then" in result &&
      typeof result.then === "function"
    ) {
      result.then(undefined, (error: unknown) => this.#fail(error));
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#stopped = true;
    this.#direct = false;
    this.#callback = undefined;
    this.#dropQueued();
    this.#hooks.failed(error);
  }

  #dropQueued(): void {
    this.#events.clear();
    this.#sizes.clear();
    this.#bytes = 0;
  }
}
