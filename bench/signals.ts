/**
 * A million signals or timers of a node, or of the runtime itself: how long from
 * the first call until the last has come, or has been cancelled.
 *
 *     node bench/signals.ts --what fired --with signalbox --count 1000000
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { createNode, type TimerId } from "../mod.ts";
import { numberOf, oneOf, readOptions } from "./_options.ts";

/** Timers are spread over so many milliseconds: less than it takes to set a million of them. */
const SPREAD_MS = 50;
/** Timers that are cancelled would fire after so long. */
const LONG_MS = 30_000;
/** Before the timed part, one in so many of it. */
const WARMUP_PART = 10;

/** Does it with `count`; resolves when it is done. */
type Work = (count: number) => Promise<void>;

const WORKS = ["send", "priority", "fired", "cancelled"] as const;
type Works = Record<(typeof WORKS)[number], Work>;

function delayOf(index: number): number {
  // 37 has no factor in common with the spread: each delay comes as often as any other.
  return 1 + (index * 37) % SPREAD_MS;
}

function ofSignalbox(): Works {
  const { handler, listener } = createNode<number>();
  const { signals } = handler;
  let left = 0;
  let done = () => {};
  void listener.forEach((event) => {
    if (event.type !== "signal") return;
    left -= 1;
    if (left === 0) done();
  });
  const received = (count: number, send: (index: number) => void) =>
    new Promise<void>((resolve) => {
      left = count;
      done = resolve;
      for (let index = 0; index < count; index += 1) send(index);
    });
  return {
    send: (count) => received(count, (index) => signals.send(index)),
    priority: (count) =>
      received(count, (index) => signals.sendWithPriority(index)),
    fired: (count) =>
      received(count, (index) => {
        signals.sendWithTimer(index, delayOf(index));
      }),
    cancelled(count) {
      const ids: TimerId[] = [];
      for (let index = 0; index < count; index += 1) {
        ids.push(signals.sendWithTimer(index, LONG_MS + delayOf(index)));
      }
      for (const id of ids) signals.cancelTimer(id);
      return Promise.resolve();
    },
  };
}

function ofRuntime(): Works {
  let left = 0;
  let done = () => {};
  const fired = (_index: number) => {
    left -= 1;
    if (left === 0) done();
  };
  const called = (count: number, call: (index: number) => void) =>
    new Promise<void>((resolve) => {
      left = count;
      done = resolve;
      for (let index = 0; index < count; index += 1) call(index);
    });
  // The runtime has one queue for what is to run soon, and no priority.
  const soon: Work = (count) =>
    called(count, (index) => {
      setImmediate(fired, index);
    });
  return {
    send: soon,
    priority: soon,
    fired: (count) =>
      called(count, (index) => {
        setTimeout(fired, delayOf(index), index);
      }),
    cancelled(count) {
      const timers: ReturnType<typeof setTimeout>[] = [];
      for (let index = 0; index < count; index += 1) {
        timers.push(setTimeout(fired, LONG_MS + delayOf(index), index));
      }
      for (const timer of timers) clearTimeout(timer);
      return Promise.resolve();
    },
  };
}

const { count, work } = readOptions(() => {
  const { values } = parseArgs({
    options: {
      what: { type: "string", default: "send" },
      with: { type: "string", default: "signalbox" },
      count: { type: "string", default: "1000000" },
    },
  });
  const who = oneOf("with", values.with, ["signalbox", "runtime"]);
  const what = oneOf("what", values.what, WORKS);
  const works = who === "runtime" ? ofRuntime() : ofSignalbox();
  return { count: numberOf("count", values.count, 1), work: works[what] };
});

await work(Math.ceil(count / WARMUP_PART));
const startedAt = performance.now();
await work(count);
const seconds = (performance.now() - startedAt) / 1_000;
console.log(JSON.stringify({ messages: count, seconds }));
process.exit(0);
