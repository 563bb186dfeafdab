/**
 * What the parts of a simulation share.
 *
 * @module
 */

import type { MemoryHost } from "../runtime/memory_host.ts";
import { MemorySpace } from "../runtime/memory_network.ts";
import { Carrier } from "./_carrier.ts";
import type { FullLinkConditions } from "./conditions.ts";
import type { Life } from "./_life.ts";
import { SimulationRandom } from "./random.ts";
import { Scheduler } from "./_scheduler.ts";
import { type SimulationEvent, Trace } from "./trace.ts";

/** What a {@linkcode Kernel} is made of. */
export interface KernelParts {
  readonly seed: number;
  readonly conditions: FullLinkConditions;
  readonly streamTimeoutMs: number;
  readonly streamCapacity: number;
  readonly traceLimit: number;
  readonly onEvent: ((event: SimulationEvent) => void) | undefined;
  /** Ends the simulation with an error; the first one counts. */
  fail(error: unknown): void;
}

/** Somebody who waits for a condition. */
export interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What the parts of a simulation share. */
export class Kernel {
  readonly seed: number;
  readonly scheduler: Scheduler = new Scheduler();
  readonly random: SimulationRandom;
  readonly trace: Trace;
  readonly space: MemorySpace;
  readonly carrier: Carrier;
  /** The lives of all hosts that have not crashed. */
  readonly lives: Set<Life> = new Set();
  readonly waiters: Set<Waiter> = new Set();
  /** How many pieces of real work are awaited. */
  outside = 0;
  readonly fail: (error: unknown) => void;

  constructor(parts: KernelParts) {
    const { scheduler } = this;
    this.seed = parts.seed;
    this.random = new SimulationRandom(parts.seed);
    this.trace = new Trace(scheduler.now, parts.traceLimit, parts.onEvent);
    this.carrier = new Carrier({
      scheduler,
      random: this.random,
      trace: this.trace,
      conditions: parts.conditions,
      streamTimeoutMs: parts.streamTimeoutMs,
      hostAt: (address): MemoryHost | undefined =>
        this.space.hosts.get(address),
    });
    this.space = new MemorySpace(
      { capacity: parts.streamCapacity },
      this.carrier,
    );
    this.fail = (error) => parts.fail(error);
  }

  /** Resolves what waits for conditions that hold now; whether there was any. */
  lookAtConditions(): boolean {
    let isAnyMet = false;
    for (const waiter of this.waiters) {
      try {
        if (!waiter.isMet()) continue;
        waiter.resolve();
      } catch (error) {
        waiter.reject(error);
      }
      this.waiters.delete(waiter);
      isAnyMet = true;
    }
    return isAnyMet;
  }
}
