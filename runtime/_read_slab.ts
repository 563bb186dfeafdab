/**
 * The memory that one connection reads into, where a read is given its buffer.
 *
 * @module
 */

import { Fault } from "./fault.ts";

/** An idle connection holds this much; ten thousand of them hold 20 MiB. */
const SMALLEST_SLAB = 2048;
/**
 * One that gets more than it can read at a time reads this much at last: of the
 * messages of 64 KiB, three in four then lie within a slab. Larger slabs come
 * from the system each time, and not from what was collected: to touch their
 * pages first costs more than to copy the messages that cross.
 */
const LARGEST_SLAB = 262_144;

const NO_BYTES = new Uint8Array(0);

function plainMemory(size: number): Uint8Array {
  return new Uint8Array(size);
}

/** A slab that is consumed forward and never written twice, so that what was read is the receiver's. */
export class ReadSlab {
  #slab: Uint8Array = NO_BYTES;
  /** Where the unconsumed rest of the slab begins. */
  #used = 0;
  /** What the outstanding read was given. */
  #view: Uint8Array = NO_BYTES;
  #nextSize: number;
  /** Whether a read has filled all that this slab offered it. */
  #filled = false;
  readonly #allocate: (size: number) => Uint8Array;

  /**
   * @param firstSize How large the first slab is, in bytes. Default: 2,048.
   * @param allocate Gives the memory of a slab.
   */
  constructor(
    firstSize: number = SMALLEST_SLAB,
    allocate: (size: number) => Uint8Array = plainMemory,
  ) {
    this.#nextSize = firstSize;
    this.#allocate = allocate;
  }

  // Hot: called for each read.
  /** Where to read into. */
  offer(): Uint8Array {
    let slab = this.#slab;
    if (slab.length - this.#used < slab.length >> 2 || slab.length === 0) {
      // The size follows the traffic, so that a connection that was busy once
      // does not hold a large slab for its idle life.
      if (!this.#filled && slab.length > SMALLEST_SLAB) {
        this.#nextSize = slab.length >> 1;
      }
      slab = this.#allocate(this.#nextSize);
      this.#slab = slab;
      this.#used = 0;
      this.#filled = false;
    }
    const view = this.#used === 0 ? slab : slab.subarray(this.#used);
    this.#view = view;
    return view;
  }

  // Hot: called for each chunk.
  /**
   * The bytes that were read into what was offered last.
   *
   * @throws {Fault} `io` if they are lost, because the slab was given away with an earlier chunk.
   */
  take(size: number): Uint8Array {
    const view = this.#view;
    this.#used += size;
    if (size < view.length) return view.subarray(0, size);
    if (size > view.length) {
      throw new Fault(
        "io",
        "The bytes that came are lost: the buffer of earlier ones was transferred",
      );
    }
    this.#filled = true;
    this.#nextSize = Math.min(LARGEST_SLAB, this.#slab.length * 4);
    return view;
  }

  /** Lets go of the memory. */
  release(): void {
    this.#slab = NO_BYTES;
    this.#view = NO_BYTES;
  }
}
