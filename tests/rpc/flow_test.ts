import assert from "node:assert/strict";
import { type NoMethods, Rpc } from "../../rpc/rpc.ts";
import { encodeEnvelope } from "../../rpc/envelope.ts";
import {
  conformsOn,
  eventually,
  pair,
  stalledPair,
  turns,
} from "../conformance/_nodes.ts";
import { packets } from "../conformance/_transports.ts";
import { callPair, collect } from "./_calls.ts";

conformsOn(
  packets,
  "a slow consumer bounds what the other side produces",
  async (world, row) => {
    const { rpc, toServer, log } = await callPair(world, row, {
      caller: { streamWindow: 16 },
    });
    const stream = rpc.stream(toServer, "count", 1_000_000);
    let consumed = 0;
    for (let index = 0; index < 20; index += 1) {
      await stream.next();
      consumed += 1;
      await turns(2);
      // What is in the window, and one that the generator may hold ready.
      assert(log.items <= consumed + 16 + 1, `${log.items} after ${consumed}`);
    }
    assert(log.items > consumed);
    await stream.return?.();
  },
);

conformsOn(
  packets,
  "a window of one item still gives them all",
  async (world, row) => {
    const { rpc, toServer } = await callPair(world, row, {
      caller: { streamWindow: 1 },
    });
    const items = await collect(rpc.stream(toServer, "count", 100));
    assert.equal(items.length, 100);
    assert.equal(items.at(-1), 100);
  },
);

conformsOn(
  packets,
  "streams take turns: none waits for the end of another",
  async (world, row) => {
    const { rpc, toServer } = await callPair(world, row);
    const seen: string[] = [];
    const read = async (name: string) => {
      let count = 0;
      for await (const item of rpc.stream(toServer, "endless", name)) {
        seen.push(item);
        count += 1;
        if (count === 1_000) break;
      }
    };
    await Promise.all(["a", "b", "c"].map(read));
    const last = (name: string) => seen.lastIndexOf(name);
    const first = (name: string) => seen.indexOf(name);
    const latestStart = Math.max(first("a"), first("b"), first("c"));
    const earliestEnd = Math.min(last("a"), last("b"), last("c"));
    assert(latestStart < 300, `one began after ${latestStart} items`);
    assert(earliestEnd > 2_000, `one ended after ${earliestEnd} items`);
  },
);

conformsOn(
  packets,
  "a unary call is answered while streams run",
  async (world, row) => {
    const { rpc, toServer } = await callPair(world, row);
    const stream = rpc.stream(toServer, "endless", "x");
    await stream.next();
    assert.equal(await rpc.call(toServer, "add", [1, 2]), 3);
    await stream.return?.();
  },
);

conformsOn(
  packets,
  "requests beyond what the network takes wait, and all are answered",
  async (world, row) => {
    const { rpc, toServer } = await callPair(world, row);
    const text = "x".repeat(200_000);
    const calls = Array.from(
      { length: 100 },
      (_, index) => rpc.call(toServer, "echo", { index, text }),
    );
    const answers = await Promise.all(calls);
    answers.forEach((answer, index) =>
      assert.deepEqual(answer, { index, text })
    );
  },
);

interface Big {
  bytes: { request: null; item: string };
}

conformsOn(
  packets,
  "a peer that grants credit and reads nothing holds the stream back",
  async (world, row) => {
    const { server, client, listening } = await stalledPair(world, row);
    await eventually(
      "the connection",
      () =>
        server.network.resources().some(({ kind, isReady }) =>
          kind === "connection" && isReady
        ),
    );
    assert(listening.address !== undefined);
    const toClient = server.network.resources()
      .find(({ kind }) => kind === "connection")?.endpoint;
    assert(toClient !== undefined);
    let made = 0;
    const item = "x".repeat(100_000);
    const rpc = new Rpc<Big, NoMethods>(client.handler, {
      handlers: {
        async *bytes() {
          for (;;) {
            made += 1;
            yield await Promise.resolve(item);
          }
        },
      },
    });
    client.onEvent = (event) => void rpc.handle(event);
    world.defer(() => rpc.close());
    server.network.send(
      toClient,
      encodeEnvelope({
        kind: "stream",
        id: 1,
        credit: Number.MAX_SAFE_INTEGER,
        method: "bytes",
        payload: new Uint8Array(0),
      }),
    );
    await eventually("the stream to begin", () => made > 0);
    let before = -1;
    while (made !== before) {
      before = made;
      await turns(20);
    }
    // The high-water mark of 1 MiB, what the system's buffers hold, and one item.
    assert(client.handler.stats().queuedBytes < 2 ** 20 + 300_000);
    assert(made < 2_000, `${made} items of 100 kB were made`);
    assert.equal(rpc.stats().serving, 1);
  },
);

conformsOn(
  packets,
  "10 streams of 1,000 items and 1,000 calls at once, both ways",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    interface Both {
      double: { request: number; response: number };
      upTo: { request: number; item: number };
    }
    const sides = [{ node: server, to: toClient }, {
      node: client,
      to: toServer,
    }]
      .map(({ node, to }) => {
        const rpc = new Rpc<Both, Both>(node.handler, {
          handlers: {
            double: (value) => value * 2,
            *upTo(end) {
              for (let item = 0; item < end; item += 1) yield item;
            },
          },
        });
        node.onEvent = (event) => void rpc.handle(event);
        world.defer(() => rpc.close());
        return { rpc, to };
      });
    await Promise.all(sides.flatMap(({ rpc, to }) => [
      ...Array.from({ length: 10 }, async () => {
        assert.equal(
          (await collect(rpc.stream(to, "upTo", 1_000))).length,
          1_000,
        );
      }),
      ...Array.from({ length: 1_000 }, async (_, index) => {
        assert.equal(await rpc.call(to, "double", index), index * 2);
      }),
    ]));
    for (const { rpc } of sides) {
      assert.deepEqual(rpc.stats(), { calls: 0, serving: 0, malformed: 0 });
    }
  },
);
