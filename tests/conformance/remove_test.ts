import assert from "node:assert/strict";
import { type Endpoint, type ResourceId, SendStatus } from "../../mod.ts";
import {
  conforms,
  conformsOn,
  eventually,
  halfPair,
  isNetworkError,
  join,
  pair,
  pattern,
  sameBytes,
  stalledPair,
  type TestNode,
  turns,
  utf8,
  type World,
} from "./_nodes.ts";
import { rawConnect, type RawPeer, varintFrame } from "./_raw.ts";
import {
  oriented,
  rawRows,
  type TransportRow,
  transports,
  varintRows,
} from "./_transports.ts";

conformsOn(
  transports,
  "remove tells whether there was such a connection, and makes no event",
  async (world, row) => {
    const { client, toServer } = await halfPair(world, row);
    assert.equal(client.remove(toServer.resourceId), true);
    assert.equal(client.remove(toServer.resourceId), false);
    assert.equal(client.network.isReady(toServer.resourceId), undefined);
    await turns();
    assert.equal(client.events.length, 1);
  },
);

conforms("Node", "remove of an id that never was answers false", (world) => {
  const node = world.node();
  assert.equal(node.remove(999_999_999 as ResourceId), false);
});

conformsOn(
  transports,
  "remove of another node's id answers false and does nothing",
  async (world, row) => {
    const { server, client, listening, toServer } = await halfPair(world, row);
    assert.equal(server.network.remove(toServer.resourceId), false);
    assert.equal(client.network.remove(listening.resourceId), false);
    client.network.send(toServer, "x");
    await server.messages(1);
  },
);

conformsOn(
  transports,
  "a connection removed in its connected callback has no further event",
  async (world, row) => {
    const server = world.node("the server");
    const client = world.node("the client");
    server.onEvent = (event) => {
      if (event.type === "accepted") server.network.send(event.endpoint, "hi");
    };
    client.onEvent = (event) => {
      if (event.type !== "connected") return;
      assert.equal(client.remove(event.endpoint.resourceId), true);
    };
    client.connect(row, await server.listen(row));
    await client.event("connected");
    await turns();
    assert.equal(client.events.length, 1);
  },
);

conformsOn(
  oriented,
  "a connection removed in its accepted callback has no further event",
  async (world, row) => {
    const server = world.node("the server");
    const client = world.node("the client");
    client.onEvent = (event) => {
      if (event.type === "connected") {
        client.network.send(event.endpoint, "hi");
      }
    };
    server.onEvent = (event) => {
      if (event.type !== "accepted") return;
      assert.equal(server.remove(event.endpoint.resourceId), true);
    };
    client.connect(row, await server.listen(row));
    assert.equal((await client.event("disconnected")).reason, "closed");
    await turns();
    assert.equal(server.events.length, 1);
  },
);

conformsOn(
  oriented,
  "after a remove in a message callback no message comes, not even of the same burst",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    server.onEvent = (event) => {
      if (event.type !== "message") return;
      assert.equal(server.remove(toClient.resourceId), true);
    };
    for (let n = 0; n < 100; n += 1) client.network.send(toServer, `${n}`);
    await client.event("disconnected");
    await turns();
    assert.equal(server.all("message").length, 1);
  },
);

for (const row of varintRows) {
  conforms(
    row.name,
    "after a remove in a message callback no frame of the same read is delivered",
    async (world) => {
      const server = world.node();
      const peer = await rawConnect(world, row, await server.listen(row));
      server.onEvent = (event) => {
        if (event.type !== "message") return;
        assert.equal(server.remove(event.endpoint.resourceId), true);
        assert.equal(
          server.network.send(event.endpoint, "x"),
          SendStatus.ResourceNotFound,
        );
      };
      peer.write(join(["1", "2", "3", "4"].map(utf8).map(varintFrame)));
      await peer.over();
      await turns();
      assert.deepEqual(server.texts(), ["1"]);
      assert.equal(peer.received, 0);
    },
  );
}

conformsOn(
  transports,
  "messages that wait for the listener are forgotten when their connection is removed",
  async (world, row) => {
    const server = world.node("the server");
    const client = world.idle("the client");
    const listening = await server.listen(row);
    const toServer = client.connect(row, listening);
    await eventually(
      "ready",
      () => client.network.isReady(toServer.resourceId) === true,
    );
    client.network.send(toServer, "hello");
    server.onEvent = (event) => {
      if (event.type !== "message") return;
      for (let n = 0; n < 3; n += 1) server.network.send(event.endpoint, "hi");
    };
    await eventually(
      "a queued message",
      () => client.handler.stats().queuedEvents > 1,
    );
    client.remove(toServer.resourceId);
    assert.equal(client.handler.stats().queuedEvents, 0);
    assert.equal(client.handler.stats().queuedEventBytes, 0);
    client.start();
    await turns();
    assert.equal(client.events.length, 0);
  },
);

conformsOn(
  transports,
  "a listener is removed once, without an event",
  async (world, row) => {
    const node = world.node();
    const { resourceId } = await node.listen(row);
    assert.equal(node.network.isReady(resourceId), true);
    assert.equal(node.remove(resourceId), true);
    assert.equal(node.remove(resourceId), false);
    assert.equal(node.network.isReady(resourceId), undefined);
    assert.equal(node.network.localAddress(resourceId), undefined);
    await turns();
    assert.equal(node.events.length, 0);
  },
);

conformsOn(
  oriented,
  "removing a listener leaves its connections alive, and refuses new ones",
  async (world, row) => {
    const { server, client, listening, toServer, toClient } = await pair(
      world,
      row,
    );
    assert.equal(server.remove(listening.resourceId), true);
    client.network.send(toServer, "there?");
    await server.messages(1);
    server.network.send(toClient, "here");
    await client.messages(1);
    await turns();
    client.connect(row, listening);
    const { error } = await client.event("connected", 1);
    isNetworkError("connection-refused")(error);
  },
);

conformsOn(
  transports,
  "an address is free again as soon as its listener is removed",
  async (world, row) => {
    const node = world.node();
    const { resourceId, address } = await node.listenLasting(row);
    node.remove(resourceId);
    await turns();
    const again = await node.network.listen(
      row.adapter,
      row.peerAddress(address),
    );
    assert.deepEqual(again.address, address);
  },
);

conformsOn(
  oriented,
  "a listener removed in its accepted callback keeps the connection that came",
  async (world, row) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const listening = await server.listen(row);
    const removed: boolean[] = [];
    server.onEvent = (event) => {
      if (event.type !== "accepted" || event.listener === undefined) return;
      removed.push(server.network.remove(event.listener));
      removed.push(server.network.remove(event.listener));
    };
    const toServer = client.connect(row, listening);
    await client.event("connected");
    await server.event("accepted");
    assert.deepEqual(removed, [true, false]);
    client.network.send(toServer, "x");
    await server.messages(1);
    assert.equal(server.all("disconnected").length, 0);
  },
);

const reliable = transports.filter(({ isReliable }) => isReliable);
const BLOCK = 1 << 20;

conformsOn(
  reliable,
  "remove with drain loses nothing of 24 MiB to a slow reader, and makes no event",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row);
    for (let n = 0; n < 24; n += 1) {
      client.network.send(toServer, pattern(BLOCK, n));
    }
    await turns();
    assert(client.handler.stats().queuedBytes > 0, "not all has left yet");
    assert.equal(client.remove(toServer.resourceId, { drain: true }), true);
    assert.equal(client.remove(toServer.resourceId), false);
    assert.equal(
      client.network.send(toServer, "late"),
      SendStatus.ResourceNotFound,
    );
    server.start();
    await server.event("disconnected");
    const bytes = server.bytes();
    assert.equal(bytes.length, 24 * BLOCK);
    for (let n = 0; n < 24; n += 1) {
      sameBytes(bytes.subarray(n * BLOCK, (n + 1) * BLOCK), pattern(BLOCK, n));
    }
    assert.equal((await server.event("disconnected")).reason, "closed");
    assert.equal(client.events.length, 1);
  },
);

conformsOn(
  reliable,
  "a small message sent right before a remove without drain still arrives",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    client.network.send(toServer, "goodbye");
    client.remove(toServer.resourceId);
    await server.event("disconnected");
    assert.deepEqual(server.texts(), ["goodbye"]);
  },
);

conformsOn(
  rawRows,
  "remove with drain loses nothing when the peer sends its FIN meanwhile",
  async (world, row) => {
    const server = world.node();
    const peer = await rawConnect(world, row, await server.listen(row));
    const { endpoint } = await server.event("accepted");
    peer.socket.pause();
    const block = pattern(BLOCK);
    for (let n = 0; n < 8; n += 1) server.network.send(endpoint, block);
    server.remove(endpoint.resourceId, { drain: true });
    peer.socket.end();
    await turns();
    peer.socket.resume();
    const frame = row.isVarint ? varintFrame(block) : block;
    await peer.size(8 * frame.length);
    await peer.over();
    assert.equal(peer.error, undefined);
    sameBytes(peer.bytes(), join(new Array<Uint8Array>(8).fill(frame)));
    assert.equal(server.events.length, 1);
  },
);

/** A node that reads nothing, and a peer that reads only when all of the 6 MiB that it sends is read. */
async function stubborn(
  world: World,
  row: TransportRow,
): Promise<{ server: TestNode; toClient: Endpoint; peer: RawPeer }> {
  const server = world.idle("the server", { maxQueuedEvents: 1 });
  const peer = await rawConnect(world, row, await server.listen(row));
  await eventually("the pause", () => server.handler.stats().isPaused);
  const toClient = server.network.resources().find(({ kind }) =>
    kind === "connection"
  )?.endpoint;
  assert(toClient !== undefined);
  peer.socket.pause();
  peer.socket.write(new Uint8Array(6 * BLOCK), () => peer.socket.resume());
  return { server, toClient, peer };
}

conformsOn(
  rawRows.filter(({ isVarint }) => !isVarint),
  "remove with drain reads on for a peer that reads only when all it sends is read",
  async (world, row) => {
    const { server, toClient, peer } = await stubborn(world, row);
    const block = pattern(BLOCK);
    for (let n = 0; n < 8; n += 1) server.network.send(toClient, block);
    await turns();
    assert(server.handler.stats().queuedBytes > 0, "not all has left yet");
    server.remove(toClient.resourceId, { drain: true });
    await peer.size(8 * BLOCK);
    await peer.over();
    sameBytes(peer.bytes(), join(new Array<Uint8Array>(8).fill(block)));
  },
);

conformsOn(
  rawRows.filter(({ isVarint }) => !isVarint),
  "after a remove without drain no reset overtakes the last bytes, though the peer still sends",
  async (world, row) => {
    for (;;) {
      const { server, toClient, peer } = await stubborn(world, row);
      await turns();
      server.network.send(toClient, "goodbye");
      const before = performance.now();
      server.remove(toClient.resourceId);
      await peer.over();
      // A peer that takes longer than the second that it is given is reset, and rightly.
      if (performance.now() - before >= 1_000) continue;
      assert.equal(peer.error, undefined);
      assert.deepEqual(peer.bytes(), utf8("goodbye"));
      return;
    }
  },
);

conformsOn(
  reliable,
  "what comes in while a removed connection drains is not delivered",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row);
    for (let n = 0; n < 16; n += 1) {
      client.network.send(toServer, pattern(BLOCK, n));
    }
    await turns();
    client.remove(toServer.resourceId, { drain: true });
    server.onEvent = (event) => {
      if (event.type !== "disconnected") {
        server.network.send(
          "endpoint" in event ? event.endpoint : toServer,
          "too late",
        );
      }
    };
    server.start();
    await server.event("disconnected");
    assert.equal(server.bytes().length, 16 * BLOCK);
    assert.equal(client.events.length, 1);
  },
);

conforms(
  "Udp",
  "removing a listener ends all its peers, and forgets what they had sent",
  async (world) => {
    const row = transports.find(({ name }) => name === "Udp");
    assert(row !== undefined);
    const { server, client, listening, toServer } = await halfPair(world, row);
    server.onEvent = (event) => {
      if (event.type === "message") server.remove(listening.resourceId);
    };
    for (let n = 0; n < 20; n += 1) client.network.send(toServer, `${n}`);
    const { endpoint } = await server.event("message");
    await turns();
    assert.equal(server.events.length, 1);
    assert.equal(
      server.network.send(endpoint, "x"),
      SendStatus.ResourceNotFound,
    );
  },
);

conforms(
  "Udp",
  "after a remove in a message callback no datagram of the same burst is delivered",
  async (world) => {
    const row = transports.find(({ name }) => name === "Udp");
    assert(row !== undefined);
    const { server, client, toServer } = await halfPair(world, row);
    server.onEvent = (event) => {
      if (event.type !== "message") return;
      for (let n = 0; n < 20; n += 1) server.network.send(event.endpoint, "x");
    };
    client.onEvent = (event) => {
      if (event.type !== "message") return;
      assert.equal(client.remove(event.endpoint.resourceId), true);
    };
    client.network.send(toServer, "ask");
    await client.messages(1);
    await turns();
    assert.equal(client.count("message"), 1);
  },
);
