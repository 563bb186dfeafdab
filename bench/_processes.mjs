/**
 * Starts the programs of the benchmark, each a process of its own, and reads
 * what they print: one JSON object a line.
 *
 * Plain JavaScript, because Node 20 runs it.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import {
  bunPath,
  cache,
  denoPath,
  nodePath,
  root,
} from "../scripts/runtimes.mjs";

/** @typedef {import("./_runtimes.mjs").Runtime} Runtime */

/** Descriptors that a process of a thousand connections may want. */
const DESCRIPTORS = 8_192;

/**
 * The command that runs a program on a runtime.
 *
 * @param {Runtime} runtime
 * @param {string} file from the top folder
 * @param {readonly string[]} args
 * @param {Partial<Record<Runtime, readonly string[]>>} [flags] of the runtime itself
 * @returns {string[]}
 */
export function programOn(runtime, file, args, flags = {}) {
  const path = join(root, file);
  const more = flags[runtime] ?? [];
  switch (runtime) {
    case "deno":
      // With the flag Deno has datagram sockets of its own, for every contender.
      return [
        denoPath(),
        "run",
        "--quiet",
        "--no-check",
        "--allow-all",
        "--unstable-net",
        ...more,
        path,
        ...args,
      ];
    case "bun":
      return [bunPath(), ...more, path, ...args];
    case "node":
      return [nodePath(26), "--no-warnings", ...more, path, ...args];
  }
}

/** @type {Set<Program>} */
const running = new Set();

for (
  const [signal, status] of /** @type {const} */ ([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])
) {
  process.once(signal, () => {
    for (const program of running) program.kill();
    process.exit(status);
  });
}

/** A running program. */
export class Program {
  /** @type {import("node:child_process").ChildProcess} */
  #child;
  #errors = "";
  /** The exit status, or the signal that ended it; undefined while it runs. */
  #status = /** @type {number | string | undefined} */ (undefined);
  /** @type {Promise<void>} */
  #ended;
  /** @type {Record<string, unknown>[]} */
  #lines = [];
  /** @type {Set<() => void>} */
  #waiting = new Set();
  #name;

  /**
   * @param {readonly string[]} command
   * @param {{ manyConnections?: boolean, env?: Record<string, string> }} [options]
   *   `manyConnections`: raises the limit of descriptors
   */
  constructor(command, { manyConnections = false, env = {} } = {}) {
    this.#name = command.slice(0, 12).join(" ");
    const [file = "", ...args] = manyConnections && process.platform !== "win32"
      ? [
        "sh",
        "-c",
        `ulimit -n ${DESCRIPTORS} 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$@"`,
        "sh",
        ...command,
      ]
      : command;
    this.#child = spawn(file, args, {
      cwd: root,
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...process.env,
        NO_COLOR: "1",
        DENO_NO_UPDATE_CHECK: "1",
        // Keeps what was compiled: a run begins sooner, and goes on as it would have.
        NODE_COMPILE_CACHE: join(cache, "bench", "compiled"),
        ...env,
      },
    });
    running.add(this);
    const { stdin, stdout, stderr } = this.#child;
    // A program may be gone before its input is closed.
    stdin?.on("error", () => {});
    stderr?.setEncoding("utf8").on("data", (text) => {
      this.#errors = (this.#errors + text).slice(-4_000);
    });
    if (stdout !== null) {
      createInterface({ input: stdout }).on("line", (line) => {
        try {
          this.#lines.push(JSON.parse(line));
        } catch {
          this.#errors += `${line}\n`;
        }
        this.#wake();
      });
    }
    this.#ended = new Promise((resolve) => {
      const end = (/** @type {number | string} */ status) => {
        this.#status = status;
        running.delete(this);
        this.#wake();
        resolve();
      };
      this.#child.once("error", (error) => {
        this.#errors += error.message;
        end(1);
      });
      this.#child.once(
        "close",
        (code, signal) => end(code ?? signal ?? "none"),
      );
    });
  }

  #wake() {
    for (const wake of this.#waiting) wake();
  }

  /** Ends it at once. */
  kill() {
    this.#child.kill("SIGKILL");
  }

  /**
   * The first line that has a member of this name.
   *
   * @param {string} member
   * @param {number} timeoutMs
   * @returns {Promise<Record<string, unknown>>}
   */
  line(member, timeoutMs) {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const look = () => {
        const line = this.#lines.find((line) => member in line);
        if (line !== undefined) {
          stop();
          resolve(line);
        } else if (this.#hasFailed || this.#status !== undefined) {
          stop();
          reject(this.#failure());
        }
      };
      const timer = setTimeout(() => {
        stop();
        reject(
          new Error(
            `${this.#name}: no "${member}" within ${
              timeoutMs / 1_000
            } s ${this.#errors.trim()}`,
          ),
        );
      }, timeoutMs);
      this.#waiting.add(look);
      look();
    });
  }

  get #hasFailed() {
    return this.#lines.some((line) => "error" in line) ||
      (this.#status ?? 0) !== 0;
  }

  #failure() {
    const line = this.#lines.find((line) => "error" in line);
    const reason = line?.error ??
      `it ended (${this.#status}): ${this.#errors.trim()}`;
    return new Error(`${this.#name}: ${reason}`);
  }

  /**
   * Rejects when it says that it cannot go on, or has ended as one that could not.
   *
   * @returns {Promise<never>}
   */
  failed() {
    return new Promise((_, reject) => {
      const look = () => {
        if (this.#hasFailed) reject(this.#failure());
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Closes its input, which ends every program of the benchmark. */
  closeInput() {
    this.#child.stdin?.end();
  }

  /** Closes its input, and waits until it is gone. */
  async end() {
    this.closeInput();
    const timer = setTimeout(() => this.kill(), 2_000);
    await this.#ended;
    clearTimeout(timer);
  }
}

/**
 * Runs two programs against each other: one listens, one connects to it.
 *
 * @param {object} pair
 * @param {readonly string[]} pair.listening
 * @param {(address: string) => readonly string[]} pair.connecting
 * @param {"listening" | "connecting"} pair.result whose result is wanted
 * @param {boolean} [pair.bothTell] whether the other has a result too, without which it has ended too early
 * @param {(result: Record<string, unknown>, other: Record<string, unknown>) => void} [pair.check]
 *   throws if what the two tell does not fit
 * @param {number} [pair.quietMs] how long after the end of the one that connects the other is told that
 *   nothing more comes; default: it knows by itself
 * @param {boolean} [pair.manyConnections]
 * @param {Record<string, string>} [pair.env] of the one that listens
 * @param {number} pair.timeoutMs
 * @returns {Promise<Record<string, unknown>>}
 */
export async function runPair(
  {
    listening,
    connecting,
    result,
    bothTell = false,
    check,
    quietMs,
    manyConnections = false,
    env,
    timeoutMs,
  },
) {
  const first = new Program(listening, {
    manyConnections,
    ...(env !== undefined && { env }),
  });
  try {
    const { address } = await first.line("ready", timeoutMs);
    const second = new Program(connecting(String(address)), {
      manyConnections,
    });
    try {
      const [wanted, other] = result === "listening"
        ? [first, second]
        : [second, first];
      // The other's failure is told at once, not after the time limit.
      const failed = other.failed();
      if (quietMs !== undefined) {
        await Promise.race([second.line("seconds", timeoutMs), failed]);
        await new Promise((resolve) => setTimeout(resolve, quietMs));
        first.closeInput();
      }
      const found = await /** @type {Promise<Record<string, unknown>>} */ (
        Promise.race([wanted.line("seconds", timeoutMs), failed])
      );
      if (bothTell) {
        const told = await other.line("seconds", timeoutMs);
        check?.(found, told);
      }
      return found;
    } finally {
      await second.end();
    }
  } finally {
    await first.end();
  }
}

/**
 * Runs one program to its result.
 *
 * @param {readonly string[]} command
 * @param {{ timeoutMs: number, env?: Record<string, string> }} options
 * @returns {Promise<Record<string, unknown>>}
 */
export async function runAlone(command, { timeoutMs, env = {} }) {
  const program = new Program(command, { env });
  try {
    return await program.line("seconds", timeoutMs);
  } finally {
    await program.end();
  }
}
