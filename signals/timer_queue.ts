/**
 * Deadlines in order, whatever their number.
 *
 * @module
 */

import { TimerHeap } from "./_timer_heap.ts";
import { TimerList } from "./_timer_list.ts";
import { TimerPiles } from "./_timer_piles.ts";
import { TimerSlots } from "./_timer_slots.ts";
import { checkDeadline } from "./timer_store.ts";
import type { TimerId, TimerStore } from "./timer_store.ts";

export type { TimerId, TimerStore } from "./timer_store.ts";

// Cancelled timers are removed together, once they are so many and outnumber the others.
const FEWEST_DEAD = 64;

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
  // A deadline waits in one of three places. Most programs use few delays, so
  // deadlines mostly rise: such a timer is appended to the run, which is in
  // order by itself. Of the others, the near ones are in the heap and the far
  // ones in piles, without order until they are near.
  readonly #timers = new TimerSlots<T>();
  readonly #run = new TimerList();
  readonly #heap: TimerHeap<T> = new TimerHeap(this.#timers);
  readonly #piles: TimerPiles<T> = new TimerPiles(this.#heap);
  #size = 0;
  // Cancelled timers stay where they are until they come to the front or
  // outnumber the others: so `cancel` need not know where that is.
  #dead = 0;

  /** How many timers are set: neither taken nor cancelled. */
  get size(): number {
    return this.#size;
  }

  /** The earliest deadline, or Infinity if no timer is set. */
  get nextDeadline(): number {
    this.#bringForward();
    const run = this.#run.head < this.#run.tail
      ? this.#run.deadlines[this.#run.head] ?? Infinity
      : Infinity;
    if (this.#heap.length === 0) return run;
    const heap = this.#heap.list.deadlines[0] ?? Infinity;
    return heap < run ? heap : run;
  }

  /**
   * Adds a value that becomes due at `deadlineMs`. Throws a RangeError if that
   * is not a finite number, or if 2^26 timers are set at once.
   */
  schedule(value: T, deadlineMs: number): TimerId {
    checkDeadline(deadlineMs);
    const id = this.#timers.add(value);
    const slot = this.#timers.slotOf(id);
    this.#size += 1;
    const run = this.#run;
    if (
      run.head === run.tail || deadlineMs >= (run.deadlines[run.tail - 1] ?? 0)
    ) {
      run.append(slot, deadlineMs);
    } else {
      this.#piles.add(slot, deadlineMs);
    }
    return id;
  }

  /** Forgets a timer. Returns false if it was taken or cancelled before, or never set. */
  cancel(id: TimerId): boolean {
    if (!this.#timers.cancel(id)) return false;
    this.#size -= 1;
    this.#dead += 1;
    if (this.#size === 0) this.#empty();
    else if (this.#dead > FEWEST_DEAD && this.#dead > this.#size) {
      this.#removeDead();
    }
    return true;
  }

  /** Whether a timer is due at `nowMs`: its deadline is not later. */
  hasDue(nowMs: number): boolean {
    return this.#size > 0 && this.nextDeadline <= nowMs;
  }

  /**
   * Takes the value with the earliest deadline, due or not: ask `hasDue`
   * first. Returns undefined if no timer is set.
   */
  take(): T | undefined {
    if (this.#size === 0) return undefined;
    this.#bringForward();
    const slot = this.#runGoesFirst() ? this.#run.shift() : this.#heap.pop();
    const value = this.#timers.take(slot);
    this.#size -= 1;
    if (this.#size === 0) this.#empty();
    return value;
  }

  /** Cancels all timers. */
  clear(): void {
    this.#timers.cancelAll();
    this.#size = 0;
    this.#dead = this.#run.length + this.#heap.length + this.#piles.length;
    this.#empty();
  }

  #runGoesFirst(): boolean {
    if (this.#heap.length === 0) return true;
    const { head, tail, deadlines, slots } = this.#run;
    if (head === tail) return false;
    const run = deadlines[head] ?? 0;
    const heap = this.#heap.list.deadlines[0] ?? 0;
    if (run !== heap) return run < heap;
    const { orders } = this.#timers;
    return (orders[slots[head] ?? 0] ?? 0) <
      (orders[this.#heap.list.slots[0] ?? 0] ?? 0);
  }

  /** Sees to it that the first timer is the first of the run or of the heap. */
  #bringForward(): void {
    if (this.#dead > 0) this.#dropDead();
    while (this.#heap.length === 0 && this.#piles.horizon < Infinity) {
      const { head, tail, deadlines } = this.#run;
      if (head < tail && (deadlines[head] ?? 0) < this.#piles.horizon) return;
      this.#piles.refill();
      if (this.#dead > 0) this.#dropDead();
    }
  }

  #dropDead(): void {
    const timers = this.#timers;
    const run = this.#run;
    while (run.head < run.tail && timers.isDead(run.slots[run.head] ?? 0)) {
      timers.free(run.shift());
      this.#dead -= 1;
    }
    const heap = this.#heap;
    while (heap.length > 0 && timers.isDead(heap.list.slots[0] ?? 0)) {
      timers.free(heap.pop());
      this.#dead -= 1;
    }
  }

  #removeDead(): void {
    const timers = this.#timers;
    const keep = (slot: number): boolean => {
      if (!timers.isDead(slot)) return true;
      timers.free(slot);
      return false;
    };
    this.#run.filter(keep);
    this.#heap.list.filter(keep);
    this.#heap.restore();
    this.#piles.filter(keep);
    this.#dead = 0;
  }

  /** No timer is set any more: what is left anywhere is dead. */
  #empty(): void {
    if (this.#dead > 0) this.#removeDead();
    if (this.#timers.shrink()) {
      this.#run.reset();
      this.#heap.list.reset();
    }
  }
}
