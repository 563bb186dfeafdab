/**
 * Deadlines spread evenly, and a list put in order by it.
 *
 * @module
 */

import type { TimerList } from "./_timer_list.ts";

/** So many timers stay in the processor's cache while they are put in order. */
export const NEAR = 2048;

/** Where a deadline belongs: never before an earlier one, 0 for the earliest. Hot. */
export function wayOf(
  sinceMs: number,
  waysPerMs: number,
  last: number,
): number {
  const way = sinceMs * waysPerMs;
  return way >= last ? last : way > 0 ? way | 0 : 0;
}

/**
 * How many ways a millisecond is. Where it is too long or too short for a number,
 * at least the start is in the first way and the end, or all that is later, in
 * the last.
 */
export function scale(ways: number, startMs: number, endMs: number): number {
  return Math.max(ways / (endMs - startMs), Number.MIN_VALUE);
}

/**
 * Moves timers from one list to another, empty one, ordered by deadline and then
 * as they were. Takes long only if they are more than NEAR and not equally late.
 */
export function sortInto(sorted: TimerList, list: TimerList): void {
  const { deadlines, ids, tail } = list;
  let earliest = Infinity;
  let latest = -Infinity;
  for (let at = 0; at < tail; at += 1) {
    const deadlineMs = deadlines[at] ?? 0;
    if (deadlineMs < earliest) earliest = deadlineMs;
    if (deadlineMs > latest) latest = deadlineMs;
  }
  // About one timer to a place: nearly all are where they belong then.
  const last = Math.min(tail, NEAR) - 1;
  const placesPerMs = scale(last + 1, earliest, latest);
  ends.fill(0);
  for (let at = 0; at < tail; at += 1) {
    const way = wayOf((deadlines[at] ?? 0) - earliest, placesPerMs, last);
    ends[way + 1] = (ends[way + 1] ?? 0) + 1;
  }
  for (let way = 1; way <= last; way += 1) {
    ends[way] = (ends[way] ?? 0) + (ends[way - 1] ?? 0);
  }
  sorted.reserve(tail);
  sorted.tail = tail;
  for (let from = 0; from < tail; from += 1) {
    const deadlineMs = deadlines[from] ?? 0;
    const way = wayOf(deadlineMs - earliest, placesPerMs, last);
    const at = ends[way] ?? 0;
    ends[way] = at + 1;
    sorted.deadlines[at] = deadlineMs;
    sorted.ids[at] = ids[from] ?? 0;
  }
  list.tail = 0;
  insertionSort(sorted);
}

function insertionSort({ deadlines, ids, tail }: TimerList): void {
  for (let next = 1; next < tail; next += 1) {
    const deadlineMs = deadlines[next] ?? 0;
    if ((deadlines[next - 1] ?? 0) <= deadlineMs) continue;
    const id = ids[next] ?? 0;
    let at = next;
    for (; at > 0 && (deadlines[at - 1] ?? 0) > deadlineMs; at -= 1) {
      deadlines[at] = deadlines[at - 1] ?? 0;
      ids[at] = ids[at - 1] ?? 0;
    }
    deadlines[at] = deadlineMs;
    ids[at] = id;
  }
}

// Where the timers of each way begin; then, as they are placed, where the next goes.
const ends = new Int32Array(NEAR + 1);
