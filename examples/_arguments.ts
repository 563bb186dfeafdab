/**
 * What the example programs do alike: they explain themselves for `--help`, and
 * end with one clear line when they cannot do what they were asked for.
 *
 * @module
 */

import process from "node:process";

/**
 * Reads the arguments of a program. `--help` prints the help and ends it; what
 * `read` throws is a wrong argument: a line that says so, and exit status 2.
 */
export function readArguments<Asked>(help: string, read: () => Asked): Asked {
  if (process.argv.includes("--help") || process.argv.includes("-h")) {
    console.log(help);
    process.exit(0);
  }
  try {
    return read();
  } catch (error) {
    return endWith(2, `${messageOf(error)}\n\n${help}`);
  }
}

/** A number from the command line. Throws for anything else. */
export function wholeNumber(
  name: string,
  text: string,
  low: number,
  high: number,
): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= low && number <= high) return number;
  throw new Error(`${name} must be a whole number from ${low} to ${high}`);
}

/** Runs what may fail by the fault of an argument, such as a port in use: one line, and exit status 2. */
export async function orEnd<Result>(attempt: Promise<Result>): Promise<Result> {
  try {
    return await attempt;
  } catch (error) {
    return endWith(2, messageOf(error));
  }
}

/** Ends the program with a line on the standard error. */
export function endWith(status: number, message: string): never {
  console.error(message);
  process.exit(status);
}

/** Calls back when somebody wants the program to end: Ctrl-C, or a supervisor. */
export function whenAskedToEnd(callback: () => void): void {
  process.once("SIGINT", callback);
  process.once("SIGTERM", callback);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
