/**
 * Other processes of the program that runs, on the same runtime; they talk in
 * lines, and can collect garbage.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";

/** One of them. */
export class OwnProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #name: string;

  /** @param args Of the program. */
  constructor(name: string, args: readonly string[]) {
    const { execPath, argv } = process;
    const flags = "Deno" in globalThis
      ? ["run", "-A", "--no-check", "--v8-flags=--expose-gc"]
      : "Bun" in globalThis
      ? []
      : ["--expose-gc"];
    const child = spawn(execPath, [...flags, argv[1] ?? "", ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (child.stdout === null) throw new Error("A process has no output");
    this.#child = child;
    this.#name = name;
    this.#lines = createInterface({ input: child.stdout })
      [Symbol.asyncIterator]();
  }

  /** Tells it something. */
  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** What it says next. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`The ${this.#name} ended too early`);
    return value;
  }

  /** Ends it. */
  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const exit = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await exit;
  }
}

/** What the process that started this one says; this one ends with it. */
export async function* orders(): AsyncGenerator<string> {
  yield* createInterface({ input: process.stdin });
  process.exit();
}
