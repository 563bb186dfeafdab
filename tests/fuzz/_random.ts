/**
 * Numbers that look random and are the same for the same seed on every runtime.
 *
 * @module
 */

/** A generator of the sfc32 family: four words of state, one of them a counter. */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  /** A stream of its own for every seed, name and index, so that one input can be made again without those before it. */
  constructor(seed: number, name: string, index: number) {
    let hash = 0x811c9dc5;
    for (let at = 0; at < name.length; at++) {
      hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
    }
    this.#a = seed | 0;
    this.#b = hash;
    this.#c = index | 0;
    for (let turn = 0; turn < 12; turn++) this.next();
  }

  /** An integer from 0 to 2^32 - 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.next() % limit;
  }

  /** An integer from `low` to `high`. */
  from(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of several. */
  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new TypeError("Cannot pick from nothing");
    return choice;
  }

  /** Bytes. */
  bytes(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at++) bytes[at] = this.next() >>> 13;
    return bytes;
  }
}
