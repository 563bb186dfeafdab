/**
 * What belongs to each timer of a queue, but for its deadline.
 *
 * @module
 */

// An id is generation * SLOT_LIMIT + slot, and both parts fit in the 53 bits of
// a safe integer. A slot whose generations are used up is retired, so that no
// id ever comes twice.
const SLOT_LIMIT = 2 ** 26;
const GENERATION_LIMIT = 2 ** 27;
// An exact product, and quicker than the quotient.
const GENERATION_OF_ID = 1 / SLOT_LIMIT;
/** No slot. */
const NONE = -1;
const FIRST_CAPACITY = 64;
// What is kept when no timer is set; the memory of a larger burst is given back.
const KEPT_SLOTS = 4096;

/**
 * By how much the arrays grow. Copying costs more than reserving: memory that was
 * never written is not yet real, and with 2 the copies took half the time of a set.
 */
export const GROWTH = 4;

/** Ids, values and creation order of timers, each in a numbered slot that is used again. */
export class TimerSlots<T> {
  /**
   * The order of creation, by slot: what decides between equal deadlines. Of a
   * free slot: the next free one. Replaced when it grows.
   */
  orders: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  // Positive while the timer is set, negative once it was taken or cancelled.
  #ids = new Float64Array(FIRST_CAPACITY);
  // Begun with what is no number, so that no engine changes its kind half-way.
  #values: (T | undefined)[] = [undefined];
  #used = 0;
  #free = NONE;
  #firstGeneration = 1;
  /** The highest id among the slots that are not kept after a burst. */
  #highestId = 0;
  #kept = KEPT_SLOTS;
  #created = 0;

  // Hot: once per timer.
  /** Takes a slot for a new timer and returns it. */
  add(value: T): number {
    let slot = this.#free;
    let id: number;
    if (slot === NONE) {
      slot = this.#newSlot();
      id = this.#firstGeneration * SLOT_LIMIT + slot;
    } else {
      this.#free = this.orders[slot] ?? NONE;
      id = SLOT_LIMIT - (this.#ids[slot] ?? 0);
    }
    if (slot >= KEPT_SLOTS && id > this.#highestId) this.#highestId = id;
    this.#ids[slot] = id;
    this.orders[slot] = this.#created;
    this.#values[slot] = value;
    this.#created += 1;
    return slot;
  }

  /** The id of the timer in a slot. */
  idOf(slot: number): number {
    return this.#ids[slot] ?? 0;
  }

  // Hot: once per timer.
  /** Marks the timer as no longer set; its slot stays taken. False if it was not set. */
  cancel(id: number): boolean {
    const slot = id - Math.floor(id * GENERATION_OF_ID) * SLOT_LIMIT;
    if (!(id > 0) || this.#ids[slot] !== id) return false;
    this.#ids[slot] = -id;
    this.#values[slot] = undefined;
    return true;
  }

  /** Whether the timer in a slot was cancelled. */
  isDead(slot: number): boolean {
    return (this.#ids[slot] ?? 0) < 0;
  }

  /** Takes the value out of the slot of a timer that is set, and frees the slot. */
  take(slot: number): T | undefined {
    const value = this.#values[slot];
    this.#values[slot] = undefined;
    this.#ids[slot] = -(this.#ids[slot] ?? 0);
    this.free(slot);
    return value;
  }

  /** Gives back the slot of a cancelled timer, to be used again. */
  free(slot: number): void {
    if ((this.#ids[slot] ?? 0) <= -(GENERATION_LIMIT - 1) * SLOT_LIMIT) return;
    this.orders[slot] = this.#free;
    this.#free = slot;
  }

  /** Marks all timers as no longer set; their slots stay taken. */
  cancelAll(): void {
    for (let slot = 0; slot < this.#used; slot += 1) {
      const id = this.#ids[slot] ?? 0;
      if (id > 0) this.#ids[slot] = -id;
    }
    this.#values.fill(undefined);
  }

  /** Gives memory back after a burst, when all slots are free. Returns whether it did. */
  shrink(): boolean {
    if (this.#used <= this.#kept) return false;
    // Slots that are made again begin after the generations of those dropped here.
    // Once these are half used up, the memory is kept rather than ids repeated.
    const generation = Math.floor(this.#highestId / SLOT_LIMIT) + 1;
    if (generation > GENERATION_LIMIT / 2) {
      this.#kept = SLOT_LIMIT;
      return false;
    }
    if (generation > this.#firstGeneration) this.#firstGeneration = generation;
    this.#used = KEPT_SLOTS;
    this.#ids = this.#ids.slice(0, KEPT_SLOTS);
    this.orders = new Float64Array(KEPT_SLOTS);
    this.#values = [undefined];
    this.#free = NONE;
    for (let slot = KEPT_SLOTS - 1; slot >= 0; slot -= 1) this.free(slot);
    return true;
  }

  #newSlot(): number {
    if (this.#used === SLOT_LIMIT) {
      throw new RangeError(`more than ${SLOT_LIMIT} timers at once`);
    }
    if (this.#used === this.#ids.length) {
      const capacity = this.#used * GROWTH;
      this.#ids = grownFloats(this.#ids, capacity);
      this.orders = grownFloats(this.orders, capacity);
    }
    this.#used += 1;
    return this.#used - 1;
  }
}

/** A copy with more places. */
export function grownFloats(
  from: Float64Array<ArrayBuffer>,
  capacity: number,
): Float64Array<ArrayBuffer> {
  const to = new Float64Array(capacity);
  to.set(from);
  return to;
}

/** A copy with more places. */
export function grownInts(
  from: Int32Array<ArrayBuffer>,
  capacity: number,
): Int32Array<ArrayBuffer> {
  const to = new Int32Array(capacity);
  to.set(from);
  return to;
}
