/**
 * Names of connections and listeners.
 *
 * @module
 */

/**
 * The name of a connection or a listener: a number, so that it can be compared
 * with `===` and be the key of a Map. It is unique in the process, across
 * nodes, and never used again.
 */
export type ResourceId = number & { readonly resourceIdBrand: true };

/** Whether a resource listens (`local`) or is a connection to a peer (`remote`). */
export type ResourceType = "local" | "remote";

// The layout is message-io's: 7 bits adapter, 1 bit type, the rest a counter.
// Arithmetic instead of bit operators, which would cut the counter to 24 bits.
const BASE = 256;
const LOCAL_BIT = 128;

let lastBaseValue = 0;

/** A new name. */
export function createResourceId(
  adapterId: number,
  type: ResourceType,
): ResourceId {
  lastBaseValue += 1;
  const raw = lastBaseValue * BASE + (type === "local" ? LOCAL_BIT : 0) +
    adapterId;
  return raw as ResourceId;
}

/** Whether the resource is a listener or a connection. */
export function resourceType(id: ResourceId): ResourceType {
  return id % BASE >= LOCAL_BIT ? "local" : "remote";
}

/** The `id` of the resource's adapter, from 0 to 127. */
export function adapterId(id: ResourceId): number {
  return id % LOCAL_BIT;
}

/** The counter in the name: the resources of a process are numbered from 1. */
export function baseValue(id: ResourceId): number {
  return Math.floor(id / BASE);
}

/** A name for people: `"[1.R.12]"` is connection 12, of adapter 1; `L` stands for a listener. */
export function formatResourceId(id: ResourceId): string {
  return `[${adapterId(id)}.${resourceType(id) === "local" ? "L" : "R"}.${
    baseValue(id)
  }]`;
}
