/**
 * The fuzzer: makes inputs that nobody meant, and holds the library to what it
 * promises of them. `npm run fuzz` starts it on each runtime.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { projectFolder, runtimeName } from "../_support.ts";
import { FRAMING_TARGETS } from "./_framing_targets.ts";
import { HANDSHAKE_TARGETS } from "./_handshake_targets.ts";
import { LIVE_TARGETS } from "./_live_targets.ts";
import { LiveRun } from "./_live_run.ts";
import { keptBytes } from "./_memory.ts";
import { minimise } from "./_minimise.ts";
import { Random } from "./_random.ts";
import { inputOf, must, type PureTarget, type Source } from "./_target.ts";
import { TEXT_TARGETS } from "./_text_targets.ts";
import { WEB_SOCKET_TARGETS } from "./_web_socket_targets.ts";

const PURE: readonly PureTarget[] = [
  ...FRAMING_TARGETS,
  ...WEB_SOCKET_TARGETS,
  ...HANDSHAKE_TARGETS,
  ...TEXT_TARGETS,
];

/** Inputs between two looks at the clock. */
const BATCH = 32;
/** The time between two notes of where the run is, in milliseconds. */
const MARK_MS = 25;
/** One input must take no longer, in milliseconds: a hang is a failure too. */
const INPUT_MS = 2_000;
/** What a run may keep, in bytes: caches and compiled code, not inputs. */
const MAX_KEPT = 40 * (1 << 20);
const FOLDER = join(projectFolder, ".cache", "fuzz");

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    inputs: { type: "string" },
    from: { type: "string", default: "0" },
    target: { type: "string", multiple: true },
    careful: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

const seed = values.seed === undefined
  ? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
  : Number(values.seed) >>> 0;
const inputs = values.inputs === undefined ? Infinity : Number(values.inputs);
const first = Number(values.from);
const counts = new Map<string, number>();
/** Targets that have failed, and are left alone. */
const broken = new Set<string>();
let failures = 0;

function chosen<Target extends Source>(targets: readonly Target[]): Target[] {
  const names = values.target;
  return targets.filter(({ name }) =>
    names === undefined || names.includes(name)
  );
}

function describe(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message}`
    : String(error);
}

let marked = 0;

/** Where the run is, for whoever finds that it went no further: `careful` says it of each input. */
function mark(target: Source, index: number): void {
  const now = performance.now();
  if (now - marked < MARK_MS && !values.careful && index >= 0) return;
  marked = now;
  writeFileSync(
    join(FOLDER, `at-${runtimeName}.json`),
    JSON.stringify({ target: target.name, seed, index }),
  );
}

/** Tells of a failure and keeps its input, small. */
async function report(
  target: Source,
  index: number,
  input: Uint8Array,
  error: unknown,
  fails: (candidate: Uint8Array) => boolean | Promise<boolean>,
  tries: number,
): Promise<void> {
  failures += 1;
  const small = await minimise(input, fails, tries);
  const hex = Array.from(small, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
  const file = join(FOLDER, `${target.name}-${seed}-${index}.bin`);
  writeFileSync(file, small);
  console.log(
    [
      `FAILED ${target.name}, ${index < 0 ? "its corpus" : `input ${index}`}: ${
        describe(error)
      }`,
      `  input: ${small.length} bytes (of ${input.length}), ${
        hex.length > 400 ? `${hex.slice(0, 400)}…` : hex
      }`,
      `  file: ${file}`,
      `  again: npm run fuzz -- --runtime ${runtimeName} --seed ${seed} --target ${target.name}${
        index < 0 ? "" : ` --from ${index} --inputs 1`
      }`,
      error instanceof Error && error.name !== "Violation"
        ? `  ${error.stack ?? ""}`
        : "",
    ].filter((line) => line !== "").join("\n"),
  );
}

function failureOf(
  target: PureTarget,
  input: Uint8Array,
  index: number,
): unknown {
  try {
    const start = performance.now();
    target.check(input, new Random(seed, `${target.name} check`, index));
    const ms = performance.now() - start;
    must(ms < INPUT_MS, () => `the input took ${Math.round(ms)} ms`);
    return undefined;
  } catch (error) {
    return error ?? new Error("nothing was thrown");
  }
}

/** Runs one target for a while; false once it has failed. */
async function runPure(target: PureTarget, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  let done = counts.get(target.name) ?? 0;
  while (performance.now() < end && done < inputs) {
    mark(target, first + done);
    for (let turn = 0; turn < BATCH && done < inputs; turn++, done++) {
      const index = first + done;
      if (values.careful) mark(target, index);
      const input = inputOf(target, new Random(seed, target.name, index));
      const error = failureOf(target, input, index);
      if (error === undefined) continue;
      counts.set(target.name, done + 1);
      await report(
        target,
        index,
        input,
        error,
        (candidate) => {
          const other = failureOf(target, candidate, index);
          return other instanceof Error && error instanceof Error &&
            other.name === error.name;
        },
        3_000,
      );
      return false;
    }
    counts.set(target.name, done);
  }
  return true;
}

async function runLive(run: LiveRun, ms: number): Promise<boolean> {
  const { target } = run;
  mark(target, first + run.done);
  const found = await run.go(performance.now() + ms, inputs);
  counts.set(target.name, run.done);
  if (found === undefined) return true;
  const { index, input, error } = found;
  await report(
    target,
    index,
    input,
    error,
    async (candidate) => await run.failsAlone(candidate, index),
    40,
  );
  return false;
}

/** Every valid input must be judged rightly, before any is changed. */
async function checkCorpus(target: PureTarget): Promise<void> {
  mark(target, -1);
  for (const input of [...target.corpus, new Uint8Array(0)]) {
    for (let index = 0; index < 20; index++) {
      const error = failureOf(target, input, index);
      if (error === undefined) continue;
      broken.add(target.name);
      return await report(
        target,
        -1,
        input,
        error,
        (candidate) => failureOf(target, candidate, index) !== undefined,
        3_000,
      );
    }
  }
}

async function main(): Promise<number> {
  const pure = chosen(PURE);
  const live = chosen(LIVE_TARGETS);
  if (values.list) {
    for (const { name } of [...PURE, ...LIVE_TARGETS]) console.log(name);
    return 0;
  }
  if (pure.length + live.length === 0) {
    console.log(`There is no such target; --list names them.`);
    return 2;
  }
  mkdirSync(FOLDER, { recursive: true });
  console.log(`fuzz on ${runtimeName}: seed ${seed}`);
  const start = performance.now();
  const end = start +
    (inputs === Infinity ? Number(values.seconds) * 1_000 : Infinity);
  for (const target of pure) await checkCorpus(target);
  const runs: LiveRun[] = [];
  for (const target of live) {
    runs.push(await LiveRun.open(target, seed, first));
  }
  await rounds(pure, runs, end, start, true);
  // What the first round brought in is the program, and stays.
  const before = await keptBytes();
  await rounds(pure, runs, end, start, false);
  for (const run of runs) {
    const error = await run.close();
    if (error === undefined) continue;
    failures += 1;
    console.log(`FAILED ${run.target.name}, at its end: ${describe(error)}`);
  }
  const kept = await keptBytes() - before;
  let allowed = MAX_KEPT;
  for (const { target, done } of runs) {
    allowed += done * (target.runtimeKeeps ?? 0);
  }
  if (kept > allowed) {
    failures += 1;
    console.log(`FAILED: ${mebibytes(kept)} MiB are kept`);
  }
  summarize(start, kept, runs);
  return failures === 0 ? 0 : 1;
}

/** Gives each target its slices until the time is over or the inputs are done. */
async function rounds(
  pure: readonly PureTarget[],
  runs: readonly LiveRun[],
  end: number,
  start: number,
  isFirst: boolean,
): Promise<void> {
  const total = end === Infinity ? 60_000 : end - start;
  // A round is short, so that a short run reaches every target.
  const round = Math.min(4_000, total / 3);
  const livePart = pure.length === 0 ? 1 : runs.length === 0 ? 0 : 0.3;
  const pureMs = (round * (1 - livePart)) / Math.max(1, pure.length);
  const liveMs = (round * livePart) / Math.max(1, runs.length);
  let told = performance.now();
  do {
    for (const target of pure) {
      if (broken.has(target.name)) continue;
      if (!await runPure(target, pureMs)) broken.add(target.name);
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
    }
    for (const run of runs) {
      if (broken.has(run.target.name)) continue;
      if (!await runLive(run, liveMs)) broken.add(run.target.name);
    }
    if (performance.now() - told > 10_000) {
      told = performance.now();
      console.log(
        `  ${seconds(start)} s: ${grouped(sum())} inputs, ${failures} failures`,
      );
    }
  } while (!isFirst && performance.now() < end && goesOn(pure, runs));
}

function goesOn(
  pure: readonly Source[],
  runs: readonly LiveRun[],
): boolean {
  return [...pure, ...runs.map(({ target }) => target)].some(({ name }) =>
    !broken.has(name) && (counts.get(name) ?? 0) < inputs
  );
}

function sum(): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

const grouped = (count: number): string => count.toLocaleString("en-US");
const mebibytes = (size: number): string => (size / (1 << 20)).toFixed(1);
const seconds = (start: number): string =>
  ((performance.now() - start) / 1_000).toFixed(1);

function summarize(
  start: number,
  kept: number,
  runs: readonly LiveRun[],
): void {
  for (const [name, count] of counts) {
    const run = runs.find(({ target }) => target.name === name);
    const beside = run === undefined
      ? ""
      : `   ${run.checks} checks of the good connection beside, the slowest ${
        Math.round(run.slowestMs)
      } ms`;
    console.log(
      `  ${name.padEnd(18)}${grouped(count).padStart(11)}${beside}`,
    );
  }
  console.log(
    `${grouped(sum())} inputs in ${seconds(start)} s on ${runtimeName}, ` +
      `${failures} crashes; ${mebibytes(kept)} MiB kept, ${
        mebibytes(process.memoryUsage().rss)
      } MiB resident; seed ${seed}`,
  );
}

const unexpected = (error: unknown): void => {
  failures += 1;
  console.log(
    `FAILED: nobody caught ${describe(error)}\n${
      error instanceof Error ? error.stack ?? "" : ""
    }`,
  );
  process.exit(1);
};
process.on("uncaughtException", unexpected);
process.on("unhandledRejection", unexpected);

const status = await main();
// Sound, it ends by itself, because nothing is open; else it may not.
if (status === 0) process.exitCode = 0;
else process.exit(status);
