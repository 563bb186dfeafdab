/**
 * What is fuzzed: where its inputs come from, and what must hold of each.
 *
 * @module
 */

import { mutate } from "./_mutate.ts";
import type { Random } from "./_random.ts";

/** Something that must hold and does not. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Throws a Violation unless `holds`. */
export function must(holds: boolean, what: () => string): asserts holds {
  if (!holds) throw new Violation(what());
}

/** Where inputs come from. */
export interface Source {
  /** Opens its name in reports, and is part of the seed of each input. */
  readonly name: string;
  /** Valid inputs. */
  readonly corpus: readonly Uint8Array[];
  /** Pieces that mean something. */
  readonly tokens: readonly Uint8Array[];
  /** An input that knows the format: valid, or wrong in one thing. */
  compose(random: Random): Uint8Array;
}

/** Code that is called with an input and answers. */
export interface PureTarget extends Source {
  /**
   * Throws a Violation, or whatever the code under test throws.
   *
   * @param input Bytes of which the code gets copies.
   * @param random Decides on cuts and limits; the same for every try of one input.
   */
  check(input: Uint8Array, random: Random): void;
}

/** A listener or client with sockets, open for attacks. */
export interface LiveSession {
  /** Sends an input over a connection of its own, and waits until nothing is left of it. Rejects with a Violation. */
  attack(input: Uint8Array, random: Random): Promise<void>;
  /** Uses the good connection beside; rejects unless it works. Resolves with how long it took, in milliseconds. */
  useGood(): Promise<number>;
  /** What is open beyond the listener and its good connection: 0 when all is over. */
  left(): number;
  /** Rules that the node has broken so far. */
  readonly violations: readonly string[];
  close(): Promise<void>;
}

/** Code behind a socket. */
export interface LiveTarget extends Source {
  /** Bytes that the runtime itself keeps of each input, which no program can free. Default: none. */
  readonly runtimeKeeps?: number;
  open(): Promise<LiveSession>;
}

/** The input of this index. */
export function inputOf(source: Source, random: Random): Uint8Array {
  const kind = random.below(16);
  if (kind === 0) return random.bytes(random.below(64));
  if (kind < 8) {
    return mutate(
      random,
      random.pick(source.corpus),
      source.corpus,
      source.tokens,
    );
  }
  const composed = source.compose(random);
  return kind < 14
    ? composed
    : mutate(random, composed, source.corpus, source.tokens);
}
