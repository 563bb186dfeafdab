import assert from "node:assert/strict";
import {
  type Endpoint,
  framedTcp,
  newlineFraming,
  SendStatus,
  taggedFraming,
} from "../../mod.ts";
import {
  conforms,
  conformsOn,
  deadAddress,
  eventually,
  isNetworkError,
  join,
  type TestNode,
  turns,
  utf8,
} from "./_nodes.ts";
import { rawListen, varintFrame } from "./_raw.ts";
import { QUICK, reconnecting, revive, SLOW } from "./_reconnecting.ts";
import { packets, rawRows } from "./_transports.ts";

/** Sends so many messages of `size` bytes, each of which begins with its number. */
function sendNumbered(
  client: TestNode,
  endpoint: Endpoint,
  count: number,
  size: number,
): void {
  for (let at = 0; at < count; at += 1) {
    assert.equal(
      client.network.send(endpoint, utf8(String(at).padEnd(size, "."))),
      SendStatus.Sent,
    );
  }
}

/** All numbers came once and in order, and "last" after them. */
function assertNumbered(server: TestNode, count: number): void {
  assert.deepEqual(
    server.texts().map((text) => text.split(".", 1)[0]),
    [...Array.from({ length: count }, (_, at) => String(at)), "last"],
  );
}

conformsOn(
  packets,
  "with queueLimit what is sent during an outage goes out first, in order, before what the connected event sends",
  async (world, row) => {
    const { server, client, toServer, toClient } = await reconnecting(
      world,
      row,
      { ...QUICK, queueLimit: 10_000 },
    );
    client.onEvent = (event) => {
      if (event.type === "disconnected") {
        const queued = () =>
          client.network.stats(toServer.resourceId)?.queuedBytes ?? 0;
        // The old connection may still have a close frame to send.
        const before = queued();
        for (let at = 0; at < 20; at += 1) {
          assert.equal(
            client.network.send(toServer, `held ${at}`),
            SendStatus.Sent,
          );
        }
        assert.deepEqual(client.network.sendAll([toServer], "to all"), [
          SendStatus.Sent,
        ]);
        assert.equal(queued() - before, 10 * 6 + 10 * 7 + 6);
      } else if (event.type === "connected") {
        client.network.send(toServer, "after");
      }
    };
    server.remove(toClient.resourceId);
    await server.until("all", () => server.texts().includes("after"));
    assert.deepEqual(server.texts(), [
      ...Array.from({ length: 20 }, (_, at) => `held ${at}`),
      "to all",
      "after",
    ]);
  },
);

conformsOn(
  packets,
  "with queueLimit a first connect queues too, up to the bound and no message further",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const client = world.node("the client");
    const endpoint = client.network.connect(row.adapter, address, {
      maxMessageSize: 400,
      reconnect: { ...QUICK, queueLimit: 1_000 },
    });
    const send = (size: number) =>
      client.network.send(endpoint, new Uint8Array(size));
    assert.equal(send(401), SendStatus.MaxPacketSizeExceeded);
    assert.equal(send(400), SendStatus.Sent);
    // 64 bytes are counted for each.
    assert.equal(send(400), SendStatus.Sent);
    assert.equal(send(9), SendStatus.QueueFull);
    assert.equal(send(8), SendStatus.Sent);
    assert.equal(send(0), SendStatus.QueueFull);
    const server = await revive(world, row, address);
    await server.messages(3);
    assert.deepEqual(server.all("message").map(({ data }) => data.length), [
      400,
      400,
      8,
    ]);
    assert.equal(send(0), SendStatus.Sent);
    await server.messages(4);
    assert.equal(client.handler.stats().sendsRefused, 3);
  },
);

conformsOn(
  packets,
  "a queue that is larger than the outbox goes out in order all the same",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const client = world.node("the client");
    const endpoint = client.network.connect(row.adapter, address, {
      outboxLimit: 4_096,
      maxMessageSize: 2_048,
      reconnect: { ...QUICK, queueLimit: 2 ** 22 },
    });
    sendNumbered(client, endpoint, 1_500, 2_000);
    client.onEvent = ({ type }) => {
      if (type !== "connected") return;
      assert.equal(client.network.isReady(endpoint.resourceId), true);
      assert.equal(client.network.send(endpoint, "last"), SendStatus.Sent);
    };
    const server = await revive(world, row, address);
    await server.messages(1_501);
    assertNumbered(server, 1_500);
    await eventually(
      "an empty queue",
      () => client.network.stats(endpoint.resourceId)?.queuedBytes === 0,
    );
    assert.equal(await client.network.writable(endpoint), true);
  },
);

conformsOn(
  packets,
  "a queue goes out once and in order also where the connection finds room in the middle of a send",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const client = world.node("the client");
    // Congested from the first message on, and a full slab leaves at once.
    const endpoint = client.network.connect(row.adapter, address, {
      highWaterMark: 1_000,
      outboxLimit: 300_000,
      reconnect: { ...QUICK, queueLimit: 2 ** 23 },
    });
    sendNumbered(client, endpoint, 600, 5_000);
    client.onEvent = ({ type }) => {
      if (type === "connected") client.network.send(endpoint, "last");
    };
    const queuedWhenWritable = client.network.writable(endpoint).then(() =>
      client.network.stats(endpoint.resourceId)?.queuedBytes ?? 0
    );
    const server = await revive(world, row, address);
    // Not before all of them are with the connection.
    assert(await queuedWhenWritable <= 300_000);
    await server.until("the last", () => server.texts().includes("last"));
    assertNumbered(server, 600);
  },
);

conforms(
  "FramedTcp",
  "a message that its framing cannot carry is refused at the call, during an outage too",
  (world) => {
    const lines = framedTcp({ framing: newlineFraming });
    const client = world.node();
    const endpoint = client.network.connect(lines, "127.0.0.1:1", {
      reconnect: { ...SLOW, queueLimit: 1_000 },
    });
    assert.equal(client.network.send(endpoint, "a line"), SendStatus.Sent);
    assert.throws(
      () => client.network.send(endpoint, "two\nlines"),
      isNetworkError("invalid-message"),
    );
  },
);

conforms(
  "FramedTcp",
  "what waits for a connection keeps its tag, and with copy its bytes as they were at the call",
  async (world) => {
    const adapter = framedTcp({ framing: taggedFraming });
    const row = packets.find(({ name }) => name === "FramedTcp");
    assert(row !== undefined);
    const address = await deadAddress(world, row);
    const client = world.node("the client");
    const endpoint = client.network.connect(adapter, address, {
      reconnect: { ...QUICK, queueLimit: 100_000 },
    });
    const buffer = utf8("as it was");
    client.network.send(endpoint, buffer, { tag: 7, copy: true });
    client.network.sendAll([endpoint], buffer, { tag: 8, copy: true });
    buffer.fill(0);
    const server = await revive(world, { ...row, adapter }, address);
    await server.messages(2);
    assert.deepEqual(server.texts(), ["as it was", "as it was"]);
    assert.deepEqual(server.all("message").map(({ tag }) => tag), [7, 8]);
  },
);

conforms(
  "Ws",
  "what waits for a connection keeps whether it is text",
  async (world) => {
    const row = packets.find(({ name }) => name === "Ws");
    assert(row !== undefined);
    const address = await deadAddress(world, row);
    const client = world.node("the client");
    const endpoint = client.network.connect(row.adapter, address, {
      reconnect: { ...QUICK, queueLimit: 100_000 },
    });
    client.network.send(endpoint, "text");
    client.network.send(endpoint, utf8("bytes"));
    client.network.sendAll([endpoint], "text");
    const server = await revive(world, row, address);
    await server.messages(3);
    assert.deepEqual(server.all("message").map(({ isText }) => isText), [
      true,
      false,
      true,
    ]);
  },
);

conformsOn(
  rawRows.filter(({ raw }) => raw === "port"),
  "what a broken connection had not sent does not go out on the next",
  async (world, row) => {
    const { port, peers } = await rawListen(world, ({ socket }) => {
      if (peers.length === 1) socket.pause();
    });
    const client = world.node("the client");
    const endpoint = client.network.connect(row.adapter, `127.0.0.1:${port}`, {
      reconnect: { ...QUICK, queueLimit: 1 << 20 },
    });
    await client.event("connected");
    await eventually("the raw peer", () => peers.length === 1);
    const block = new Uint8Array(1 << 20);
    for (let n = 0; n < 12; n += 1) client.network.send(endpoint, block);
    await turns();
    assert((client.network.stats(endpoint.resourceId)?.queuedBytes ?? 0) > 0);
    client.onEvent = ({ type }) => {
      if (type === "disconnected") client.network.send(endpoint, "held");
      if (type === "connected") client.network.send(endpoint, "after");
    };
    peers[0]?.socket.resetAndDestroy();
    await client.event("connected", 1);
    const messages = ["held", "after"].map(utf8);
    const expected = join(row.isVarint ? messages.map(varintFrame) : messages);
    const next = () => peers[1];
    await eventually("the next", () => next() !== undefined);
    await next()?.size(expected.length);
    await turns();
    assert.deepEqual(next()?.bytes(), expected);
  },
);
