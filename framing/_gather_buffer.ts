/**
 * Gathers a message whose bytes come in pieces.
 *
 * @module
 */

const EMPTY = new Uint8Array(0);

/** One message in the making. The claimed size bounds its buffer but never earns it: what came does. */
export class GatherBuffer {
  readonly #firstCapacity: number;
  readonly #growth: number;
  #bytes: Uint8Array = EMPTY;
  #length = 0;

  /**
   * @param firstCapacity The first buffer, in bytes, unless the message is smaller.
   * @param growth How many times the bytes that came a buffer may hold.
   */
  constructor(firstCapacity: number, growth: number) {
    this.#firstCapacity = firstCapacity;
    this.#growth = growth;
  }

  /** Bytes gathered. */
  get length(): number {
    return this.#length;
  }

  /** The memory; what was gathered begins at 0. Another after each `append`. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /**
   * Takes a copy of the bytes from `start` to `end`.
   *
   * @param total The size of the message as far as it is known: no more is allocated for it.
   */
  append(
    source: Uint8Array,
    start: number,
    end: number,
    total: number,
  ): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) {
      const wanted = Math.max(
        length,
        Math.min(total, Math.max(this.#firstCapacity, length * this.#growth)),
      );
      const larger = new Uint8Array(wanted);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(source.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** Gives the message away and is empty again. */
  take(): Uint8Array {
    const message = this.#bytes.subarray(0, this.#length);
    this.clear();
    return message;
  }

  /** Forgets everything. */
  clear(): void {
    this.#bytes = EMPTY;
    this.#length = 0;
  }
}
