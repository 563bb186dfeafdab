import assert from "node:assert/strict";
import { createMemoryNetwork, memoryDriver } from "../../runtime/memory.ts";
import { book, clientOf, type FaultRow, tcpRows } from "./_rows.ts";
import { Outgoing } from "./_ledger.ts";
import { type Random, seededOn } from "./_random.ts";

/** What one write takes, or one read brings, and how large the messages are that it is tried with. */
interface Cut {
  readonly write: number;
  readonly chunk: number;
  readonly messages: number;
  sizeOf(random: Random): number;
}

const some = (random: Random) => random.below(60);
const many = (random: Random) =>
  random.below(5) === 0 ? random.below(70_000) : random.below(2_000);

const everySize: readonly Cut[] = [
  ...Array.from({ length: 40 }, (_, at) => at + 1),
  61,
  97,
  127,
  128,
].map((size) => ({ write: size, chunk: Infinity, messages: 25, sizeOf: some }));

const large: readonly Cut[] = [1_009, 4_093, 16_381, 65_521, 65_536, 65_537]
  .map((size) => ({
    write: size,
    chunk: Infinity,
    messages: 60,
    sizeOf: many,
  }));

const both: readonly Cut[] = [[1, 1], [1, 7], [7, 1], [13, 11], [31, 2], [
  3,
  97,
]]
  .map(([write = 1, chunk = 1]) => ({
    write,
    chunk,
    messages: 25,
    sizeOf: some,
  }));

async function carries(
  world: Parameters<Parameters<typeof seededOn>[2]>[0],
  row: FaultRow,
  random: Random,
  cut: Cut,
): Promise<void> {
  const driver = memoryDriver({
    network: createMemoryNetwork(),
    maxWriteSize: cut.write,
    ...(cut.chunk < Infinity && { maxChunkSize: cut.chunk }),
  });
  const what = `writes of ${cut.write}, reads of ${cut.chunk}`;
  const server = world.node(`the server, ${what}`, { driver });
  const client = world.node(`the client, ${what}`, { driver });
  const atServer = book(server, row);
  const atClient = book(client, row);
  // Room for a few messages only, so that sends are refused in between.
  const largest = cut.sizeOf === many ? 160_000 : 400;
  const marks = { highWaterMark: largest >> 2, outboxLimit: largest };
  const listening = await server.listen(row, marks);
  const toServer = client.connect(row, listening, marks);
  await client.event("connected");
  await server.event("accepted");
  const up = new Outgoing(random, cut.sizeOf, row.dress);
  const down = new Outgoing(random, cut.sizeOf, row.dress);
  await Promise.all([
    up.sendAll(client.network, toServer, cut.messages),
    down.sendAll(server.network, clientOf({ server }), cut.messages),
  ]);
  await server.until("all", () => atServer.has(cut.messages));
  await client.until("all", () => atClient.has(cut.messages));
  assert.equal(atServer.rest + atClient.rest, 0);
  assert(up.refused + up.congested > 0, what);
  client.remove(toServer.resourceId, { drain: true });
  assert.equal((await server.event("disconnected")).reason, "closed");
  await client.handler.stop();
  await server.handler.stop();
}

const tables: readonly [string, readonly Cut[]][] = [
  ["of every size from 1 to 40 bytes and some beyond", everySize],
  ["around the sizes of slabs and reads", large],
  ["and partial reads together", both],
];

for (const [which, cuts] of tables) {
  seededOn(
    tcpRows,
    `partial writes ${which} lose, double and reorder nothing, with refusals in between`,
    async (world, row, random) => {
      for (const cut of cuts) await carries(world, row, random, cut);
    },
  );
}
