/**
 * A queue of events with priorities and timers, for one program to send to itself.
 *
 * @module
 */

import { type Clock, systemClock } from "./clock.ts";
import { Ring } from "./ring.ts";
import { type TimerId, TimerQueue } from "./timer_queue.ts";
import { checkDelay, TimerService } from "./timer_service.ts";
import { Wakeup } from "./wakeup.ts";

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
  readonly #priority = new Ring<E>();
  readonly #normal = new Ring<E>();
  readonly #timers = new TimerQueue<E>();
  readonly #wakeup: Wakeup;
  // In the order of their calls; each can be taken out from the middle.
  readonly #waiters = new Set<Waiter<E>>();
  #limits: TimerService | undefined;
  // The wakeup has told of a due timer, and that timer was not yet taken.
  #timerTold = false;
  // When the clock was last looked at: what was due then still is, and many
  // timers that are due together cost one look.
  #seen = -Infinity;
  #closed = false;
  #onReady: (() => void) | undefined;

  /** An open, empty queue. */
  constructor(options: EventQueueOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#wakeup = new Wakeup(
      this.#clock,
      this.#timers,
      () => this.#timerIsDue(),
    );
  }

  /** How many events were sent, not by timer, and not yet received. */
  get readyCount(): number {
    return this.#priority.length + this.#normal.length;
  }

  /** How many timers are set and not yet received, due or not. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** How many events are on their way to a receiver: `readyCount` and `timerCount` together. */
  get size(): number {
    return this.readyCount + this.timerCount;
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#closed;
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
    this.#armOrDisarm();
  }

  /** Sends an event behind all that were sent so. Ignored once the queue is closed. */
  send(event: E): void {
    if (this.#closed) return;
    const first = this.#holdsNothing();
    this.#normal.push(event);
    if (first) this.#becameReady();
  }

  /** Sends an event before all others, but behind those sent with priority already. */
  sendWithPriority(event: E): void {
    if (this.#closed) return;
    const first = this.#holdsNothing();
    this.#priority.push(event);
    if (first) this.#becameReady();
  }

  /**
   * Sends an event that becomes receivable `delayMs` milliseconds from now,
   * never earlier; delays above 2^31 are fine. Once the queue is closed it is
   * ignored, and the id names no timer. Throws a RangeError if the delay is
   * negative or not finite.
   */
  sendWithTimer(event: E, delayMs: number): TimerId {
    checkDelay("delayMs", delayMs);
    if (this.#closed) return 0;
    const deadline = this.#clock.now() + delayMs;
    const id = this.#timers.schedule(event, deadline);
    this.#wakeup.added(deadline);
    return id;
  }

  /**
   * Takes a timer back, even one that is due as long as its event was not
   * received. Returns false if it was received or cancelled, or never set.
   */
  cancelTimer(id: TimerId): boolean {
    const cancelled = this.#timers.cancel(id);
    if (cancelled) {
      this.#wakeup.removed();
      if (this.#timerTold) this.#lookAgain();
    }
    return cancelled;
  }

  /** Whether `tryReceive` would return an event now. */
  hasReady(): boolean {
    return this.#priority.length > 0 || this.#normal.length > 0 ||
      this.#hasDueTimer();
  }

  /** Takes the next event, or returns undefined if none can be received now. */
  tryReceive(): E | undefined {
    if (this.#priority.length > 0) return this.#priority.shift();
    if (this.#hasDueTimer()) {
      const event = this.#timers.take();
      if (this.#timerTold) this.#lookAgain();
      this.#wakeup.removed();
      return event;
    }
    return this.#normal.shift();
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
    while (!this.#closed) {
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
    if (this.#closed) return;
    this.#closed = true;
    this.#onReady = undefined;
    this.#timerTold = false;
    this.#priority.clear();
    this.#normal.clear();
    this.#timers.clear();
    this.#wakeup.disarm();
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
    if (this.#closed) {
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
    if (this.#waiters.size === 1) this.#armOrDisarm();
  }

  /** Ends a waiter's waiting; false if it had ended before. */
  #leave(waiter: Waiter<E>): boolean {
    if (!this.#waiters.delete(waiter)) return false;
    waiter.settled();
    if (this.#waiters.size === 0) this.#armOrDisarm();
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
    if (this.#priority.length + this.#normal.length > 0 || this.hasReady()) {
      // Not undefined by absence: there is an event, whatever its value.
      resolve(this.tryReceive() as E);
      return true;
    }
    return false;
  }

  #holdsNothing(): boolean {
    return this.#priority.length === 0 && this.#normal.length === 0 &&
      !this.#timerTold;
  }

  #becameReady(): void {
    if (this.#waiters.size > 0) {
      this.#serve();
      // A due timer may have gone first, and then the event that was sent stays.
      if (this.#holdsNothing()) return;
    }
    this.#onReady?.();
  }

  #timerIsDue(): void {
    const first = this.readyCount === 0;
    this.#timerTold = true;
    this.#serve();
    if (first && this.#timerTold) this.#onReady?.();
  }

  #hasDueTimer(): boolean {
    const timers = this.#timers;
    if (timers.size === 0) return false;
    if (timers.hasDue(this.#seen)) return true;
    this.#seen = this.#clock.now();
    return timers.hasDue(this.#seen);
  }

  /** Finds out whether a timer is still due of those that the wakeup has told of. */
  #lookAgain(): void {
    if (this.#hasDueTimer()) return;
    this.#timerTold = false;
    this.#armOrDisarm();
  }

  #armOrDisarm(): void {
    if (this.#onReady === undefined && this.#waiters.size === 0) {
      this.#wakeup.disarm();
    } else if (!this.#timerTold && !this.#closed) this.#wakeup.arm();
  }
}

function nothing(): void {}
