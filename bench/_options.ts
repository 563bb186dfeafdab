/**
 * The command lines of the benches that are run by hand.
 *
 * @module
 */

import process from "node:process";

/** What `read` makes of the command line; if it throws, says why and ends the program with status 2. */
export function readOptions<Options>(read: () => Options): Options {
  try {
    return read();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}

/** The number that an option gives; throws for anything else, and for one below `least`. */
export function numberOf(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text !== "" && value >= least) return value;
  throw new Error(`--${name} must be a number from ${least}`);
}

/** The one of `known` that an option names; throws for any other. */
export function oneOf<Known extends string>(
  name: string,
  text: string,
  known: readonly Known[],
): Known {
  const found = known.find((each) => each === text);
  if (found !== undefined) return found;
  throw new Error(`--${name} must be one of ${known.join(", ")}`);
}
