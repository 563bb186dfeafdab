import assert from "node:assert/strict";
import { SendStatus } from "../../mod.ts";
import {
  conformsOn,
  eventually,
  halfPair,
  pattern,
  stalledPair,
  turns,
} from "./_nodes.ts";
import { oriented, packets, transports } from "./_transports.ts";

const reliable = transports.filter(({ isReliable }) => isReliable);

conformsOn(
  transports,
  "events that come before the listener is consumed wait, in order",
  async (world, row) => {
    const server = world.idle("the server");
    const client = world.node("the client");
    const toServer = client.connect(row, await server.listen(row));
    await client.event("connected");
    client.network.send(toServer, "early");
    await eventually(
      "a queued message",
      () => server.handler.stats().queuedEventBytes === 5,
    );
    assert.equal(server.handler.stats().queuedEvents, row.isOriented ? 2 : 1);
    server.start();
    await server.messages(1);
    assert.deepEqual(
      server.events.map(({ type }) => type),
      row.isOriented ? ["accepted", "message"] : ["message"],
    );
    assert.equal(server.handler.stats().queuedEvents, 0);
    assert.equal(server.handler.stats().queuedEventBytes, 0);
  },
);

conformsOn(
  packets,
  "at maxQueuedEvents the sockets pause, and nothing is lost when they go on",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row, {
      highWaterMark: 64 << 10,
    }, { maxQueuedEvents: 10 });
    let sent = 0;
    const send = () => {
      sent += 1;
      return client.network.send(toServer, pattern(1_000, sent));
    };
    // Until the peer takes no more: each Congested is followed by a rest.
    for (let congested = 0; congested < 3;) {
      if (send() !== SendStatus.Congested) continue;
      await turns(10);
      congested = client.handler.stats().queuedBytes > 0 ? congested + 1 : 0;
      assert(sent < 200_000);
    }
    await eventually("the pause", () => server.handler.stats().isPaused);
    const { queuedEvents } = server.handler.stats();
    assert(
      queuedEvents < 3_000,
      `the bound and what was read already, not ${queuedEvents}`,
    );
    server.start();
    await server.messages(sent);
    for (const [n, { data }] of server.all("message").entries()) {
      assert.equal(data.length, 1_000);
      assert.equal(data[7], pattern(8, n + 1)[7], `message ${n}`);
    }
    await eventually(
      "the end of the pause",
      () => !server.handler.stats().isPaused,
    );
  },
);

conformsOn(
  reliable,
  "at maxQueuedBytes the sockets pause, and nothing is lost when they go on",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row, {}, {
      maxQueuedBytes: 100_000,
    });
    const block = pattern(1 << 20);
    for (let n = 0; n < 24; n += 1) client.network.send(toServer, block);
    await eventually(
      "the pause",
      () => server.handler.stats().isPaused,
    );
    await turns(10);
    const { queuedEventBytes } = server.handler.stats();
    assert(queuedEventBytes < 4 << 20, `not ${queuedEventBytes} bytes`);
    assert(client.handler.stats().queuedBytes > 0, "the sender feels it");
    server.start();
    await server.received(24 << 20);
    assert.equal(server.bytes().length, 24 << 20);
  },
);

conformsOn(
  oriented,
  "a connection accepted during the pause delivers once it ends",
  async (world, row) => {
    const server = world.idle("the server", { maxQueuedEvents: 1 });
    const client = world.node("the client");
    const listening = await server.listen(row);
    const first = client.connect(row, listening);
    await client.event("connected");
    client.network.send(first, "one");
    await eventually("the pause", () => server.handler.stats().isPaused);
    const second = client.connect(row, listening);
    await eventually(
      "the second",
      () => client.network.isReady(second.resourceId) === true,
    );
    client.network.send(second, "two");
    await turns();
    server.start();
    await server.messages(2);
    assert.deepEqual(server.texts().sort(), ["one", "two"]);
  },
);

conformsOn(
  oriented,
  "a connection accepted during the pause is not read until it ends",
  async (world, row) => {
    const { server, client, listening } = await stalledPair(world, row);
    await eventually("the pause", () => server.handler.stats().isPaused);
    const second = client.connect(row, listening);
    await client.event("connected", 1);
    for (let n = 0; n < 24; n += 1) {
      client.network.send(second, pattern(1 << 20, n));
    }
    await turns(20);
    const { queuedEventBytes } = server.handler.stats();
    assert(queuedEventBytes < 4 << 20, `not ${queuedEventBytes} bytes`);
    server.start();
    await server.received(24 << 20);
  },
);

conformsOn(
  oriented,
  "an own connection that gets ready during the pause delivers once it ends",
  async (world, row) => {
    const client = world.idle("the client", { maxQueuedEvents: 1 });
    const server = world.node("the server");
    server.onEvent = (event) => {
      if (event.type === "accepted") server.network.send(event.endpoint, "hi");
    };
    const listening = await server.listen(row);
    client.connect(row, listening);
    await eventually("the pause", () => client.handler.stats().isPaused);
    client.connect(row, listening);
    await server.event("accepted", 1);
    await turns();
    client.start();
    await client.messages(2);
    assert.equal(client.all("connected").length, 2);
  },
);

conformsOn(
  oriented,
  "the end of a connection during the pause is told after what it sent",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row);
    client.network.send(toServer, pattern(400_000));
    client.remove(toServer.resourceId, { drain: true });
    await turns(10);
    server.start();
    await server.event("disconnected");
    assert.equal(server.bytes().length, 400_000);
    assert.equal(server.events.at(-1)?.type, "disconnected");
  },
);

conformsOn(
  transports,
  "messages sent after a pause arrive",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row);
    client.network.send(toServer, "before");
    if (!row.isOriented) {
      await eventually("the pause", () => server.handler.stats().isPaused);
    }
    server.start();
    await server.received(6);
    client.network.send(toServer, "after");
    await server.received(11);
  },
);

conformsOn(
  oriented,
  "a paused node still sends",
  async (world, row) => {
    const { server, client } = await stalledPair(world, row);
    await eventually("the pause", () => server.handler.stats().isPaused);
    const toClient = server.network.resources().find(({ kind }) =>
      kind === "connection"
    )?.endpoint;
    assert(toClient !== undefined);
    assert.equal(server.network.send(toClient, "anyway"), SendStatus.Sent);
    await client.messages(1);
    assert.deepEqual(client.texts(), ["anyway"]);
  },
);

conformsOn(
  transports,
  "a pause of one node does not touch another",
  async (world, row) => {
    const { client } = await stalledPair(world, row);
    const other = world.node("the other");
    const toOther = client.connect(row, await other.listen(row));
    await client.event("connected", 1);
    client.network.send(toOther, "free");
    await other.messages(1);
  },
);

conformsOn(
  packets,
  "an echo of 20,000 messages to a sender that never waits neither loses nor reorders one",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row, {
      server: { maxQueuedEvents: 64 },
      client: { maxQueuedEvents: 64 },
    });
    server.onEvent = (event) => {
      if (event.type === "message") {
        server.network.send(event.endpoint, event.data);
      }
    };
    for (let n = 0; n < 20_000; n += 1) client.network.send(toServer, `${n}`);
    await client.messages(20_000);
    for (const [n, was] of client.texts().entries()) assert.equal(was, `${n}`);
  },
);

conformsOn(
  packets,
  "one busy peer does not starve the others",
  async (world, row) => {
    const server = world.node("the server");
    const busy = world.node("the busy one");
    const quiet = world.node("the quiet one");
    const listening = await server.listen(row);
    const toServerBusy = busy.connect(row, listening, {
      highWaterMark: 4 << 20,
    });
    const toServerQuiet = quiet.connect(row, listening);
    await busy.event("connected");
    await quiet.event("connected");
    let isOver = false;
    server.onEvent = (event) => {
      if (event.type === "message" && event.data.length === 1) {
        server.network.send(event.endpoint, event.data);
      }
    };
    const flood = (async () => {
      const message = pattern(60);
      while (!isOver) {
        for (let n = 0; n < 5_000; n += 1) {
          busy.network.send(toServerBusy, message);
        }
        await busy.network.writable(toServerBusy);
        await new Promise<void>((resolve) => setTimeout(resolve, 0));
      }
    })();
    try {
      for (let n = 1; n <= 8; n += 1) {
        quiet.network.send(toServerQuiet, Uint8Array.of(n));
        await quiet.messages(n);
      }
    } finally {
      isOver = true;
      await flood;
    }
    assert(server.all("message").length > 8);
  },
);
