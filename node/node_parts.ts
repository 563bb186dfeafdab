/**
 * What a node is made of, as far as that depends on where it runs.
 *
 * @module
 */

import type { AdapterHost } from "../adapters/adapter.ts";
import type { NetworkParts } from "../network/network_parts.ts";
import type { TimerStore } from "../signals/timer_store.ts";

/**
 * The parts that one kind of node has and another has not: `full_parts.ts` and
 * `client_parts.ts` have the two sets.
 */
export interface NodeParts extends NetworkParts {
  /** Where timers wait. */
  createTimerStore<T>(): TimerStore<T>;
  /** What makes the outboxes of one node. */
  createOutboxes(): AdapterHost["createOutbox"];
}
