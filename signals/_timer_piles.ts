/**
 * Deadlines that are far away, in no order.
 *
 * @module
 */

import type { TimerHeap } from "./_timer_heap.ts";
import { TimerList } from "./_timer_list.ts";

// A heap of this size stays in the processor's cache.
const NEAR = 1024;
const SAMPLES = 31;

interface Pile {
  readonly list: TimerList;
  /** No deadline in the pile is earlier, and none in a nearer pile is as late. */
  readonly bound: number;
}

/**
 * Timers too far away to be worth ordering, in piles: each pile holds a span of
 * time, and only when the heap has run empty is the nearest pile moved into it,
 * split before if it is large. This is quicksort, done as far as it is needed:
 * a timer that is added costs one append, and each split reads memory in its
 * order, where a heap of a million jumps through it.
 */
export class TimerPiles<T> {
  /** Timers that are due earlier than this belong in the heap, others here. */
  horizon: number = Infinity;
  // From the farthest to the nearest.
  #piles: Pile[] = [];
  #spillAt = 2 * NEAR;
  readonly #heap: TimerHeap<T>;

  /** No piles, in front of which lies `heap`. */
  constructor(heap: TimerHeap<T>) {
    this.#heap = heap;
  }

  /** How many timers all piles hold. */
  get length(): number {
    let length = 0;
    for (const { list } of this.#piles) length += list.length;
    return length;
  }

  /** Adds a timer to the heap or to the pile that it belongs to. Hot. */
  add(slot: number, deadlineMs: number): void {
    if (deadlineMs < this.horizon) {
      this.#heap.push(slot, deadlineMs);
      if (this.#heap.length > this.#spillAt) this.#spill();
      return;
    }
    const piles = this.#piles;
    let low = 0;
    let high = piles.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((piles[middle]?.bound ?? 0) <= deadlineMs) high = middle;
      else low = middle + 1;
    }
    piles[low]?.list.append(slot, deadlineMs);
  }

  /** Moves the nearest timers into the heap, which must be empty. */
  refill(): void {
    const pile = this.#piles.pop();
    let near = pile?.list ?? new TimerList();
    while (near.length > NEAR) {
      const nearer = this.#split(near);
      if (nearer === undefined) break;
      near = nearer;
    }
    this.#heap.list.replaceBy(near);
    this.#heap.restore();
    this.#spillAt = 2 * Math.max(NEAR, this.#heap.length);
    this.#setHorizon();
  }

  /** Keeps the timers for which `keep` is true. */
  filter(keep: (slot: number) => boolean): void {
    for (const { list } of this.#piles) list.filter(keep);
    this.#piles = this.#piles.filter(({ list }) => list.length > 0);
    this.#setHorizon();
  }

  #setHorizon(): void {
    this.horizon = this.#piles.at(-1)?.bound ?? Infinity;
  }

  /** Moves the later half of a heap that has grown too large to a new pile. */
  #spill(): void {
    const { list } = this.#heap;
    const nearer = this.#split(list);
    if (nearer !== undefined) list.replaceBy(nearer);
    this.#heap.restore();
    this.#setHorizon();
    this.#spillAt = 2 * Math.max(NEAR, this.#heap.length);
  }

  /**
   * Leaves the later entries of a list to be the nearest pile, and returns the
   * others; or returns undefined and changes nothing if all are equally late.
   */
  #split(list: TimerList): TimerList | undefined {
    const bound = findBound(list);
    if (bound === Infinity) return undefined;
    const nearer = new TimerList();
    const farther = new TimerList();
    const { deadlines, slots, tail } = list;
    for (let at = list.head; at < tail; at += 1) {
      const deadline = deadlines[at] ?? 0;
      (deadline < bound ? nearer : farther).append(slots[at] ?? 0, deadline);
    }
    this.#piles.push({ list: farther, bound });
    return nearer;
  }
}

/** A deadline near the middle, before which some are; Infinity if all are equal. */
function findBound({ deadlines, head, length, tail }: TimerList): number {
  const sample = new Float64Array(SAMPLES);
  for (let n = 0; n < SAMPLES; n += 1) {
    // At random: no pattern of deadlines can make every split a bad one.
    sample[n] = deadlines[head + Math.floor(Math.random() * length)] ?? 0;
  }
  sample.sort();
  const middle = sample[SAMPLES >> 1] ?? 0;
  let later = Infinity;
  for (let at = head; at < tail; at += 1) {
    const deadline = deadlines[at] ?? 0;
    if (deadline < middle) return middle;
    if (deadline > middle && deadline < later) later = deadline;
  }
  return later;
}
