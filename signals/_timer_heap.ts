/**
 * A few thousand deadlines in order.
 *
 * @module
 */

import { TimerList } from "./_timer_list.ts";
import type { TimerSlots } from "./_timer_slots.ts";

/**
 * A heap of timers, by deadline and order of creation. Each node has four
 * children: the heap is half as deep as a binary one, and children share a
 * cache line.
 */
export class TimerHeap<T> {
  /** The entries, in the order of a heap; its head stays 0. */
  readonly list: TimerList = new TimerList();
  readonly #timers: TimerSlots<T>;

  /** An empty heap of timers that lie in `timers`. */
  constructor(timers: TimerSlots<T>) {
    this.#timers = timers;
  }

  /** How many timers it holds. */
  get length(): number {
    return this.list.tail;
  }

  /** Adds a timer. */
  push(slot: number, deadlineMs: number): void {
    this.list.append(slot, deadlineMs);
    const { deadlines, slots } = this.list;
    const { orders } = this.#timers;
    let at = this.list.tail - 1;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      const above = deadlines[parent] ?? 0;
      if (
        above < deadlineMs ||
        (above === deadlineMs &&
          (orders[slots[parent] ?? 0] ?? 0) < (orders[slot] ?? 0))
      ) break;
      deadlines[at] = above;
      slots[at] = slots[parent] ?? 0;
      at = parent;
    }
    deadlines[at] = deadlineMs;
    slots[at] = slot;
  }

  /** Removes the first timer and returns its slot. */
  pop(): number {
    const { list } = this;
    const top = list.slots[0] ?? 0;
    list.tail -= 1;
    if (list.tail > 0) {
      this.#sink(0, list.slots[list.tail] ?? 0, list.deadlines[list.tail] ?? 0);
    }
    return top;
  }

  /** Puts the entries in order after the list was changed. */
  restore(): void {
    const { list } = this;
    for (let at = (list.tail - 2) >> 2; at >= 0; at -= 1) {
      this.#sink(at, list.slots[at] ?? 0, list.deadlines[at] ?? 0);
    }
  }

  /** Puts a timer at a place or below it, where the order is right. */
  #sink(place: number, slot: number, deadlineMs: number): void {
    const { deadlines, slots, tail } = this.list;
    const { orders } = this.#timers;
    let at = place;
    for (;;) {
      const first = (at << 2) + 1;
      if (first >= tail) break;
      const end = first + 4 < tail ? first + 4 : tail;
      let least = first;
      let leastDeadline = deadlines[first] ?? 0;
      for (let child = first + 1; child < end; child += 1) {
        const deadline = deadlines[child] ?? 0;
        if (
          deadline < leastDeadline ||
          (deadline === leastDeadline &&
            (orders[slots[child] ?? 0] ?? 0) <
              (orders[slots[least] ?? 0] ?? 0))
        ) {
          least = child;
          leastDeadline = deadline;
        }
      }
      if (
        deadlineMs < leastDeadline ||
        (deadlineMs === leastDeadline &&
          (orders[slot] ?? 0) < (orders[slots[least] ?? 0] ?? 0))
      ) break;
      deadlines[at] = leastDeadline;
      slots[at] = slots[least] ?? 0;
      at = least;
    }
    deadlines[at] = deadlineMs;
    slots[at] = slot;
  }
}
