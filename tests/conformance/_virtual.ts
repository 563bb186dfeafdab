/**
 * Nodes in virtual time: a memory network whose clock stands still until the
 * test advances it, and whose lots the test draws.
 *
 * @module
 */

import { type Driver, FakeClock } from "../../mod.ts";
import {
  createMemoryNetwork,
  memoryDriver,
  type MemoryNetwork,
} from "../../runtime/memory.ts";

/** A memory network with a clock of its own. */
export interface VirtualTime {
  readonly clock: FakeClock;
  readonly network: MemoryNetwork;
  /** For `createNode`. */
  readonly driver: Driver;
  /** Lets time pass in steps of at most 1 ms, and what was sent arrive. */
  pass(ms: number): Promise<void>;
}

/** Makes one; `random` gives its lots. Default: always a half. */
export function virtualTime(random: () => number = () => 0.5): VirtualTime {
  const clock = new FakeClock();
  const network = createMemoryNetwork({
    clock: {
      now: () => clock.now(),
      setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
      clearTimer: (timer) => clock.clearTimer(timer),
      defer: (callback) => void clock.setTimer(callback, 0),
    },
    random,
  });
  return {
    clock,
    network,
    driver: memoryDriver({ network }),
    async pass(ms) {
      const end = clock.now() + ms;
      for (;;) {
        // Sends leave in a microtask, deliveries by the clock.
        for (let turn = 0; turn < 3; turn += 1) {
          await Promise.resolve();
          clock.advance(0);
        }
        if (clock.now() >= end) return;
        clock.advance(Math.min(1, end - clock.now()));
      }
    },
  };
}
