import assert from "node:assert/strict";
import { Endpoint, type ResourceId, SendStatus } from "../../mod.ts";
import {
  conforms,
  conformsOn,
  eventually,
  halfPair,
  isNetworkError,
  pair,
  pattern,
  sameBytes,
  stalledPair,
  type TestNode,
  turns,
} from "./_nodes.ts";
import { rawListen } from "./_raw.ts";
import { oriented, packets, rawRows, transports } from "./_transports.ts";

const reliable = transports.filter(({ isReliable }) => isReliable);

/** Sends chunks until the answer is another than `Sent`. Returns it and how many were accepted. */
function fill(
  client: TestNode,
  toServer: Endpoint,
  until: SendStatus,
): { accepted: number; last: SendStatus } {
  let accepted = 0;
  for (;;) {
    const last = client.network.send(toServer, pattern(64 << 10, accepted));
    if (last === SendStatus.Sent || last === SendStatus.Congested) {
      accepted += 1;
    }
    if (last === until) return { accepted, last };
    assert(accepted < 4_000, "256 MiB and no end");
  }
}

conformsOn(
  transports,
  "a send on an idle connection answers Sent",
  async (world, row) => {
    const { client, toServer } = await halfPair(world, row);
    assert.equal(client.network.send(toServer, "x"), SendStatus.Sent);
  },
);

conformsOn(
  transports,
  "a send after remove answers ResourceNotFound",
  async (world, row) => {
    const { client, toServer } = await halfPair(world, row);
    client.remove(toServer.resourceId);
    assert.equal(
      client.network.send(toServer, "x"),
      SendStatus.ResourceNotFound,
    );
    assert.deepEqual(client.network.sendAll([toServer], "x"), [
      SendStatus.ResourceNotFound,
    ]);
  },
);

conformsOn(
  oriented,
  "a send after disconnected answers ResourceNotFound, inside its callback too",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    let status: SendStatus | undefined;
    client.onEvent = () => status = client.network.send(toServer, "x");
    server.remove(toClient.resourceId);
    await client.event("disconnected");
    assert.equal(status, SendStatus.ResourceNotFound);
    assert.equal(
      client.network.send(toServer, "x"),
      SendStatus.ResourceNotFound,
    );
  },
);

conforms(
  "Node",
  "a send to an id that never was answers ResourceNotFound",
  (world) => {
    const node = world.node();
    const nobody = new Endpoint(999_999_999 as ResourceId, {
      family: "ipv4",
      hostname: "127.0.0.1",
      port: 1,
      path: "",
    });
    assert.equal(node.network.send(nobody, "x"), SendStatus.ResourceNotFound);
  },
);

conformsOn(
  transports,
  "a send to the endpoint of another node answers ResourceNotFound",
  async (world, row) => {
    const { server, toServer } = await halfPair(world, row);
    assert.equal(
      server.network.send(toServer, "x"),
      SendStatus.ResourceNotFound,
    );
  },
);

conformsOn(
  transports.filter(({ isPacket }) => isPacket),
  "a message above maxMessageSize answers MaxPacketSizeExceeded, and the connection goes on",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row, {
      connect: { maxMessageSize: 1_000 },
    });
    assert.equal(
      client.network.send(toServer, pattern(1_001)),
      SendStatus.MaxPacketSizeExceeded,
    );
    assert.deepEqual(client.network.sendAll([toServer], pattern(1_001)), [
      SendStatus.MaxPacketSizeExceeded,
    ]);
    assert.equal(
      client.network.send(toServer, pattern(1_000)),
      SendStatus.Sent,
    );
    await server.messages(1);
    sameBytes(server.bytes(), pattern(1_000));
    assert.equal(client.handler.stats().sendsRefused, 2);
  },
);

conformsOn(
  packets,
  "a message above 16 MiB answers MaxPacketSizeExceeded unless asked otherwise",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    assert.equal(
      client.network.send(toServer, new Uint8Array((16 << 20) + 1)),
      SendStatus.MaxPacketSizeExceeded,
    );
    client.network.send(toServer, new Uint8Array(16 << 20));
    await server.received(16 << 20);
  },
);

conformsOn(
  reliable,
  "above the high-water mark a send answers Congested, and is accepted",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row, {
      highWaterMark: 256 << 10,
    });
    const { accepted } = fill(client, toServer, SendStatus.Congested);
    server.start();
    const size = accepted * (64 << 10);
    await server.received(size);
    const bytes = server.bytes();
    assert.equal(bytes.length, size, "each once");
    for (let n = 0; n < accepted; n += 1) {
      const at = n * (64 << 10);
      sameBytes(bytes.subarray(at, at + (64 << 10)), pattern(64 << 10, n));
    }
  },
);

conformsOn(
  reliable,
  "writable resolves once the peer has taken enough, and sends answer Sent again",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row, {
      highWaterMark: 256 << 10,
    });
    fill(client, toServer, SendStatus.Congested);
    // What a run of sends leaves behind may still fit into the socket: fill it for good.
    while (await isWritableSoon(client.network.writable(toServer))) {
      fill(client, toServer, SendStatus.Congested);
    }
    const writable = client.network.writable(toServer);
    server.start();
    assert.equal(await writable, true);
    assert(client.handler.stats().queuedBytes <= 128 << 10);
    assert.equal(client.network.send(toServer, "x"), SendStatus.Sent);
  },
);

/** Whether it resolves within a few turns of the loop. */
async function isWritableSoon(writable: Promise<boolean>): Promise<boolean> {
  let isSettled = false;
  void writable.then(() => isSettled = true);
  await turns(10);
  return isSettled;
}

conformsOn(
  reliable,
  "at the limit a send answers QueueFull and nothing of it is queued",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row, {
      highWaterMark: 256 << 10,
      outboxLimit: 1 << 20,
    });
    // Nothing leaves before this call returns to the loop.
    const { accepted } = fill(client, toServer, SendStatus.QueueFull);
    const { queuedBytes, sendsRefused } = client.handler.stats();
    assert(queuedBytes <= 1 << 20);
    assert.equal(sendsRefused, 1);
    assert.deepEqual(client.network.sendAll([toServer], pattern(1 << 19)), [
      SendStatus.QueueFull,
    ]);
    assert.equal(client.handler.stats().queuedBytes, queuedBytes);
    server.start();
    await server.received(accepted * (64 << 10));
    assert.equal(await client.network.writable(toServer), true);
    client.network.send(toServer, "the end");
    await server.received(accepted * (64 << 10) + 7);
    const bytes = server.bytes();
    for (let n = 0; n < accepted; n += 1) {
      const at = n * (64 << 10);
      sameBytes(bytes.subarray(at, at + (64 << 10)), pattern(64 << 10, n));
    }
  },
);

conformsOn(
  packets,
  "a message that the outbox limit can never hold answers MaxPacketSizeExceeded",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row, {
      connect: { highWaterMark: 1_000, outboxLimit: 10_000 },
    });
    // A frame is larger than its message; the template has none.
    const tooBig = pattern(row.name === "Template" ? 10_001 : 10_000);
    assert.equal(
      client.network.send(toServer, tooBig),
      SendStatus.MaxPacketSizeExceeded,
    );
    assert.deepEqual(client.network.sendAll([toServer], tooBig), [
      SendStatus.MaxPacketSizeExceeded,
    ]);
    client.network.send(toServer, pattern(9_900));
    await server.messages(1);
    sameBytes(server.bytes(), pattern(9_900));
  },
);

conformsOn(
  reliable,
  "writable after QueueFull resolves when there is room",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row, {
      highWaterMark: 128 << 10,
      outboxLimit: 256 << 10,
    });
    fill(client, toServer, SendStatus.QueueFull);
    const writable = client.network.writable(toServer);
    server.start();
    assert.equal(await writable, true);
    assert.equal(client.network.send(toServer, "x"), SendStatus.Sent);
  },
);

conformsOn(
  transports,
  "writable resolves at once while nothing is congested",
  async (world, row) => {
    const { client, toServer } = await halfPair(world, row);
    assert.equal(await client.network.writable(toServer), true);
  },
);

conformsOn(
  transports,
  "writable of an endpoint that is gone resolves with false",
  async (world, row) => {
    const { client, toServer } = await halfPair(world, row);
    client.remove(toServer.resourceId);
    assert.equal(await client.network.writable(toServer), false);
  },
);

conformsOn(
  reliable,
  "writable resolves with false when the connection is removed meanwhile",
  async (world, row) => {
    const { client, toServer } = await stalledPair(world, row, {
      highWaterMark: 64 << 10,
    });
    fill(client, toServer, SendStatus.Congested);
    const writable = client.network.writable(toServer);
    client.remove(toServer.resourceId);
    assert.equal(await writable, false);
  },
);

conformsOn(
  rawRows.filter(({ raw }) => raw === "port"),
  "writable resolves with false when the peer ends the connection meanwhile",
  async (world, row) => {
    const { port, peers } = await rawListen(
      world,
      ({ socket }) => void socket.pause(),
    );
    const client = world.node();
    const toServer = client.network.connect(row.adapter, `127.0.0.1:${port}`, {
      highWaterMark: 64 << 10,
    });
    await client.event("connected");
    await eventually("the raw peer", () => peers.length === 1);
    for (let n = 0; n < 12; n += 1) {
      client.network.send(toServer, pattern(1 << 20, n));
    }
    const writable = client.network.writable(toServer);
    await turns();
    peers[0]?.socket.resetAndDestroy();
    assert.equal(await writable, false);
    assert.equal((await client.event("disconnected")).reason, "reset");
  },
);

conformsOn(
  reliable,
  "writable resolves with false when the node stops meanwhile",
  async (world, row) => {
    const { client, toServer } = await stalledPair(world, row, {
      highWaterMark: 64 << 10,
    });
    fill(client, toServer, SendStatus.Congested);
    const writable = client.network.writable(toServer);
    await client.handler.stop();
    assert.equal(await writable, false);
  },
);

conformsOn(
  reliable,
  "writable gives up when its signal aborts",
  async (world, row) => {
    const { client, toServer } = await stalledPair(world, row, {
      highWaterMark: 64 << 10,
    });
    fill(client, toServer, SendStatus.Congested);
    const controller = new AbortController();
    const writable = client.network.writable(toServer, {
      signal: controller.signal,
    });
    const rejected = assert.rejects(writable, isNetworkError("aborted"));
    controller.abort();
    await rejected;
    await assert.rejects(
      client.network.writable(toServer, { signal: AbortSignal.abort() }),
      isNetworkError("aborted"),
    );
  },
);

conformsOn(
  reliable,
  "a sender that waits for writable gets 32 MiB across without ever being refused",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row, {
      connect: { highWaterMark: 256 << 10, outboxLimit: 1 << 20 },
    });
    let most = 0;
    const chunk = pattern(64 << 10);
    for (let n = 0; n < 512; n += 1) {
      const status = client.network.send(toServer, chunk);
      most = Math.max(most, client.handler.stats().queuedBytes);
      if (status === SendStatus.Sent) continue;
      assert.equal(status, SendStatus.Congested);
      assert.equal(await client.network.writable(toServer), true);
    }
    await server.received(32 << 20);
    assert(most < 512 << 10, `at most about the mark is queued, not ${most}`);
  },
);

conformsOn(
  transports,
  "stats count what was sent and received, each way",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    client.network.send(toServer, "12345");
    await server.messages(1);
    client.network.send(toServer, "678");
    await server.messages(2);
    const sent = client.handler.stats();
    assert.equal(sent.messagesSent, 2);
    assert.equal(sent.bytesSent, 8);
    assert.equal(sent.messagesReceived, 0);
    const got = server.handler.stats();
    assert.equal(got.messagesReceived, 2);
    assert.equal(got.bytesReceived, 8);
    assert.equal(got.messagesSent, 0);
    client.remove(toServer.resourceId);
    assert.equal(client.handler.stats().bytesSent, 8, "kept after the end");
  },
);
