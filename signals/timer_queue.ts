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
  // A deadline waits in one of four places. Most programs use few delays, so
  // deadlines mostly rise: such a timer is appended to the run, which is in
  // order by itself. The others come into the inbox. Most timers are cancelled
  // long before they are due, so it is put in order only when one of its timers
  // may be the first: then the near ones go into the heap and the far ones into
  // piles, without order until they are near.
  readonly #timers = new TimerSlots<T>();
  readonly #run = new TimerList();
  readonly #inbox = new TimerList();
  // No deadline in the inbox is earlier.
  #inboxBound = Infinity;
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
    this.#findFirst();
    return this.#firstInOrder();
  }

  /**
   * Adds a value that becomes due at `deadlineMs`. Throws a RangeError if that
   * is not a finite number, or if 2^26 timers are set at once.
   */
  schedule(value: T, deadlineMs: number): TimerId {
    checkDeadline(deadlineMs);
    const slot = this.#timers.add(value);
    this.#size += 1;
    const run = this.#run;
    if (
      run.head === run.tail || deadlineMs >= (run.deadlines[run.tail - 1] ?? 0)
    ) {
      run.append(slot, deadlineMs);
    } else {
      this.#inbox.append(slot, deadlineMs);
      if (deadlineMs < this.#inboxBound) this.#inboxBound = deadlineMs;
    }
    return this.#timers.idOf(slot);
  }

  /** Forgets a timer. Returns false if it was taken or cancelled before, or never set. */
  cancel(id: TimerId): boolean {
    if (!this.#timers.cancel(id)) return false;
    this.#size -= 1;
    this.#dead += 1;
    if (this.#size === 0) this.#empty();
    else {
      // Whoever cancels in the order of creation, or the newest, leaves none dead.
      this.#trim(this.#run);
      this.#trim(this.#inbox);
      if (this.#dead > FEWEST_DEAD && this.#dead > this.#size) {
        this.#removeDead();
      }
    }
    return true;
  }

  /** Whether a timer is due at `nowMs`: its deadline is not later. */
  hasDue(nowMs: number): boolean {
    if (this.#size === 0) return false;
    return this.#firstInOrder() <= nowMs ||
      (this.#inboxBound <= nowMs && this.nextDeadline <= nowMs);
  }

  /**
   * Takes the value with the earliest deadline, due or not: ask `hasDue`
   * first. Returns undefined if no timer is set.
   */
  take(): T | undefined {
    if (this.#size === 0) return undefined;
    this.#bringForward();
    this.#findFirst();
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
    this.#dead = this.#run.length + this.#inbox.length + this.#heap.length +
      this.#piles.length;
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

  /** The earliest deadline but for the inbox, or Infinity. */
  #firstInOrder(): number {
    this.#bringForward();
    const run = this.#run.head < this.#run.tail
      ? this.#run.deadlines[this.#run.head] ?? Infinity
      : Infinity;
    if (this.#heap.length === 0) return run;
    const heap = this.#heap.list.deadlines[0] ?? Infinity;
    return heap < run ? heap : run;
  }

  /** Sees to it that the first timer is not in the inbox. */
  #findFirst(): void {
    const inbox = this.#inbox;
    // If deadlines are equal, which was created first is not known.
    if (inbox.length === 0 || this.#inboxBound > this.#firstInOrder()) return;
    if (this.#piles.takeAll(inbox, this.#inboxBound)) inbox.reset();
    else {
      const { head, tail, slots, deadlines } = inbox;
      const timers = this.#timers;
      for (let at = head; at < tail; at += 1) {
        const slot = slots[at] ?? 0;
        if (timers.isDead(slot)) {
          timers.free(slot);
          this.#dead -= 1;
        } else this.#piles.add(slot, deadlines[at] ?? 0);
      }
      inbox.head = inbox.tail = 0;
    }
    this.#inboxBound = Infinity;
    this.#bringForward();
  }

  // Hot: twice per cancel.
  /** Drops what is dead at both ends. */
  #trim(list: TimerList): void {
    const timers = this.#timers;
    const { slots } = list;
    while (list.head < list.tail && timers.isDead(slots[list.head] ?? 0)) {
      timers.free(list.shift());
      this.#dead -= 1;
    }
    while (list.head < list.tail && timers.isDead(slots[list.tail - 1] ?? 0)) {
      list.tail -= 1;
      timers.free(slots[list.tail] ?? 0);
      this.#dead -= 1;
    }
  }

  /** Sees to it that the first of those in order is the first of the run or of the heap. */
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
    this.#inbox.filter(keep);
    this.#heap.list.filter(keep);
    this.#heap.restore();
    this.#piles.filter(keep);
    this.#dead = 0;
  }

  /** No timer is set any more: what is left anywhere is dead. */
  #empty(): void {
    if (this.#dead > 0) this.#removeDead();
    this.#inboxBound = Infinity;
    if (this.#timers.shrink()) {
      this.#run.reset();
      this.#inbox.reset();
      this.#heap.list.reset();
    }
  }
}
