/** Messages to every Rust peer and back, both ways round. */

import { exchange } from "./_exchange.ts";
import { random, randomMessages, SEED } from "./_messages.ts";
import { startPeer } from "./_peers.ts";
import { type InteropRow, ROWS } from "./_rows.ts";
import { inWorld, type World } from "../conformance/_nodes.ts";
import { test } from "../_test.ts";

const COUNT = 1_000;
const LIMITS = { timeoutMs: 60_000 };

function exchangeOf(row: InteropRow) {
  const next = random(SEED);
  return {
    ...row,
    messages: randomMessages(next, COUNT, row.minSize, row.maxSize)
      .map(row.wrap),
    ...(row.hasTags &&
      {
        tags: Array.from({ length: COUNT }, () => Math.floor(next() * 65_536)),
      }),
  };
}

async function connecting(world: World, row: InteropRow): Promise<void> {
  const peer = startPeer(world, row.peer, [
    "echo",
    "--transport",
    row.transport,
    "--listen",
    "127.0.0.1:0",
  ]);
  const node = world.node();
  const endpoint = await node.network.connectAsync(
    row.adapter,
    await peer.address(),
  );
  await exchange(node, endpoint, exchangeOf(row));
}

async function listening(world: World, row: InteropRow): Promise<void> {
  const node = world.node();
  const { address } = await node.network.listen(row.adapter, "127.0.0.1:0");
  startPeer(world, row.peer, [
    "echo",
    "--transport",
    row.transport,
    "--connect",
    `127.0.0.1:${address.port}`,
  ]);
  const { endpoint } = await node.event(
    row.isDatagram ? "message" : "accepted",
  );
  await exchange(node, endpoint, exchangeOf(row));
}

for (const row of ROWS) {
  test(
    `${row.name}: ${COUNT} random messages to a peer that listens come back`,
    () => inWorld((world) => connecting(world, row)),
    LIMITS,
  );
  test(
    `${row.name}: ${COUNT} random messages to a peer that connects come back`,
    () => inWorld((world) => listening(world, row)),
    LIMITS,
  );
}
