/**
 * Deadlines that are far away, in no order.
 *
 * @module
 */

import { NEAR, scale, wayOf } from "./_timer_ways.ts";

// Into how many piles timers are spread at most, and for how many each is meant.
const WAYS = 1024;
const TIMERS_PER_WAY = 512;
const SAMPLES = 64;
// Timers in one piece of memory.
const PIECE = 256;
const KEPT_PIECES = 16;

type Piece = Float64Array<ArrayBuffer>;

const NOTHING: Piece = new Float64Array(0);

/** Timers in the order in which they came, in pieces that never move. */
export class TimerPile {
  /** How many there are. */
  length = 0;
  /** A deadline, its id, the next deadline and so on. */
  readonly pieces: Piece[] = [];
  /** The last piece. */
  last: Piece = NOTHING;
}

/** A stretch of time cut into spans of one length, with a pile for each. */
interface Level {
  readonly startMs: number;
  readonly waysPerMs: number;
  readonly piles: TimerPile[];
  /** Piles before this one have been taken. */
  next: number;
}

/**
 * Timers too far away to be worth ordering, in levels of piles: each pile holds
 * a span of time, and only when the nearest is wanted is it put in order, or
 * spread over a level of its own if it is large. A timer that is added costs one
 * write, each spreading reads memory in its order, where a heap of a million
 * jumps through it, and leaves its memory to the next.
 */
export class TimerLevels {
  // From the farthest to the nearest: each is what was one pile of the one before.
  readonly #levels: Level[] = [];
  readonly #spare: Piece[] = [];

  /** Whether there are none: a timer that was added is in no pile then. */
  get isEmpty(): boolean {
    return this.#levels.length === 0;
  }

  /** Adds a timer to the pile it belongs to. False if that was taken already. Hot. */
  add(id: number, deadlineMs: number): boolean {
    const pile = this.#pileFor(deadlineMs);
    if (pile === undefined) return false;
    this.append(pile, id, deadlineMs);
    return true;
  }

  /** Whether all timers here are later than a deadline. */
  areAfter(deadlineMs: number): boolean {
    return this.#pileFor(deadlineMs) === undefined;
  }

  /** Adds a timer to a pile. Hot. */
  append(pile: TimerPile, id: number, deadlineMs: number): void {
    const at = pile.length & (PIECE - 1);
    if (at === 0) {
      pile.last = this.#spare.pop() ?? new Float64Array(2 * PIECE);
      pile.pieces.push(pile.last);
    }
    const { last } = pile;
    last[2 * at] = deadlineMs;
    last[2 * at + 1] = id;
    pile.length += 1;
  }

  /** Makes a level of timers that are all before those that are here. */
  push(pile: TimerPile): void {
    if (this.#spread(pile)) return;
    this.#levels.push({ startMs: 0, waysPerMs: 0, piles: [pile], next: 0 });
  }

  /** Calls back with each timer of a pile, in order of addition, and leaves it empty. */
  empty(pile: TimerPile, each: (id: number, deadlineMs: number) => void): void {
    for (const [n, piece] of pile.pieces.entries()) {
      const end = endIn(n, pile.length);
      for (let at = 0; at < end; at += 2) {
        each(piece[at + 1] ?? 0, piece[at] ?? 0);
      }
    }
    this.#giveBack(pile);
  }

  /**
   * Takes the nearest pile that holds any, small enough to be put in order at
   * once unless its deadlines are all equal; undefined if there is none.
   */
  takeNearest(): TimerPile | undefined {
    const levels = this.#levels;
    for (;;) {
      const level = levels.at(-1);
      if (level === undefined) {
        this.#spare.length = Math.min(this.#spare.length, KEPT_PIECES);
        return undefined;
      }
      const pile = level.piles[level.next];
      if (pile === undefined) {
        levels.pop();
        continue;
      }
      level.next += 1;
      if (pile.length === 0) continue;
      if (pile.length <= NEAR || !this.#spread(pile)) return pile;
    }
  }

  /** Keeps the timers for which `keep` is true. */
  filter(keep: (id: number) => boolean): void {
    for (const { piles } of this.#levels) {
      for (const [n, pile] of piles.entries()) {
        const kept = new TimerPile();
        this.empty(pile, (id, deadlineMs) => {
          if (keep(id)) this.append(kept, id, deadlineMs);
        });
        piles[n] = kept;
      }
    }
  }

  /** Forgets all timers and gives memory back. */
  clear(): void {
    this.#levels.length = this.#spare.length = 0;
  }

  #pileFor(deadlineMs: number): TimerPile | undefined {
    const levels = this.#levels;
    for (let n = 0; n < levels.length; n += 1) {
      const level = levels[n];
      if (level === undefined) break;
      const { piles } = level;
      const way = wayOf(
        deadlineMs - level.startMs,
        level.waysPerMs,
        piles.length - 1,
      );
      // A pile that was taken is the level after this one, or is in order already.
      if (way >= level.next) return piles[way];
    }
    return undefined;
  }

  /** Makes a level of a pile, and leaves that empty. False, without a change, if all are equally late. */
  #spread(pile: TimerPile): boolean {
    const { length, pieces } = pile;
    let startMs = Infinity;
    let latest = -Infinity;
    for (const [n, piece] of pieces.entries()) {
      [startMs, latest] = rangeOf(piece, endIn(n, length), startMs, latest);
    }
    if (startMs === latest) return false;
    const ways = Math.min(WAYS, Math.ceil(length / TIMERS_PER_WAY) + 1);
    const waysPerMs = scale(ways, startMs, endOf(pile, startMs, latest));
    const piles = Array.from({ length: ways }, () => new TimerPile());
    for (const [n, piece] of pieces.entries()) {
      const end = endIn(n, length);
      for (let at = 0; at < end; at += 2) {
        const deadlineMs = piece[at] ?? 0;
        const way = wayOf(deadlineMs - startMs, waysPerMs, ways - 1);
        this.append(piles[way] ?? pile, piece[at + 1] ?? 0, deadlineMs);
      }
      this.#spare.push(piece);
    }
    pieces.length = 0;
    this.#levels.push({ startMs, waysPerMs, piles, next: 0 });
    return true;
  }

  #giveBack(pile: TimerPile): void {
    this.#spare.push(...pile.pieces);
    pile.pieces.length = pile.length = 0;
  }
}

/** Where the timers of a pile end in its nth piece. */
function endIn(n: number, length: number): number {
  return 2 * Math.min(PIECE, length - n * PIECE);
}

/** The earliest and the latest deadline up to `end`, or what was known so far. */
function rangeOf(
  piece: Piece,
  end: number,
  earliestMs: number,
  latestMs: number,
): [number, number] {
  let earliest = earliestMs;
  let latest = latestMs;
  for (let at = 0; at < end; at += 2) {
    const deadlineMs = piece[at] ?? 0;
    if (deadlineMs < earliest) earliest = deadlineMs;
    if (deadlineMs > latest) latest = deadlineMs;
  }
  return [earliest, latest];
}

/** Until when a pile is worth spreading evenly: what comes later shares the last way. */
function endOf(pile: TimerPile, earliest: number, latest: number): number {
  const sample = new Float64Array(SAMPLES);
  for (let n = 0; n < SAMPLES; n += 1) {
    // At random: no pattern of deadlines can make every spreading a bad one.
    const at = Math.floor(Math.random() * pile.length);
    sample[n] = pile.pieces[at >> 8]?.[2 * (at & (PIECE - 1))] ?? 0;
  }
  const late = sample.sort()[SAMPLES - SAMPLES / 8] ?? 0;
  return latest - earliest <= 2 * (late - earliest) ? latest : late;
}
