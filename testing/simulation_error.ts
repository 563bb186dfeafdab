/**
 * How a simulation fails.
 *
 * @module
 */

import { formatSimulationEvent, type SimulationEvent } from "./trace.ts";

/** Why a simulation failed. */
export type SimulationFailure =
  /** The body, a program or a callback threw; see `cause`. */
  | "thrown"
  /** The body waits, and nothing is going to happen. */
  | "deadlock"
  /** The body waited longer than `timeLimitMs`. */
  | "time-limit"
  /** More than `maxEvents` have happened: something goes in a circle. */
  | "event-limit"
  /** The body waited for something real: a file, a timer, a socket; see `Simulation.outside`. */
  | "outside";

/** How many of the last events are told in the message. */
const TOLD = 12;

/**
 * A simulation has failed. Its message tells the seed, how to run the same again,
 * and the last of what happened.
 */
export class SimulationError extends Error {
  /** Always `"SimulationError"`. */
  override readonly name = "SimulationError";
  /** Why. */
  readonly failure: SimulationFailure;
  /** The seed that gives the same run again. */
  readonly seed: number;
  /** When, in milliseconds of simulated time. */
  readonly atMs: number;
  /** What had happened until then. */
  readonly trace: readonly SimulationEvent[];

  /** `simulate` makes it. */
  constructor(
    failure: SimulationFailure,
    why: string,
    run: {
      readonly seed: number;
      readonly atMs: number;
      readonly trace: readonly SimulationEvent[];
    },
    options?: ErrorOptions,
  ) {
    const { seed, atMs, trace } = run;
    const lines = [
      `The simulation failed with seed ${seed}, after ${atMs} ms of its time: ${why}`,
      "",
      `Run the same again: SIGNALBOX_SEED=${seed} in the environment, or simulate({ seed: ${seed} }, …)`,
    ];
    if (trace.length > 0) {
      lines.push("", "The last of what happened:");
      for (const event of trace.slice(-TOLD)) {
        lines.push(`  ${formatSimulationEvent(event)}`);
      }
    }
    super(lines.join("\n"), options);
    this.failure = failure;
    this.seed = seed;
    this.atMs = atMs;
    this.trace = trace;
  }
}
