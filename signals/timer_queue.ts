/**
 * Deadlines in order, whatever their number.
 *
 * @module
 */

/** Names one timer of one {@linkcode TimerQueue}; never given twice in the queue's life. */
export type TimerId = number;

// An id is generation * SLOT_LIMIT + slot, and both parts fit in the 53 bits of
// a safe integer. A slot whose generations are used up is retired, so that no
// id ever comes twice.
const SLOT_LIMIT = 2 ** 26;
const GENERATION_LIMIT = 2 ** 27;
const FIRST_CAPACITY = 64;
// What an empty queue keeps; the memory of a larger burst is given back.
const KEPT_CAPACITY = 4096;
const FEWEST_DEAD = 64;

/**
 * A queue of values that each become due at a deadline, in order of deadline
 * and, where deadlines are equal, of creation.
 *
 * It keeps no clock and sets no runtime timer: the caller says what time it
 * is. Deadlines may be any finite number, in milliseconds on a clock of the
 * caller's choice.
 *
 * Costs, for n timers: `schedule` and `take` O(log n) at worst, and O(1) for
 * timers whose deadlines come in rising order, as those of one fixed delay do;
 * `cancel`, `hasDue` and `nextDeadline` O(1), amortized. Nothing is allocated
 * per timer once the queue has reached its size.
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
export class TimerQueue<T> {
  // A timer's deadline waits in one of two places. Most programs use few
  // delays, so deadlines mostly rise: such a timer is appended to the run, which
  // is in order by itself. Others go to the heap, whose nodes have four children
  // each: half as deep as a binary heap, and the children share a cache line.
  // Deadlines lie beside the slots so that comparing touches no other memory.
  #runDeadlines = new Float64Array(FIRST_CAPACITY);
  #runSlots = new Int32Array(FIRST_CAPACITY);
  #runHead = 0;
  #runTail = 0;
  #heapDeadlines = new Float64Array(FIRST_CAPACITY);
  #heapSlots = new Int32Array(FIRST_CAPACITY);
  #heapLength = 0;

  // A slot holds what belongs to one timer. Its id is positive while the timer
  // is set, and negative once it has fired or was cancelled.
  #ids = new Float64Array(FIRST_CAPACITY);
  #orders = new Float64Array(FIRST_CAPACITY);
  #values: (T | undefined)[] = [];
  #slots = 0;
  #freeSlots = new Int32Array(FIRST_CAPACITY);
  #freeLength = 0;
  #firstGeneration = 1;
  #keptSlots = KEPT_CAPACITY;

  #created = 0;
  #size = 0;
  // Cancelled timers stay in the run or heap until they surface or outnumber
  // the others: so `cancel` need not know where they are.
  #dead = 0;

  /** How many timers are set: neither taken nor cancelled. */
  get size(): number {
    return this.#size;
  }

  /** The earliest deadline, or Infinity if no timer is set. */
  get nextDeadline(): number {
    if (this.#dead > 0) this.#dropDead();
    const run = this.#runHead < this.#runTail
      ? this.#runDeadlines[this.#runHead] ?? Infinity
      : Infinity;
    if (this.#heapLength === 0) return run;
    const heap = this.#heapDeadlines[0] ?? Infinity;
    return heap < run ? heap : run;
  }

  /**
   * Adds a value that becomes due at `deadlineMs`. Throws a RangeError if that
   * is not a finite number, or if 2^26 timers are set at once.
   */
  schedule(value: T, deadlineMs: number): TimerId {
    if (!(deadlineMs > -Infinity && deadlineMs < Infinity)) {
      throw new RangeError(
        `deadlineMs must be a finite number: got ${deadlineMs}`,
      );
    }
    let slot: number;
    let id: number;
    if (this.#freeLength > 0) {
      this.#freeLength -= 1;
      slot = this.#freeSlots[this.#freeLength] ?? 0;
      id = SLOT_LIMIT - (this.#ids[slot] ?? 0);
    } else {
      slot = this.#newSlot();
      id = this.#firstGeneration * SLOT_LIMIT + slot;
    }
    this.#ids[slot] = id;
    this.#orders[slot] = this.#created;
    this.#values[slot] = value;
    this.#created += 1;
    this.#size += 1;
    if (
      this.#runHead === this.#runTail ||
      deadlineMs >= (this.#runDeadlines[this.#runTail - 1] ?? 0)
    ) {
      this.#appendToRun(slot, deadlineMs);
    } else {
      this.#pushToHeap(slot, deadlineMs);
    }
    return id;
  }

  /** Forgets a timer. Returns false if it was taken or cancelled before, or never set. */
  cancel(id: TimerId): boolean {
    const slot = id - Math.floor(id / SLOT_LIMIT) * SLOT_LIMIT;
    if (!(id > 0) || this.#ids[slot] !== id) return false;
    this.#ids[slot] = -id;
    this.#values[slot] = undefined;
    this.#size -= 1;
    this.#dead += 1;
    if (this.#size === 0) this.#empty();
    else if (this.#dead > FEWEST_DEAD && this.#dead > this.#size) {
      this.#compact();
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
    if (this.#dead > 0) this.#dropDead();
    const slot = this.#runGoesFirst() ? this.#shiftRun() : this.#popHeap();
    const value = this.#values[slot];
    this.#values[slot] = undefined;
    this.#ids[slot] = -(this.#ids[slot] ?? 0);
    this.#free(slot);
    this.#size -= 1;
    if (this.#size === 0) this.#empty();
    return value;
  }

  /** Cancels all timers. */
  clear(): void {
    for (let slot = 0; slot < this.#slots; slot += 1) {
      const id = this.#ids[slot] ?? 0;
      if (id > 0) this.#ids[slot] = -id;
    }
    for (let slot = 0; slot < this.#values.length; slot += 1) {
      this.#values[slot] = undefined;
    }
    this.#size = 0;
    this.#dead = this.#runTail - this.#runHead + this.#heapLength;
    this.#empty();
  }

  #runGoesFirst(): boolean {
    if (this.#heapLength === 0) return true;
    if (this.#runHead === this.#runTail) return false;
    const run = this.#runDeadlines[this.#runHead] ?? 0;
    const heap = this.#heapDeadlines[0] ?? 0;
    if (run !== heap) return run < heap;
    return this.#orderOf(this.#runSlots[this.#runHead]) <
      this.#orderOf(this.#heapSlots[0]);
  }

  #orderOf(slot: number | undefined): number {
    return this.#orders[slot ?? 0] ?? 0;
  }

  #isDead(slot: number | undefined): boolean {
    return (this.#ids[slot ?? 0] ?? 0) < 0;
  }

  #dropDead(): void {
    while (
      this.#runHead < this.#runTail &&
      this.#isDead(this.#runSlots[this.#runHead])
    ) {
      this.#free(this.#shiftRun());
      this.#dead -= 1;
    }
    while (this.#heapLength > 0 && this.#isDead(this.#heapSlots[0])) {
      this.#free(this.#popHeap());
      this.#dead -= 1;
    }
  }

  #appendToRun(slot: number, deadlineMs: number): void {
    if (this.#runTail === this.#runSlots.length) this.#makeRoomInRun();
    this.#runDeadlines[this.#runTail] = deadlineMs;
    this.#runSlots[this.#runTail] = slot;
    this.#runTail += 1;
  }

  #shiftRun(): number {
    const slot = this.#runSlots[this.#runHead] ?? 0;
    this.#runHead += 1;
    if (this.#runHead === this.#runTail) {
      this.#runHead = 0;
      this.#runTail = 0;
    }
    return slot;
  }

  #makeRoomInRun(): void {
    // Moving is worth it only when it frees half: else it would be done again too soon.
    if (this.#runHead < this.#runTail / 2) {
      const capacity = this.#runSlots.length * 2;
      this.#runDeadlines = grownFloats(this.#runDeadlines, capacity);
      this.#runSlots = grownInts(this.#runSlots, capacity);
      return;
    }
    this.#runDeadlines.copyWithin(0, this.#runHead, this.#runTail);
    this.#runSlots.copyWithin(0, this.#runHead, this.#runTail);
    this.#runTail -= this.#runHead;
    this.#runHead = 0;
  }

  #pushToHeap(slot: number, deadlineMs: number): void {
    if (this.#heapLength === this.#heapSlots.length) {
      const capacity = this.#heapLength * 2;
      this.#heapDeadlines = grownFloats(this.#heapDeadlines, capacity);
      this.#heapSlots = grownInts(this.#heapSlots, capacity);
    }
    const deadlines = this.#heapDeadlines;
    const slots = this.#heapSlots;
    let at = this.#heapLength;
    this.#heapLength += 1;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      const above = deadlines[parent] ?? 0;
      // A new timer is younger than all others, so it stays below its equals.
      if (above <= deadlineMs) break;
      deadlines[at] = above;
      slots[at] = slots[parent] ?? 0;
      at = parent;
    }
    deadlines[at] = deadlineMs;
    slots[at] = slot;
  }

  #popHeap(): number {
    const top = this.#heapSlots[0] ?? 0;
    this.#heapLength -= 1;
    const last = this.#heapLength;
    if (last > 0) {
      this.#sink(0, this.#heapSlots[last] ?? 0, this.#heapDeadlines[last] ?? 0);
    }
    return top;
  }

  /** Puts a timer at a place of the heap or below it, where the order is right. */
  #sink(place: number, slot: number, deadlineMs: number): void {
    const deadlines = this.#heapDeadlines;
    const slots = this.#heapSlots;
    const orders = this.#orders;
    const length = this.#heapLength;
    const order = orders[slot] ?? 0;
    let at = place;
    for (;;) {
      const first = (at << 2) + 1;
      if (first >= length) break;
      const end = first + 4 < length ? first + 4 : length;
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
          order < (orders[slots[least] ?? 0] ?? 0))
      ) {
        break;
      }
      deadlines[at] = leastDeadline;
      slots[at] = slots[least] ?? 0;
      at = least;
    }
    deadlines[at] = deadlineMs;
    slots[at] = slot;
  }

  /** Removes cancelled timers from the run and the heap. */
  #compact(): void {
    let kept = 0;
    for (let at = this.#runHead; at < this.#runTail; at += 1) {
      const slot = this.#runSlots[at] ?? 0;
      if (this.#isDead(slot)) {
        this.#free(slot);
        continue;
      }
      this.#runSlots[kept] = slot;
      this.#runDeadlines[kept] = this.#runDeadlines[at] ?? 0;
      kept += 1;
    }
    this.#runHead = 0;
    this.#runTail = kept;

    kept = 0;
    for (let at = 0; at < this.#heapLength; at += 1) {
      const slot = this.#heapSlots[at] ?? 0;
      if (this.#isDead(slot)) {
        this.#free(slot);
        continue;
      }
      this.#heapSlots[kept] = slot;
      this.#heapDeadlines[kept] = this.#heapDeadlines[at] ?? 0;
      kept += 1;
    }
    this.#heapLength = kept;
    for (let at = (kept - 2) >> 2; at >= 0; at -= 1) {
      this.#sink(at, this.#heapSlots[at] ?? 0, this.#heapDeadlines[at] ?? 0);
    }
    this.#dead = 0;
  }

  #newSlot(): number {
    if (this.#slots === SLOT_LIMIT) {
      throw new RangeError(`more than ${SLOT_LIMIT} timers at once`);
    }
    if (this.#slots === this.#ids.length) {
      const capacity = this.#slots * 2;
      this.#ids = grownFloats(this.#ids, capacity);
      this.#orders = grownFloats(this.#orders, capacity);
      this.#freeSlots = grownInts(this.#freeSlots, capacity);
    }
    this.#slots += 1;
    return this.#slots - 1;
  }

  #free(slot: number): void {
    if ((this.#ids[slot] ?? 0) <= -(GENERATION_LIMIT - 1) * SLOT_LIMIT) return;
    this.#freeSlots[this.#freeLength] = slot;
    this.#freeLength += 1;
  }

  /** No timer is set any more: what is left in the run and heap is dead. */
  #empty(): void {
    if (this.#dead > 0) this.#compact();
    if (this.#slots > this.#keptSlots) this.#giveBack();
  }

  #giveBack(): void {
    let oldest = 0;
    for (let slot = KEPT_CAPACITY; slot < this.#slots; slot += 1) {
      const id = -(this.#ids[slot] ?? 0);
      if (id > oldest) oldest = id;
    }
    const generation = Math.floor(oldest / SLOT_LIMIT) + 1;
    // Slots that are made again begin after the generations of those dropped here.
    // Once these are half used up, the memory is kept rather than the ids repeated.
    if (generation > GENERATION_LIMIT / 2) {
      this.#keptSlots = SLOT_LIMIT;
      return;
    }
    if (generation > this.#firstGeneration) this.#firstGeneration = generation;
    this.#slots = KEPT_CAPACITY;
    this.#ids = this.#ids.slice(0, KEPT_CAPACITY);
    this.#orders = new Float64Array(KEPT_CAPACITY);
    this.#freeSlots = new Int32Array(KEPT_CAPACITY);
    this.#values = [];
    this.#runDeadlines = new Float64Array(FIRST_CAPACITY);
    this.#runSlots = new Int32Array(FIRST_CAPACITY);
    this.#heapDeadlines = new Float64Array(FIRST_CAPACITY);
    this.#heapSlots = new Int32Array(FIRST_CAPACITY);
    this.#freeLength = 0;
    for (let slot = this.#slots - 1; slot >= 0; slot -= 1) this.#free(slot);
  }
}

function grownFloats(
  from: Float64Array<ArrayBuffer>,
  capacity: number,
): Float64Array<ArrayBuffer> {
  const to = new Float64Array(capacity);
  to.set(from);
  return to;
}

function grownInts(
  from: Int32Array<ArrayBuffer>,
  capacity: number,
): Int32Array<ArrayBuffer> {
  const to = new Int32Array(capacity);
  to.set(from);
  return to;
}
