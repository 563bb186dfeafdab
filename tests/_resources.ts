/**
 * Counts what is open in this process, to find what a test left behind.
 *
 * Three sources, because none of them sees everything:
 *
 * - `process.getActiveResourcesInfo()`: on Node everything that keeps the process
 *   alive, but nothing that was unref'd; on Deno what came by `node:net` and the
 *   like, which its sanitizers do not see; on Bun always empty.
 * - The process's own file descriptors, where the system lists them (not on
 *   Windows): every socket of any API, unref'd or not.
 * - The global timer functions, which are wrapped on Bun, where nothing lists
 *   the timers.
 *
 * @module
 */

import { readdirSync, statSync } from "node:fs";
import process from "node:process";

/** How many resources of each kind are open. */
export type OpenResources = ReadonlyMap<string, number>;

/**
 * What Node lists that is no sign of a leak: its own streams, turns of the loop,
 * and writes under way. Such a write is the runner's report on its way to a busy
 * parent; a socket that writes is listed by itself.
 */
const HARMLESS = new Set([
  "Immediate",
  "SimpleWriteWrap",
  "TTYWrap",
  "TickObject",
]);

/**
 * How long a closed socket may take to go: so many turns of the event loop, each
 * of a millisecond or more. They are counted and not timed, because a process
 * that stood still has had no turn.
 */
const GRACE_TURNS = 100;

// Kept: a test may replace the global one.
const { setTimeout: wait } = globalThis;

// Bun opens its standard streams when they are first asked for, and they may be
// sockets: before the first count, so that no test is taken to have left them.
void process.stdout.isTTY;
void process.stderr.isTTY;

const timersOfBun = "Bun" in globalThis ? watchTimersOnce() : undefined;

/** What is open now. */
export function openResources(): OpenResources {
  const counts = new Map<string, number>();
  const add = (kind: string, count = 1) =>
    counts.set(kind, (counts.get(kind) ?? 0) + count);
  for (const kind of process.getActiveResourcesInfo()) {
    if (!HARMLESS.has(kind)) add(kind);
  }
  const sockets = openSockets();
  if (sockets > 0) add("socket descriptor", sockets);
  if (timersOfBun !== undefined) {
    const timers = timersOfBun();
    if (timers > 0) add("Timeout", timers);
  }
  return counts;
}

/**
 * What is open now and was not before, after a short grace: `[]` if nothing is.
 * Each entry tells a kind and how many of it.
 */
export async function resourcesLeft(before: OpenResources): Promise<string[]> {
  let left = difference(before, openResources());
  for (let turn = 0; left.length > 0 && turn < GRACE_TURNS; turn++) {
    await new Promise<void>((resolve) => wait(resolve, 1));
    // By then the timer is over too.
    await new Promise<void>((resolve) => setImmediate(resolve));
    left = difference(before, openResources());
  }
  return left;
}

function difference(before: OpenResources, now: OpenResources): string[] {
  const left: string[] = [];
  for (const [kind, count] of now) {
    const more = count - (before.get(kind) ?? 0);
    if (more > 0) left.push(`${more} × ${kind}`);
  }
  return left;
}

function openSockets(): number {
  let descriptors: string[];
  try {
    descriptors = readdirSync("/dev/fd");
  } catch {
    // Windows has no such folder: there only the other sources count.
    return 0;
  }
  let sockets = 0;
  for (const name of descriptors) {
    try {
      // By path: Deno knows only the numbers of files that it opened itself.
      if (statSync(`/dev/fd/${name}`).isSocket()) sockets++;
    } catch {
      // The descriptor that listed the folder is closed by now.
    }
  }
  return sockets;
}

/** Bun runs all test files in one process and loads this module for each anew. */
function watchTimersOnce(): () => number {
  const key = Symbol.for("signalbox.tests.pendingTimers");
  const earlier: unknown = Reflect.get(globalThis, key);
  if (typeof earlier === "function") return () => Number(earlier());
  const pendingTimers = watchTimers();
  Reflect.set(globalThis, key, pendingTimers);
  return pendingTimers;
}

type Timer = ReturnType<typeof setTimeout>;

/**
 * Wraps the global functions that make timers; returns how many of the timers
 * would still fire and keep the process alive. Bun's `hasRef` is false for one
 * that has fired or was cleared, in whatever way.
 */
function watchTimers(): () => number {
  const timers = new Set<Timer>();
  const watched = <Make extends (...args: never[]) => Timer>(
    make: Make,
  ): Make =>
    new Proxy(make, {
      apply(target, self, args) {
        const timer: Timer = Reflect.apply(target, self, args);
        timers.add(timer);
        return timer;
      },
    });
  globalThis.setTimeout = watched(setTimeout);
  globalThis.setInterval = watched(setInterval);
  return () => {
    for (const timer of timers) if (!timer.hasRef()) timers.delete(timer);
    return timers.size;
  };
}
