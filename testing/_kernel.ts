/**
 * What the parts of a simulation share.
 *
 * @module
 */

import type { MemorySpace } from "../runtime/memory_network.ts";
import type { Carrier } from "./_carrier.ts";
import type { Scheduler } from "./_scheduler.ts";
import type { SimulationRandom } from "./random.ts";
import type { Trace } from "./trace.ts";

/** What the parts of a simulation share. */
export interface Kernel {
  readonly scheduler: Scheduler;
  readonly random: SimulationRandom;
  readonly trace: Trace;
  readonly space: MemorySpace;
  readonly carrier: Carrier;
  /** Ends the simulation with an error; the first one counts. */
  fail(error: unknown): void;
}
