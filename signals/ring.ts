/**
 * A queue that grows, and gives memory back.
 *
 * @module
 */

// Below this many places nothing is given back: a ring this small is not worth a copy.
const SMALLEST = 16;

/**
 * A first-in, first-out queue in a ring of places: `push` and `shift` cost the
 * same however long it is, which `Array.prototype.shift` does not promise.
 *
 * The ring doubles when it is full and halves when seven eighths of it are
 * empty, so that the memory of a burst is given back as the burst is worked
 * off. A place that was left holds no reference to its value any more.
 *
 * @example
 * ```ts
 * const ring = new Ring<string>();
 * ring.push("first");
 * ring.push("second");
 * ring.shift(); // "first"
 * ring.length; // 1
 * ```
 */
export class Ring<T> {
  // The number of places is a power of two, so that a mask wraps positions round.
  #places: (T | undefined)[] = emptyPlaces(SMALLEST);
  #mask = SMALLEST - 1;
  #head = 0;
  #length = 0;

  /** How many values wait. */
  get length(): number {
    return this.#length;
  }

  /** How many values fit before the ring grows; tells whether memory was given back. */
  get capacity(): number {
    return this.#mask + 1;
  }

  /** Adds a value at the end. */
  push(value: T): void {
    if (this.#length > this.#mask) this.#resize(this.capacity * 2);
    this.#places[(this.#head + this.#length) & this.#mask] = value;
    this.#length += 1;
  }

  /**
   * Takes the first value, or returns undefined if there is none. Where T
   * includes undefined, ask `length` first.
   */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const value = this.#places[this.#head];
    this.#places[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.#length -= 1;
    if (this.#length << 3 <= this.#mask && this.#mask >= SMALLEST) {
      this.#resize(this.capacity / 2);
    }
    return value;
  }

  /** Forgets all values and gives their memory back. */
  clear(): void {
    this.#places = emptyPlaces(SMALLEST);
    this.#mask = SMALLEST - 1;
    this.#head = 0;
    this.#length = 0;
  }

  #resize(capacity: number): void {
    const places = emptyPlaces<T>(capacity);
    for (let i = 0; i < this.#length; i += 1) {
      places[i] = this.#places[(this.#head + i) & this.#mask];
    }
    this.#places = places;
    this.#mask = capacity - 1;
    this.#head = 0;
  }
}

function emptyPlaces<T>(count: number): (T | undefined)[] {
  return new Array<T | undefined>(count).fill(undefined);
}
