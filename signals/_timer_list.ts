/**
 * Deadlines beside the ids of their timers.
 *
 * @module
 */

const FIRST_CAPACITY = 64;
// What is kept for later when a list is emptied.
const KEPT_CAPACITY = 4096;

/**
 * A growable list of deadlines and ids. The deadlines lie in one piece of
 * memory, so that comparing and sorting them touches nothing else.
 *
 * Its members are open to the queue, which is the hot path.
 */
export class TimerList {
  /** In milliseconds. */
  deadlines: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  /** The id of each timer. */
  ids: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  /** Entries before this one have been taken. */
  head = 0;
  /** Entries end here. */
  tail = 0;

  /** How many entries there are. */
  get length(): number {
    return this.tail - this.head;
  }

  /** Adds an entry at the end. */
  append(id: number, deadlineMs: number): void {
    if (this.tail === this.ids.length) this.#makeRoom();
    this.deadlines[this.tail] = deadlineMs;
    this.ids[this.tail] = id;
    this.tail += 1;
  }

  /** Makes room for `capacity` entries in an empty list. */
  reserve(capacity: number): void {
    if (capacity <= this.ids.length) return;
    this.deadlines = new Float64Array(capacity);
    this.ids = new Float64Array(capacity);
  }

  /** Removes the first entry. */
  shift(): void {
    this.head += 1;
    if (this.head === this.tail) this.head = this.tail = 0;
  }

  /** Forgets all entries, and gives their memory back if it was much. */
  clear(): void {
    this.head = this.tail = 0;
    if (this.ids.length <= KEPT_CAPACITY) return;
    this.deadlines = new Float64Array(FIRST_CAPACITY);
    this.ids = new Float64Array(FIRST_CAPACITY);
  }

  #makeRoom(): void {
    // Moving is worth it only when it frees half: else it would be done again too soon.
    if (this.head < this.tail / 2) {
      this.deadlines = doubled(this.deadlines);
      this.ids = doubled(this.ids);
      return;
    }
    this.deadlines.copyWithin(0, this.head, this.tail);
    this.ids.copyWithin(0, this.head, this.tail);
    this.tail -= this.head;
    this.head = 0;
  }
}

function doubled(from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const to = new Float64Array(from.length * 2);
  to.set(from);
  return to;
}
