import assert from "node:assert/strict";
import {
  attachWebSocket,
  SendStatus,
  type StandardWebSocketLike,
} from "../../mod.ts";
import {
  conforms,
  conformsOn,
  halfPair,
  isNetworkError,
  join,
  pair,
  pattern,
  sameBytes,
  stalledPair,
  type TestNode,
  turns,
} from "./_nodes.ts";
import { rawConnect, varintFrame } from "./_raw.ts";
import { oriented, rawRows, transports } from "./_transports.ts";

const reliable = transports.filter(({ isReliable }) => isReliable);
const BLOCK = 1 << 20;

conforms("Node", "runs from its creation to its stop", async (world) => {
  const node = world.node();
  assert.equal(node.handler.isRunning, true);
  assert.equal(node.task?.isFinished, false);
  const stopping = node.handler.stop();
  assert.equal(node.handler.isRunning, false, "at once");
  await stopping;
  await node.task;
  assert.equal(node.task?.isFinished, true);
});

conforms("Node", "a stop may be repeated, at once and later", async (world) => {
  const node = world.node();
  await Promise.all([
    node.handler.stop(),
    node.handler.stop(),
    node.handler.stop({ drain: true }),
  ]);
  await node.handler.stop();
});

conforms("Node", "a node that did nothing stops at once", async (world) => {
  const node = world.idle();
  await node.handler.stop({ drain: true });
  assert.equal(node.handler.isRunning, false);
});

conforms(
  "Node",
  "the task ends when the node has stopped, however often it is awaited",
  async (world) => {
    const node = world.node();
    void node.handler.stop();
    await node.task;
    await node.task;
    await node.task?.wait();
  },
);

conforms(
  "Node",
  "a stop from inside a callback ends the node",
  async (world) => {
    const node = world.node();
    node.onEvent = () => void node.handler.stop();
    node.handler.signals.send("a");
    node.handler.signals.send("b");
    await node.task;
    assert.deepEqual(node.signals(), ["a"]);
  },
);

conforms(
  "Node",
  "what is called on a stopped node answers stopped",
  async (world) => {
    const node = world.node();
    await node.handler.stop();
    const { network } = node;
    for (const { adapter, listenAddress } of transports) {
      assert.throws(
        () => network.connect(adapter, "127.0.0.1:1"),
        isNetworkError("stopped"),
      );
      await assert.rejects(
        network.connectAsync(adapter, "127.0.0.1:1"),
        isNetworkError("stopped"),
      );
      await assert.rejects(
        network.listen(adapter, listenAddress()),
        isNetworkError("stopped"),
      );
    }
    assert.deepEqual(network.resources(), []);
    const socket = new WebSocketOfNobody();
    assert.throws(
      () => network.attach(attachWebSocket(socket)),
      isNetworkError("stopped"),
    );
    assert.equal(socket.onmessage, null, "it is left alone");
  },
);

/** An open WebSocket of the user's own. */
class WebSocketOfNobody implements StandardWebSocketLike {
  readonly readyState = 1;
  readonly bufferedAmount = 0;
  readonly protocol = "";
  binaryType = "arraybuffer";
  onopen: unknown = null;
  onmessage: unknown = null;
  onerror: unknown = null;
  onclose: unknown = null;
  send(): void {}
  close(): void {}
}

conforms("Node", "a drain out of its range is an invalid-option", (world) => {
  const node = world.node();
  for (const drain of [-1, 1.5, NaN, Infinity, 2 ** 31]) {
    assert.throws(
      () => node.handler.stop({ drain }),
      isNetworkError("invalid-option", /drain/),
    );
  }
  assert.equal(node.handler.isRunning, true);
});

conforms("Node", "its async dispose stops the node", async (world) => {
  const node = world.node();
  // What `await using` calls; Node 22 cannot parse the words themselves.
  await node.handler[Symbol.asyncDispose]();
  assert.equal(node.handler.isRunning, false);
  assert.equal(node.task?.isFinished, true);
});

conformsOn(
  transports,
  "a stop closes every connection and listener",
  async (world, row) => {
    const { server, client, toServer, listening } = await halfPair(world, row);
    await server.handler.stop();
    await client.handler.stop();
    for (const node of [server, client]) {
      const stats = node.handler.stats();
      assert.equal(stats.connections, 0);
      assert.equal(stats.listeners, 0);
      assert.equal(stats.queuedBytes, 0);
      assert.equal(stats.timers, 0);
      assert.deepEqual(node.network.resources(), []);
    }
    assert.equal(server.network.isReady(listening.resourceId), undefined);
    assert.equal(server.network.remove(listening.resourceId), false);
    assert.equal(
      client.network.send(toServer, "x"),
      SendStatus.ResourceNotFound,
    );
    assert.equal(client.network.isReady(toServer.resourceId), undefined);
    assert.equal(client.network.remove(toServer.resourceId), false);
    assert.equal(await client.network.writable(toServer), false);
  },
);

conformsOn(
  transports,
  "an address is free again after a stop",
  async (world, row) => {
    const first = world.node();
    const { address } = await first.listenLasting(row);
    await first.handler.stop();
    const second = world.node();
    const again = await second.network.listen(
      row.adapter,
      row.peerAddress(address),
    );
    assert.deepEqual(again.address, address);
  },
);

conformsOn(
  oriented,
  "an address is free again after a stop with connections",
  async (world, row) => {
    const { server, client, listening } = await pair(world, row, {
      isLasting: true,
    });
    await server.handler.stop();
    await client.event("disconnected");
    const second = world.node();
    await second.network.listen(
      row.adapter,
      row.peerAddress(listening.address),
    );
  },
);

conformsOn(
  oriented,
  "a stop makes no event, and no message comes after it",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    server.onEvent = (event) => {
      if (event.type === "message") void server.handler.stop();
    };
    for (let n = 0; n < 100; n += 1) client.network.send(toServer, "x");
    await server.task;
    await turns();
    assert.equal(server.all("message").length, 1);
    assert.equal(server.all("disconnected").length, 0);
  },
);

conformsOn(
  transports,
  "a stop while it connects makes no event",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    client.connect(row, await server.listen(row));
    await client.handler.stop();
    await turns();
    assert.equal(client.events.length, 0);
  },
);

conformsOn(
  transports,
  "a stop while it binds rejects the listen, or closes what it gave",
  async (world, row) => {
    const node = world.node();
    const listening = node.listen(row);
    const outcome = listening.then(
      () => "bound before the stop",
      (error: unknown) => isNetworkError("stopped")(error) && "stopped",
    );
    await node.handler.stop();
    await outcome;
    await turns();
    assert.deepEqual(node.network.resources(), []);
  },
);

conformsOn(
  reliable,
  "stop with drain loses nothing of 24 MiB to a slow reader",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row);
    for (let n = 0; n < 24; n += 1) {
      client.network.send(toServer, pattern(BLOCK, n));
    }
    const stopping = client.handler.stop({ drain: true });
    await turns();
    assert.equal(client.task?.isFinished, false, "not all has left yet");
    server.start();
    await stopping;
    await server.event("disconnected");
    const bytes = server.bytes();
    assert.equal(bytes.length, 24 * BLOCK);
    for (let n = 0; n < 24; n += 1) {
      sameBytes(bytes.subarray(n * BLOCK, (n + 1) * BLOCK), pattern(BLOCK, n));
    }
  },
);

conformsOn(
  transports,
  "a small message sent right before a stop without drain still arrives",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    client.network.send(toServer, "goodbye");
    await client.handler.stop();
    await server.messages(1);
    assert.deepEqual(server.texts(), ["goodbye"]);
    if (row.isOriented) {
      assert.equal((await server.event("disconnected")).reason, "closed");
    }
  },
);

conformsOn(
  rawRows,
  "stop with drain sends a peer that has sent its FIN all that was accepted",
  async (world, row) => {
    const server = world.node();
    const peer = await rawConnect(world, row, await server.listen(row));
    const frame = (data: Uint8Array) => row.isVarint ? varintFrame(data) : data;
    server.onEvent = (event) => {
      if (event.type !== "message") return;
      for (let n = 0; n < 8; n += 1) {
        server.network.send(event.endpoint, pattern(BLOCK, n));
      }
    };
    peer.socket.pause();
    peer.socket.end(frame(pattern(5)));
    await server.event("disconnected");
    const stopping = server.handler.stop({ drain: true });
    await turns();
    assert.equal(server.task?.isFinished, false, "not all has left yet");
    peer.socket.resume();
    await stopping;
    const reply = join(
      [0, 1, 2, 3, 4, 5, 6, 7].map((n) => frame(pattern(BLOCK, n))),
    );
    await peer.size(reply.length);
    await peer.over();
    assert.equal(peer.error, undefined);
    sameBytes(peer.bytes(), reply);
  },
);

conformsOn(
  reliable,
  "disposal drains too",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(world, row);
    for (let n = 0; n < 16; n += 1) {
      client.network.send(toServer, pattern(BLOCK, n));
    }
    const disposing = client.handler[Symbol.asyncDispose]();
    server.start();
    await disposing;
    await server.event("disconnected");
    assert.equal(server.bytes().length, 16 * BLOCK);
  },
);

conformsOn(
  oriented,
  "a drain ends when its time is up, though the peer reads nothing",
  async (world, row) => {
    const { client, toServer } = await stalledPair(world, row);
    for (let n = 0; n < 24; n += 1) {
      client.network.send(toServer, pattern(BLOCK, n));
    }
    const before = performance.now();
    await client.handler.stop({ drain: 50 });
    const took = performance.now() - before;
    assert(took >= 49, `it took its time: ${took}`);
    assert(took < 10_000, `and no more: ${took}`);
  },
);

conformsOn(
  oriented,
  "a second stop cuts the drain of the first short",
  async (world, row) => {
    const { client, toServer } = await stalledPair(world, row);
    for (let n = 0; n < 24; n += 1) {
      client.network.send(toServer, pattern(BLOCK, n));
    }
    const before = performance.now();
    const stopping = client.handler.stop({ drain: true });
    await turns();
    await client.handler.stop();
    await stopping;
    assert(performance.now() - before < 10_000);
  },
);

conforms(
  "Node",
  "a stop ends though the program holds the runtime up for longer than sockets have to close",
  async (world) => {
    const nodes: TestNode[] = [];
    for (const row of oriented) {
      const { server, client } = await pair(world, row);
      nodes.push(client, server);
    }
    const stopping = nodes.map((node) => node.handler.stop());
    // Every time limit is over before any socket can tell that it is closed.
    const until = performance.now() + 1_200;
    while (performance.now() < until);
    await Promise.all(stopping);
  },
);

conformsOn(
  oriented,
  "a stop that drains cuts longer drains short, and lengthens none",
  async (world, row) => {
    const { client, toServer, listening } = await stalledPair(world, row);
    const other = client.connect(row, listening);
    await client.event("connected", 1);
    for (const endpoint of [toServer, other]) {
      for (let n = 0; n < 24; n += 1) {
        client.network.send(endpoint, pattern(BLOCK, n));
      }
    }
    client.remove(toServer.resourceId, { drain: true });
    client.remove(other.resourceId, { drain: 200 });
    await turns();
    const before = performance.now();
    const stopping = client.handler.stop({ drain: true });
    await client.handler.stop({ drain: 300 });
    await stopping;
    assert(performance.now() - before < 10_000);
  },
);

conformsOn(
  oriented,
  "a stop cuts the drain of a remove short",
  async (world, row) => {
    const { client, toServer } = await stalledPair(world, row);
    for (let n = 0; n < 24; n += 1) {
      client.network.send(toServer, pattern(BLOCK, n));
    }
    client.remove(toServer.resourceId, { drain: true });
    await turns();
    const before = performance.now();
    await client.handler.stop();
    assert(performance.now() - before < 10_000);
  },
);

conformsOn(
  rawRows,
  "a peer that never ends its side does not hold a stop up",
  async (world, row) => {
    const server = world.node();
    const peer = await rawConnect(world, row, await server.listen(row));
    await server.event("accepted");
    const before = performance.now();
    await server.handler.stop();
    assert(performance.now() - before < 5_000);
    await peer.over();
  },
);

conformsOn(
  oriented,
  "the stop of one node leaves another with the same peers alone",
  async (world, row) => {
    const { server, client, listening } = await pair(world, row);
    const other = world.node("the other");
    const toServer = other.connect(row, listening);
    await other.event("connected");
    await client.handler.stop();
    await server.event("disconnected");
    other.network.send(toServer, "still here");
    await server.messages(1);
  },
);
