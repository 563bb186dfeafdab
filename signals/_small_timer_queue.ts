/**
 * Deadlines in order, in little code.
 *
 * @module
 */

import { checkDeadline } from "./timer_store.ts";
import type { TimerId, TimerStore } from "./timer_store.ts";

interface Timer<T> {
  readonly id: TimerId;
  readonly value: T;
  readonly deadlineMs: number;
}

/**
 * What `TimerQueue` does, for a page in a browser, whose download matters more
 * than a million timers: a binary heap, with an object per timer. `schedule` and
 * `take` cost O(log n), `cancel` O(1), amortized.
 */
export class SmallTimerQueue<T> implements TimerStore<T> {
  #heap: Timer<T>[] = [];
  // Those that are set; a cancelled one stays in the heap until it comes to the
  // top or the heap is twice as large as it need be.
  readonly #timers = new Map<TimerId, Timer<T>>();
  #lastId = 0;

  get size(): number {
    return this.#timers.size;
  }

  get nextDeadline(): number {
    let top = this.#heap[0];
    while (top !== undefined && !this.#timers.has(top.id)) {
      this.#pop();
      top = this.#heap[0];
    }
    return top === undefined ? Infinity : top.deadlineMs;
  }

  schedule(value: T, deadlineMs: number): TimerId {
    checkDeadline(deadlineMs);
    const timer: Timer<T> = { id: this.#lastId += 1, value, deadlineMs };
    this.#timers.set(timer.id, timer);
    const heap = this.#heap;
    let at = heap.length;
    for (let above = 0; at > 0; at = above) {
      above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || comesFirst(parent, timer)) break;
      heap[at] = parent;
    }
    heap[at] = timer;
    return timer.id;
  }

  cancel(id: TimerId): boolean {
    if (!this.#timers.delete(id)) return false;
    if (this.#heap.length > 2 * this.size + 64) {
      // What is in order is a heap.
      this.#heap = [...this.#timers.values()].sort((one, other) =>
        comesFirst(one, other) ? -1 : 1
      );
    }
    return true;
  }

  hasDue(nowMs: number): boolean {
    return this.nextDeadline <= nowMs;
  }

  take(): T | undefined {
    if (this.nextDeadline === Infinity) return undefined;
    const timer = this.#pop();
    if (timer === undefined) return undefined;
    this.#timers.delete(timer.id);
    return timer.value;
  }

  clear(): void {
    this.#heap = [];
    this.#timers.clear();
  }

  #pop(): Timer<T> | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let child = heap[below];
      const right = heap[below + 1];
      if (
        child !== undefined && right !== undefined && comesFirst(right, child)
      ) {
        child = right;
        below += 1;
      }
      if (child === undefined || comesFirst(last, child)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return top;
  }
}

function comesFirst(one: Timer<unknown>, other: Timer<unknown>): boolean {
  return one.deadlineMs < other.deadlineMs ||
    (one.deadlineMs === other.deadlineMs && one.id < other.id);
}
