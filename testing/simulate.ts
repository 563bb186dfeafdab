/**
 * To run a test in a simulation.
 *
 * @module
 */

import { nextRealTurn, realDelay, realNow } from "../runtime/real_time.ts";
import { changedConditions, DEFAULT_CONDITIONS } from "./conditions.ts";
import { replaceGlobals } from "./_globals.ts";
import {
  fullOptions,
  type FullSimulationOptions,
  seedOfEnvironment,
  seedsOf,
  type SimulationOptions,
} from "./options.ts";
import { Kernel } from "./_kernel.ts";
import { Simulation } from "./simulation.ts";
import { SimulationError, type SimulationFailure } from "./simulation_error.ts";
import type { SimulationEvent } from "./trace.ts";

/** What a simulation came to. */
export interface SimulationResult<Value> {
  /** What the body returned. */
  readonly value: Value;
  /** The seed. */
  readonly seed: number;
  /** How much simulated time has passed, in milliseconds. */
  readonly elapsedMs: number;
  /** What happened. */
  readonly trace: readonly SimulationEvent[];
}

/** The test itself. */
export type SimulationBody<Value> = (
  simulation: Simulation,
) => Value | Promise<Value>;

/** How long something real may take while nothing is going to happen, until it is called a deadlock. */
const REAL_GRACE_MS = 100;

/** So often is looked whether it has happened, at least: a machine that stood still has had the time, and no turn. */
const LOOKS = 50;

/**
 * Runs a test in a simulated network: hosts, links that fail as they are told
 * to, and a time that jumps from event to event, so that hours take milliseconds.
 * The same seed gives the same run.
 *
 * When the body has ended, its nodes are stopped; nothing of a simulation is left.
 *
 * @param options The seed, the limits, and what links do by default.
 * @param body The test.
 * @throws {SimulationError} If the body, a program or a callback of a node throws
 * (that error is the `cause`); if the body waits and nothing is going to happen;
 * if a limit is passed. The message tells the seed.
 * @throws {NetworkError} `invalid-option`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Transport } from "@signalbox/signalbox";
 * import { simulate } from "@signalbox/signalbox/testing";
 *
 * await simulate({ seed: 1 }, async (simulation) => {
 *   const server = simulation.host("server");
 *   const { handler, listener } = server.createNode();
 *   await handler.network.listen(Transport.FramedTcp, "0.0.0.0:3000");
 *   listener.forEach((event) => {
 *     if (event.type === "message") handler.network.send(event.endpoint, event.data);
 *   });
 *
 *   const client = simulation.host("client").createNode();
 *   const { network } = client.handler;
 *   const toServer = await network.connectAsync(Transport.FramedTcp, "server:3000");
 *   network.send(toServer, "hello");
 *   let isAnswered = false;
 *   client.listener.forEach((event) => {
 *     if (event.type === "message") isAnswered = true;
 *   });
 *
 *   simulation.partition("client", "server");
 *   await simulation.advance(10_000);
 *   assert(!isAnswered);
 *   simulation.heal();
 *   await simulation.runUntil(() => isAnswered, { timeoutMs: 10_000 });
 * });
 * ```
 */
export function simulate<Value>(
  options: SimulationOptions,
  body: SimulationBody<Value>,
): Promise<SimulationResult<Value>>;
/** Runs a test with the default options. */
export function simulate<Value>(
  body: SimulationBody<Value>,
): Promise<SimulationResult<Value>>;
export async function simulate<Value>(
  ...given:
    | [SimulationOptions, SimulationBody<Value>]
    | [SimulationBody<Value>]
): Promise<SimulationResult<Value>> {
  const [options, body] = given.length === 1 ? [{}, given[0]] : given;
  return await new Run(fullOptions(options), body).result();
}

/** Options of {@linkcode simulateMany}. */
export interface SimulateManyOptions extends Omit<SimulationOptions, "seed"> {
  /** How many seeds, or which. Default: 100. */
  readonly seeds?: number | readonly number[];
  /** The first of so many seeds, the others follow it. Default: 1. */
  readonly firstSeed?: number;
}

/**
 * Runs a test with many seeds, one after the other, until one fails. If
 * `SIGNALBOX_SEED` is set, it runs with that one alone.
 *
 * @param options As those of {@linkcode simulate}, and which seeds.
 * @param body The test.
 * @returns How many runs there were.
 * @throws {SimulationError} Of the first seed that fails.
 * @throws {NetworkError} `invalid-option`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { simulateMany } from "@signalbox/signalbox/testing";
 *
 * await simulateMany({ seeds: 20, link: { lossRate: 0.2 } }, async (simulation) => {
 *   await simulation.advance(1_000);
 *   assert.equal(simulation.now(), 1_000);
 * });
 * ```
 */
export async function simulateMany(
  options: SimulateManyOptions,
  body: SimulationBody<unknown>,
): Promise<number> {
  const { seeds = 100, firstSeed = 1, ...others } = options;
  const asked = seedOfEnvironment();
  const all = asked !== undefined ? [asked] : seedsOf(seeds, firstSeed);
  for (const seed of all) await simulate({ ...others, seed }, body);
  return all.length;
}

type Outcome<Value> =
  | { readonly isGood: true; readonly value: Value }
  | { readonly isGood: false; readonly error: unknown };

/** One run. */
class Run<Value> {
  readonly #options: FullSimulationOptions;
  readonly #body: SimulationBody<Value>;
  readonly #kernel: Kernel;
  #outcome: Outcome<Value> | undefined;
  #events = 0;

  constructor(options: FullSimulationOptions, body: SimulationBody<Value>) {
    const { seed, link, streamTimeoutMs, streamCapacity } = options;
    this.#options = options;
    this.#body = body;
    this.#kernel = new Kernel({
      seed,
      conditions: changedConditions(DEFAULT_CONDITIONS, link),
      streamTimeoutMs,
      streamCapacity,
      traceLimit: options.traceLimit,
      onEvent: options.onEvent,
      fail: (error) => this.#fail("thrown", error),
    });
  }

  async result(): Promise<SimulationResult<Value>> {
    const { scheduler, trace, seed, random } = this.#kernel;
    const restore = this.#options.globals
      ? replaceGlobals(scheduler, random.derive("Math.random"))
      : undefined;
    try {
      void this.#runBody();
      while (this.#outcome === undefined) await this.#step();
      const outcome = this.#outcome;
      const result = { seed, elapsedMs: scheduler.now(), trace: trace.events };
      await this.#stopAll();
      if (!outcome.isGood) throw outcome.error;
      return { value: outcome.value, ...result };
    } finally {
      restore?.();
    }
  }

  async #runBody(): Promise<void> {
    try {
      const value = await this.#body(new Simulation(this.#kernel));
      this.#outcome ??= { isGood: true, value };
    } catch (error) {
      this.#fail("thrown", error);
    }
  }

  /** One event that the program hears of, with those before it that it does not. */
  async #step(): Promise<void> {
    const { scheduler } = this.#kernel;
    await nextRealTurn();
    while (this.#kernel.outside > 0) await realDelay(1);
    if (this.#outcome !== undefined || this.#kernel.lookAtConditions()) return;
    if (scheduler.isIdle) return await this.#waitInVain();
    let isLoud = false;
    while (!isLoud && this.#outcome === undefined) {
      const { nextAt } = scheduler;
      if (nextAt > this.#options.timeLimitMs) return this.#passTimeLimit();
      const event = scheduler.take();
      if (event === undefined) return;
      isLoud = event.isLoud;
      this.#events++;
      if (this.#events > this.#options.maxEvents) return this.#passEventLimit();
      try {
        event.run();
      } catch (error) {
        this.#fail("thrown", error);
      }
    }
  }

  async #waitInVain(): Promise<void> {
    const kernel = this.#kernel;
    const isStill = () =>
      this.#outcome === undefined && kernel.scheduler.isIdle &&
      kernel.outside === 0;
    const end = realNow() + REAL_GRACE_MS;
    for (let look = 0; isStill() && (look < LOOKS || realNow() < end); look++) {
      await realDelay(2);
      if (kernel.lookAtConditions()) break;
    }
    if (isStill()) {
      this.#fail(
        "deadlock",
        "the body waits, and nothing is going to happen: no packet is under way, no timer is set",
      );
    } else if (kernel.outside === 0) {
      this.#outcome = undefined;
      this.#fail(
        "outside",
        "the body waited for something real (a file, a timer of the runtime, WebCrypto, an import): " +
          "wrap it in simulation.outside(…), use simulation.advance instead of a timer, or the option `globals`",
      );
    }
  }

  #passTimeLimit(): void {
    this.#fail(
      "time-limit",
      `the body did not end within timeLimitMs, ${this.#options.timeLimitMs} ms`,
    );
  }

  #passEventLimit(): void {
    this.#fail(
      "event-limit",
      `more than maxEvents, ${this.#options.maxEvents}, have happened: something goes in a circle`,
    );
  }

  #fail(failure: SimulationFailure, errorOrWhy: unknown): void {
    if (this.#outcome !== undefined) return;
    const isThrown = failure === "thrown";
    const { seed, trace, scheduler } = this.#kernel;
    const why = isThrown && errorOrWhy instanceof Error
      ? errorOrWhy.message
      : String(errorOrWhy);
    const error = new SimulationError(
      failure,
      why,
      { seed, atMs: scheduler.now(), trace: trace.events },
      isThrown ? { cause: errorOrWhy } : undefined,
    );
    this.#outcome = { isGood: false, error };
  }

  /** Stops what still runs, so that tasks end; for as long as that takes, but no timers of theirs. */
  async #stopAll(): Promise<void> {
    const { lives, scheduler } = this.#kernel;
    let isDone = false;
    for (const life of lives) life.clock.thaw();
    void Promise.all([...lives].map((life) => life.stopNodes())).then(
      () => isDone = true,
    );
    for (let turns = 0; turns < 10_000; turns++) {
      await nextRealTurn();
      if (isDone) return;
      try {
        scheduler.take()?.run();
      } catch {
        // The run is decided; what its last callbacks throw changes nothing.
      }
    }
  }
}
