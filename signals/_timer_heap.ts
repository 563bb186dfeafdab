/**
 * A few thousand deadlines in order.
 *
 * @module
 */

import { TimerList } from "./_timer_list.ts";

/**
 * A heap of timers, by deadline and id. Each node has four children: the heap
 * is half as deep as a binary one, and children share a cache line. It is a list
 * in the order of a heap, whose head stays 0.
 */
export class TimerHeap extends TimerList {
  /** Adds a timer. */
  push(id: number, deadlineMs: number): void {
    this.append(id, deadlineMs);
    const { deadlines, ids } = this;
    let at = this.tail - 1;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      const above = deadlines[parent] ?? 0;
      if (
        above < deadlineMs || (above === deadlineMs && (ids[parent] ?? 0) < id)
      ) break;
      deadlines[at] = above;
      ids[at] = ids[parent] ?? 0;
      at = parent;
    }
    deadlines[at] = deadlineMs;
    ids[at] = id;
  }

  /** Removes the first timer. */
  override shift(): void {
    this.tail -= 1;
    const { deadlines, ids, tail } = this;
    if (tail > 0) this.#sink(0, ids[tail] ?? 0, deadlines[tail] ?? 0);
  }

  /** Puts the entries in order after the list was changed. */
  restore(): void {
    const { deadlines, ids, tail } = this;
    for (let at = (tail - 2) >> 2; at >= 0; at -= 1) {
      this.#sink(at, ids[at] ?? 0, deadlines[at] ?? 0);
    }
  }

  /** Puts a timer at a place or below it, where the order is right. */
  #sink(place: number, id: number, deadlineMs: number): void {
    const { deadlines, ids, tail } = this;
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
          (deadline === leastDeadline && (ids[child] ?? 0) < (ids[least] ?? 0))
        ) {
          least = child;
          leastDeadline = deadline;
        }
      }
      if (
        deadlineMs < leastDeadline ||
        (deadlineMs === leastDeadline && id < (ids[least] ?? 0))
      ) break;
      deadlines[at] = leastDeadline;
      ids[at] = ids[least] ?? 0;
      at = least;
    }
    deadlines[at] = deadlineMs;
    ids[at] = id;
  }
}
