/**
 * Deadlines in order, whatever their number.
 *
 * @module
 */

import { TimerHeap } from "./_timer_heap.ts";
import { TimerLevels, TimerPile } from "./_timer_levels.ts";
import { TimerList } from "./_timer_list.ts";
import { TimerPages } from "./_timer_pages.ts";
import { NEAR, sortInto } from "./_timer_ways.ts";
import { checkDeadline } from "./timer_store.ts";
import type { TimerId, TimerStore } from "./timer_store.ts";

export type { TimerId, TimerStore } from "./timer_store.ts";

// Cancelled timers are removed together, once they are so many and outnumber the others.
const FEWEST_DEAD = 64;
// A heap larger than this would no longer stay in the processor's cache.
const LARGEST_HEAP = 2 * NEAR;

/**
 * A queue of values that each become due at a deadline, in order of deadline
 * and, where deadlines are equal, of creation.
 *
 * It keeps no clock and sets no runtime timer: the caller says what time it
 * is. Deadlines may be any finite number, in milliseconds on a clock of the
 * caller's choice.
 *
 * Costs, for n timers: O(log n) each for `schedule` and `take`, amortized, and
 * O(1) for timers whose deadlines come in rising order, as those of one fixed
 * delay do; O(1), amortized, for `cancel`, `hasDue` and `nextDeadline`. No
 * object is allocated per timer.
 *
 * @example
 * ```ts
 * const timers = new TimerQueue<string>();
 * timers.schedule("tea", 300);
 * const eggs = timers.schedule("eggs", 200);
 * timers.cancel(eggs); // true
 * timers.hasDue(299); // false
 * while (timers.hasDue(300)) timers.take(); // "tea"
 * ```
 */
export class TimerQueue<T> implements TimerStore<T> {
  // Most timers are cancelled long before they are due, so they lie in the pages
  // in no order until one of them may be the first. Then all are sorted. Most
  // programs use few delays, so deadlines mostly rise: such a timer is appended to
  // the run, which is in order by itself. The others go into the heap if they are
  // near, and else into levels, without order until they are near; from there
  // they come as a leaf, in order.
  readonly #pages = new TimerPages<T>(() => this.#sort());
  // No deadline that is not sorted is earlier.
  #unsortedBound = Infinity;
  readonly #run = new TimerList();
  readonly #leaf = new TimerList();
  // What is to become the leaf.
  readonly #near = new TimerList();
  readonly #heap = new TimerHeap();
  readonly #lists: readonly TimerList[] = [this.#run, this.#leaf, this.#heap];
  readonly #levels = new TimerLevels();
  // What is not later is before all that is in the levels.
  #cleared = -Infinity;
  // Cancelled timers that were sorted stay where they are until they come to the
  // front or outnumber the others: so `cancel` need not know where that is.
  #dead = 0;
  // The first of the sorted timers; 0 if it is to be found yet.
  #firstId = 0;
  #firstDeadline = Infinity;
  #firstFrom: TimerList = this.#run;

  /** How many timers are set: neither taken nor cancelled. */
  get size(): number {
    return this.#pages.size;
  }

  /** The earliest deadline, or Infinity if no timer is set. */
  get nextDeadline(): number {
    // Of equal deadlines the sorted one was created first.
    if (this.#unsortedBound < this.#firstInOrder()) this.#sort();
    return this.#firstInOrder();
  }

  /**
   * Adds a value that becomes due at `deadlineMs`. Throws a RangeError if that
   * is not a finite number.
   */
  schedule(value: T, deadlineMs: number): TimerId {
    checkDeadline(deadlineMs);
    if (deadlineMs < this.#unsortedBound) this.#unsortedBound = deadlineMs;
    return this.#pages.add(value, deadlineMs);
  }

  /** Forgets a timer. Returns false if it was taken or cancelled before, or never set. */
  cancel(id: TimerId): boolean {
    const pages = this.#pages;
    const sorted = id < pages.sortedTo;
    if (!pages.delete(id)) return false;
    if (pages.size === 0) this.#empty();
    else if (sorted) {
      this.#dead += 1;
      if (id === this.#firstId) this.#firstId = 0;
      if (this.#dead > FEWEST_DEAD && this.#dead > pages.size) {
        this.#removeDead();
      }
    }
    return true;
  }

  /** Whether a timer is due at `nowMs`: its deadline is not later. */
  hasDue(nowMs: number): boolean {
    if (this.#pages.size === 0) return false;
    return this.#firstInOrder() <= nowMs ||
      (this.#unsortedBound <= nowMs && this.nextDeadline <= nowMs);
  }

  /**
   * Takes the value with the earliest deadline, due or not: ask `hasDue`
   * first. Returns undefined if no timer is set.
   */
  take(): T | undefined {
    const pages = this.#pages;
    if (pages.size === 0) return undefined;
    if (this.#unsortedBound < this.#firstInOrder()) this.#sort();
    this.#firstInOrder();
    const id = this.#firstId;
    this.#firstId = 0;
    this.#firstFrom.shift();
    const value = pages.take(id);
    if (pages.size === 0) this.#empty();
    return value;
  }

  /** Cancels all timers. */
  clear(): void {
    this.#empty();
  }

  // Hot: several times per timer.
  /** The earliest deadline of the sorted timers, or Infinity; finds out which it is. */
  #firstInOrder(): number {
    if (this.#firstId === 0) this.#findFirst();
    return this.#firstDeadline;
  }

  #findFirst(): void {
    for (;;) {
      if (this.#dead > 0) this.#dropDead();
      this.#firstId = 0;
      this.#firstDeadline = Infinity;
      this.#compare(this.#leaf);
      this.#compare(this.#run);
      this.#compare(this.#heap);
      const first = this.#firstDeadline;
      if (first <= this.#cleared || this.#levels.isEmpty) return;
      if (this.#firstId !== 0 && this.#levels.areAfter(first)) {
        this.#cleared = first;
        return;
      }
      this.#refill();
    }
  }

  #compare(list: TimerList): void {
    const { head } = list;
    if (head === list.tail) return;
    const deadline = list.deadlines[head] ?? 0;
    const id = list.ids[head] ?? 0;
    if (
      deadline < this.#firstDeadline ||
      (deadline === this.#firstDeadline && id < this.#firstId)
    ) {
      this.#firstId = id;
      this.#firstDeadline = deadline;
      this.#firstFrom = list;
    }
  }

  /** Brings the nearest pile forward. */
  #refill(): void {
    const levels = this.#levels;
    const leaf = this.#leaf;
    const pile = levels.takeNearest();
    if (pile === undefined) return;
    if (leaf.length > 0) {
      levels.empty(pile, (id, deadlineMs) => this.#heap.push(id, deadlineMs));
      return;
    }
    const near = this.#near;
    levels.empty(pile, (id, deadlineMs) => near.append(id, deadlineMs));
    // Also where none is dead: looking at all values in a row brings them into the
    // processor's cache several at a time, where `take` would wait for each.
    this.#dead -= this.#pages.dropGone(near);
    sortInto(leaf, near);
  }

  /** Sees to it that no timer waits in the pages only. */
  #sort(): void {
    const pages = this.#pages;
    const levels = this.#levels;
    const run = this.#run;
    const { end } = pages;
    let id = pages.sortedTo;
    pages.sortedTo = end;
    this.#unsortedBound = Infinity;
    this.#firstId = 0;
    const heap = this.#heap;
    // With those of the heap: of two levels, one has to be before the other.
    const many = end - id > LARGEST_HEAP ? this.#emptyHeap() : undefined;
    while (id < end) {
      const page = pages.pageOf(id);
      if (page === undefined) {
        id = pages.nextSpan(id);
        continue;
      }
      const { base, deadlines, used } = page;
      for (let at = id - base; at < used; at += 1) {
        if (!page.has(at)) continue;
        const deadline = deadlines[at] ?? 0;
        if (
          run.head === run.tail ||
          deadline >= (run.deadlines[run.tail - 1] ?? 0)
        ) run.append(base + at, deadline);
        else if (levels.isEmpty || !levels.add(base + at, deadline)) {
          if (many === undefined) heap.push(base + at, deadline);
          else levels.append(many, base + at, deadline);
        }
      }
      id = base + page.size;
    }
    if (many !== undefined && many.length > 0) this.#pushLevel(many);
    if (heap.length > LARGEST_HEAP) this.#pushLevel(this.#emptyHeap());
  }

  /** Moves the heap to a pile. */
  #emptyHeap(): TimerPile {
    const pile = new TimerPile();
    const heap = this.#heap;
    // In order: timers of one deadline always lie in a pile as they were created.
    for (; heap.length > 0; heap.shift()) {
      this.#levels.append(pile, heap.ids[0] ?? 0, heap.deadlines[0] ?? 0);
    }
    return pile;
  }

  #pushLevel(pile: TimerPile): void {
    this.#levels.push(pile);
    this.#cleared = -Infinity;
  }

  #dropDead(): void {
    for (const list of this.#lists) {
      while (list.length > 0 && !this.#pages.has(list.ids[list.head] ?? 0)) {
        list.shift();
        this.#dead -= 1;
      }
    }
  }

  #removeDead(): void {
    const pages = this.#pages;
    for (const list of this.#lists) pages.dropGone(list);
    this.#heap.restore();
    this.#levels.filter((id) => pages.has(id));
    this.#dead = 0;
  }

  /** No timer is set any more: what is left anywhere is dead. */
  #empty(): void {
    this.#pages.clear();
    this.#unsortedBound = Infinity;
    for (const list of this.#lists) list.clear();
    this.#levels.clear();
    this.#cleared = -Infinity;
    this.#dead = 0;
    this.#firstId = 0;
  }
}
