/**
 * Gathers a message whose bytes come in pieces.
 *
 * @module
 */

const EMPTY = new Uint8Array(0);

/**
 * One message in the making. The claimed size bounds its buffer but never earns it: what came does.
 *
 * Pieces that lie behind one another in the same memory, as those of a read
 * buffer that is filled bit by bit, are joined where they are: nothing is copied
 * until one comes from elsewhere.
 */
export class GatherBuffer {
  readonly #firstCapacity: number;
  readonly #growth: number;
  /** Of the copy, of which `#length` bytes are used; empty while there is none. */
  #bytes: Uint8Array = EMPTY;
  /** The memory in which all that came lies from `#start` on, as long as nothing was copied. */
  #lent: ArrayBufferLike | undefined;
  #start = 0;
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

  /**
   * Takes the bytes from `start` to `end`, which must not change from now on.
   *
   * @param total The size of the message as far as it is known: no more is allocated for it.
   * @param isLast Whether they complete the message.
   */
  append(
    source: Uint8Array,
    start: number,
    end: number,
    total: number,
    isLast: boolean,
  ): void {
    const { buffer } = source;
    const at = source.byteOffset + start;
    const length = this.#length + end - start;
    const isNext = this.#length === 0 ||
      (buffer === this.#lent && at === this.#start + this.#length);
    // Nothing can follow the end of the memory, and to hold on to all of it for
    // a few bytes would let these cost more than what came.
    if (isNext && (isLast || at + end - start < buffer.byteLength)) {
      if (this.#length === 0) this.#start = at;
      this.#lent = buffer;
      this.#length = length;
      return;
    }
    if (length > this.#bytes.length) this.#grow(length, total);
    this.#bytes.set(source.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** Makes a buffer for `length` bytes and more, and moves what came into it. */
  #grow(length: number, total: number): void {
    const wanted = Math.max(
      length,
      Math.min(total, Math.max(this.#firstCapacity, length * this.#growth)),
    );
    const larger = new Uint8Array(wanted);
    larger.set(this.#gathered());
    this.#bytes = larger;
    this.#lent = undefined;
  }

  #gathered(): Uint8Array {
    return this.#lent === undefined
      ? this.#bytes.subarray(0, this.#length)
      : new Uint8Array(this.#lent, this.#start, this.#length);
  }

  /** Gives the message away and is empty again. */
  take(): Uint8Array {
    const message = this.#gathered();
    this.clear();
    return message;
  }

  /** Forgets everything. */
  clear(): void {
    this.#bytes = EMPTY;
    this.#lent = undefined;
    this.#length = 0;
  }
}
