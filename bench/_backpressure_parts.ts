/**
 * What the measurements of backpressure share: processes of their own, and
 * messages that can be checked.
 *
 * @module
 */

import process from "node:process";
import {
  type Adapter,
  type ConnectOptions,
  FramedTcp,
  type ListenOptions,
  Ws,
} from "../mod.ts";
import { type Memory, memoryKept as memoryKeptAfter } from "./_memory.ts";
import { OwnProcess } from "./_own_process.ts";

/** The transports that are measured. */
export type TransportName = "FramedTcp" | "Ws";

/** The transport of that name. */
export function transportOf(
  name: TransportName,
): Adapter<ConnectOptions, ListenOptions> {
  return name === "Ws" ? Ws : FramedTcp;
}

export const MIB: number = 1 << 20;

/** What the process holds once its garbage is collected. */
export function memoryKept(): Promise<Memory> {
  return memoryKeptAfter({ collections: 4, pauseMs: 25 });
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
  readonly #process: OwnProcess;

  /** @param task What it is to do, as the program takes it after `--part`. */
  constructor(task: Task) {
    this.#process = new OwnProcess(task.part, [
      "--part",
      JSON.stringify(task),
    ]);
  }

  /** Tells it to go on. */
  say(line: string): void {
    this.#process.say(line);
  }

  /** What it says next. */
  async answer<Answer>(): Promise<Answer> {
    return JSON.parse(await this.#process.line());
  }

  /** Ends it. */
  end(): Promise<void> {
    return this.#process.end();
  }
}

/** Says something to the process that started this one. */
export function tell(answer: unknown): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
