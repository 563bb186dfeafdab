/**
 * Look-ups of host names that are answered when the test says so.
 *
 * The runtimes look names up by `node:dns` wherever their own sockets do not.
 *
 * @module
 */

import dns from "node:dns";
import type { World } from "./_nodes.ts";

/** A name that only a held look-up knows. */
export const HELD_NAME = "held.test";

type Answer = (error: Error | null, address: string, family: number) => void;

/** The look-ups of {@linkcode HELD_NAME} that wait for their answer. */
export interface HeldLookUps {
  /** How many wait. */
  readonly count: number;
  /** Answers all that wait, and says how many they were. */
  answer(): number;
  /** Says to all that wait that there is no such name. */
  refuse(): void;
}

/** Holds look-ups back until the end of the test. */
export function holdLookUps(world: World): HeldLookUps {
  const { lookup } = dns;
  let waiting: Answer[] = [];
  const held = (hostname: string, ...rest: unknown[]): void => {
    const answer = rest.at(-1);
    if (hostname === HELD_NAME && typeof answer === "function") {
      waiting.push((...told) => Reflect.apply(answer, undefined, told));
    } else Reflect.apply(lookup, dns, [hostname, ...rest]);
  };
  Reflect.set(dns, "lookup", held);
  world.defer(() => {
    Reflect.set(dns, "lookup", lookup);
    settle((answer) => answer(null, "127.0.0.1", 4));
  });
  const settle = (tell: (answer: Answer) => void): number => {
    const all = waiting;
    waiting = [];
    for (const answer of all) tell(answer);
    return all.length;
  };
  return {
    get count() {
      return waiting.length;
    },
    answer: () => settle((answer) => answer(null, "127.0.0.1", 4)),
    refuse() {
      const error = Object.assign(new Error("getaddrinfo ENOTFOUND"), {
        code: "ENOTFOUND",
      });
      settle((answer) => answer(error, "", 0));
    },
  };
}
