/**
 * Deadlines beside the slots they belong to.
 *
 * @module
 */

import { grownFloats, grownInts, GROWTH } from "./_timer_slots.ts";

const FIRST_CAPACITY = 64;

/**
 * A growable list of deadlines and slots. The deadlines lie in one piece of
 * memory, so that comparing and sorting them touches nothing else.
 *
 * Its members are open to the queue, which is the hot path.
 */
export class TimerList {
  /** In milliseconds. */
  deadlines: Float64Array<ArrayBuffer>;
  /** The slot of each timer. */
  slots: Int32Array<ArrayBuffer>;
  /** Entries before this one have been taken. */
  head = 0;
  /** Entries end here. */
  tail = 0;

  /** An empty list with room for `capacity` entries. Default: a few. */
  constructor(capacity: number = FIRST_CAPACITY) {
    this.deadlines = new Float64Array(capacity);
    this.slots = new Int32Array(capacity);
  }

  /** How many entries there are. */
  get length(): number {
    return this.tail - this.head;
  }

  /** Adds an entry at the end. */
  append(slot: number, deadlineMs: number): void {
    if (this.tail === this.slots.length) this.#makeRoom();
    this.deadlines[this.tail] = deadlineMs;
    this.slots[this.tail] = slot;
    this.tail += 1;
  }

  /** Removes the first entry and returns its slot. */
  shift(): number {
    const slot = this.slots[this.head] ?? 0;
    this.head += 1;
    if (this.head === this.tail) this.head = this.tail = 0;
    return slot;
  }

  /** Keeps, in order, the entries for which `keep` is true. */
  filter(keep: (slot: number) => boolean): void {
    const { deadlines, slots, tail } = this;
    let kept = 0;
    for (let at = this.head; at < tail; at += 1) {
      const slot = slots[at] ?? 0;
      if (!keep(slot)) continue;
      slots[kept] = slot;
      deadlines[kept] = deadlines[at] ?? 0;
      kept += 1;
    }
    this.head = 0;
    this.tail = kept;
  }

  /** Takes over the entries of another list, which must not be used any more. */
  replaceBy(other: TimerList): void {
    this.deadlines = other.deadlines;
    this.slots = other.slots;
    this.head = other.head;
    this.tail = other.tail;
  }

  /** Forgets all entries and gives their memory back. */
  reset(): void {
    this.head = this.tail = 0;
    this.deadlines = new Float64Array(FIRST_CAPACITY);
    this.slots = new Int32Array(FIRST_CAPACITY);
  }

  #makeRoom(): void {
    // Moving is worth it only when it frees half: else it would be done again too soon.
    if (this.head < this.tail / 2) {
      const capacity = this.slots.length * GROWTH;
      this.deadlines = grownFloats(this.deadlines, capacity);
      this.slots = grownInts(this.slots, capacity);
      return;
    }
    this.deadlines.copyWithin(0, this.head, this.tail);
    this.slots.copyWithin(0, this.head, this.tail);
    this.tail -= this.head;
    this.head = 0;
  }
}
