/**
 * What the measurements of backpressure share: processes of their own, messages
 * that can be checked, and the memory of a process.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import {
  type Adapter,
  type ConnectOptions,
  FramedTcp,
  type ListenOptions,
  Ws,
} from "../mod.ts";

/** The transports that are measured. */
export type TransportName = "FramedTcp" | "Ws";

/** The transport of that name. */
export function transportOf(
  name: TransportName,
): Adapter<ConnectOptions, ListenOptions> {
  return name === "Ws" ? Ws : FramedTcp;
}

export const MIB: number = 1 << 20;

/** Bytes; of the whole process, and of its heap with what hangs on it. */
export interface Memory {
  readonly rss: number;
  readonly used: number;
}

/** What the process holds now, garbage included. */
export function memoryNow(): Memory {
  const { rss, heapUsed, external } = process.memoryUsage();
  // Bun's heap is told with the buffers that hang on it, which are told as `external` once more.
  return { rss, used: "Bun" in globalThis ? heapUsed : heapUsed + external };
}

/** What the process holds once its garbage is collected. */
export async function memoryKept(): Promise<Memory> {
  for (let turn = 0; turn < 4; turn += 1) {
    collect();
    await pause(25);
  }
  return memoryNow();
}

/** Collects garbage. */
export function collect(): void {
  const gc: unknown = Reflect.get(globalThis, "gc");
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (typeof gc === "function") gc();
  else if (
    typeof bun === "object" && bun !== null && "gc" in bun &&
    typeof bun.gc === "function"
  ) bun.gc(true);
  else throw new Error("Cannot collect garbage: run with --expose-gc");
}

/** Lets time pass. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Words that follow from a number, and differ from those of every other (xorshift of 32 bits). */
function nextWord(word: number): number {
  let next = word ^ (word << 13);
  next ^= next >>> 17;
  next ^= next << 5;
  return next >>> 0;
}

function firstWord(number: number): number {
  return (Math.imul(number + 1, 2_654_435_761) >>> 0) || 1;
}

/** Writes the message of that number into a buffer of its own, a multiple of 4 bytes in size. */
export function writeMessage(message: Uint8Array, number: number): void {
  const words = new Uint32Array(message.buffer);
  words[0] = number;
  let word = firstWord(number);
  for (let at = 1; at < words.length; at += 1) {
    words[at] = word;
    word = nextWord(word);
  }
}

/** Whether it is the message of that number and size, to the last byte. */
export function isMessage(
  data: Uint8Array,
  number: number,
  size: number,
): boolean {
  if (data.length !== size) return false;
  const isAligned = data.byteOffset % 4 === 0;
  const bytes = isAligned ? data : data.slice();
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, size >> 2);
  if (words[0] !== number) return false;
  let word = firstWord(number);
  for (let at = 1; at < words.length; at += 1) {
    if (words[at] !== word) return false;
    word = nextWord(word);
  }
  return true;
}

/** Another process of this program; it talks in lines of JSON. */
export class Part<Task extends { readonly part: string }> {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #name: string;

  /** @param task What it is to do, as the program takes it after `--part`. */
  constructor(task: Task) {
    const { execPath, argv } = process;
    const flags = "Deno" in globalThis
      ? ["run", "-A", "--no-check", "--v8-flags=--expose-gc"]
      : "Bun" in globalThis
      ? []
      : ["--expose-gc"];
    const args = [...flags, argv[1] ?? "", "--part", JSON.stringify(task)];
    this.#name = task.part;
    this.#child = spawn(execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("A process has no output");
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Tells it to go on. */
  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** What it says next. */
  async answer<Answer>(): Promise<Answer> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`The ${this.#name} ended too early`);
    return JSON.parse(value);
  }

  /** Ends it. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exit = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await exit;
  }
}

/** Says something to the process that started this one. */
export function tell(answer: unknown): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** What the process that started this one says; it ends when that is gone. */
export async function* orders(): AsyncGenerator<string> {
  yield* createInterface({ input: process.stdin });
  process.exit();
}

/** The middle one. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
