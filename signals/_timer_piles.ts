/**
 * Deadlines that are far away, in no order.
 *
 * @module
 */

import type { TimerHeap } from "./_timer_heap.ts";
import { TimerList } from "./_timer_list.ts";

// A heap of this size stays in the processor's cache.
const NEAR = 1024;
// Into how many piles one is split at most: a pile of a million is in order after
// two such steps, and so many lists can still be written to side by side.
const WAYS = 32;
const SAMPLES_PER_WAY = 8;

interface Pile {
  readonly list: TimerList;
  /** No deadline in the pile is earlier, and none in a nearer pile is as late. */
  readonly bound: number;
}

/**
 * Timers too far away to be worth ordering, in piles: each pile holds a span of
 * time, and only when the heap has run empty is the nearest pile moved into it,
 * split before if it is large. This is a sample sort, done as far as it is needed:
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

  /**
   * Makes one pile of a long list and the heap, if there is none yet, and returns
   * true: the list must then be emptied. No deadline in it is before `earliest`.
   */
  takeAll(list: TimerList, earliest: number): boolean {
    const near = this.#heap.list;
    // The heap is copied: to be worth it, it must be the smaller part.
    if (
      this.#piles.length > 0 || list.length <= NEAR ||
      near.length > list.length
    ) return false;
    let bound = earliest;
    const all = new TimerList(0);
    all.replaceBy(list);
    for (let at = 0; at < near.tail; at += 1) {
      const deadline = near.deadlines[at] ?? 0;
      all.append(near.slots[at] ?? 0, deadline);
      if (deadline < bound) bound = deadline;
    }
    near.reset();
    this.#piles.push({ list: all, bound });
    this.#setHorizon();
    return true;
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
   * Leaves the later entries of a list to be the nearest piles, and returns the
   * others; or returns undefined and changes nothing if all are equally late.
   */
  #split(list: TimerList): TimerList | undefined {
    const bounds = findBounds(list);
    if (bounds.length === 0) return undefined;
    const { deadlines, slots, head, length } = list;
    const ways = new Uint8Array(length);
    const counts = new Int32Array(bounds.length + 1);
    for (let at = 0; at < length; at += 1) {
      const way = wayOf(deadlines[head + at] ?? 0, bounds);
      ways[at] = way;
      counts[way] = (counts[way] ?? 0) + 1;
    }
    const parts = Array.from(counts, (count) => new TimerList(count + 1));
    for (let at = 0; at < length; at += 1) {
      parts[ways[at] ?? 0]?.append(
        slots[head + at] ?? 0,
        deadlines[head + at] ?? 0,
      );
    }
    for (let way = bounds.length; way > 0; way -= 1) {
      const part = parts[way];
      const bound = bounds[way - 1];
      if (part === undefined || bound === undefined) continue;
      this.#piles.push({ list: part, bound });
    }
    return parts[0];
  }
}

/**
 * Deadlines that cut a list into about equal parts, rising, each with earlier
 * ones in the list before it; none if all are equal.
 */
function findBounds({ deadlines, head, length, tail }: TimerList): number[] {
  const ways = Math.min(WAYS, Math.max(2, Math.ceil(length / NEAR)));
  const sample = new Float64Array(ways * SAMPLES_PER_WAY);
  for (let n = 0; n < sample.length; n += 1) {
    // At random: no pattern of deadlines can make every split a bad one.
    sample[n] = deadlines[head + Math.floor(Math.random() * length)] ?? 0;
  }
  sample.sort();
  let earliest = Infinity;
  for (let at = head; at < tail; at += 1) {
    const deadline = deadlines[at] ?? 0;
    if (deadline < earliest) earliest = deadline;
  }
  const bounds: number[] = [];
  let last = earliest;
  for (let n = SAMPLES_PER_WAY; n < sample.length; n += SAMPLES_PER_WAY) {
    const bound = sample[n] ?? 0;
    if (bound > last) bounds.push(last = bound);
  }
  if (bounds.length > 0) return bounds;
  // Nearly all are equal: what is later than those is cut off.
  let later = Infinity;
  for (let at = head; at < tail; at += 1) {
    const deadline = deadlines[at] ?? 0;
    if (deadline > earliest && deadline < later) later = deadline;
  }
  return later === Infinity ? [] : [later];
}

/** Which part a deadline belongs to: how many of the bounds are not later. Hot. */
function wayOf(deadlineMs: number, bounds: readonly number[]): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] ?? 0) <= deadlineMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
