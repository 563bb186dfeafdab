/**
 * What the WebSockets of the runtime's own keep of the promises too: all that
 * docs/transports/ws.md does not take back.
 */
import assert from "node:assert/strict";
import { resourceType, SendStatus, Transport, ws } from "../../mod.ts";
import {
  conforms,
  deadAddress,
  halfPair,
  isNetworkError,
  pair,
  pattern,
  sameBytes,
  turns,
  type World,
} from "./_nodes.ts";
import { type TransportRow, transports } from "./_transports.ts";

const coded = transports.find(({ adapter }) => adapter === Transport.Ws);
assert(coded !== undefined);
const native: TransportRow = {
  ...coded,
  adapter: ws({ engine: "native" }),
  raw: undefined,
};

function row(
  behaviour: string,
  run: (world: World) => void | Promise<void>,
): void {
  conforms("Ws", `by the runtime's own, ${behaviour}`, run);
}

row("each event comes once, and none of a local end", async (world) => {
  const { server, client, listening, toServer, toClient } = await pair(
    world,
    native,
  );
  assert.equal(resourceType(toServer.resourceId), "remote");
  assert.equal(server.all("accepted")[0]?.listener, listening.resourceId);
  client.network.send(toServer, "to the server");
  server.network.send(toClient, "to the client");
  await server.messages(1);
  await client.messages(1);
  assert.equal(client.remove(toServer.resourceId), true);
  assert.equal(client.remove(toServer.resourceId), false);
  const { reason, error, endpoint } = await server.event("disconnected");
  assert.deepEqual([reason, error], ["closed", undefined]);
  assert.equal(endpoint, toClient);
  for (const [node, to] of [[client, toServer], [server, toClient]] as const) {
    assert.equal(node.network.send(to, "x"), SendStatus.ResourceNotFound);
    assert.equal(node.network.isReady(to.resourceId), undefined);
    assert.equal(await node.network.writable(to), false);
  }
  await turns();
  assert.deepEqual(client.events.map(({ type }) => type), [
    "connected",
    "message",
  ]);
  assert.deepEqual(server.events.map(({ type }) => type), [
    "accepted",
    "message",
    "disconnected",
  ]);
});

row("a connect to nobody is connection-refused, once", async (world) => {
  const address = await deadAddress(world, native);
  const client = world.node();
  const endpoint = client.network.connect(native.adapter, address);
  assert.equal(
    client.network.send(endpoint, "early"),
    SendStatus.ResourceNotAvailable,
  );
  isNetworkError("connection-refused")((await client.event("connected")).error);
  await assert.rejects(
    client.network.connectAsync(native.adapter, address),
    isNetworkError("connection-refused"),
  );
  await turns();
  assert.equal(client.events.length, 2);
});

row(
  "a connect to nobody is connection-refused whatever its URL says",
  async (world) => {
    const server = world.node("the node that was");
    const { address: { hostname, port } } = await server.listenLasting(native);
    await server.handler.stop();
    const client = world.node();
    for (const path of ["101", "status", "dns", "tls"]) {
      await assert.rejects(
        client.network.connectAsync(
          native.adapter,
          `ws://${hostname}:${port}/${path}`,
        ),
        isNetworkError("connection-refused"),
      );
    }
  },
);

row("a connection removed while it connects has no event", async (world) => {
  const server = world.node("the server");
  const client = world.node("the client");
  const listening = await server.listen(native);
  client.remove(client.connect(native, listening).resourceId);
  client.connect(native, listening);
  await client.event("connected");
  await turns();
  assert.equal(client.events.length, 1);
});

row("messages arrive whole and in order, both ways at once", async (world) => {
  const { server, client, toServer, toClient } = await pair(world, native);
  const sizeOf = (n: number) => n % 50 === 49 ? 100_000 : (n * 7_919) % 3_001;
  const all = pattern(100_000);
  for (let n = 0; n < 500; n += 1) {
    const data = all.subarray(0, sizeOf(n));
    client.network.send(toServer, data);
    server.network.sendAll([toClient], data);
  }
  await Promise.all([server.messages(500), client.messages(500)]);
  for (const node of [server, client]) {
    for (const [n, { data, isText }] of node.all("message").entries()) {
      sameBytes(data, all.subarray(0, sizeOf(n)));
      assert.equal(isText, false);
    }
  }
});

row(
  "a copy is taken at the call, and data is not written again",
  async (world) => {
    const { server, client, toServer } = await pair(world, native);
    for (const size of [10, 50_000]) {
      const buffer = pattern(size);
      client.network.send(toServer, buffer, { copy: true });
      buffer.fill(0xee);
    }
    await server.messages(2);
    const kept = server.all("message").map(({ data }) => data);
    for (let n = 0; n < 20; n += 1) {
      client.network.send(
        toServer,
        pattern(9_999),
      );
    }
    await server.messages(22);
    for (const data of kept) sameBytes(data, pattern(data.length));
  },
);

row("no message of a burst comes after a remove", async (world) => {
  const { server, client, toServer, toClient } = await pair(world, native);
  server.onEvent = (event) => {
    if (event.type === "message") server.remove(toClient.resourceId);
  };
  for (let n = 0; n < 100; n += 1) client.network.send(toServer, `${n}`);
  await client.event("disconnected");
  await turns();
  assert.equal(server.count("message"), 1);
});

row(
  "sends are told of congestion, and nothing accepted is lost",
  async (world) => {
    const { server, client, toServer } = await pair(world, native, {
      connect: { highWaterMark: 64 << 10, outboxLimit: 1 << 20 },
    });
    const chunk = pattern(32 << 10);
    const seen = new Set<SendStatus>();
    let accepted = 0;
    // Nothing is read before this call returns to the loop.
    while (!seen.has(SendStatus.QueueFull)) {
      const status = client.network.send(toServer, chunk);
      seen.add(status);
      if (status !== SendStatus.QueueFull) accepted += 1;
      assert(accepted < 4_000, "128 MiB and no end");
    }
    assert.deepEqual([...seen], [
      SendStatus.Sent,
      SendStatus.Congested,
      SendStatus.QueueFull,
    ]);
    assert.equal(await client.network.writable(toServer), true);
    assert.equal(client.network.send(toServer, chunk), SendStatus.Sent);
    await server.messages(accepted + 1);
    for (const { data } of server.all("message")) sameBytes(data, chunk);
  },
);

row(
  "a message above a limit is refused here, and ends it there",
  async (world) => {
    const { server, client, toServer } = await pair(world, native, {
      connect: { maxMessageSize: 2_000 },
      listen: { maxMessageSize: 1_000 },
    });
    assert.equal(
      client.network.send(toServer, pattern(2_001)),
      SendStatus.MaxPacketSizeExceeded,
    );
    client.network.send(toServer, pattern(1_000));
    client.network.send(toServer, pattern(1_001));
    const { reason, error } = await server.event("disconnected");
    assert.equal(reason, "message-too-big");
    isNetworkError("message-too-big")(error);
    assert.equal(server.count("message"), 1);
  },
);

row(
  "a stop with drain delivers all, and one without makes no event",
  async (world) => {
    const { server, client, toServer } = await halfPair(world, native);
    for (let n = 0; n < 40; n += 1) {
      client.network.send(toServer, pattern(100_000, n));
    }
    await client.handler.stop({ drain: true });
    await server.event("disconnected");
    assert.equal(server.bytes().length, 4_000_000);
    const other = world.node("another client");
    const listening = await server.listen(native);
    other.connect(native, listening);
    await other.event("connected");
    await server.handler.stop();
    await other.event("disconnected");
    await turns();
    assert.equal(server.count("disconnected"), 1);
  },
);
