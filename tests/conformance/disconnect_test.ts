import assert from "node:assert/strict";
import { type DisconnectReason, SendStatus } from "../../mod.ts";
import {
  conforms,
  conformsOn,
  eventually,
  isNetworkError,
  join,
  pair,
  pattern,
  sameBytes,
  turns,
  utf8,
} from "./_nodes.ts";
import { rawConnect, rawListen, varintFrame } from "./_raw.ts";
import { oriented, packets, rawRows, varintRows } from "./_transports.ts";

conformsOn(
  oriented,
  "the peer's remove is reported once, as closed, and is the last event",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    assert.equal(client.remove(toServer.resourceId), true);
    const { endpoint, reason, error } = await server.event("disconnected");
    assert.equal(endpoint, toClient);
    assert.equal(reason, "closed");
    assert.equal(error, undefined);
    await turns();
    assert.deepEqual(server.events.map(({ type }) => type), [
      "accepted",
      "disconnected",
    ]);
  },
);

conformsOn(
  oriented,
  "the listener's side may end a connection too",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    server.remove(toClient.resourceId);
    const { endpoint, reason } = await client.event("disconnected");
    assert.equal(endpoint, toServer);
    assert.equal(reason, "closed");
    await turns();
    assert.equal(client.events.length, 2);
  },
);

conformsOn(
  oriented,
  "the peer's stop is reported once, as closed",
  async (world, row) => {
    const { server, client } = await pair(world, row);
    await client.handler.stop();
    assert.equal((await server.event("disconnected")).reason, "closed");
    await turns();
    assert.equal(server.events.length, 2);
  },
);

conformsOn(
  oriented,
  "what the peer sent before it closed arrives before disconnected",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    const message = pattern(300_000);
    client.network.send(toServer, message);
    client.network.send(toServer, "the end");
    client.remove(toServer.resourceId, { drain: true });
    await server.event("disconnected");
    sameBytes(server.bytes(), join([message, utf8("the end")]));
    assert.equal(server.events.at(-1)?.type, "disconnected");
  },
);

conformsOn(
  oriented,
  "in the disconnected callback the endpoint is gone already",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    const { resourceId } = toClient;
    let seen: unknown;
    server.onEvent = (event) => {
      if (event.type !== "disconnected") return;
      seen = {
        isReady: server.network.isReady(resourceId),
        status: server.network.send(toClient, "x"),
        removed: server.network.remove(resourceId),
        local: server.network.localAddress(resourceId),
        peer: server.network.peerAddress(resourceId),
      };
    };
    client.remove(toServer.resourceId);
    await server.event("disconnected");
    assert.deepEqual(seen, {
      isReady: undefined,
      status: SendStatus.ResourceNotFound,
      removed: false,
      local: undefined,
      peer: undefined,
    });
    assert.equal(server.handler.stats().connections, 0);
  },
);

conformsOn(
  oriented,
  "one connection's end leaves the others alone",
  async (world, row) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const listening = await server.listen(row);
    const first = client.connect(row, listening);
    const second = client.connect(row, listening);
    await client.event("connected", 1);
    await server.event("accepted", 1);
    client.remove(first.resourceId);
    await server.event("disconnected");
    client.network.send(second, "still here");
    await server.messages(1);
    await turns();
    assert.equal(server.all("disconnected").length, 1);
    assert.equal(server.handler.stats().connections, 1);
  },
);

conformsOn(
  oriented,
  "when both ends remove at once, neither hears of it",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    client.remove(toServer.resourceId);
    server.remove(toClient.resourceId);
    await turns();
    assert.equal(client.events.length, 1);
    assert.equal(server.events.length, 1);
  },
);

conformsOn(
  oriented,
  "a connection may be made again after its end",
  async (world, row) => {
    const { server, client, listening, toServer } = await pair(world, row);
    client.remove(toServer.resourceId);
    await server.event("disconnected");
    const again = client.connect(row, listening);
    await client.event("connected", 1);
    assert.notEqual(again.resourceId, toServer.resourceId);
    client.network.send(again, "back");
    await server.messages(1);
  },
);

conformsOn(
  oriented,
  "a peer whose sends are under way hears of a remove as closed, not as reset",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    let isRemoved = false;
    server.onEvent = (event) => {
      if (event.type !== "message" || isRemoved) return;
      isRemoved = true;
      server.remove(toClient.resourceId);
    };
    for (let n = 0; n < 50; n += 1) {
      client.network.send(toServer, pattern(10_000));
    }
    assert.equal((await client.event("disconnected")).reason, "closed");
  },
);

conformsOn(
  packets,
  "a node that connects to itself sees its own remove only from the other end",
  async (world, row) => {
    const node = world.node();
    const toServer = node.connect(row, await node.listen(row));
    await node.event("connected");
    const { endpoint: toClient } = await node.event("accepted");
    node.remove(toServer.resourceId);
    assert.equal((await node.event("disconnected")).endpoint, toClient);
    await turns();
    assert.equal(node.events.length, 3);
  },
);

for (const row of rawRows) {
  const frame = (data: Uint8Array) => row.isVarint ? varintFrame(data) : data;

  conforms(
    row.name,
    "a peer that connects and closes at once is accepted and disconnected",
    async (world) => {
      const server = world.node();
      const peer = await rawConnect(world, row, await server.listen(row));
      peer.socket.end();
      assert.equal((await server.event("disconnected")).reason, "closed");
      assert.deepEqual(server.events.map(({ type }) => type), [
        "accepted",
        "disconnected",
      ]);
      await peer.over();
    },
  );

  conforms(
    row.name,
    "the reply to a request arrives after the peer has sent its FIN",
    async (world) => {
      const server = world.node();
      const peer = await rawConnect(world, row, await server.listen(row));
      const reply = pattern(500_000);
      server.onEvent = (event) => {
        if (event.type !== "message") return;
        server.network.send(event.endpoint, reply);
      };
      peer.socket.end(frame(utf8("request")));
      await peer.over();
      sameBytes(peer.bytes(), frame(reply));
      assert.equal(peer.error, undefined);
      assert.equal((await server.event("disconnected")).reason, "closed");
    },
  );

  conforms(
    row.name,
    "a large reply reaches a slow peer that has sent its FIN, whole",
    async (world) => {
      const server = world.node();
      const peer = await rawConnect(world, row, await server.listen(row));
      // In many messages, so that not all of it can be with the system at once.
      const part = pattern(1 << 20);
      server.onEvent = (event) => {
        if (event.type !== "message") return;
        for (let n = 0; n < 12; n += 1) {
          server.network.send(event.endpoint, part);
        }
      };
      const reply = join(new Array<Uint8Array>(12).fill(frame(part)));
      peer.socket.pause();
      peer.socket.end(frame(utf8("request")));
      await server.event("disconnected");
      await turns();
      peer.socket.resume();
      await peer.size(reply.length);
      await peer.over();
      sameBytes(peer.bytes(), reply);
    },
  );
}

for (const row of rawRows.filter(({ raw }) => raw === "port")) {
  conforms(
    row.name,
    "a reset by the peer is reported as reset",
    async (world) => {
      const server = world.node();
      const peer = await rawConnect(world, row, await server.listen(row));
      await server.event("accepted");
      peer.socket.resetAndDestroy();
      const { reason, error } = await server.event("disconnected");
      assert.equal(reason, "reset");
      isNetworkError("connection-reset")(error);
      await turns();
      assert.equal(server.events.length, 2);
    },
  );

  conforms(
    row.name,
    "a reset of an own connection is reported as reset",
    async (world) => {
      const server = await rawListen(world);
      const client = world.node();
      client.network.connect(row.adapter, `127.0.0.1:${server.port}`);
      await client.event("connected");
      await eventually("a raw peer", () => server.peers.length === 1);
      server.peers[0]?.socket.resetAndDestroy();
      assert.equal((await client.event("disconnected")).reason, "reset");
    },
  );
}

for (const row of varintRows) {
  const endings: readonly [string, Uint8Array, DisconnectReason][] = [
    ["inside a length", Uint8Array.of(0x80), "protocol"],
    ["right after a length", Uint8Array.of(5), "protocol"],
    ["inside a message", Uint8Array.of(5, 1, 2), "protocol"],
    ["between two messages", Uint8Array.of(1, 7), "closed"],
  ];
  for (const [where, bytes, expected] of endings) {
    conforms(
      row.name,
      `a stream that ends ${where} is reported as ${expected}`,
      async (world) => {
        const server = world.node();
        const peer = await rawConnect(world, row, await server.listen(row));
        peer.socket.end(bytes);
        const { reason, error } = await server.event("disconnected");
        assert.equal(reason, expected);
        if (expected === "protocol") isNetworkError("protocol")(error);
        else assert.equal(error, undefined);
        await peer.over();
      },
    );
  }
}
