/**
 * The parts of a node that can do everything.
 *
 * @module
 */

import { OpenListeners } from "../network/open_listeners.ts";
import { OutboxScheduler, StreamOutbox } from "../network/outbox.ts";
import { faultFrom } from "../runtime/fault.ts";
import { TimerQueue } from "../signals/timer_queue.ts";
import type { NodeParts } from "./node_parts.ts";

/** Listeners, streams, and millions of timers. */
export const fullParts: NodeParts = {
  createTimerStore: () => new TimerQueue(),
  createOutboxes() {
    const scheduler = new OutboxScheduler();
    return (socket, limits, writable) =>
      new StreamOutbox(socket, limits, scheduler, writable);
  },
  createListeners: (registry) => new OpenListeners(registry),
  faultFrom,
};
