/** What each side sees of the other's coming and going. */

import assert from "node:assert/strict";
import { SendStatus } from "../../mod.ts";
import { peerMessages, SEED } from "./_messages.ts";
import { startPeer } from "./_peers.ts";
import { type InteropRow, ROWS } from "./_rows.ts";
import {
  inWorld,
  join,
  pattern,
  sameBytes,
  type World,
} from "../conformance/_nodes.ts";
import { test } from "../_test.ts";

const COUNT = 200;
const MAX_SIZE = 100_000;

const CONNECTED = ROWS.filter(({ isDatagram }) => !isDatagram);

function row(
  behaviour: string,
  run: (world: World, row: InteropRow) => Promise<void>,
  rows: readonly InteropRow[] = CONNECTED,
): void {
  for (const each of rows) {
    test(
      `${each.name}: ${behaviour}`,
      () => inWorld((world) => run(world, each)),
    );
  }
}

row(
  "what the peer sends before it ends arrives, then the end",
  async (world, row) => {
    const node = world.node();
    const { address } = await node.network.listen(row.adapter, "127.0.0.1:0");
    const peer = startPeer(world, row.peer, [
      "source",
      "--transport",
      row.transport,
      "--connect",
      `127.0.0.1:${address.port}`,
      "--random",
      SEED,
      "--size",
      MAX_SIZE,
      "--messages",
      COUNT,
      "--tag",
      row.hasTags ? 7 : 0,
    ]);
    const { reason } = await node.event("disconnected");
    assert.equal(reason, "closed");
    assert.equal((await peer.result()).messages, COUNT);
    const expected = peerMessages(SEED, COUNT, MAX_SIZE).map((message) =>
      // connect has no empty messages.
      message.length < row.minSize ? new Uint8Array(1) : row.wrap(message)
    );
    const messages = node.all("message");
    if (!row.isStream) {
      assert.deepEqual(
        messages.map(({ data }) => data.length),
        expected.map(({ length }) => length),
        `seed ${SEED}`,
      );
    }
    sameBytes(node.bytes(), join(expected));
    if (row.hasTags) assert(messages.every(({ tag }) => tag === 7));
  },
);

row("what we send before we end arrives, then the end", async (world, row) => {
  const peer = startPeer(world, row.peer, [
    "sink",
    "--transport",
    row.transport,
    "--listen",
    "127.0.0.1:0",
    "--size",
    1_000,
  ]);
  const node = world.node();
  const endpoint = await node.network.connectAsync(
    row.adapter,
    await peer.address(),
  );
  await peer.event("connected");
  const message = row.wrap(pattern(1_000));
  for (let sent = 0; sent < COUNT; sent += 1) {
    assert.equal(node.network.send(endpoint, message), SendStatus.Sent);
  }
  // message-io does not see a WebSocket's close that comes together with messages.
  node.remove(endpoint.resourceId, { drain: 1_000 });
  await peer.event("disconnected");
  assert.deepEqual(
    (({ messages, bytes }) => ({ messages, bytes }))(await peer.result()),
    { messages: COUNT, bytes: 1_000 * COUNT },
  );
});

row("a peer that listens and goes away is disconnected", async (world, row) => {
  const peer = startPeer(world, row.peer, [
    "echo",
    "--transport",
    row.transport,
    "--listen",
    "127.0.0.1:0",
  ]);
  const node = world.node();
  await node.network.connectAsync(row.adapter, await peer.address());
  await peer.event("connected");
  await peer.stop();
  const { reason } = await node.event("disconnected");
  assert.equal(reason, "closed");
});

row(
  "where no peer listens any more, the connection is refused",
  async (world, row) => {
    const peer = startPeer(world, row.peer, [
      "sink",
      "--transport",
      row.transport,
      "--listen",
      "127.0.0.1:0",
    ]);
    const address = await peer.address();
    await peer.stop();
    const node = world.node();
    node.network.connect(row.adapter, address);
    const { ok, error } = await node.event("connected");
    assert.equal(ok, false);
    assert.equal(error?.code, "connection-refused");
  },
);

row(
  "a connection that we end is over for a peer that connected",
  async (world, row) => {
    const node = world.node();
    const { address } = await node.network.listen(row.adapter, "127.0.0.1:0");
    const peer = startPeer(world, row.peer, [
      "echo",
      "--transport",
      row.transport,
      "--connect",
      `127.0.0.1:${address.port}`,
    ]);
    const { endpoint } = await node.event("accepted");
    await peer.event("connected");
    node.remove(endpoint.resourceId);
    await peer.event("disconnected");
  },
);
