/**
 * The command line that every peer of the benchmark keeps to, as
 * `bench/peers/README.md` lays it down.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";

/** What a peer does. */
export type Mode = "echo" | "sink" | "source" | "ping";

/** What a peer was asked for. */
export interface PeerCommand {
  readonly mode: Mode;
  readonly transport: string;
  readonly address: string;
  readonly isListening: boolean;
  /** Bytes of a message; undefined when none was given. */
  readonly size: number | undefined;
  /** How many messages: of a source and a ping on each connection, of a sink in all. Infinity: no end. */
  readonly messages: number;
  /** How long a source or a ping goes on. Infinity: until `messages`. */
  readonly seconds: number;
  readonly connections: number;
  /** Messages in flight on each connection of a ping. */
  readonly depth: number;
  /** Seconds after the first message in which a sink or a ping does not count. */
  readonly warmup: number;
}

const MODES: readonly string[] = ["echo", "sink", "source", "ping"];
const DEFAULT_MESSAGES = 1_000;

/** Bytes of a message, where `--size` tells of no others. */
export const DEFAULT_SIZE = 64;

function isMode(name: string | undefined): name is Mode {
  return name !== undefined && MODES.includes(name);
}

/** Reads the command line. A wrong one ends the program with status 2. */
export function readPeerCommand(): PeerCommand {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        transport: { type: "string" },
        listen: { type: "string" },
        connect: { type: "string" },
        size: { type: "string" },
        messages: { type: "string" },
        seconds: { type: "string" },
        connections: { type: "string" },
        depth: { type: "string" },
        warmup: { type: "string" },
      },
    });
    const [mode] = positionals;
    if (!isMode(mode) || positionals.length > 1) {
      throw new Error(`the mode must be one of ${MODES.join(", ")}`);
    }
    if (values.transport === undefined) throw new Error("no --transport");
    const address = values.listen ?? values.connect;
    if (address === undefined || (values.listen && values.connect)) {
      throw new Error("one of --listen and --connect is required");
    }
    const seconds = number("seconds", values.seconds, Infinity);
    return {
      mode,
      transport: values.transport,
      address,
      isListening: values.listen !== undefined,
      size: values.size === undefined
        ? undefined
        : number("size", values.size, 0),
      messages: number(
        "messages",
        values.messages,
        mode === "sink" || seconds < Infinity ? Infinity : DEFAULT_MESSAGES,
      ),
      seconds,
      connections: count("connections", values.connections),
      depth: count("depth", values.depth),
      warmup: number("warmup", values.warmup, 0),
    };
  } catch (error) {
    return fail(error, 2);
  }
}

function number(name: string, text: string | undefined, other: number): number {
  if (text === undefined) return other;
  const value = Number(text);
  if (text !== "" && value >= 0) return value;
  throw new Error(`--${name} must be a number, not negative`);
}

function count(name: string, text = "1"): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`--${name} must be a whole number from 1`);
}

/** Prints one line of the protocol. */
export function report(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Ends the program: it cannot go on. Status 2: what was asked for is wrong. */
export function fail(error: unknown, status = 1): never {
  report({ error: error instanceof Error ? error.message : String(error) });
  process.exit(status);
}

/** Ends the program: it has not what was asked for. */
export function refuse(message: string): never {
  report({ error: message, unsupported: true });
  process.exit(2);
}

let lastWords: (() => void) | undefined;

/** Ends the program when whoever started it is gone, whatever it is doing. */
export function endWithInput(): void {
  process.stdin.on("end", () => {
    lastWords?.();
    process.exit(0);
  }).resume();
}

/** Tells what to do when the input ends: a sink of datagrams, which has no other end to wait for, gives its result. */
export function beforeEnd(callback: () => void): void {
  lastWords = callback;
}
