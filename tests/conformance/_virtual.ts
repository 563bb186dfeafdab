/**
 * Nodes in virtual time: a memory network whose clock stands still until the
 * test advances it, and whose lots the test draws.
 *
 * @module
 */

import {
  type ConnectOptions,
  type Driver,
  type Endpoint,
  FakeClock,
  Transport,
} from "../../mod.ts";
import {
  createMemoryNetwork,
  memoryDriver,
  type MemoryNetwork,
} from "../../runtime/memory.ts";
import type { TestNode, World } from "./_nodes.ts";

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

/** Stops nodes, which takes a moment of their time. */
export async function stopped(
  { pass }: VirtualTime,
  ...nodes: readonly TestNode[]
): Promise<void> {
  const stopping = nodes.map(({ handler }) => handler.stop());
  await pass(5);
  await Promise.all(stopping);
}

/** A client that is connected to a server over FramedTcp, in virtual time. */
export interface VirtualPair extends VirtualTime {
  readonly server: TestNode;
  readonly client: TestNode;
  /** The server, as the client has it. */
  readonly endpoint: Endpoint;
  /** Stops both. */
  stop(): Promise<void>;
}

/** Makes such a pair; 5 ms have passed since the call of `connect`. */
export async function virtualPair(
  world: World,
  options: ConnectOptions,
): Promise<VirtualPair> {
  const time = virtualTime();
  const { driver, pass } = time;
  const server = world.node("the server", { driver });
  const client = world.node("the client", { driver });
  const listening = server.network.listen(Transport.FramedTcp, "127.0.0.1:0");
  await pass(5);
  const { address } = await listening;
  const endpoint = client.network.connect(
    Transport.FramedTcp,
    address,
    options,
  );
  await pass(5);
  return {
    ...time,
    server,
    client,
    endpoint,
    stop: () => stopped(time, client, server),
  };
}
