/**
 * The lots of a simulation: the same for the same seed, on every runtime.
 *
 * @module
 */

/** The offsets from which the four words of the state are hashed, the first digits of π, nothing up the sleeve. */
const OFFSETS = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344] as const;

/** FNV-1a over UTF-16 units, then the finalizer of splitmix32, which spreads each bit over all. */
function hash(text: string, offset: number): number {
  let state = offset;
  for (let at = 0; at < text.length; at++) {
    state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  }
  state = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
  state = Math.imul(state ^ (state >>> 15), 0x735a2d97);
  return (state ^ (state >>> 15)) >>> 0;
}

/**
 * A generator of numbers that look random and are not: the same seed gives the
 * same numbers, on every runtime. Not for secrets.
 *
 * It is sfc32 (Doty-Humphrey, PractRand): 128 bits of state, a period of at least
 * 2^32, and quick in JavaScript, because it needs additions and shifts alone. The
 * state is hashed from the seed and a name, so that generators of different names
 * have nothing to do with each other.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { SimulationRandom } from "@signalbox/signalbox/testing";
 *
 * const random = new SimulationRandom(7);
 * const again = new SimulationRandom(7);
 * assert.equal(random.next(), again.next());
 *
 * // What is derived depends on the name alone, not on what was drawn before.
 * assert.equal(random.derive("a").next(), new SimulationRandom(7).derive("a").next());
 * ```
 */
export class SimulationRandom {
  readonly #name: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** Makes a generator of a seed; `name` tells those of one seed apart. */
  constructor(seed: number | string, name = "") {
    this.#name = `${seed}/${name}`;
    const [a, b, c, d] = OFFSETS.map((offset) => hash(this.#name, offset));
    this.#a = a ?? 0;
    this.#b = b ?? 0;
    this.#c = (c ?? 0) ^ (d ?? 0);
    // Until every bit of the state has met every other.
    for (let round = 0; round < 12; round++) this.#step();
  }

  /** A number from 0 to below 1. */
  next(): number {
    return this.#step() / 0x1_0000_0000;
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /**
   * A number from the exponential distribution of mean 1, such as the time until
   * something happens that happens once in a unit of time on average.
   */
  exponential(): number {
    // Von Neumann's method (1951) needs comparisons alone; the engines' logarithms differ in their last bits.
    for (let whole = 0;; whole++) {
      const first = this.next();
      let last = first;
      let isOdd = true;
      for (;;) {
        const next = this.next();
        if (next >= last) break;
        last = next;
        isOdd = !isOdd;
      }
      if (isOdd) return whole + first;
    }
  }

  /** Whether something of this probability happens. Draws a number in any case. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /**
   * One of several.
   *
   * @throws {RangeError} If there are none.
   */
  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new RangeError("Cannot pick one of none");
    return items[this.integer(0, items.length - 1)] as Item;
  }

  /** The same items in an order that was drawn. */
  shuffle<Item>(items: readonly Item[]): Item[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.integer(0, last);
      const item = shuffled[last] as Item;
      shuffled[last] = shuffled[other] as Item;
      shuffled[other] = item;
    }
    return shuffled;
  }

  /** So many bytes. */
  bytes(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at++) bytes[at] = this.#step() >>> 24;
    return bytes;
  }

  /** Another generator, which depends on the seed and the name and not on what was drawn here. */
  derive(name: string): SimulationRandom {
    return new SimulationRandom(this.#name, name);
  }

  #step(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }
}
