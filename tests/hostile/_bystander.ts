/**
 * A server that echoes, a good client that was there before the attack, and a look at memory.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import type {
  Adapter,
  ConnectOptions,
  Listening,
  ListenOptions,
} from "../../mod.ts";
import { collectGarbage } from "../_garbage.ts";
import { detectDriver } from "../../runtime/detect.ts";
import type { Driver, TimerHandle } from "../../runtime/driver.ts";
import type { TestNode, World } from "../conformance/_nodes.ts";

/** How long the answer to a datagram is awaited before it is sent again, in milliseconds. */
const RESEND_MS = 250;

/** A good client that was there before, and is served still. */
export interface Bystander {
  /** Fails unless a message of it comes back. */
  check(): Promise<void>;
}

/** A listener under attack. */
export interface Besieged {
  readonly server: TestNode;
  readonly listening: Listening;
  readonly good: Bystander;
}

/** A timer that may have to wait until timers begin. */
class HeldTimer {
  real: TimerHandle | undefined;
  readonly callback: () => void;
  readonly delayMs: number;

  constructor(callback: () => void, delayMs: number) {
    this.callback = callback;
    this.delayMs = delayMs;
  }
}

/** The runtime's driver, whose timers wait until they are told to begin. */
function heldTimers(): { readonly driver: Driver; begin(): void } {
  const own = detectDriver();
  const held = new Set<HeldTimer>();
  let hasBegun = false;
  const start = (timer: HeldTimer) => {
    timer.real = own.setTimer(timer.callback, timer.delayMs);
  };
  return {
    driver: {
      ...own,
      setTimer(callback, delayMs) {
        const timer = new HeldTimer(callback, delayMs);
        if (hasBegun) start(timer);
        else held.add(timer);
        return timer;
      },
      clearTimer(timer) {
        if (!(timer instanceof HeldTimer)) return;
        held.delete(timer);
        if (timer.real !== undefined) own.clearTimer(timer.real);
      },
    },
    begin() {
      hasBegun = true;
      for (const timer of held) start(timer);
      held.clear();
    },
  };
}

/** Listens, echoes, and lets a good client in: only then the time of the listener's limits begins, for this machine may stand still. */
export async function besieged<Options extends ListenOptions>(
  world: World,
  transport: Adapter<ConnectOptions, Options>,
  options: Options,
): Promise<Besieged> {
  const timers = heldTimers();
  const server = world.node("the server", { driver: timers.driver });
  const client = world.node("the bystander");
  server.onEvent = (event) => {
    if (event.type === "message" && event.data.length < 100) {
      server.network.send(event.endpoint, event.data);
    }
  };
  const listening = await server.network.listen(
    transport,
    "127.0.0.1:0",
    options,
  );
  const toServer = client.network.connect(transport, {
    hostname: "127.0.0.1",
    port: listening.address.port,
  });
  assert.ifError((await client.event("connected")).error);
  if (transport.isConnectionOriented) await server.event("accepted");
  let count = 0;
  const check = async () => {
    count += 1;
    const text = `still here ${count}`;
    const say = () => void client.network.send(toServer, text);
    say();
    // A datagram may be lost, where a flood has filled the system's buffer.
    const again = transport.isConnectionOriented
      ? undefined
      : setInterval(say, RESEND_MS);
    try {
      await client.until(
        `the echo of ${text}`,
        () => client.texts().includes(text),
      );
    } finally {
      clearInterval(again);
    }
    assert.equal(client.count("disconnected"), 0);
  };
  await check();
  timers.begin();
  return { server, listening, good: { check } };
}

/** The memory of the process that the system counts, in MiB, without what was freed of its heap. */
export async function residentMiB(): Promise<number> {
  await collectGarbage();
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  // Bun tells the heap in other words, and gives back what is free.
  const free = "Bun" in globalThis ? 0 : heapTotal - heapUsed;
  return (rss - free) / (1 << 20);
}
