/**
 * Registers tests in the same words on Deno, Bun and Node.
 *
 * A test fails when it leaves a socket, a server or a timer behind: by
 * {@linkcode openResources} on every runtime, and on Deno by its sanitizers too.
 *
 * @module
 */

import process from "node:process";
import { openResources, resourcesLeft } from "./_resources.ts";

/** What a test may ask of its registration. */
export interface TestOptions {
  /** Milliseconds after which the test fails. Default: 30,000. */
  readonly timeoutMs?: number;
}

type Run = () => void | Promise<void>;

/**
 * Registers one test, named by the behaviour that it proves.
 *
 * It fails when `run` throws or rejects, when `run` takes longer than its time,
 * and when anything that it opened is still open afterwards.
 */
export function test(name: string, run: Run, options: TestOptions = {}): void {
  register(name, run, options.timeoutMs ?? 30_000);
}

let leaked = false;

const register = await chooseRegistration();

async function chooseRegistration(): Promise<
  (name: string, run: Run, timeoutMs: number) => void
> {
  if ("Deno" in globalThis) {
    // node:test would escape the sanitizers.
    return (name, run, timeoutMs) => {
      Deno.test({
        name,
        sanitizeOps: true,
        sanitizeResources: true,
        fn: () => runCleanly(run, timeoutMs),
      });
    };
  }
  const { after, test: nodeTest } = await import("node:test");
  if (!("Bun" in globalThis)) after(endInSpiteOfLeaks);
  return (name, run, timeoutMs) => {
    // Bun ends a test after five seconds unless told otherwise; the own limit comes first.
    nodeTest(
      name,
      { timeout: timeoutMs + 10_000 },
      () => runCleanly(run, timeoutMs),
    );
  };
}

async function runCleanly(run: Run, timeoutMs: number): Promise<void> {
  const before = openResources();
  let left: string[] = [];
  try {
    await withTimeout(run, timeoutMs);
  } finally {
    left = await resourcesLeft(before);
    if (left.length > 0) leaked = true;
  }
  if (left.length > 0) {
    throw new Error(`Left open by this test: ${left.join(", ")}`);
  }
}

/** Node's runner waits for what a failed test left open, for ever if need be. */
function endInSpiteOfLeaks(): void {
  if (leaked) setTimeout(() => process.exit(1), 500).unref();
}

async function withTimeout(run: Run, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`The test took longer than ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    await Promise.race([run(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
