/**
 * Simulated time: what is to happen, in the order in which it will.
 *
 * @module
 */

/** Something that will happen; opaque. */
export interface ScheduledEvent {
  /** When, in whole microseconds. */
  readonly at: number;
  /** Tells those of one time apart: the earlier set goes first. */
  readonly order: number;
  /** Undefined once it has happened or was cancelled. */
  run: (() => void) | undefined;
  /** Whether it runs code of the program's, whose promises must settle before the next. */
  readonly isLoud: boolean;
}

function isBefore(one: ScheduledEvent, other: ScheduledEvent): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/**
 * A clock that jumps from one event to the next.
 *
 * It counts whole microseconds: sums of fractions would drift, and a timer that
 * is due could then find itself early by less than a clock can tell.
 */
export class Scheduler {
  /** A binary heap. */
  readonly #heap: ScheduledEvent[] = [];
  #now = 0;
  #nextOrder = 0;

  /** Milliseconds since the start. */
  readonly now = (): number => this.#now / 1_000;

  /** Adds an event `delayMs` from now, at least a microsecond for every delay above 0. */
  schedule(delayMs: number, run: () => void, isLoud: boolean): ScheduledEvent {
    // A nanosecond less is a rounding error; a delay that rounds to nothing would never pass.
    const delay = Math.max(
      delayMs > 0 ? 1 : 0,
      Math.ceil(delayMs * 1_000 - 0.001),
    );
    const event: ScheduledEvent = {
      at: this.#now + delay,
      order: this.#nextOrder++,
      run,
      isLoud,
    };
    this.#push(event);
    return event;
  }

  /** Lets an event not happen; one that has is ignored. */
  cancel(event: ScheduledEvent): void {
    event.run = undefined;
  }

  /** Whether anything will happen. */
  get isIdle(): boolean {
    return this.#peek() === undefined;
  }

  /** When the next event is due, in milliseconds; Infinity if there is none. */
  get nextAt(): number {
    return (this.#peek()?.at ?? Infinity) / 1_000;
  }

  /** Moves the time to the next event and takes it out, to be run by the caller. */
  take(): (ScheduledEvent & { run: () => void }) | undefined {
    const event = this.#peek();
    if (event?.run === undefined) return undefined;
    const { run } = event;
    this.#pop();
    this.#now = event.at;
    event.run = undefined;
    return { ...event, run };
  }

  #peek(): ScheduledEvent | undefined {
    let first = this.#heap[0];
    while (first !== undefined && first.run === undefined) {
      this.#pop();
      first = this.#heap[0];
    }
    return first;
  }

  #push(event: ScheduledEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || isBefore(parent, event)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      if (child === undefined) break;
      const right = heap[childAt + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childAt++;
      }
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
  }
}
