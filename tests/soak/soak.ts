/**
 * Keeps thousands of connections coming and going over every transport, through
 * networks that fail, and counts what arrives.
 *
 *     npm run soak -- --seconds 120 --connections 2000 [--runtime deno|bun|node]
 *
 * Every message has a number and a checksum. Of a conversation that ended in
 * order (drained by `remove` or `stop`, or after a goodbye) everything that was
 * accepted must arrive: what does not is *lost*. Of one that a fault ended, or
 * `remove` without drain, exactly the first messages must arrive: the others are
 * *cut off*. A message that is changed, doubled, out of order or from nowhere
 * breaks the run, as do an event after the end, a timer that fires early, a
 * connection that ends for no reason or does not end, and anything left open.
 *
 * Resident memory is the median of samples, each after a collection of garbage,
 * in the last part of the time in which the load comes up (start), around the
 * middle, and before the end. Where the run is too short to tell (under 30 s) it is printed and
 * not judged.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { openSignals } from "../_deno_signals.ts";
import { openResources, resourcesLeft } from "../_resources.ts";
import { Random } from "../fuzz/_random.ts";
import { Window } from "./_memory.ts";
import { Paths, Proxies } from "./_rows.ts";
import { Soak } from "./_soak.ts";

/** How much more than in the middle may be resident at the end. */
const MAX_GROWTH = 1.1;
/** Below this a run says nothing of memory, in seconds. */
const MIN_SECONDS_OF_MEMORY = 30;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "120" },
    connections: { type: "string", default: "2000" },
    seed: { type: "string" },
    node: { type: "string", default: "node" },
  },
});
const seconds = positive("seconds", values.seconds);
const connections = positive("connections", values.connections);
const seed = values.seed === undefined
  ? Math.floor(Math.random() * 0x1_0000_0000)
  : Number(values.seed);

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new Error(`--${name} ${text}: it must be a positive number`);
}

const runtime = "Deno" in globalThis
  ? "Deno"
  : "Bun" in globalThis
  ? "Bun"
  : "Node";

function mib(bytes: number): string {
  return `${(bytes / (1 << 20)).toFixed(0)} MiB`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function main(): Promise<void> {
  console.log(
    `soak on ${runtime}: ${connections} connections, ${seconds} s, seed ${seed}`,
  );
  const paths = new Paths();
  const proxies = new Proxies(values.node);
  openSignals();
  // Some runtimes keep the pipes to a process a while: they are not the library's.
  await pause(1_000);
  const before = openResources();
  const soak = new Soak(
    new Random(seed, "soak", 0),
    Math.min(20_000, seconds * 300),
  );
  await soak.listen(proxies, paths);
  const startedAt = performance.now();
  const warmUpMs = seconds * 150;
  soak.start(connections, warmUpMs);
  const [start, middle, end] = [new Window(), new Window(), new Window()];
  const windows: [Window, number, number][] = [
    [start, 0.15, 0.25],
    [middle, 0.45, 0.6],
    [end, 0.85, 1],
  ];
  let toldAt = -Infinity;
  for (;;) {
    const pausedAt = performance.now();
    const pauseMs = Math.min(1_000, seconds * 20);
    await pause(pauseMs);
    lagMs = Math.max(lagMs, performance.now() - pausedAt - pauseMs);
    const elapsed = (performance.now() - startedAt) / 1_000;
    soak.sweep();
    for (const [window, from, to] of windows) {
      if (elapsed > from * seconds && elapsed <= to * seconds) window.take();
    }
    if (elapsed - toldAt >= Math.max(1, seconds / 40)) {
      toldAt = elapsed;
      // On Bun it keeps every timer until it is asked.
      openResources();
      tell(elapsed, soak);
    }
    if (elapsed >= seconds) break;
  }
  soak.wane(Math.min(5_000, seconds * 200));
  await pause(Math.min(6_000, seconds * 250));
  tell((performance.now() - startedAt) / 1_000, soak);
  await soak.stop();
  const left = await resourcesLeft(before);
  await proxies.stop();
  paths.remove();
  report(soak, left, start.median, middle.median, end.median);
}

// Here, because on Bun the first look opens a descriptor.
const isTerminal = process.stdout.isTTY === true;
let hasLine = false;
/** The latest that a timer was since the last line. */
let lagMs = 0;

function tell(elapsed: number, soak: Soak): void {
  const { tally } = soak;
  const line =
    `${
      elapsed.toFixed(0).padStart(4)
    } s  open ${soak.open}  begun ${tally.conversations}  ` +
    `sent ${tally.sent}  refused ${tally.refused}  lost ${tally.lost}  cut off ${tally.cutOff}  ` +
    `reconnects ${tally.reconnects}  broken ${tally.broken}  ${
      mib(process.memoryUsage().rss)
    }  late: timers ${lagMs.toFixed(0)} ms, signals ${
      tally.latestMs.toFixed(0)
    } ms`;
  lagMs = 0;
  tally.latestMs = 0;
  if (isTerminal) {
    process.stdout.write(`\r\x1b[K${line}`);
    hasLine = true;
  } else console.log(line);
}

function report(
  soak: Soak,
  left: readonly string[],
  start: number,
  middle: number,
  end: number,
): void {
  const { tally } = soak;
  if (hasLine) console.log();
  const isFlat = end <= middle * MAX_GROWTH;
  const isLong = seconds >= MIN_SECONDS_OF_MEMORY;
  const list = (counts: ReadonlyMap<string, number>) =>
    [...counts].sort().map(([name, number]) => `${name} ${number}`).join(", ");
  console.log(
    [
      "",
      `connections   ${tally.conversations} (${list(tally.transports)})`,
      `messages      sent ${tally.sent}, received ${tally.received}, refused ${tally.refused}, congested ${tally.congested}`,
      `lost          ${tally.lost}`,
      `cut off       ${tally.cutOff} by faults, and by remove without drain`,
      `datagrams     sent ${tally.datagramsSent}, received ${tally.datagramsReceived}`,
      `broadcasts    ${tally.broadcasts}`,
      `signals       sent ${tally.signalsSent}, received ${tally.signalsReceived}`,
      `reconnects    ${tally.reconnects}`,
      `failed        ${tally.connectsFailed} connects, by faults`,
      `disconnected  ${list(tally.reasons)}`,
      `resident      start ${mib(start)}, middle ${mib(middle)}, end ${
        mib(end)
      }: ${(end / middle * 100 - 100).toFixed(1)} % from the middle to the end${
        isLong ? "" : " (too short a run to judge)"
      }`,
      `left open     ${left.length === 0 ? 0 : left.join(", ")}`,
    ].join("\n"),
  );
  for (const complaint of tally.complaints) {
    console.log(`  broken: ${complaint}`);
  }
  const isGood = tally.broken === 0 && tally.lost === 0 && left.length === 0 &&
    (isFlat || !isLong) && tally.received > 0;
  console.log(
    isGood ? "ok" : `NOT OK (${tally.broken} broken), with --seed ${seed}`,
  );
  // What hangs must not keep the process.
  if (!isGood) process.exit(1);
}

await main();
