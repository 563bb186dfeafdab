/**
 * A queue of events with priorities and timers, for one program to send to itself.
 *
 * @module
 */

import { type Clock, systemClock } from "./clock.ts";
import { SignalQueue } from "./_signal_queue.ts";
import { TimerQueue } from "./timer_queue.ts";
import { TimerService } from "./timer_service.ts";
import { checkDelay } from "./timer_store.ts";
import type { TimerId } from "./timer_store.ts";

/** The side of an {@linkcode EventQueue} that sends. */
export interface EventSender<E> {
  /** Sends an event behind all that were sent so. Ignored once the queue is closed. */
  send(event: E): void;
  /** Sends an event before all others, but behind those sent with priority already. */
  sendWithPriority(event: E): void;
  /**
   * Sends an event that becomes receivable `delayMs` milliseconds from now,
   * never earlier. Once the queue is closed it is ignored, and the id names no
   * timer. Throws a RangeError if the delay is negative or not finite.
   */
  sendWithTimer(event: E, delayMs: number): TimerId;
  /**
   * Takes a timer back, even one that is due as long as its event was not
   * received. Returns false if it was received or cancelled, or never set.
   */
  cancelTimer(id: TimerId): boolean;
}

/** Options of a call that waits. */
export interface ReceiveOptions {
  /** Ends the waiting: the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The side of an {@linkcode EventQueue} that receives. */
export interface EventReceiver<E> extends AsyncIterable<E> {
  /** Takes the next event, or returns undefined if none can be received now. */
  tryReceive(): E | undefined;
  /**
   * Takes the next event, and waits for it if need be. Rejects with the
   * signal's reason if that aborts first, and with an
   * {@linkcode EventQueueClosedError} when the queue is closed.
   */
  receive(options?: ReceiveOptions): Promise<E>;
  /**
   * Takes the next event, and waits for it up to `timeoutMs` milliseconds; then
   * the result is undefined. Rejects as `receive` does, and with a RangeError if
   * the time is negative or not finite.
   */
  receiveTimeout(
    timeoutMs: number,
    options?: ReceiveOptions,
  ): Promise<E | undefined>;
}

/** Options of an {@linkcode EventQueue}. */
export interface EventQueueOptions {
  /** The clock that timers run by. Default: the runtime's own. */
  readonly clock?: Clock;
}

/** What waiting receivers are told when an {@linkcode EventQueue} is closed. */
export class EventQueueClosedError extends Error {
  /** Always `"EventQueueClosedError"`. */
  override readonly name = "EventQueueClosedError";
  /** Always `"stopped"`. */
  readonly code = "stopped";

  /** An error that says so. */
  constructor() {
    super("the event queue is closed");
  }
}

/** A call of `receive` or `receiveTimeout` that waits. */
interface Waiter<E> {
  readonly resolve: (event: E) => void;
  readonly reject: (reason: unknown) => void;
  /** Undoes what only matters while it waits: the abort listener and the time limit. */
  settled: () => void;
}

/**
 * A queue of events that a program sends to itself: in order, with priority, or
 * after a delay.
 *
 * At each step the receiver gets, if there is one: the oldest event that was
 * sent with priority; else the timer that is due with the earliest deadline
 * (with equal deadlines, the one set first); else the oldest of the other
 * events. So a due timer overtakes events that were sent before it. A timer is
 * never early, however the runtime's own timers behave; all timers share one of
 * those, which is set only while somebody waits.
 *
 * Several receivers may wait; they are served in order. An event goes to one of
 * them, and a receiver that gives up loses none. Where E includes undefined, ask
 * `hasReady` before `tryReceive`.
 *
 * @example
 * ```ts
 * const queue = new EventQueue<string>();
 * queue.send("second");
 * queue.sendWithPriority("first");
 * queue.sendWithTimer("third", 10);
 * await queue.receive(); // "first"
 * await queue.receive(); // "second"
 * await queue.receive(); // "third"
 * queue.close();
 * ```
 */
export class EventQueue<E> implements EventSender<E>, EventReceiver<E> {
  readonly #clock: Clock;
  readonly #queue: SignalQueue<E>;
  // In the order of their calls; each can be taken out from the middle.
  readonly #waiters = new Set<Waiter<E>>();
  readonly #becameReady = (): void => this.#ready();
  #limits: TimerService | undefined;
  #onReady: (() => void) | undefined;

  /** An open, empty queue. */
  constructor(options: EventQueueOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#queue = new SignalQueue(this.#clock, new TimerQueue<E>());
  }

  /** How many events were sent, not by timer, and not yet received. */
  get readyCount(): number {
    return this.#queue.readyCount;
  }

  /** How many timers are set and not yet received, due or not. */
  get timerCount(): number {
    return this.#queue.timerCount;
  }

  /** How many events are on their way to a receiver: `readyCount` and `timerCount` together. */
  get size(): number {
    return this.readyCount + this.timerCount;
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#queue.isClosed;
  }

  /**
   * Called when the queue goes from nothing receivable to something: on a send
   * to a queue that holds nothing else, or when a timer becomes due. The
   * callee takes events with `tryReceive`, now or later, until `hasReady` is
   * false. It is not called for what is receivable when it is set, and it may
   * be called once more than needed when a due timer was found by `hasReady`
   * first. Waiting receivers are served before it. Default: undefined; then
   * and while nobody waits, no runtime timer is set.
   */
  get onReady(): (() => void) | undefined {
    return this.#onReady;
  }

  set onReady(callback: (() => void) | undefined) {
    this.#onReady = callback;
    this.#watch();
  }

  /** Sends an event behind all that were sent so. Ignored once the queue is closed. */
  send(event: E): void {
    this.#queue.send(event);
  }

  /** Sends an event before all others, but behind those sent with priority already. */
  sendWithPriority(event: E): void {
    this.#queue.sendWithPriority(event);
  }

  /**
   * Sends an event that becomes receivable `delayMs` milliseconds from now,
   * never earlier; delays above 2^31 are fine. Once the queue is closed it is
   * ignored, and the id names no timer. Throws a RangeError if the delay is
   * negative or not finite.
   */
  sendWithTimer(event: E, delayMs: number): TimerId {
    checkDelay("delayMs", delayMs);
    return this.#queue.sendWithTimer(event, delayMs);
  }

  /**
   * Takes a timer back, even one that is due as long as its event was not
   * received. Returns false if it was received or cancelled, or never set.
   */
  cancelTimer(id: TimerId): boolean {
    return this.#queue.cancelTimer(id);
  }

  /** Whether `tryReceive` would return an event now. */
  hasReady(): boolean {
    return this.#queue.hasReady();
  }

  /** Takes the next event, or returns undefined if none can be received now. */
  tryReceive(): E | undefined {
    return this.#queue.tryReceive();
  }

  /**
   * Takes the next event, and waits for it if need be. Rejects with the
   * signal's reason if that aborts first, and with an
   * {@linkcode EventQueueClosedError} when the queue is closed.
   */
  receive(options: ReceiveOptions = {}): Promise<E> {
    return new Promise((resolve, reject) => {
      const { signal } = options;
      if (!this.#mayWait(resolve, reject, signal)) return;
      const waiter: Waiter<E> = { resolve, reject, settled: nothing };
      this.#enter(waiter, signal);
    });
  }

  /**
   * Takes the next event, and waits for it up to `timeoutMs` milliseconds; then
   * the result is undefined. Rejects as `receive` does, and with a RangeError if
   * the time is negative or not finite.
   */
  receiveTimeout(
    timeoutMs: number,
    options: ReceiveOptions = {},
  ): Promise<E | undefined> {
    return new Promise((resolve, reject) => {
      checkDelay("timeoutMs", timeoutMs);
      const { signal } = options;
      if (!this.#mayWait(resolve, reject, signal)) return;
      if (timeoutMs === 0) return resolve(undefined);
      const waiter: Waiter<E> = { resolve, reject, settled: nothing };
      this.#enter(waiter, signal);
      const limits = this.#limits ??= new TimerService(this.#clock);
      const limit = limits.setTimer(() => {
        // A timer that became due at the same moment still counts.
        this.#serve();
        if (this.#leave(waiter)) resolve(undefined);
      }, timeoutMs);
      const { settled } = waiter;
      waiter.settled = () => {
        settled();
        limits.clearTimer(limit);
      };
    });
  }

  /** Receives until the queue is closed. Leaving the loop does not close the queue. */
  async *[Symbol.asyncIterator](): AsyncGenerator<E, void, undefined> {
    while (!this.closed) {
      let event: E;
      try {
        event = await this.receive();
      } catch (error) {
        if (error instanceof EventQueueClosedError) return;
        throw error;
      }
      yield event;
    }
  }

  /**
   * Closes the queue, for good: drops all events and timers, and clears the
   * runtime timer. Receivers that wait, and later ones, reject with an
   * {@linkcode EventQueueClosedError}; `tryReceive` returns undefined; a
   * `for await` loop ends; what is sent from now on is ignored.
   */
  close(): void {
    this.#onReady = undefined;
    this.#queue.close();
    for (const waiter of [...this.#waiters]) {
      this.#leave(waiter);
      waiter.reject(new EventQueueClosedError());
    }
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Settles a call that need not wait; true if it must. */
  #mayWait(
    resolve: (event: E) => void,
    reject: (reason: unknown) => void,
    signal: AbortSignal | undefined,
  ): boolean {
    if (this.closed) {
      reject(new EventQueueClosedError());
      return false;
    }
    if (signal?.aborted) {
      reject(signal.reason);
      return false;
    }
    // Who waits already goes first: a timer may be due that nobody has seen yet.
    this.#serve();
    return this.#waiters.size > 0 || !this.#receiveInto(resolve);
  }

  #enter(waiter: Waiter<E>, signal: AbortSignal | undefined): void {
    if (signal !== undefined) {
      const aborted = (): void => {
        if (this.#leave(waiter)) waiter.reject(signal.reason);
      };
      signal.addEventListener("abort", aborted);
      waiter.settled = () => signal.removeEventListener("abort", aborted);
    }
    this.#waiters.add(waiter);
    if (this.#waiters.size === 1) this.#watch();
  }

  /** Ends a waiter's waiting; false if it had ended before. */
  #leave(waiter: Waiter<E>): boolean {
    if (!this.#waiters.delete(waiter)) return false;
    waiter.settled();
    if (this.#waiters.size === 0) this.#watch();
    return true;
  }

  /** Gives what is receivable to those who wait, in order. */
  #serve(): void {
    for (const waiter of this.#waiters) {
      if (!this.#receiveInto(waiter.resolve)) return;
      this.#leave(waiter);
    }
  }

  #receiveInto(resolve: (event: E) => void): boolean {
    if (!this.#queue.hasReady()) return false;
    // Not undefined by absence: there is an event, whatever its value.
    resolve(this.#queue.tryReceive() as E);
    return true;
  }

  #ready(): void {
    this.#serve();
    if (!this.#queue.isIdle) this.#onReady?.();
  }

  /** While nobody would hear of it, no runtime timer is set. */
  #watch(): void {
    this.#queue.onReady =
      this.#onReady === undefined && this.#waiters.size === 0
        ? undefined
        : this.#becameReady;
  }
}

function nothing(): void {}
