/**
 * A simulated network for tests of programs that talk to each other: many hosts
 * in one process, links that lose, delay, reorder, double, throttle and break
 * when the test says so, hosts that crash, and a time in which hours take
 * milliseconds. The same seed gives the same run, and a failure tells the seed.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Transport } from "@signalbox/signalbox";
 * import { simulate } from "@signalbox/signalbox/testing";
 *
 * await simulate(async (simulation) => {
 *   const server = simulation.host("server").createNode();
 *   await server.handler.network.listen(Transport.Tcp, "0.0.0.0:80");
 *   const client = simulation.host("client").createNode();
 *   await client.handler.network.connectAsync(Transport.Tcp, "server:80");
 *
 *   simulation.host("server").crash();
 *   await assert.rejects(
 *     client.handler.network.connectAsync(Transport.Tcp, "server:80"),
 *     { code: "timed-out" },
 *   );
 *   assert(simulation.now() > 30_000);
 * });
 * ```
 *
 * @module
 */

export type { FullLinkConditions, LinkConditions } from "./conditions.ts";
export {
  HostProcess,
  type HostProgram,
  SimulatedHost,
  type SimulatedNodeOptions,
} from "./host.ts";
export { SimulatedLink } from "./link.ts";
export type { SimulationOptions } from "./options.ts";
export { SimulationRandom } from "./random.ts";
export {
  simulate,
  simulateMany,
  type SimulateManyOptions,
  type SimulationBody,
  type SimulationResult,
} from "./simulate.ts";
export {
  type HostSelection,
  type RunUntilOptions,
  Simulation,
} from "./simulation.ts";
export { SimulationError, type SimulationFailure } from "./simulation_error.ts";
export {
  formatSimulationEvent,
  type SimulationEvent,
  type SimulationEventType,
} from "./trace.ts";
