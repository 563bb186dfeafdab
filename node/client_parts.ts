/**
 * The parts of a node in a browser.
 *
 * @module
 */

import { NetworkError } from "../network/errors.ts";
import type { Listeners } from "../network/network_parts.ts";
import { Fault } from "../runtime/fault.ts";
import { SmallTimerQueue } from "../signals/_small_timer_queue.ts";
import type { NodeParts } from "./node_parts.ts";

const NO_LISTENERS: Listeners = {
  size: 0,
  listen: () =>
    Promise.reject(
      new NetworkError(
        "not-supported",
        "Cannot listen: the node of this entry is a client",
      ),
    ),
  get: () => undefined,
  all: () => [],
  remove: () => false,
  removeAll() {},
};

/** No listeners and no streams, which a page has no sockets for; timers in little code. */
export const clientParts: NodeParts = {
  createTimerStore: () => new SmallTimerQueue(),
  createOutboxes: () => () => {
    throw new Fault(
      "not-supported",
      "Cannot make an outbox: the node of this entry has no streams",
    );
  },
  createListeners: () => NO_LISTENERS,
  // A page meets no errors of a system, only what an AbortSignal gives as its reason.
  faultFrom(error, doing) {
    if (error instanceof Fault) return error;
    const isAborted = error instanceof Error && error.name === "AbortError";
    return new Fault(isAborted ? "aborted" : "io", `${doing}: ${error}`, {
      cause: error,
    });
  },
};
