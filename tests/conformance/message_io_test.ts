/**
 * The integration and unit tests of message-io, as rows of this table.
 */
import assert from "node:assert/strict";
import { type Endpoint, SendStatus, Transport } from "../../mod.ts";
import {
  conforms,
  conformsOn,
  deadAddress,
  isNetworkError,
  join,
  pair,
  pattern,
  sameBytes,
  text,
  turns,
} from "./_nodes.ts";
import { oriented, packets, streams, transports } from "./_transports.ts";

for (const clients of [1, 100]) {
  conformsOn(
    transports,
    `message-io echo: ${clients} client${
      clients === 1 ? "" : "s"
    }, each served and removed`,
    async (world, row) => {
      const server = world.node("the server");
      const client = world.node("the client");
      const listening = await server.listen(row);
      const known = new Set<Endpoint>();
      server.onEvent = (event) => {
        switch (event.type) {
          case "accepted":
            assert.equal(event.listener, listening.resourceId);
            assert(!known.has(event.endpoint));
            known.add(event.endpoint);
            break;
          case "message":
            assert.deepEqual(event.data, Uint8Array.of(42));
            if (row.isOriented) assert(known.has(event.endpoint));
            else {
              assert.equal(event.endpoint.resourceId, listening.resourceId);
            }
            assert.equal(
              server.network.send(event.endpoint, event.data),
              SendStatus.Sent,
            );
            break;
          case "disconnected":
            assert(known.delete(event.endpoint));
            break;
          default:
            assert.fail(`a server has no ${event.type}`);
        }
      };
      client.onEvent = (event) => {
        switch (event.type) {
          case "connected":
            assert.ifError(event.error);
            assert.equal(
              client.network.send(event.endpoint, Uint8Array.of(42)),
              SendStatus.Sent,
            );
            break;
          case "message":
            assert.deepEqual(event.data, Uint8Array.of(42));
            assert.equal(client.remove(event.endpoint.resourceId), true);
            break;
          default:
            assert.fail(`a client has no ${event.type}`);
        }
      };
      for (let n = 0; n < clients; n += 1) client.connect(row, listening);
      await client.messages(clients);
      if (row.isOriented) await server.event("disconnected", clients - 1);
      assert.equal(server.count("message"), clients);
      assert.equal(server.count("accepted"), row.isOriented ? clients : 0);
      assert.equal(known.size, 0);
    },
  );
}

const BURST = 200_000;

conformsOn(
  packets,
  "message-io burst: 200,000 messages in order, none lost",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row, {
      connect: { highWaterMark: 64 << 20 },
    });
    let sent = 0;
    client.onEvent = (event) => {
      if (event.type !== "signal") return;
      const message = `Integration test message: ${sent}`;
      assert.equal(client.network.send(toServer, message), SendStatus.Sent);
      sent += 1;
      if (sent < BURST) client.handler.signals.send("next");
    };
    let next = 0;
    server.onEvent = (event) => {
      if (event.type !== "message") return;
      assert.equal(text(event.data), `Integration test message: ${next}`);
      next += 1;
      // The kept events would take more room than the burst itself.
      server.events.length = 0;
    };
    client.handler.signals.send("next");
    await server.until("the whole burst", () => next === BURST);
  },
  { timeoutMs: 60_000 },
);

conforms(
  "Udp",
  "message-io burst: 2,000 paced datagrams in order, none lost",
  async (world) => {
    const row = transports.find(({ adapter }) => adapter === Transport.Udp);
    assert(row !== undefined);
    const server = world.node("the server");
    const client = world.node("the client");
    const toServer = client.connect(row, await server.listen(row));
    await client.event("connected");
    let sent = 0;
    let isHeldBack = false;
    const goOn = () => client.handler.signals.sendWithTimer("next", 0.05);
    client.onEvent = (event) => {
      if (event.type !== "signal") return;
      const message = `Integration test message: ${sent}`;
      assert.equal(client.network.send(toServer, message), SendStatus.Sent);
      sent += 1;
      // A machine that is slow enough sends all of a long turn before it reads, more than the socket keeps.
      isHeldBack = sent - server.count("message") >= 100;
      if (sent < 2_000 && !isHeldBack) goOn();
    };
    server.onEvent = () => {
      if (isHeldBack && sent < 2_000) goOn();
      isHeldBack = false;
    };
    client.handler.signals.send("next");
    await server.messages(2_000);
    for (const [n, was] of server.texts().entries()) {
      assert.equal(was, `Integration test message: ${n}`);
    }
  },
);

conformsOn(
  packets,
  "message-io message size: 8 MiB in one message",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    const message = pattern(8 << 20, 42);
    assert(message.length <= row.adapter.maxMessageSize);
    const status = client.network.send(toServer, message);
    assert(status === SendStatus.Sent || status === SendStatus.Congested);
    await server.messages(1);
    sameBytes(server.bytes(), message);
    assert.equal(client.remove(toServer.resourceId), true);
    await server.event("disconnected");
    assert.equal(server.count("message"), 1);
  },
);

conformsOn(
  streams,
  "message-io message size: 8 MiB in pieces, whole at the end",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    const message = pattern(8 << 20, 42);
    client.network.send(toServer, message);
    assert.equal(
      client.remove(toServer.resourceId, { drain: true }),
      true,
    );
    await server.event("disconnected");
    sameBytes(join(server.all("message").map(({ data }) => data)), message);
  },
);

conforms(
  "Udp",
  "message-io message size: the largest datagram in one message",
  async (world) => {
    const row = transports.find(({ adapter }) => adapter === Transport.Udp);
    assert(row !== undefined);
    const server = world.node("the server");
    const client = world.node("the client");
    const toServer = client.connect(row, await server.listen(row));
    await client.event("connected");
    // What macOS lets through without being told otherwise.
    const message = pattern(9_188, 42);
    assert.equal(client.network.send(toServer, message), SendStatus.Sent);
    await server.messages(1);
    sameBytes(server.bytes(), message);
    assert.equal(client.remove(toServer.resourceId), true);
  },
);

conforms(
  "Udp",
  "message-io multicast_reuse_addr: two listeners of one node hear one datagram each",
  async (world) => {
    const node = world.node();
    const on = { multicastInterface: "127.0.0.1" };
    const first = await node.network.listen(
      Transport.Udp,
      "239.255.0.1:0",
      on,
    );
    const group = `239.255.0.1:${first.address.port}`;
    const second = await node.network.listen(Transport.Udp, group, on);
    const sender = node.network.connect(Transport.Udp, group, on);
    await node.event("connected");
    const local = node.network.localAddress(sender.resourceId);
    assert.equal(
      node.network.send(sender, Uint8Array.of(42)),
      SendStatus.Sent,
    );
    await node.messages(2);
    const messages = node.all("message");
    assert.deepEqual(
      new Set(messages.map(({ endpoint }) => endpoint.resourceId)),
      new Set([first.resourceId, second.resourceId]),
    );
    for (const { data, endpoint } of messages) {
      assert.deepEqual(data, Uint8Array.of(42));
      assert.equal(endpoint.address.port, local?.port);
    }
  },
);

conformsOn(
  oriented,
  "message-io successful_connection: one connected and one accepted",
  async (world, row) => {
    const node = world.node();
    const listening = await node.listen(row);
    const endpoint = node.connect(row, listening);
    await node.until("both events", () => node.events.length >= 2);
    await turns();
    assert.equal(node.events.length, 2);
    const { ok, endpoint: connected } = await node.event("connected");
    assert.equal(ok, true);
    assert.equal(connected, endpoint);
    const accepted = await node.event("accepted");
    assert.equal(accepted.listener, listening.resourceId);
  },
);

conformsOn(
  oriented,
  "message-io successful_connection_sync: connectAsync gives an endpoint that is ready",
  async (world, row) => {
    const node = world.node();
    const { address } = await node.listen(row);
    const endpoint = await node.network.connectAsync(
      row.adapter,
      row.peerAddress(address),
    );
    assert.equal(node.network.isReady(endpoint.resourceId), true);
  },
);

conformsOn(
  oriented,
  "message-io unreachable_connection: not available, then one connected that is not ok",
  async (world, row) => {
    const node = world.node();
    const { resourceId, address } = await node.listenLasting(row);
    assert.equal(node.remove(resourceId), true);
    await turns();
    const endpoint = node.network.connect(
      row.adapter,
      row.peerAddress(address),
    );
    assert.equal(
      node.network.send(endpoint, Uint8Array.of(42)),
      SendStatus.ResourceNotAvailable,
    );
    assert.equal(node.network.isReady(endpoint.resourceId), false);
    const event = await node.event("connected");
    assert.equal(event.ok, false);
    assert.equal(event.endpoint, endpoint);
    await turns();
    assert.equal(node.events.length, 1);
  },
);

conformsOn(
  oriented,
  "message-io unreachable_connection_sync: connectAsync rejects with connection-refused",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const node = world.node();
    await assert.rejects(
      node.network.connectAsync(row.adapter, address),
      isNetworkError("connection-refused"),
    );
  },
);

conformsOn(
  transports,
  "message-io create_remove_listener: true, then false, and no event",
  async (world, row) => {
    const node = world.node();
    const { resourceId } = await node.listen(row);
    assert.equal(node.remove(resourceId), true);
    assert.equal(node.remove(resourceId), false);
    await turns();
    assert.equal(node.events.length, 0);
  },
);

conformsOn(
  oriented,
  "message-io create_remove_listener_with_connection: the connection lives on",
  async (world, row) => {
    const node = world.node();
    const listening = await node.listen(row);
    const removed: boolean[] = [];
    node.onEvent = (event) => {
      if (event.type !== "accepted") return;
      removed.push(node.network.remove(listening.resourceId));
      removed.push(node.network.remove(listening.resourceId));
    };
    node.connect(row, listening);
    await node.until("both events", () => node.events.length >= 2);
    await turns();
    assert.deepEqual(removed, [true, false]);
    assert.equal(node.count("disconnected"), 0);
  },
);

conforms(
  "Node",
  "message-io sync_node: a timer signal stops it, and it no longer runs",
  async (world) => {
    const node = world.node();
    assert.equal(node.handler.isRunning, true);
    node.handler.signals.sendWithTimer("stop", 20);
    node.onEvent = () => {
      assert.equal(node.handler.isRunning, true);
      void node.handler.stop();
    };
    await node.task;
    assert.equal(node.handler.isRunning, false);
  },
);

conforms(
  "Node",
  "message-io enqueue: a signal arrives through the queue",
  async (world) => {
    const node = world.idle();
    const receiver = node.listener.enqueue();
    node.handler.signals.sendWithTimer("through", 5);
    assert.deepEqual(await receiver.receiveTimeout(20_000), {
      type: "signal",
      signal: "through",
    });
    await node.handler.stop();
  },
);

conforms(
  "Node",
  "message-io wait_task: it may be waited for twice",
  async (world) => {
    const node = world.node();
    node.handler.signals.send("stop");
    node.onEvent = () => void node.handler.stop();
    await node.task?.wait();
    await node.task?.wait();
  },
);
