/**
 * What the tests of the example programs share.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import {
  currentRuntimeCommand,
  run,
  type RunningProcess,
  start,
} from "../_support.ts";
import { test as register } from "../_test.ts";

/** A test starts several programs, one after the other, which takes seconds where a machine is busy. */
const TEST_MS = 120_000;
const PROGRAM_MS = 100_000;

/** Registers a test of programs. */
export function test(name: string, run: () => void | Promise<void>): void {
  register(name, run, { timeoutMs: TEST_MS });
}

function commandOf(program: string, args: readonly string[]) {
  return currentRuntimeCommand(
    new URL(`../../examples/${program}`, import.meta.url),
    args,
  );
}

/** Starts an example on the runtime that runs the test. */
export function startProgram(
  program: string,
  ...args: string[]
): RunningProcess {
  return start(commandOf(program, args), { timeoutMs: PROGRAM_MS });
}

/** Asks a program to end, and checks that it does so by itself and in order. */
export async function endProgram(program: RunningProcess): Promise<void> {
  const { pid, exitCode, signalCode } = program.child;
  // Not `child.kill`: after it Deno reports that the signal ended the program, whatever the program did.
  if (pid !== undefined && exitCode === null && signalCode === null) {
    process.kill(pid);
  }
  const { code, stderr } = await program.done;
  // Windows has no signals: there the program was ended from outside.
  if (process.platform !== "win32") assert.equal(code, 0, stderr);
}

/** The first group of a pattern in what a program prints. */
export async function printed(
  program: RunningProcess,
  pattern: RegExp,
): Promise<string> {
  const match = await program.output(pattern);
  assert(match[1] !== undefined, `${pattern} has no group`);
  return match[1];
}

/** Checks that a program helps with `--help`, and refuses each list of arguments with a line and exit status 2. */
export async function checkArguments(
  program: string,
  wrong: readonly { readonly args: readonly string[]; readonly says: RegExp }[],
): Promise<void> {
  const limit = { timeoutMs: PROGRAM_MS };
  const helped = await run(commandOf(program, ["--help"]), limit);
  assert.equal(helped.code, 0, helped.stderr);
  assert.match(helped.stdout, /^Usage: /);
  for (const { args, says } of wrong) {
    const refused = await run(commandOf(program, args), limit);
    assert.equal(refused.code, 2, `${args.join(" ")}: ${refused.stderr}`);
    assert.match(refused.stderr.split("\n", 1)[0] ?? "", says);
    assert.equal(refused.stdout, "");
  }
}
