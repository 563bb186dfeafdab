/**
 * A peer that reads nothing: what its sender holds, and what the sender's other
 * connection notices.
 *
 * @module
 */

import process from "node:process";
import {
  createNode,
  type Endpoint,
  FramedTcp,
  type NodeHandler,
  SendStatus,
} from "../mod.ts";
import {
  isMessage,
  memoryKept,
  Part,
  tell,
  type TransportName,
  transportOf,
  writeMessage,
} from "./_backpressure_parts.ts";
import { collect, pause } from "./_memory.ts";
import { orders } from "./_own_process.ts";
import { median } from "./_statistics.mjs";

/** So often the program's own garbage is collected while it fills the outbox, in bytes sent. */
const COLLECT_EVERY = 2 << 20;

/** What to measure. */
export interface StalledTask {
  readonly part: "stalled sender";
  readonly transport: TransportName;
  /** The outbox's limit, in bytes. */
  readonly limit: number;
  /** Bytes of a message. */
  readonly size: number;
  readonly rounds: number;
  /** More are made, up to so many, until the other connection has kept these shares of its speed. */
  readonly mostRounds: number;
  readonly leastShare: number;
  readonly leastCpuShare: number;
  /** How long the other connection is timed, in milliseconds. */
  readonly speedMs: number;
}

/** What came of it; bytes. */
export interface StalledResult {
  /** What the outbox held when `Congested` was first answered, and when `QueueFull` was. */
  readonly congestedAt: number;
  readonly fullAt: number;
  /** How much more the process held with a full outbox than before; the most of all rounds. */
  readonly used: number;
  readonly rss: number;
  /** Round trips a second of the other connection without the stalled one: median of all looks. */
  readonly freeSpeed: number;
  /** What is left of that with the stalled one, the median too. */
  readonly share: number;
  /** The same by the time of the processor that a round trip took. */
  readonly cpuShare: number;
  /** Messages that were accepted, and those that arrived once the peer read on: in order, and unchanged. */
  readonly accepted: number;
  readonly arrived: number;
}

/** Round trips of the other connection. */
interface Speed {
  readonly perSecond: number;
  readonly perCpuMs: number;
}

/** One stall from its beginning to its end. */
interface Round {
  readonly congestedAt: number;
  readonly fullAt: number;
  readonly used: number;
  readonly rss: number;
  readonly free: readonly Speed[];
  readonly stalled: readonly Speed[];
  readonly accepted: number;
  readonly arrived: number;
}

interface PeerTask {
  readonly part: "stalled peer";
  readonly transport: TransportName;
  readonly size: number;
}

/** Echoes on one port. On "stall" it opens another that reads nothing, on "read" it reads there, to the end. */
export async function stalledPeer(task: PeerTask): Promise<void> {
  const echo = createNode();
  echo.listener.forEach((event) => {
    if (event.type === "message") {
      echo.handler.network.send(event.endpoint, event.data);
    }
  });
  const { address } = await echo.handler.network.listen(
    FramedTcp,
    "127.0.0.1:0",
  );
  tell(address.port);
  let stalled = createNode({ maxQueuedEvents: 1 });
  for await (const order of orders()) {
    if (order === "stall") {
      stalled = createNode({ maxQueuedEvents: 1 });
      const { address } = await stalled.handler.network.listen(
        transportOf(task.transport),
        "127.0.0.1:0",
      );
      tell(address.port);
      continue;
    }
    const { handler, listener } = stalled;
    let arrived = 0;
    let isRight = true;
    await listener.forEach((event) => {
      if (event.type === "message") {
        isRight &&= isMessage(event.data, arrived, task.size);
        if (isRight) arrived += 1;
      } else if (event.type === "disconnected") {
        tell(arrived);
        void handler.stop();
      }
    });
  }
}

/** The sender: the process that is measured. */
export async function stalledSender(task: StalledTask): Promise<StalledResult> {
  const { transport, size, limit } = task;
  const peer = new Part<PeerTask>({ part: "stalled peer", transport, size });
  const { handler, listener } = createNode();
  const { network } = handler;
  const echoPort = await peer.answer<number>();
  let echoes = 0;
  let isTiming = false;
  const echo = network.connectAsync(FramedTcp, {
    hostname: "127.0.0.1",
    port: echoPort,
  });
  const small = new Uint8Array(256);
  listener.forEach((event) => {
    if (event.type !== "message") return;
    echoes += 1;
    if (isTiming) network.send(event.endpoint, small);
  });
  const neighbour = await echo;

  /** Always after a collection, and warm: those are what else would differ. */
  const speed = async (): Promise<Speed> => {
    await memoryKept();
    isTiming = true;
    for (let n = 0; n < 16; n += 1) network.send(neighbour, small);
    await pause(task.speedMs / 2);
    echoes = 0;
    const start = performance.now();
    const cpu = process.cpuUsage();
    await pause(task.speedMs);
    isTiming = false;
    const perSecond = echoes / (performance.now() - start) * 1_000;
    const { user, system } = process.cpuUsage(cpu);
    const perCpuMs = echoes / Math.max(1, user + system) * 1_000;
    await pause(20);
    return { perSecond, perCpuMs };
  };

  /** One stall from its beginning to its end, timed before, meanwhile and after. */
  const round = async (limit: number): Promise<Round> => {
    const speedBefore = await speed();
    peer.say("stall");
    const stalled = await network.connectAsync(
      transportOf(transport),
      { hostname: "127.0.0.1", port: await peer.answer<number>() },
      { outboxLimit: limit },
    );
    const before = await memoryKept();
    const filled = await fill(handler, stalled, size);
    const kept = await memoryKept();
    // As often as without it.
    const stalledSpeeds = [await speed(), await speed()];
    peer.say("read");
    if (!await network.writable(stalled)) throw new Error("It ended");
    network.remove(stalled.resourceId, { drain: 60_000 });
    const arrived = await peer.answer<number>();
    await pause(50);
    const speedAfter = await speed();
    return {
      ...filled,
      used: kept.used - before.used,
      rss: kept.rss - before.rss,
      free: [speedBefore, speedAfter],
      stalled: stalledSpeeds,
      arrived,
    };
  };

  // Small ones that do not count: the compilers are warm after them.
  for (let n = 0; n < 2; n += 1) await round(2 << 20);
  const rounds: Round[] = [];
  // Not the best: now and then the messages in flight fall into one step, and are twice as fast.
  const typical = (key: keyof Speed) => {
    const of = (when: "free" | "stalled") =>
      median(
        rounds.flatMap((round) => round[when].map((speed) => speed[key])),
      );
    return { free: of("free"), share: of("stalled") / of("free") };
  };
  // Other programs of the machine make one look or the other slower: more looks tell.
  const isSlow = () =>
    !(typical("perSecond").share >= task.leastShare &&
      typical("perCpuMs").share >= task.leastCpuShare);
  while (
    rounds.length < task.rounds ||
    (rounds.length < task.mostRounds && isSlow())
  ) rounds.push(await round(limit));
  await handler.stop();
  await peer.end();
  const highest = (key: "used" | "rss" | "congestedAt" | "fullAt") =>
    Math.max(...rounds.map((round) => round[key]));
  const total = (key: "accepted" | "arrived") =>
    rounds.reduce((sum, round) => sum + round[key], 0);
  return {
    congestedAt: highest("congestedAt"),
    fullAt: highest("fullAt"),
    used: highest("used"),
    rss: highest("rss"),
    freeSpeed: typical("perSecond").free,
    share: typical("perSecond").share,
    cpuShare: typical("perCpuMs").share,
    accepted: total("accepted"),
    arrived: total("arrived"),
  };
}

/** Sends until the outbox stays full though the system was given time to take its share. */
async function fill(
  handler: NodeHandler<never>,
  endpoint: Endpoint,
  size: number,
): Promise<{ accepted: number; congestedAt: number; fullAt: number }> {
  const { network } = handler;
  let accepted = 0;
  let congestedAt = 0;
  let fullAt = 0;
  // Written anew for each message, so that the program itself holds but one.
  const message = new Uint8Array(size);
  writeMessage(message, 0);
  for (let refusals = 0; refusals < 5;) {
    const status = network.send(endpoint, message, { copy: true });
    if (status === SendStatus.QueueFull) {
      refusals += 1;
      // Now: the system may take something more at any time.
      fullAt = handler.stats().queuedBytes;
      await pause(10);
      continue;
    }
    if (status === SendStatus.Congested && congestedAt === 0) {
      congestedAt = handler.stats().queuedBytes;
    } else if (status !== SendStatus.Sent && status !== SendStatus.Congested) {
      throw new Error(`A send was answered ${status}`);
    }
    refusals = 0;
    accepted += 1;
    writeMessage(message, accepted);
    // The copies that were taken by the way are garbage by now.
    if (accepted * size % COLLECT_EVERY < size) collect();
    // The system takes what it can before the outbox grows.
    if (accepted * size < 16 << 20 && accepted % 64 === 0) await pause(0);
  }
  return { accepted, congestedAt, fullAt };
}
