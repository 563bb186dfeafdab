/**
 * What tests share beside their registration: the runtime that runs them, other
 * processes, and paths that nobody else uses.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The runtimes that run the tests. */
export type RuntimeName = "deno" | "bun" | "node";

/** The runtime that runs this test. */
export const runtimeName: RuntimeName = "Deno" in globalThis
  ? "deno"
  : "Bun" in globalThis
  ? "bun"
  : "node";

/** The top folder of the project. */
export const projectFolder: string = fileURLToPath(
  new URL("..", import.meta.url),
);

/** A program and its arguments. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** How this very runtime runs a script: the same executable, with all permissions. */
export function currentRuntimeCommand(
  script: string | URL,
  args: readonly string[] = [],
): Command {
  let path = typeof script === "string" ? script : fileURLToPath(script);
  // Where the tests were bundled, for Node 20, so were the scripts beside them.
  if (import.meta.url.endsWith(".mjs")) path = path.replace(/\.ts$/, ".mjs");
  const options = runtimeName === "deno"
    ? ["run", "--allow-all", "--no-lock", ...denoFlags()]
    : runtimeName === "bun"
    ? ["run"]
    : [];
  return { command: process.execPath, args: [...options, path, ...args] };
}

/** How this very runtime runs the tests of a file. */
export function currentRunnerCommand(file: string | URL): Command {
  const path = typeof file === "string" ? file : fileURLToPath(file);
  const options = runtimeName === "deno"
    ? [
      "test",
      "--allow-all",
      "--sanitize-ops",
      "--sanitize-resources",
      ...denoFlags(),
    ]
    : runtimeName === "bun"
    ? ["test"]
    : ["--test", "--test-reporter=spec"];
  return { command: process.execPath, args: [...options, path] };
}

/** The flags of this process that change which APIs there are. */
function denoFlags(): string[] {
  return "listenDatagram" in Deno ? ["--unstable-net"] : [];
}

/** What {@linkcode start} and {@linkcode run} may be told. */
export interface ProcessOptions {
  /** Default: the project's top folder. */
  readonly cwd?: string;
  /** Added to the own environment; `undefined` takes a name out of it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to the standard input, which is then closed. Default: nothing. */
  readonly input?: string;
  /** Milliseconds after which the process is killed. Default: 25,000. */
  readonly timeoutMs?: number;
}

/** How a process ended and what it said. */
export interface ProcessResult {
  /** `null` if a signal ended it. */
  readonly code: number | null;
  /** `null` if it exited by itself. */
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that runs. */
export interface RunningProcess {
  readonly child: ChildProcess;
  /** Resolves once the process is gone and its output was read to the end. */
  readonly done: Promise<ProcessResult>;
  /**
   * Resolves with the match as soon as the standard output so far matches;
   * rejects if the process ends before it does.
   */
  output(pattern: RegExp): Promise<RegExpExecArray>;
  /** Writes to the standard input, which {@linkcode ProcessOptions.input} must not have closed. */
  write(text: string): void;
  /** Ends the process and waits until it is gone. */
  stop(signal?: "SIGTERM" | "SIGINT" | "SIGKILL"): Promise<ProcessResult>;
}

/** Starts a process. Whoever starts one awaits `done` or `stop()`. */
export function start(
  { command, args }: Command,
  options: ProcessOptions = {},
): RunningProcess {
  const env: Record<string, string | undefined> = {
    ...process.env,
    // What the process prints is compared, and Deno takes any value of this for a yes.
    FORCE_COLOR: undefined,
    NO_COLOR: "1",
    // Node's runner refuses to run inside itself while this is set.
    NODE_TEST_CONTEXT: undefined,
    ...options.env,
  };
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) delete env[name];
  }
  const child = spawn(command, [...args], {
    cwd: options.cwd ?? projectFolder,
    env,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  let ended = false;
  const waiting = new Set<() => void>();
  const look = () => {
    for (const check of [...waiting]) check();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // A process that ends without reading its input is no fault of the test.
  child.stdin.on("error", () => {});
  if (options.input !== undefined) child.stdin.end(options.input);
  const timer = setTimeout(
    () => child.kill("SIGKILL"),
    options.timeoutMs ?? 25_000,
  );
  const done = new Promise<ProcessResult>((resolve, reject) => {
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      // All three: Bun lets go of those that have ended when it comes to it.
      for (const stream of [child.stdin, child.stdout, child.stderr]) {
        stream.destroy();
      }
      ended = true;
      look();
      resolve({ code, signal, stdout, stderr });
    });
  });
  return {
    child,
    done,
    output(pattern) {
      return new Promise((resolve, reject) => {
        const check = () => {
          const match = pattern.exec(stdout);
          if (match === null && !ended) return;
          waiting.delete(check);
          if (match !== null) resolve(match);
          else {
            reject(
              new Error(
                `${command} ended without printing ${pattern}:\n${stdout}${stderr}`,
              ),
            );
          }
        };
        waiting.add(check);
        check();
      });
    },
    write(text) {
      child.stdin.write(text);
    },
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return done;
    },
  };
}

/** Runs a process to its end, with an empty standard input unless told otherwise. */
export function run(
  command: Command,
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  return start(command, { input: "", ...options }).done;
}

/** Runs `use` with a new empty folder, which is removed afterwards. */
export async function withTempFolder<T>(
  use: (folder: string) => T | Promise<T>,
): Promise<T> {
  // Short, because the path of a Unix socket may have no more than 104 bytes on macOS.
  const folder = await mkdtemp(join(tmpdir(), "sb-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

let paths = 0;

/** A path for a Unix socket that does not exist yet; nothing removes what is made there. */
export function tempSocketPath(): string {
  paths++;
  return join(tmpdir(), `sb-${process.pid}-${paths}.sock`);
}
