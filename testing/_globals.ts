/**
 * The time and the lots of the runtime, replaced by those of a simulation.
 *
 * @module
 */

import { NetworkError } from "../network/errors.ts";
import type { ScheduledEvent, Scheduler } from "./_scheduler.ts";
import type { SimulationRandom } from "./random.ts";

/** Where `Date` begins: a round time, so that no test hangs on the day on which it runs. */
const EPOCH_MS = Date.UTC(2030, 0, 1);

let isReplaced = false;

/** What a replaced `setTimeout` returns. */
class SimulatedTimer {
  event: ScheduledEvent | undefined;

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

/**
 * Replaces them; returns what puts them back.
 *
 * @throws {NetworkError} `not-supported` while another simulation has replaced them.
 */
export function replaceGlobals(
  scheduler: Scheduler,
  random: SimulationRandom,
): () => void {
  if (isReplaced) {
    throw new NetworkError(
      "not-supported",
      "Cannot replace the globals: another simulation has",
    );
  }
  const RealDate = Date;
  const now = () => EPOCH_MS + Math.floor(scheduler.now());
  const clear = (timer: unknown): void => {
    if (!(timer instanceof SimulatedTimer) || timer.event === undefined) return;
    scheduler.cancel(timer.event);
    timer.event = undefined;
  };
  const start = (
    callback: (...args: unknown[]) => void,
    delayMs: unknown,
    args: unknown[],
    repeats: boolean,
  ): SimulatedTimer => {
    const timer = new SimulatedTimer();
    // As the runtimes have it: no number is 0, and less than a millisecond is one.
    const delay = Math.max(Number(delayMs) || 0, 1);
    const set = () => {
      timer.event = scheduler.schedule(delay, () => {
        if (repeats) set();
        callback(...args);
      }, true);
    };
    set();
    return timer;
  };
  const SimulatedDate = new Proxy(RealDate, {
    apply: () => new RealDate(now()).toString(),
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, key) => key === "now" ? now : Reflect.get(target, key),
  });
  const putBack = [
    replace(globalThis, "setTimeout", (
      callback: () => void,
      delayMs?: number,
      ...args: unknown[]
    ) => start(callback, delayMs, args, false)),
    replace(globalThis, "setInterval", (
      callback: () => void,
      delayMs?: number,
      ...args: unknown[]
    ) => start(callback, delayMs, args, true)),
    replace(globalThis, "setImmediate", (
      callback: (...args: unknown[]) => void,
      ...args: unknown[]
    ) => {
      const timer = new SimulatedTimer();
      timer.event = scheduler.schedule(0, () => callback(...args), true);
      return timer;
    }),
    replace(globalThis, "clearTimeout", clear),
    replace(globalThis, "clearInterval", clear),
    replace(globalThis, "clearImmediate", clear),
    replace(globalThis, "Date", SimulatedDate),
    replace(performance, "now", () => scheduler.now()),
    replace(Math, "random", () => random.next()),
  ];
  isReplaced = true;
  return () => {
    for (const undo of putBack) undo();
    isReplaced = false;
  };
}

function replace(owner: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, {
    value,
    configurable: true,
    writable: true,
  });
  return () => {
    if (before === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, before);
  };
}
