/**
 * Stops nodes in the middle of everything at once: while they connect, shake
 * hands, drain, wait to connect again, are paused, or accept. Whatever the
 * moment, each stop ends within its bound.
 *
 *     STORM_ROUNDS=200 SIGNALBOX_SEED=1 node --test tests/conformance/stop_storm_test.ts
 */

import { connect as connectRaw, createServer, type Server } from "node:net";
import process from "node:process";
import type {
  Address,
  ConnectOptions,
  Endpoint,
  SocketAddress,
} from "../../mod.ts";
import { chooseSeed } from "../_seed.ts";
import { Random } from "../fuzz/_random.ts";
import { conforms, inWorld, type TestNode, type World } from "./_nodes.ts";
import { type TransportRow, transports } from "./_transports.ts";

const ROUNDS = Number(process.env.STORM_ROUNDS ?? 4);
const SEED = chooseSeed();

/** The longest drain that is asked for, in milliseconds. */
const MAX_DRAIN_MS = 300;
/** Far above any drain, and below every time limit that could end a connection instead. */
const BOUND_MS = 12_000;

const CHUNK = new Uint8Array(40_000);

function soon(random: Random): Promise<void> {
  const wait = random.below(4);
  if (wait === 0) return Promise.resolve();
  return new Promise((resolve) => {
    if (wait === 1) setImmediate(resolve);
    else setTimeout(resolve, random.below(wait === 2 ? 4 : 40));
  });
}

/** A raw listener whose connections read nothing, and say nothing. */
async function deafServer(world: World): Promise<SocketAddress> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    socket.pause();
    world.defer(() => void socket.destroy());
  });
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  world.defer(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new TypeError("A listener has no port");
  }
  return {
    family: "ipv4",
    hostname: "127.0.0.1",
    port: address.port,
    path: "",
  };
}

/** A raw client that says nothing. */
function dumbClient(world: World, port: number): void {
  const socket = connectRaw({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.resume();
  world.defer(() => void socket.destroy());
}

/** Does something to a node, by chance. */
function disturb(random: Random, node: TestNode, known: Endpoint[]): void {
  const { network } = node;
  for (const { endpoint } of node.all("accepted")) known.push(endpoint);
  const endpoint = known[random.below(known.length)];
  if (endpoint === undefined) return;
  const { resourceId } = endpoint;
  switch (random.below(6)) {
    case 0:
      network.remove(resourceId);
      break;
    case 1:
      network.remove(resourceId, { drain: random.from(1, MAX_DRAIN_MS) });
      break;
    case 2:
      network.remove(resourceId, { drain: true });
      break;
    default:
      for (let left = random.from(1, 60); left > 0; left -= 1) {
        network.send(endpoint, CHUNK);
      }
  }
}

/** Stops a node, once or twice; rejects when that takes too long. */
async function stopInTime(
  random: Random,
  node: TestNode,
  what: string,
): Promise<void> {
  const drain = random.oneIn(2) ? 0 : random.from(1, MAX_DRAIN_MS);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const stats = JSON.stringify(node.handler.stats());
      reject(new Error(`${what} did not stop with drain ${drain}: ${stats}`));
    }, BOUND_MS);
  });
  try {
    const stopping = node.handler.stop(drain === 0 ? {} : { drain });
    if (random.oneIn(3)) {
      await soon(random);
      void node.handler.stop();
    }
    await Promise.race([stopping, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function storm(
  world: World,
  row: TransportRow,
  random: Random,
  what: string,
): Promise<void> {
  const server = random.oneIn(3)
    ? world.idle("the server", { maxQueuedEvents: 1 })
    : world.node("the server");
  const client = world.node("the client");
  const idle = row.isOriented && random.oneIn(2)
    ? { idleTimeoutMs: 30_000 }
    : {};
  const listening = await server.listen(row, idle);
  const targets: Address[] = [row.peerAddress(listening.address)];
  const { port } = listening.address;
  const isByPort = row.isOriented && port > 0;
  if (isByPort) {
    targets.push(await deafServer(world));
    // Nobody is there: for those that try again and again.
    targets.push("127.0.0.1:1");
    for (let left = random.below(3); left > 0; left -= 1) {
      dumbClient(world, port);
    }
  }
  const endpoints: Endpoint[] = [];
  const accepted: Endpoint[] = [];
  for (let left = random.from(2, 6); left > 0; left -= 1) {
    const options: ConnectOptions = {
      ...(random.oneIn(2) && { idleTimeoutMs: 30_000 }),
      ...(random.oneIn(3) && row.isOriented &&
        { reconnect: { initialDelayMs: random.from(1, 50) } }),
    };
    const target = random.oneIn(2) ? targets[0] : random.pick(targets);
    if (target === undefined) continue;
    endpoints.push(client.network.connect(row.adapter, target, options));
    if (random.oneIn(3)) await soon(random);
  }
  for (let left = random.below(8); left > 0; left -= 1) {
    await soon(random);
    if (random.oneIn(2)) disturb(random, client, endpoints);
    else disturb(random, server, accepted);
  }
  // One that is not bound yet when the node stops.
  const binding = random.oneIn(2) ? server.listen(row) : undefined;
  const refused = binding?.then(() => {}, () => {});
  const both = [
    () => stopInTime(random, client, `${what}: the client`),
    () => stopInTime(random, server, `${what}: the server`),
  ];
  if (random.oneIn(2)) both.reverse();
  const stopping: Promise<void>[] = [];
  for (const stop of both) {
    stopping.push(stop());
    await soon(random);
  }
  const ended = await Promise.allSettled(stopping);
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  await refused;
}

for (const row of transports) {
  conforms(
    row.name,
    "a stop in the middle of everything ends in time",
    async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const random = new Random(SEED, row.name, round);
        await inWorld((world) =>
          storm(world, row, random, `SIGNALBOX_SEED=${SEED}, round ${round}`)
        );
      }
    },
    { timeoutMs: 30_000 + ROUNDS * 2_000 },
  );
}
