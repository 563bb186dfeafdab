import assert from "node:assert/strict";
import {
  createNode,
  type NodeEvent,
  type NodeListener,
  Transport,
} from "../../mod.ts";
import {
  conforms,
  eventually,
  isNetworkError,
  pair,
  pattern,
  sameBytes,
  type Signal,
  text,
  turns,
} from "./_nodes.ts";
import { packets } from "./_transports.ts";
import { watchedSignal } from "./_watched_signal.ts";

const framed = packets[0];
assert(framed !== undefined && framed.adapter === Transport.FramedTcp);

type Consume = (listener: NodeListener<never>) => unknown;

const consumers: Readonly<Record<string, Consume>> = {
  forEach: (listener) => listener.forEach(() => {}),
  enqueue: (listener) => listener.enqueue(),
  "for await": (listener) => listener[Symbol.asyncIterator](),
};

for (const [first, consumeFirst] of Object.entries(consumers)) {
  for (const [second, consumeSecond] of Object.entries(consumers)) {
    conforms(
      "Node",
      `${second} after ${first} is already-consumed`,
      async () => {
        const { handler, listener } = createNode();
        consumeFirst(listener);
        assert.throws(
          () => consumeSecond(listener),
          isNetworkError("already-consumed"),
        );
        await handler.stop();
      },
    );
  }
}

conforms(
  "Node",
  "forEach does not call back before it has returned",
  async (world) => {
    const node = world.idle();
    node.handler.signals.send("waiting");
    node.start();
    assert.equal(node.events.length, 0);
    await node.event("signal");
  },
);

conforms(
  "Node",
  "forEach never calls back twice at once, whatever the callback does",
  async (world) => {
    const { server, client, toServer, toClient } = await pair(world, framed);
    server.onEvent = (event) => {
      if (event.type !== "message" || server.count("message") > 300) return;
      server.network.send(toClient, "back");
      server.handler.signals.send("again");
      server.network.remove(0 as typeof toClient.resourceId);
    };
    client.onEvent = (event) => {
      if (event.type === "message") client.network.send(toServer, "forth");
    };
    client.network.send(toServer, "forth");
    // The nodes of the tests hold every callback to it: see `violations`.
    await server.messages(300);
  },
);

conforms(
  "Node",
  "an error thrown by the callback rejects the task with it, and closes everything",
  async () => {
    const { handler, listener } = createNode<string>();
    await handler.network.listen(Transport.Tcp, "127.0.0.1:0");
    await handler.network.listen(Transport.Udp, "127.0.0.1:0");
    const error = new Error("mine");
    let calls = 0;
    const task = listener.forEach(() => {
      calls += 1;
      throw error;
    });
    handler.signals.send("a");
    handler.signals.send("b");
    await assert.rejects(task.wait(), (thrown) => thrown === error);
    assert.equal(calls, 1);
    assert.equal(handler.isRunning, false);
    assert.equal(task.isFinished, true);
    assert.equal(handler.stats().listeners, 0);
    await assert.rejects(
      Promise.resolve(task),
      (thrown) => thrown === error,
      "awaited itself it rejects too",
    );
  },
);

conforms(
  "Node",
  "a promise of the callback that rejects rejects the task",
  async () => {
    const { handler, listener } = createNode<string>();
    const error = new Error("later");
    const task = listener.forEach(async () => {
      await Promise.resolve();
      throw error;
    });
    handler.signals.send("a");
    await assert.rejects(task.wait(), (thrown) => thrown === error);
    assert.equal(handler.isRunning, false);
  },
);

for (const thrown of [undefined, null, "text", 0, false]) {
  conforms(
    "Node",
    `a callback may throw ${
      JSON.stringify(thrown) ?? "undefined"
    }, and the task rejects with it`,
    async () => {
      const { handler, listener } = createNode<string>();
      const task = listener.forEach(() => {
        throw thrown;
      });
      handler.signals.send("a");
      const outcome = await task.then(
        () => ({ ok: true, thrown: "nothing" as unknown }),
        (error: unknown) => ({ ok: false, thrown: error }),
      );
      assert.deepEqual(outcome, { ok: false, thrown });
      await handler.stop();
    },
  );
}

conforms(
  "Node",
  "an error thrown in a network callback closes its connections, and peers see it",
  async (world) => {
    const error = new Error("in a message callback");
    const { handler, listener } = createNode();
    world.defer(() => handler.stop());
    const { address } = await handler.network.listen(
      framed.adapter,
      "127.0.0.1:0",
    );
    const task = listener.forEach((event) => {
      if (event.type === "message") throw error;
    });
    const client = world.node("the client");
    const toServer = client.network.connect(framed.adapter, address);
    await client.event("connected");
    client.network.send(toServer, "boom");
    await assert.rejects(task.wait(), (thrown) => thrown === error);
    await client.event("disconnected");
  },
);

conforms("Node", "enqueue hands out events one by one", async (world) => {
  const node = world.idle();
  const receiver = node.listener.enqueue();
  assert.equal(receiver.tryReceive(), undefined);
  node.handler.signals.send("a");
  node.handler.signals.send("b");
  assert.deepEqual(receiver.tryReceive(), { type: "signal", signal: "a" });
  assert.deepEqual(await receiver.receive(), { type: "signal", signal: "b" });
  assert.equal(receiver.tryReceive(), undefined);
});

conforms(
  "Node",
  "tryReceive is not held up by a timer that is not due",
  (world) => {
    const node = world.idle();
    const receiver = node.listener.enqueue();
    node.handler.signals.sendWithTimer("late", 60_000);
    node.handler.signals.send("now");
    assert.deepEqual(receiver.tryReceive(), { type: "signal", signal: "now" });
  },
);

conforms("Node", "receive waits for a message", async (world) => {
  const { server, client } = await queuedPair(world);
  const receiver = server.listener.enqueue();
  const accepted = await receiver.receive();
  assert.equal(accepted.type, "accepted");
  const waiting = receiver.receive();
  client.send("hello");
  const event = await waiting;
  assert(event.type === "message");
  assert.equal(text(event.data), "hello");
});

/** A server that is not consumed, and what sends to it. */
async function queuedPair(
  world: Parameters<Parameters<typeof conforms>[2]>[0],
) {
  const server = world.idle("the server");
  const client = world.node("the client");
  const listening = await server.listen(framed!);
  const toServer = client.connect(framed!, listening);
  await client.event("connected");
  return {
    server,
    client: { send: (data: string) => client.network.send(toServer, data) },
  };
}

conforms("Node", "receives that wait are served in order", async (world) => {
  const node = world.idle();
  const receiver = node.listener.enqueue();
  const waiting = [receiver.receive(), receiver.receive(), receiver.receive()];
  for (const signal of ["a", "b", "c"]) node.handler.signals.send(signal);
  const events = await Promise.all(waiting);
  assert.deepEqual(
    events.map((event) => event.type === "signal" && event.signal),
    ["a", "b", "c"],
  );
});

conforms(
  "Node",
  "receiveTimeout gives up with undefined, not early",
  async (world) => {
    const node = world.idle();
    const receiver = node.listener.enqueue();
    const before = performance.now();
    assert.equal(await receiver.receiveTimeout(20), undefined);
    assert(performance.now() - before >= 19);
    assert.equal(await receiver.receiveTimeout(0), undefined);
  },
);

conforms(
  "Node",
  "receiveTimeout gives an event that comes in time",
  async (world) => {
    const node = world.idle();
    const receiver = node.listener.enqueue();
    node.handler.signals.sendWithTimer("soon", 5);
    assert.deepEqual(await receiver.receiveTimeout(20_000), {
      type: "signal",
      signal: "soon",
    });
  },
);

conforms(
  "Node",
  "a receiveTimeout that gave up takes no event with it",
  async (world) => {
    const node = world.idle();
    const receiver = node.listener.enqueue();
    assert.equal(await receiver.receiveTimeout(1), undefined);
    node.handler.signals.send("later");
    assert.deepEqual(await receiver.receive(), {
      type: "signal",
      signal: "later",
    });
  },
);

conforms(
  "Node",
  "a timeoutMs out of its range is an invalid-option",
  async (world) => {
    const receiver = world.idle().listener.enqueue();
    for (const timeout of [-1, NaN, Infinity]) {
      await assert.rejects(
        receiver.receiveTimeout(timeout),
        isNetworkError("invalid-option", /timeoutMs/),
      );
    }
  },
);

conforms(
  "Node",
  "a receive that is aborted rejects, and no event is lost by it",
  async (world) => {
    const node = world.idle();
    const receiver = node.listener.enqueue();
    const controller = new AbortController();
    const waiting = receiver.receive({ signal: controller.signal });
    const rejected = assert.rejects(waiting, isNetworkError("aborted"));
    controller.abort();
    await rejected;
    await assert.rejects(
      receiver.receive({ signal: AbortSignal.abort() }),
      isNetworkError("aborted"),
    );
    await assert.rejects(
      receiver.receiveTimeout(20_000, { signal: AbortSignal.timeout(1) }),
      isNetworkError("aborted"),
    );
    node.handler.signals.send("kept");
    assert.deepEqual(await receiver.receive(), {
      type: "signal",
      signal: "kept",
    });
  },
);

conforms(
  "Node",
  "a wait that is over leaves no listener on its signal, however it ended",
  async (world) => {
    const node = world.idle();
    const receiver = node.listener.enqueue();
    const { signal, listeners } = watchedSignal();
    for (const how of ["received", "timed out", "stopped"]) {
      const waiting = how === "timed out"
        ? receiver.receiveTimeout(1, { signal })
        : receiver.receive({ signal });
      assert.equal(listeners(), 1, how);
      if (how === "received") node.handler.signals.send("x");
      if (how === "stopped") void node.handler.stop();
      await waiting.catch(isNetworkError("stopped"));
      assert.equal(listeners(), 0, how);
    }
  },
);

conforms(
  "Node",
  "a receive under way when the node stops rejects with stopped",
  async (world) => {
    const node = world.idle();
    const receiver = node.listener.enqueue();
    const rejected = [
      assert.rejects(receiver.receive(), isNetworkError("stopped")),
      assert.rejects(
        receiver.receiveTimeout(20_000),
        isNetworkError("stopped"),
      ),
    ];
    await node.handler.stop();
    await Promise.all(rejected);
    await assert.rejects(receiver.receive(), isNetworkError("stopped"));
    assert.equal(receiver.tryReceive(), undefined);
  },
);

conforms(
  "Node",
  "what was queued before a stop can still be received",
  async (world) => {
    const { server, client } = await queuedPair(world);
    const receiver = server.listener.enqueue();
    client.send("queued");
    await eventually(
      "a queued message",
      () => server.handler.stats().queuedEventBytes === 6,
    );
    server.handler.signals.send("signal");
    await server.handler.stop();
    const types: string[] = [];
    for await (const event of receiver) types.push(event.type);
    assert.deepEqual(types.sort(), ["accepted", "message", "signal"]);
    await assert.rejects(receiver.receive(), isNetworkError("stopped"));
  },
);

conforms(
  "Node",
  "for await takes messages in order until the node stops",
  async (world) => {
    const { server, client } = await queuedPair(world);
    for (let n = 0; n < 3_000; n += 1) client.send(`${n}`);
    let count = 0;
    for await (const event of server.listener) {
      if (event.type !== "message") continue;
      assert.equal(text(event.data), `${count}`);
      count += 1;
      if (count === 3_000) void server.handler.stop();
    }
    assert.equal(count, 3_000);
  },
);

for (const mode of ["receive", "tryReceive", "for await"] as const) {
  conforms(
    "Node",
    `who takes events by ${mode} from a full node gets all that comes after, in order`,
    async (world) => {
      const server = world.idle("the server", { maxQueuedEvents: 16 });
      const client = world.node("the client");
      const toServer = client.connect(framed, await server.listen(framed));
      await client.event("connected");
      const all = 2_000;
      for (let n = 0; n < all; n += 1) {
        client.network.send(toServer, pattern(2_000, n));
      }
      await eventually("the pause", () => server.handler.stats().isPaused);
      let count = 0;
      const isLast = (event: NodeEvent<Signal> | undefined) => {
        if (event?.type !== "message") return false;
        sameBytes(event.data, pattern(2_000, count));
        count += 1;
        return count === all;
      };
      if (mode === "for await") {
        for await (const event of server.listener) if (isLast(event)) break;
      } else {
        const receiver = server.listener.enqueue();
        if (mode === "receive") { while (!isLast(await receiver.receive())); }
        else {
          await eventually("all messages", () => {
            let event = receiver.tryReceive();
            for (; event !== undefined; event = receiver.tryReceive()) {
              if (isLast(event)) return true;
            }
            return false;
          });
        }
      }
      assert.equal(count, all);
      assert(server.handler.stats().pauses > 1, "it was full again and again");
    },
  );
}

conforms(
  "Node",
  "for await may await between events, and loses none",
  async (world) => {
    const { server, client } = await queuedPair(world);
    for (let n = 0; n < 50; n += 1) client.send(`${n}`);
    let count = 0;
    for await (const event of server.listener) {
      if (event.type !== "message") continue;
      assert.equal(text(event.data), `${count}`);
      count += 1;
      if (count % 10 === 0) await turns(1);
      if (count === 50) break;
    }
    assert.equal(server.handler.isRunning, true, "leaving does not stop");
  },
);

conforms(
  "Node",
  "for await does not keep timers and sockets from their turn",
  async (world) => {
    const node = world.idle();
    let isOver = false;
    setTimeout(() => isOver = true, 10);
    node.handler.signals.send("more");
    for await (const _ of node.listener) {
      if (isOver) break;
      node.handler.signals.send("more");
    }
    assert.equal(isOver, true);
  },
);

conforms(
  "Node",
  "with enqueue, signals that never end do not keep messages back",
  async (world) => {
    const { server, client } = await queuedPair(world);
    client.send("queued");
    await eventually(
      "a queued message",
      () => server.handler.stats().queuedEventBytes === 6,
    );
    const receiver = server.listener.enqueue();
    const types: (string | undefined)[] = [];
    for (let n = 0; n < 10; n += 1) {
      server.handler.signals.sendWithPriority("more");
      types.push(receiver.tryReceive()?.type);
    }
    assert(types.includes("message"), types.join());
    assert(types.includes("signal"), types.join());
  },
);

conforms("Node", "for await of a stopped node ends at once", async (world) => {
  const node = world.idle();
  await node.handler.stop();
  const seen: NodeEvent<Signal>[] = [];
  for await (const event of node.listener) seen.push(event);
  assert.deepEqual(seen, []);
});

conforms(
  "Node",
  "a forEach on a stopped node ends at once, without a call",
  async () => {
    const { handler, listener } = createNode<string>();
    handler.signals.send("queued");
    await handler.stop();
    let calls = 0;
    await listener.forEach(() => calls += 1);
    assert.equal(calls, 0);
  },
);

conforms(
  "Node",
  "a node that nobody consumes works and stops",
  async (world) => {
    const { server, client } = await queuedPair(world);
    client.send("to nobody");
    await server.handler.stop();
    assert.equal(server.events.length, 0);
  },
);
