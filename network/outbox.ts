/**
 * The queue between an adapter and its stream.
 *
 * Small frames are gathered in a slab and large ones are queued by reference;
 * everything gathered leaves in one write: an answer when what was read with
 * it has been handed on, the rest at the end of the microtask in which it was
 * sent, and all at once when a slab is full.
 *
 * @module
 */

import { SendStatus } from "../adapters/adapter.ts";
import type {
  Outbox,
  OutboxControl,
  OutboxLimits,
  OutboxSocket,
} from "../adapters/adapter.ts";

/** Bytes of one slab. */
const SLAB_SIZE = 64 * 1024;

/**
 * Bytes of the slab that an outbox begins with: when a thousand connections
 * have a short message each to send, that much memory is touched, and not 64 MiB.
 */
const FIRST_SLAB_SIZE = 2 * 1024;

/** Payloads above this go by reference: copying costs more than a write of its own (bench: outbox). */
const COPY_LIMIT = 16 * 1024;

/** What may stay unused at the end of a slab that waits: with more, a full outbox would hold a fifth more than it counts. */
const MAX_WASTE = SLAB_SIZE / 8;

/** How many free slabs a node keeps: 1 MiB of them. */
const MAX_FREE_SLABS = 16;

/** How many free first slabs a node keeps: 2 MiB of them. */
const MAX_FREE_FIRST_SLABS = 1024;

const NO_SLAB = new Uint8Array(0);

/** A full slab that another has followed. */
interface FullSlab {
  readonly slab: Uint8Array;
  /** It is free once so many segments are gone. */
  readonly segments: number;
}

/** Flushes the outboxes of one node together, and lends them their slabs. */
export class OutboxScheduler {
  #dirty: StreamOutbox[] = [];
  #spare: StreamOutbox[] = [];
  #isScheduled = false;
  readonly #freeSlabs: Uint8Array[] = [];
  readonly #freeFirstSlabs: Uint8Array[] = [];
  readonly #flush = () => this.flush();

  /** Flushes this outbox with the next batch. */
  add(outbox: StreamOutbox): void {
    this.#dirty.push(outbox);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(this.#flush);
  }

  /** Flushes all outboxes that have something new. */
  flush(): void {
    const batch = this.#dirty;
    this.#dirty = this.#spare;
    this.#spare = batch;
    this.#isScheduled = false;
    for (const outbox of batch) outbox.flush();
    batch.length = 0;
  }

  /** An empty slab. */
  takeSlab(): Uint8Array {
    return this.#freeSlabs.pop() ?? new Uint8Array(SLAB_SIZE);
  }

  /** An empty slab to begin with. */
  takeFirstSlab(): Uint8Array {
    return this.#freeFirstSlabs.pop() ?? new Uint8Array(FIRST_SLAB_SIZE);
  }

  /** Takes a slab back that nothing refers to any more. */
  returnSlab(slab: Uint8Array): void {
    if (slab.length === FIRST_SLAB_SIZE) {
      if (this.#freeFirstSlabs.length < MAX_FREE_FIRST_SLABS) {
        this.#freeFirstSlabs.push(slab);
      }
    } else if (
      slab.length === SLAB_SIZE && this.#freeSlabs.length < MAX_FREE_SLABS
    ) this.#freeSlabs.push(slab);
  }
}

/** The outbox of one stream. */
export class StreamOutbox implements Outbox, OutboxControl {
  readonly slabSize: number = SLAB_SIZE;
  readonly copyLimit: number = COPY_LIMIT;
  slab: Uint8Array = NO_SLAB;
  readonly #socket: OutboxSocket;
  readonly #scheduler: OutboxScheduler;
  readonly #writable: () => void;
  readonly #highWaterMark: number;
  readonly #limit: number;
  /** What goes out before the slab's own bytes, in order; the first `#nextSegment` are gone. */
  #segments: Uint8Array[] = [];
  #nextSegment = 0;
  /** How many segments have gone since the stream began. */
  #gone = 0;
  /** What the queue or the socket may still hold, oldest first. */
  #fullSlabs: FullSlab[] = [];
  /** The bytes of the slab not yet in a segment and not yet written: from `#slabStart` to `#slabEnd`. */
  #slabStart = 0;
  #slabEnd = 0;
  /** Bytes in the segments and the slab. */
  #queued = 0;
  /** `socket.pending` as last seen: it changes by our writes and at a drain only. */
  #pending = 0;
  #isScheduled = false;
  #isBlocked = false;
  #isCongested = false;

  constructor(
    socket: OutboxSocket,
    limits: OutboxLimits,
    scheduler: OutboxScheduler,
    writable: () => void,
  ) {
    this.#socket = socket;
    this.#scheduler = scheduler;
    this.#writable = writable;
    this.#highWaterMark = limits.highWaterMark;
    this.#limit = limits.limit;
  }

  get untaken(): number {
    return this.#queued;
  }

  get room(): number {
    const { length } = this.slab;
    // A small one is outgrown, with all that waits in it.
    return length >= SLAB_SIZE
      ? length - this.#slabEnd
      : SLAB_SIZE - this.#slabEnd + this.#slabStart;
  }

  get size(): number {
    return this.#queued + this.#pending;
  }

  // Hot: one call a message sent, as are `reserve` and `status`.
  hasRoom(size: number): boolean {
    if (this.#queued + this.#pending + size <= this.#limit) return true;
    this.#isCongested = true;
    return false;
  }

  reserve(size: number): number {
    if (this.#slabEnd + size > this.slab.length) this.#nextSlab(size);
    const offset = this.#slabEnd;
    this.#slabEnd = offset + size;
    this.#queued += size;
    if (!this.#isScheduled) this.#schedule();
    return offset;
  }

  append(bytes: Uint8Array): void {
    this.#sealSlab();
    this.#segments.push(bytes);
    this.#queued += bytes.length;
    if (!this.#isScheduled) this.#schedule();
  }

  put(bytes: Uint8Array): void {
    if (bytes.length > COPY_LIMIT) return this.append(bytes);
    const offset = this.reserve(bytes.length);
    this.slab.set(bytes, offset);
  }

  refusal(size: number): SendStatus {
    // Above the limit it would never fit: to wait for room would be to wait for ever.
    return size > this.#limit
      ? SendStatus.MaxPacketSizeExceeded
      : SendStatus.QueueFull;
  }

  status(): SendStatus {
    if (this.#queued + this.#pending <= this.#highWaterMark) {
      return SendStatus.Sent;
    }
    this.#isCongested = true;
    return SendStatus.Congested;
  }

  flush(): void {
    this.#isScheduled = false;
    this.#offer();
    if (!this.#isBlocked) this.#relieve();
  }

  /** Hands over what the socket takes; nobody is called back, so that a frame may be half written. */
  #offer(): void {
    if (this.#isBlocked || this.#queued === 0) return;
    const socket = this.#socket;
    const segments = this.#segments;
    while (this.#nextSegment < segments.length) {
      const segment = segments[this.#nextSegment] ?? NO_SLAB;
      const taken = socket.write(segment);
      this.#queued -= taken;
      if (taken < segment.length) {
        segments[this.#nextSegment] = segment.subarray(taken);
        return this.#blocked();
      }
      // Gone: the list may live on for long, and must not keep the bytes with it.
      segments[this.#nextSegment] = NO_SLAB;
      this.#nextSegment += 1;
      this.#gone += 1;
    }
    if (this.#nextSegment > 0) {
      segments.length = 0;
      this.#nextSegment = 0;
    }
    if (this.#slabEnd > this.#slabStart) {
      const taken = socket.write(
        this.slab.subarray(this.#slabStart, this.#slabEnd),
      );
      this.#queued -= taken;
      this.#slabStart += taken;
      if (this.#slabStart < this.#slabEnd) return this.#blocked();
    }
    this.#pending = socket.pending;
    this.#releaseSlab();
  }

  hold(): void {
    this.#isScheduled = true;
  }

  drained(): void {
    this.#isBlocked = false;
    this.#pending = this.#socket.pending;
    if (this.#pending === 0) this.#returnFullSlabs();
    this.flush();
    this.#releaseSlab();
    this.#relieve();
  }

  clear(): void {
    this.#segments = [];
    this.#nextSegment = 0;
    this.#fullSlabs = [];
    this.slab = NO_SLAB;
    this.#slabStart = 0;
    this.#slabEnd = 0;
    this.#queued = 0;
    this.#pending = this.#socket.pending;
  }

  /** Tells who was told of congestion that it is over. */
  #relieve(): void {
    if (
      !this.#isCongested ||
      this.#queued + this.#pending > this.#highWaterMark / 2
    ) return;
    this.#isCongested = false;
    this.#writable();
  }

  #schedule(): void {
    this.#isScheduled = true;
    this.#scheduler.add(this);
  }

  #blocked(): void {
    this.#isBlocked = true;
    this.#pending = this.#socket.pending;
    this.#forgetWritten();
  }

  /** The list of segments is cut once half of it has gone, so that a long queue costs no shifting. */
  #forgetWritten(): void {
    if (
      this.#nextSegment < 64 || this.#nextSegment * 2 < this.#segments.length
    ) return;
    this.#segments.splice(0, this.#nextSegment);
    this.#nextSegment = 0;
  }

  #sealSlab(): void {
    if (this.#slabEnd === this.#slabStart) return;
    this.#segments.push(this.slab.subarray(this.#slabStart, this.#slabEnd));
    this.#slabStart = this.#slabEnd;
  }

  #nextSlab(size: number): void {
    if (this.slab.length === 0 && size <= FIRST_SLAB_SIZE) {
      this.slab = this.#scheduler.takeFirstSlab();
      return;
    }
    if (this.slab.length === FIRST_SLAB_SIZE && this.#outgrow(size)) return;
    if (this.slab.length > 0) {
      // A full slab leaves at once: a long run of sends costs a few writes and one slab, not a queue of them.
      this.#offer();
      if (this.#slabEnd + size <= this.slab.length) return;
      if (this.slab.length - this.#slabEnd > MAX_WASTE && this.#compact(size)) {
        return;
      }
      this.#sealSlab();
      this.#fullSlabs.push({
        slab: this.slab,
        segments: this.#gone + this.#segments.length - this.#nextSegment,
      });
    }
    this.slab = size > SLAB_SIZE
      ? new Uint8Array(size)
      : this.#scheduler.takeSlab();
    this.#slabStart = 0;
    this.#slabEnd = 0;
  }

  /** Moves what waits in a first slab to a slab of the full size; false if that could not take `size` more. */
  #outgrow(size: number): boolean {
    const waiting = this.#slabEnd - this.#slabStart;
    if (waiting + size > SLAB_SIZE) return false;
    const first = this.slab;
    this.slab = this.#scheduler.takeSlab();
    this.slab.set(first.subarray(this.#slabStart, this.#slabEnd));
    // Only then is no part of it in segments or in the socket's hands.
    if (this.#slabStart === 0) this.#scheduler.returnSlab(first);
    this.#slabStart = 0;
    this.#slabEnd = waiting;
    return true;
  }

  /** Moves what waits in the slab into a buffer of just its size, so that the slab can start over; false if it still could not take `size`. */
  #compact(size: number): boolean {
    // From 0 on, or parts of the slab are in segments or in the socket's hands.
    if (this.#slabStart !== 0 || size > this.slab.length) return false;
    this.#segments.push(this.slab.slice(0, this.#slabEnd));
    this.#slabEnd = 0;
    return true;
  }

  /** A long run of sends that waits for its peer goes round in a few slabs. */
  #returnFullSlabs(): void {
    const slabs = this.#fullSlabs;
    let free = 0;
    for (; free < slabs.length; free += 1) {
      const full = slabs[free];
      if (full === undefined || full.segments > this.#gone) break;
      this.#scheduler.returnSlab(full.slab);
    }
    if (free > 0) slabs.splice(0, free);
  }

  /** The slab starts over, or goes back to the node, as soon as nobody can still read its bytes. */
  #releaseSlab(): void {
    if (this.#queued !== 0 || this.#pending !== 0 || this.slab.length === 0) {
      return;
    }
    this.#scheduler.returnSlab(this.slab);
    this.slab = NO_SLAB;
    this.#slabStart = 0;
    this.#slabEnd = 0;
  }
}
