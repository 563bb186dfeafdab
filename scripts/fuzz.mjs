/**
 * Runs the fuzzer of `tests/fuzz/` on the runtimes, and finds the input when one
 * of them hangs or dies. Used by `npm run fuzz` and by `npm test`.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  bunPath,
  cache,
  denoPath,
  ensureDependencies,
  nodePath,
  root,
} from "./runtimes.mjs";

const HELP = `npm run fuzz -- [options]

  --runtime NAMES  deno, bun, node (26), node24, node22 or all (deno, bun, node); default: all
  --seconds N      how long on each runtime; default: 60
  --seed N         the same seed makes the same inputs; default: another each time
  --inputs N       so many inputs for each target instead of a time
  --from N         the first of them; default: 0
  --target NAME    only this target; may be given again
  --list           print the names of the targets
  --help           print this

A failure prints the line that makes its input again, and keeps the input in .cache/fuzz/.`;

const NO_THROW = /** @type {const} */ ({ throwIfNoEntry: false });

const PROGRAM = join("tests", "fuzz", "fuzz.ts");

/** How long a run may take beyond its time, in milliseconds. */
const GRACE_MS = 60_000;

/** How long it may note no progress, in milliseconds: a failure is made smaller meanwhile. */
const STILL_MS = 45_000;

/** How long the search for the input of a hang may take, in milliseconds. */
const SEARCH_MS = 20_000;

/** @type {Readonly<Record<string, () => [string, string[]]>>} */
export const FUZZ_COMMANDS = {
  deno: () => [denoPath(), [
    "run",
    "--allow-all",
    "--no-check",
    "--quiet",
    "--v8-flags=--expose-gc",
    PROGRAM,
  ]],
  bun: () => [bunPath(), ["run", PROGRAM]],
  node: () => [nodePath(26), ["--expose-gc", PROGRAM]],
  // The older ones warn of types in the program, which they only take away.
  node24: () => [nodePath(24), ["--expose-gc", PROGRAM]],
  node22: () => [nodePath(22), ["--expose-gc", "--no-warnings", PROGRAM]],
};

/**
 * Runs the fuzzer on one runtime.
 *
 * @param {string} runtime
 * @param {object} options
 * @param {readonly string[]} options.args for the program
 * @param {number} options.timeoutMs
 * @param {(text: string) => void} options.onOutput
 * @returns {Promise<number>} the exit status: 0 when nothing failed
 */
export async function fuzz(runtime, { args, timeoutMs, onOutput }) {
  mkdirSync(join(cache, "fuzz"), { recursive: true });
  const note = join(cache, "fuzz", `at-${noteName(runtime)}.json`);
  rmSync(note, { force: true });
  const code = await runProgram(runtime, { args, timeoutMs, onOutput, note });
  if (code === 0 || code === 1 || code === 2) return code;
  // It said nothing itself: the note of where it was leads to the input.
  const at = readNote(note);
  const died = code === "timeout" ? "hangs" : `died with ${code}`;
  if (at === undefined) {
    onOutput(`FAILED: the program ${died} before its first input\n`);
    return 1;
  }
  const again = [`--seed=${at.seed}`, `--target=${at.target}`];
  if (at.index >= 0) {
    await runProgram(runtime, {
      args: [...again, `--from=${at.index}`, "--inputs=20000", "--careful"],
      timeoutMs: SEARCH_MS,
      onOutput: () => {},
      note,
    });
  }
  const { target, seed, index } = readNote(note) ?? at;
  onOutput(
    `FAILED ${target}: the program ${died} at ${
      index < 0 ? "its corpus" : `input ${index}`
    }\n  again: npm run fuzz -- --runtime ${runtime} --seed ${seed} ` +
      `--target ${target}${index < 0 ? "" : ` --from ${index} --inputs 1`}\n`,
  );
  return 1;
}

/** @param {string} runtime */
function noteName(runtime) {
  return runtime.startsWith("node") ? "node" : runtime;
}

/** @param {string} path @returns {{ target: string, seed: number, index: number } | undefined} */
function readNote(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * @param {string} runtime
 * @param {object} options
 * @param {readonly string[]} options.args
 * @param {number} options.timeoutMs
 * @param {(text: string) => void} options.onOutput
 * @param {string} options.note where the program notes its progress
 * @returns {Promise<number | string>} the exit status, the signal, or `timeout`
 */
function runProgram(runtime, { args, timeoutMs, onOutput, note }) {
  const [command, first] = FUZZ_COMMANDS[runtime]();
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, ...args], {
      cwd: root,
      env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let isLate = false;
    const start = Date.now();
    const timer = setInterval(() => {
      const now = Date.now();
      const moved = Math.max(start, statSync(note, NO_THROW)?.mtimeMs ?? 0);
      if (now - start < timeoutMs && now - moved < STILL_MS) return;
      isLate = true;
      child.kill("SIGKILL");
    }, 500);
    const end = () => child.kill("SIGKILL");
    process.once("exit", end);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", onOutput);
    }
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearInterval(timer);
      process.off("exit", end);
      resolve(isLate ? "timeout" : code ?? signal ?? "no status");
    });
  });
}

function readOptions() {
  return parseArgs({
    options: {
      runtime: { type: "string", default: "all" },
      seconds: { type: "string", default: "60" },
      seed: { type: "string" },
      inputs: { type: "string" },
      from: { type: "string" },
      target: { type: "string", multiple: true },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;
}

async function main() {
  let options;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`npm run fuzz: ${error.message}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  ensureDependencies();
  const runtimes = options.list
    ? ["deno"]
    : options.runtime === "all"
    ? ["deno", "bun", "node"]
    : options.runtime.split(",");
  for (const name of runtimes) {
    if (!Object.hasOwn(FUZZ_COMMANDS, name)) {
      console.error(`npm run fuzz: there is no runtime "${name}"\n\n${HELP}`);
      return 2;
    }
  }
  const args = [
    `--seconds=${options.seconds}`,
    ...["seed", "inputs", "from"].flatMap((name) =>
      options[name] === undefined ? [] : [`--${name}=${options[name]}`]
    ),
    ...(options.target ?? []).map((name) => `--target=${name}`),
    ...(options.list ? ["--list"] : []),
  ];
  const time = options.inputs === undefined
    ? Number(options.seconds) * 1_000
    : 3_600_000;
  let status = 0;
  for (const runtime of runtimes) {
    const code = await fuzz(runtime, {
      args,
      timeoutMs: time + GRACE_MS,
      onOutput: (text) => process.stdout.write(text),
    });
    status = Math.max(status, code);
  }
  return status;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = await main();
}
