/**
 * What a node tells its listener.
 *
 * @module
 */

import type { NetworkEvent } from "../network/events.ts";

/** A signal that the program sent to itself. */
export interface SignalEvent<Signal> {
  /** Tells this event from the others. */
  readonly type: "signal";
  /** What was sent. */
  readonly signal: Signal;
}

/** One event of a node: of the network, or a signal. Told apart by `type`. */
export type NodeEvent<Signal> = NetworkEvent | SignalEvent<Signal>;
