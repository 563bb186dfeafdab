/**
 * Attacks one listener with many connections at once, beside a good connection that must not notice.
 *
 * @module
 */

import { Random } from "./_random.ts";
import { inputOf, type LiveSession, type LiveTarget, must } from "./_target.ts";

/** Attacks at the same time. */
const LANES = 8;
/** The good connection is used once for so many attacks. */
const CHECK_EVERY = 16;
/** One attack must be over by then, in milliseconds. */
const ATTACK_MS = 8_000;
/** The good connection must have its answer by then, in milliseconds, on a machine that is busy with attacks. */
const GOOD_MS = 4_000;
/** What attacks leave must be gone by then, in milliseconds. */
const LEFT_MS = 5_000;
/** How long an input is made smaller, in milliseconds: each try takes new sockets. */
const MINIMISE_MS = 20_000;

/** What went wrong, and with which input. */
export interface LiveFailure {
  readonly index: number;
  readonly input: Uint8Array;
  readonly error: unknown;
}

async function within<T>(
  what: string,
  ms: number,
  promise: Promise<T>,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} took longer than ${ms} ms`)),
      ms,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function checkAfter(session: LiveSession): Promise<number> {
  const ms = await within("the good connection", GOOD_MS, session.useGood());
  const end = performance.now() + LEFT_MS;
  while (session.left() !== 0 && performance.now() < end) {
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
  }
  must(session.left() === 0, () => `${session.left()} connections are left`);
  checkRules(session);
  return ms;
}

function checkRules(session: LiveSession): void {
  must(
    session.violations.length === 0,
    () => session.violations.slice(0, 3).join("; "),
  );
}

/** One target with its open sockets. */
export class LiveRun {
  readonly target: LiveTarget;
  /** Attacks made. */
  done = 0;
  /** How often the good connection was used. */
  checks = 0;
  /** The slowest answer on the good connection, in milliseconds. */
  slowestMs = 0;
  readonly #seed: number;
  readonly #first: number;
  readonly #session: LiveSession;
  #minimisedUntil = 0;

  private constructor(
    target: LiveTarget,
    seed: number,
    first: number,
    session: LiveSession,
  ) {
    this.target = target;
    this.#seed = seed;
    this.#first = first;
    this.#session = session;
  }

  /** Opens the target. */
  static async open(
    target: LiveTarget,
    seed: number,
    first: number,
  ): Promise<LiveRun> {
    return new LiveRun(target, seed, first, await target.open());
  }

  /** Attacks until a time, or until so many attacks were made. */
  async go(end: number, inputs: number): Promise<LiveFailure | undefined> {
    const from = this.done;
    let failure: LiveFailure | undefined;
    const lane = async (): Promise<void> => {
      while (
        failure === undefined && performance.now() < end && this.done < inputs
      ) {
        const index = this.#first + this.done;
        this.done += 1;
        const input = this.#input(index);
        try {
          await this.#attack(this.#session, input, index);
          if (index % CHECK_EVERY === 0) await this.#useGood();
        } catch (error) {
          failure ??= { index, input, error };
        }
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    if (failure !== undefined) return failure;
    try {
      this.slowestMs = Math.max(
        this.slowestMs,
        await checkAfter(this.#session),
      );
      this.checks += 1;
    } catch (error) {
      return await this.#findCulprit(from, error);
    }
    return undefined;
  }

  /** Whether an input fails with nothing else going on. */
  async failsAlone(input: Uint8Array, index: number): Promise<boolean> {
    this.#minimisedUntil ||= performance.now() + MINIMISE_MS;
    if (performance.now() > this.#minimisedUntil) return false;
    const session = await this.target.open();
    try {
      await this.#attack(session, input, index);
      await checkAfter(session);
      return false;
    } catch {
      return true;
    } finally {
      await session.close();
    }
  }

  /** Closes the target; resolves with what is wrong at the end. */
  async close(): Promise<unknown> {
    try {
      await within("to stop", LEFT_MS, this.#session.close());
      checkRules(this.#session);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  async #findCulprit(from: number, error: unknown): Promise<LiveFailure> {
    for (let done = from; done < this.done; done++) {
      const index = this.#first + done;
      const input = this.#input(index);
      if (await this.failsAlone(input, index)) return { index, input, error };
    }
    const index = this.#first + this.done - 1;
    return { index, input: this.#input(index), error };
  }

  #input(index: number): Uint8Array {
    return inputOf(
      this.target,
      new Random(this.#seed, this.target.name, index),
    );
  }

  #attack(
    session: LiveSession,
    input: Uint8Array,
    index: number,
  ): Promise<void> {
    const random = new Random(this.#seed, `${this.target.name} cuts`, index);
    return within("the attack", ATTACK_MS, session.attack(input, random));
  }

  async #useGood(): Promise<void> {
    const ms = await within(
      "the good connection",
      GOOD_MS,
      this.#session.useGood(),
    );
    this.checks += 1;
    this.slowestMs = Math.max(this.slowestMs, ms);
    checkRules(this.#session);
  }
}
