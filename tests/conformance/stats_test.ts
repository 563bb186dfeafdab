import assert from "node:assert/strict";
import { SendStatus, Transport } from "../../mod.ts";
import {
  conforms,
  conformsOn,
  eventually,
  halfPair,
  pair,
  stalledPair,
} from "./_nodes.ts";
import { oriented, packets, transports } from "./_transports.ts";

conformsOn(
  packets,
  "the stats of a connection count messages and bytes each way, on both sides alike",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    client.network.send(toServer, new Uint8Array(10));
    client.network.send(toServer, new Uint8Array(0));
    client.network.send(toServer, new Uint8Array(20));
    server.network.send(toClient, new Uint8Array(5));
    await server.messages(3);
    await client.messages(1);
    // What the driver has taken may still be on its way to the system.
    await eventually(
      "an empty queue",
      () => client.network.stats(toServer.resourceId)?.queuedBytes === 0,
    );
    const own = client.network.stats(toServer.resourceId);
    const theirs = server.network.stats(toClient.resourceId);
    assert(own !== undefined && theirs !== undefined);
    const { upMs, ...counted } = own;
    assert(upMs >= 0 && upMs < 20_000);
    assert.deepEqual(counted, {
      messagesSent: 3,
      messagesReceived: 1,
      bytesSent: 30,
      bytesReceived: 5,
      sendsRefused: 0,
      transport: row.adapter.name,
      queuedBytes: 0,
      pauses: 0,
      reconnects: 0,
    });
    assert.equal(theirs.messagesSent, 1);
    assert.equal(theirs.messagesReceived, 3);
    assert.equal(theirs.bytesSent, 5);
    assert.equal(theirs.bytesReceived, 30);
  },
);

conformsOn(
  transports,
  "there are no stats of what is gone, and the node and its transport keep the counts",
  async (world, row) => {
    const { server, client, toServer, listening } = await halfPair(world, row);
    client.network.send(toServer, "four");
    await server.received(4);
    client.remove(toServer.resourceId);
    server.remove(listening.resourceId);
    assert.equal(client.network.stats(toServer.resourceId), undefined);
    assert.equal(server.network.stats(listening.resourceId), undefined);
    for (const node of [client, server]) {
      await node.handler.stop();
      const stats = node.handler.stats();
      const { transports, ...sums } = stats;
      assert.deepEqual(Object.keys(transports), [row.adapter.name]);
      const each = transports[row.adapter.name] ?? assert.fail();
      const key = node === client ? "Sent" : "Received";
      assert.equal(each[`messages${key}`], 1);
      assert.equal(each[`bytes${key}`], 4);
      assert.equal(each.connections, 0);
      assert.equal(each.listeners, 0);
      for (const name of Object.keys(each) as (keyof typeof each)[]) {
        assert.equal(sums[name], each[name], name);
      }
    }
  },
);

conforms(
  "Node",
  "its stats are the sums of its transports",
  async (world) => {
    const server = world.node("the server");
    const client = world.node("the client");
    for (
      const transport of [
        Transport.FramedTcp,
        Transport.Memory,
        Transport.Udp,
      ]
    ) {
      const at = transport === Transport.Memory
        ? "memory:stats-of-three"
        : "127.0.0.1:0";
      const { address } = await server.network.listen<object, object>(
        transport,
        at,
      );
      const endpoint = await client.network.connectAsync<object, object>(
        transport,
        transport === Transport.Memory
          ? at
          : { hostname: "127.0.0.1", port: address.port },
      );
      client.network.send(endpoint, transport.name);
    }
    await server.messages(3);
    const { transports, ...sums } = server.handler.stats();
    assert.deepEqual(Object.keys(transports).sort(), [
      "FramedTcp",
      "Memory",
      "Udp",
    ]);
    assert.equal(transports["FramedTcp"]?.bytesReceived, 9);
    assert.equal(transports["Memory"]?.bytesReceived, 6);
    assert.equal(transports["Udp"]?.bytesReceived, 3);
    assert.equal(sums.bytesReceived, 18);
    assert.equal(sums.messagesReceived, 3);
    assert.equal(sums.listeners, 3);
    assert.equal(sums.connections, 2);
    assert.equal(client.handler.stats().connections, 3);
    assert.equal(client.handler.stats().transports["Udp"]?.connections, 1);
  },
);

conforms(
  "Udp",
  "the stats of a listener count the datagrams of all its peers",
  async (world) => {
    const server = world.node("the server");
    const { resourceId, address } = await server.network.listen(
      Transport.Udp,
      "127.0.0.1:0",
    );
    for (const size of [10, 20]) {
      const client = world.node("a client");
      const endpoint = await client.network.connectAsync(
        Transport.Udp,
        address,
      );
      client.network.send(endpoint, new Uint8Array(size));
    }
    await server.messages(2);
    for (const { endpoint } of server.all("message")) {
      server.network.send(endpoint, "abc");
    }
    const stats = server.network.stats(resourceId);
    assert.equal(stats?.messagesReceived, 2);
    assert.equal(stats?.bytesReceived, 30);
    assert.equal(stats?.messagesSent, 2);
    assert.equal(stats?.bytesSent, 6);
    assert.equal(stats?.transport, "Udp");
    assert((stats?.upMs ?? -1) >= 0);
  },
);

conformsOn(
  packets,
  "refused sends, the depth of the queue and pauses are told of the connection that has them",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row, {
      highWaterMark: 1,
      outboxLimit: 200_000,
      maxMessageSize: 150_000,
    });
    await eventually("the pause", () => server.handler.stats().isPaused);
    const send = () => client.network.send(toServer, new Uint8Array(100_000));
    let sent = 0;
    while (send() !== SendStatus.QueueFull) {
      sent += 1;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const own = () =>
      client.network.stats(toServer.resourceId) ?? assert.fail();
    assert.equal(own().sendsRefused, 1);
    assert.equal(own().messagesSent, sent);
    assert(own().queuedBytes > 0 && own().queuedBytes <= 200_000);
    assert.equal(
      client.handler.stats().transports[row.adapter.name]?.sendsRefused,
      1,
    );
    assert.equal(
      client.network.send(toServer, new Uint8Array(150_001)),
      SendStatus.MaxPacketSizeExceeded,
    );
    assert.equal(own().sendsRefused, 2);
    const [theirs] = server.network.resources().filter(({ kind }) =>
      kind === "connection"
    );
    const id = theirs?.resourceId ?? assert.fail();
    assert((server.network.stats(id)?.pauses ?? 0) >= 1);
    assert(server.handler.stats().pauses >= 1);
    assert.equal(own().pauses, 0);
    server.start();
    await eventually("an empty queue", () => own().queuedBytes === 0);
  },
);

conformsOn(
  oriented,
  "reconnects are counted for the endpoint, the transport and the node, and its other counts go on",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row, {
      connect: { reconnect: { initialDelayMs: 1, maxDelayMs: 1 } },
    });
    client.network.send(toServer, "one");
    await server.received(3);
    server.remove(toClient.resourceId);
    await client.event("connected", 1);
    client.network.send(toServer, "two");
    await server.received(6);
    const stats = client.network.stats(toServer.resourceId);
    assert.equal(stats?.reconnects, 1);
    assert.equal(stats?.messagesSent, 2);
    const { reconnects, messagesSent, connections } =
      client.handler.stats().transports[row.adapter.name] ?? assert.fail();
    assert.deepEqual([reconnects, messagesSent, connections], [1, 2, 1]);
    assert.equal(client.handler.stats().reconnects, 1);
    client.remove(toServer.resourceId);
    assert.equal(client.handler.stats().reconnects, 1);
    assert.equal(client.handler.stats().messagesSent, 2);
  },
);

conforms(
  "FramedTcp",
  "connections that a listener refused are counted, also when it is gone",
  async (world) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const { resourceId, address } = await server.network.listen(
      Transport.FramedTcp,
      "127.0.0.1:0",
      { maxConnections: 1 },
    );
    client.network.connect(Transport.FramedTcp, address);
    await server.event("accepted");
    client.network.connect(Transport.FramedTcp, address);
    const refused = () =>
      server.handler.stats().transports["FramedTcp"]?.connectionsRefused;
    await eventually("a refusal", () => refused() === 1);
    server.remove(resourceId);
    assert.equal(refused(), 1);
    assert.equal(server.handler.stats().connectionsRefused, 1);
  },
);
