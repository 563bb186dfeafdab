/** Messages above a limit, of either side. */

import assert from "node:assert/strict";
import {
  type Adapter,
  type ConnectOptions,
  type ListenOptions,
  SendStatus,
  Tcp,
} from "../../mod.ts";
import { startPeer } from "./_peers.ts";
import { type InteropRow, ROWS } from "./_rows.ts";
import { inWorld, type TestNode, type World } from "../conformance/_nodes.ts";
import { test } from "../_test.ts";

const MIB = 1 << 20;
const FRAMED = ROWS.filter(({ isDatagram, isStream }) =>
  !isDatagram && !isStream
);

function rowNamed(name: string): InteropRow {
  const row = ROWS.find((row) => row.name === name);
  assert(row !== undefined, name);
  return row;
}

for (const row of FRAMED) {
  test(
    `${row.name}: a message of the peer above our limit ends the connection, and the peer sees it`,
    () =>
      inWorld(async (world) => {
        const node = world.node();
        const { address } = await node.network.listen(
          row.adapter,
          "127.0.0.1:0",
          { maxMessageSize: MIB },
        );
        const peer = startPeer(world, row.peer, [
          "source",
          "--transport",
          row.transport,
          "--connect",
          `127.0.0.1:${address.port}`,
          "--size",
          2 * MIB,
        ]);
        const { reason } = await node.event("disconnected");
        assert.equal(reason, "message-too-big");
        assert.equal(node.count("message"), 0);
        await peer.error();
      }),
  );

  test(
    `${row.name}: what is above our own limit is refused, and the connection goes on`,
    () =>
      inWorld(async (world) => {
        const { node, endpoint } = await echoOf(world, row, {
          maxMessageSize: MIB,
        });
        assert.equal(
          node.network.send(endpoint, new Uint8Array(MIB + 1)),
          SendStatus.MaxPacketSizeExceeded,
        );
        const message = row.wrap(new Uint8Array(10));
        node.network.send(endpoint, message);
        const { data } = await node.event("message");
        assert.deepEqual([...data], [...message]);
      }),
  );
}

async function echoOf(
  world: World,
  row: InteropRow,
  options: ConnectOptions,
  adapter: Adapter<ConnectOptions, ListenOptions> = row.adapter,
) {
  const peer = startPeer(world, row.peer, [
    "echo",
    "--transport",
    row.transport,
    "--listen",
    "127.0.0.1:0",
  ]);
  const node: TestNode = world.node();
  const endpoint = await node.network.connectAsync(
    adapter,
    await peer.address(),
    options,
  );
  await peer.event("connected");
  return { peer, node, endpoint };
}

for (
  const [name, head] of [
    // 64 MiB, twice what the peer takes.
    ["protosocket prost", [0x80, 0x80, 0x80, 0x20, 0x0a]],
    ["protosocket MessagePack", [0xce, 0x04, 0x00, 0x00, 0x00]],
  ] as const
) {
  test(
    `${name}: the peer ends a connection on which more than 32 MiB are claimed`,
    () =>
      inWorld(async (world) => {
        const row = rowNamed(name);
        const { peer, node, endpoint } = await echoOf(world, row, {}, Tcp);
        node.network.send(endpoint, new Uint8Array(head));
        await node.event("disconnected");
        await peer.event("disconnected");
      }),
  );
}

test("message-io Ws: the peer ends a connection on a message above 16 MiB, and takes one of 16 MiB", () =>
  inWorld(async (world) => {
    const { peer, node, endpoint } = await echoOf(
      world,
      rowNamed("message-io Ws"),
      { maxMessageSize: 32 * MIB },
    );
    node.network.send(endpoint, new Uint8Array(16 * MIB));
    const { data } = await node.event("message");
    assert.equal(data.length, 16 * MIB);
    node.network.send(endpoint, new Uint8Array(16 * MIB + 1));
    await node.event("disconnected");
    await peer.event("disconnected");
  }));

test("message-io FramedTcp: a message of 32 MiB goes there and back where our limit allows it", () =>
  inWorld(async (world) => {
    const { node, endpoint } = await echoOf(
      world,
      rowNamed("message-io FramedTcp"),
      { maxMessageSize: 32 * MIB },
    );
    node.network.send(endpoint, new Uint8Array(32 * MIB));
    const { data } = await node.event("message");
    assert.equal(data.length, 32 * MIB);
  }));

test("message-io Udp: 65,507 bytes go there and back, one more is refused", () =>
  inWorld(async (world) => {
    const row = rowNamed("message-io Udp");
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
    assert.equal(
      node.network.send(endpoint, new Uint8Array(65_508)),
      SendStatus.MaxPacketSizeExceeded,
    );
    node.network.send(endpoint, new Uint8Array(65_507));
    const { data } = await node.event("message");
    assert.equal(data.length, 65_507);
  }));

test("connect: an empty message is refused, as the peer would panic on it", () =>
  inWorld(async (world) => {
    const { node, endpoint } = await echoOf(world, rowNamed("connect"), {});
    assert.throws(
      () => node.network.send(endpoint, new Uint8Array()),
      { code: "invalid-message" },
    );
    node.network.send(endpoint, new Uint8Array(1));
    await node.messages(1);
  }));
