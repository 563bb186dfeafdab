/**
 * The timers of a queue by their ids, in order of creation.
 *
 * @module
 */

import type { TimerList } from "./_timer_list.ts";

// Ids are looked up by the span of so many that they lie in.
const SPAN = 1024;
const SPAN_OF_ID = 1 / SPAN;
// So large that engines do not move it about; had only where many timers are set.
const LARGE = 16 * SPAN;
const FIRST_CAPACITY = 16;
// Pages with fewer timers left than one in so many give their memory back.
const THIN = 16;

const GONE: unique symbol = Symbol("gone");

/**
 * Timers with consecutive ids. Its members are open to those who read many
 * timers in a row.
 */
export class TimerPage<T> {
  /** The id of its first timer. */
  base = 0;
  /** How many timers were put in, of `size` at most. */
  used = 0;
  /** How many of those are still set. */
  live = 0;
  /** When fewer are left, the page is to be given back. 0 while timers are added. */
  thin = 0;
  /** How many ids it is for. */
  readonly size: number;
  /** Of each timer, in milliseconds. */
  deadlines: Float64Array<ArrayBuffer>;
  /** Of each timer that is set; GONE elsewhere, so that no engine changes the array's kind half-way. */
  values: (T | typeof GONE)[];

  /** A page for `size` timers that begins with room for `capacity`. */
  constructor(size: number, capacity: number) {
    this.size = size;
    this.deadlines = new Float64Array(capacity);
    this.values = new Array<T | typeof GONE>(capacity).fill(GONE);
  }

  /** Whether the timer at a place is set. Hot. */
  has(at: number): boolean {
    return this.values[at] !== GONE;
  }

  /** Doubles the room. */
  grow(): void {
    const capacity = this.values.length * 2;
    const deadlines = new Float64Array(capacity);
    deadlines.set(this.deadlines);
    this.deadlines = deadlines;
    while (this.values.length < capacity) this.values.push(GONE);
  }
}

/**
 * Values and deadlines of timers. An id is the number of a timer in order of
 * creation, so none is ever given twice.
 *
 * Memory is had and given back in pages: growing copies nothing and touches no
 * memory twice, and a page whose timers are all gone is dropped as a whole. The
 * last timers of a page move out of it, so that few cannot hold much.
 */
export class TimerPages<T> {
  /** How many timers are set. */
  size = 0;
  /** Ids below this one wait elsewhere for their deadline: it may be forgotten here. */
  sortedTo: number = SPAN;
  #page: TimerPage<T> = new TimerPage(SPAN, FIRST_CAPACITY);
  // By span, from the first that is in use on; a large page comes in several.
  readonly #spans: (TimerPage<T> | undefined)[] = [this.#page];
  #firstSpan = 1;
  // For how many timers the pages are.
  #places = SPAN;
  #spare: TimerPage<T> | undefined;
  // Timers that outlived their page.
  readonly #last = new Map<number, T>();
  readonly #sortAll: () => void;

  /** No timers. `sortAll` must see to it that all timers wait elsewhere. */
  constructor(sortAll: () => void) {
    this.#page.base = SPAN;
    this.#sortAll = sortAll;
  }

  /** The id that the next timer will have, or a lower one that none has. */
  get end(): number {
    return this.#page.base + this.#page.used;
  }

  // Hot: once per timer.
  /** Adds a timer and returns its id. */
  add(value: T, deadlineMs: number): number {
    let page = this.#page;
    if (page.used === page.deadlines.length) page = this.#makeRoom();
    const at = page.used;
    page.deadlines[at] = deadlineMs;
    page.values[at] = value;
    page.used = at + 1;
    page.live += 1;
    this.size += 1;
    return page.base + at;
  }

  /** The page that a timer is in, unless that was given back. Hot. */
  pageOf(id: number): TimerPage<T> | undefined {
    const at = Math.floor(id * SPAN_OF_ID) - this.#firstSpan;
    return at >= 0 && at < this.#spans.length ? this.#spans[at] : undefined;
  }

  /** The first id that lies in no page with `id`, if that lies in none. */
  nextSpan(id: number): number {
    return (Math.floor(id * SPAN_OF_ID) + 1) * SPAN;
  }

  /** Whether a timer is set. */
  has(id: number): boolean {
    const page = this.pageOf(id);
    return page === undefined ? this.#last.has(id) : page.has(id - page.base);
  }

  // Hot: once per timer.
  /** Forgets a timer. False if it was not set. */
  delete(id: number): boolean {
    const page = this.pageOf(id);
    if (page === undefined) {
      if (!this.#last.delete(id)) return false;
      this.size -= 1;
      return true;
    }
    const at = id - page.base;
    // What is no whole number finds undefined, which may also be a value.
    if (!(at < page.used) || !page.has(at) || at !== Math.floor(at)) {
      return false;
    }
    this.#leave(page, at);
    return true;
  }

  // Hot: once per timer.
  /** Takes the value of a timer that is set. */
  take(id: number): T | undefined {
    const page = this.pageOf(id);
    if (page === undefined) {
      const value = this.#last.get(id);
      this.#last.delete(id);
      this.size -= 1;
      return value;
    }
    const at = id - page.base;
    const value = page.values[at];
    this.#leave(page, at);
    return value === GONE ? undefined : value;
  }

  /** Removes timers that are not set from a list, and returns how many they were. Hot. */
  dropGone(list: TimerList): number {
    const { deadlines, ids, head, tail } = list;
    let kept = 0;
    for (let at = head; at < tail; at += 1) {
      const id = ids[at] ?? 0;
      if (!this.has(id)) continue;
      ids[kept] = id;
      deadlines[kept] = deadlines[at] ?? 0;
      kept += 1;
    }
    list.head = 0;
    list.tail = kept;
    return tail - head - kept;
  }

  /** Forgets all timers and gives memory back. */
  clear(): void {
    this.size = 0;
    if (this.#last.size > 0) this.#last.clear();
    this.#spare = undefined;
    const page = this.#page;
    if (page.live > 0 || page.values.length > SPAN) {
      this.#page = new TimerPage(SPAN, FIRST_CAPACITY);
    }
    if (this.#spans.length > 1 || this.#page !== page) {
      const span = this.#firstSpan + this.#spans.length;
      this.#spans.length = 0;
      this.#firstSpan = span;
      this.#places = 0;
      this.#enter(this.#page);
    }
    this.sortedTo = this.end;
  }

  #leave(page: TimerPage<T>, at: number): void {
    page.values[at] = GONE;
    page.live -= 1;
    this.size -= 1;
    if (page.live < page.thin) this.#thinOut(page);
  }

  #makeRoom(): TimerPage<T> {
    const full = this.#page;
    if (full.live === 0) {
      // Nothing in it is wanted any more.
      this.#drop(full);
      this.#enter(full);
      return full;
    }
    if (full.used < full.size) {
      full.grow();
      return full;
    }
    const size = this.size < LARGE / 4 ? SPAN : LARGE;
    const page = this.#spare?.size === size
      ? this.#spare
      : new TimerPage<T>(size, size);
    this.#spare = undefined;
    this.#page = page;
    this.#enter(page);
    full.thin = full.size / THIN;
    if (full.live < full.thin) this.#thinOut(full);
    // A page of old timers must not keep open what has long been empty behind it.
    if (this.#spans.length > THIN * (1 + this.#places / SPAN)) {
      this.#moveOut(this.#spans[0] ?? page);
    }
    return page;
  }

  /** Makes a page with nothing in it the one that timers are added to. */
  #enter(page: TimerPage<T>): void {
    page.base = (this.#firstSpan + this.#spans.length) * SPAN;
    page.used = page.live = page.thin = 0;
    for (let n = 0; n < page.size; n += SPAN) this.#spans.push(page);
    this.#places += page.size;
  }

  #drop(page: TimerPage<T>): void {
    const spans = this.#spans;
    const first = page.base / SPAN - this.#firstSpan;
    for (let n = 0; n < page.size / SPAN; n += 1) spans[first + n] = undefined;
    this.#places -= page.size;
    while (spans.length > 1 && spans[0] === undefined) {
      spans.shift();
      this.#firstSpan += 1;
    }
  }

  #thinOut(page: TimerPage<T>): void {
    if (page.live === 0) {
      this.#drop(page);
      this.#spare = page;
    }
    if (this.#places <= THIN * this.size + LARGE) return;
    for (const thin of new Set(this.#spans)) {
      if (thin !== undefined && thin.live < thin.thin) this.#moveOut(thin);
    }
  }

  #moveOut(page: TimerPage<T>): void {
    if (page === this.#page) return;
    if (page.base + page.used > this.sortedTo) this.#sortAll();
    for (let at = 0; at < page.used; at += 1) {
      const value = page.values[at];
      if (value !== GONE) this.#last.set(page.base + at, value as T);
    }
    this.#drop(page);
  }
}
