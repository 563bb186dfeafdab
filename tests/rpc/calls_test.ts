import assert from "node:assert/strict";
import { jsonCodec } from "../../codec/codec.ts";
import { type NoMethods, Rpc } from "../../rpc/rpc.ts";
import {
  conforms,
  conformsOn,
  halfPair,
  isNetworkError,
  pair,
} from "../conformance/_nodes.ts";
import { packets, transports } from "../conformance/_transports.ts";
import {
  caller,
  callPair,
  collect,
  handlersOf,
  isRpcError,
  Log,
  patient,
  type Service,
  service,
} from "./_calls.ts";

const memory = packets.filter(({ name }) => name === "Memory");
const udp = transports.filter(({ name }) => name === "Udp");

conformsOn(
  packets,
  "a call gets its answer, of any value",
  async (world, row) => {
    const { rpc, toServer, log } = await callPair(world, row);
    assert.equal(await rpc.call(toServer, "add", [1, 2]), 3);
    for (
      const value of [null, "", "text", [1, { a: [] }], "x".repeat(100_000)]
    ) {
      assert.deepEqual(await rpc.call(toServer, "echo", value), value);
    }
    assert.equal(await rpc.call(toServer, "nothing", undefined), undefined);
    assert.deepEqual(log.thrown, []);
  },
);

conformsOn(
  packets,
  "a stream gives all its items in order, and ends",
  async (world, row) => {
    const { rpc, toServer } = await callPair(world, row);
    for (const count of [0, 1, 31, 32, 33, 64, 65, 1_000]) {
      assert.deepEqual(
        await collect(rpc.stream(toServer, "count", count)),
        Array.from({ length: count }, (_, index) => index + 1),
      );
    }
  },
);

conformsOn(
  packets,
  "answers come as they are ready, not as they were asked for",
  async (world, row) => {
    const { rpc, toServer, server, client } = await callPair(world, row);
    const abort = new AbortController();
    const slow = assert.rejects(
      rpc.call(toServer, "hang", null, { signal: abort.signal }),
      isRpcError("aborted"),
    );
    assert.equal(await rpc.call(toServer, "add", [1, 1]), 2);
    abort.abort();
    await slow;
    assert.equal(server.handler.isRunning && client.handler.isRunning, true);
  },
);

conformsOn(
  packets,
  "both sides call and serve on one connection at once",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    const sides = [
      { node: server, to: toClient },
      { node: client, to: toServer },
    ].map(({ node, to }) => {
      const rpc = new Rpc<Service, Service>(node.handler, {
        handlers: handlersOf(new Log()),
      });
      node.onEvent = (event) => void rpc.handle(event);
      world.defer(() => rpc.close());
      return { rpc, to };
    });
    await Promise.all(sides.map(async ({ rpc, to }, side) => {
      const calls = Array.from(
        { length: 200 },
        (_, index) => rpc.call(to, "echo", [side, index]),
      );
      const stream = collect(rpc.stream(to, "count", 200));
      assert.deepEqual(
        await Promise.all(calls),
        Array.from({ length: 200 }, (_, index) => [side, index]),
      );
      assert.equal((await stream).length, 200);
    }));
  },
);

conformsOn(
  packets,
  "10,000 calls at once get each its own answer",
  async (world, row) => {
    const limit = { maxCallsPerConnection: 10_000 };
    const { rpc, toServer, served } = await callPair(world, row, {
      caller: limit,
      service: limit,
    });
    const calls: Promise<unknown>[] = [];
    for (let index = 0; index < 10_000; index += 1) {
      calls.push(rpc.call(toServer, "echo", index));
    }
    assert.equal(rpc.stats().calls, 10_000);
    const answers = await Promise.all(calls);
    for (let index = 0; index < answers.length; index += 1) {
      if (answers[index] !== index) assert.fail(`answer ${index} is another's`);
    }
    assert.deepEqual(rpc.stats(), { calls: 0, serving: 0, malformed: 0 });
    assert.deepEqual(served.stats(), { calls: 0, serving: 0, malformed: 0 });
  },
);

conformsOn(
  packets,
  "a call may be made before the connection is ready",
  async (world, row) => {
    const server = world.node("the server");
    const client = world.node("the client");
    service(world, server, new Log());
    const rpc = caller(world, client);
    const toServer = client.connect(row, await server.listen(row));
    assert.equal(await rpc.call(toServer, "add", [2, 2]), 4);
  },
);

conformsOn(
  packets,
  "messages of the user's own pass by, among calls",
  async (world, row) => {
    const { rpc, toServer, server, client } = await callPair(world, row);
    client.network.send(toServer, "plain text");
    assert.equal(await rpc.call(toServer, "add", [1, 1]), 2);
    client.network.send(toServer, jsonCodec<unknown>().encode({ json: true }));
    client.network.send(toServer, new Uint8Array(0));
    await server.messages(4);
    const other = new Rpc<NoMethods, NoMethods>(server.handler, {
      handlers: {},
    });
    world.defer(() => other.close());
    const handled = server.all("message").map((event) => other.handle(event));
    assert.deepEqual(handled, [false, true, false, false]);
  },
);

conformsOn(
  memory,
  "requests are judged by their schema before a handler sees them",
  async (world, row) => {
    const { rpc, toServer, log } = await callPair(world, row, {
      service: {
        requests: {
          add: {
            "~standard": {
              version: 1,
              vendor: "test",
              validate: (value) =>
                Array.isArray(value) && value.length === 2
                  ? { value: [Number(value[0]), Number(value[1])] }
                  : { issues: [{ message: "not a pair" }] },
            },
          },
        },
      },
    });
    assert.equal(await rpc.call(toServer, "add", [1, 2]), 3);
    const wrong: [number, number] = JSON.parse("[1]");
    await assert.rejects(
      rpc.call(toServer, "add", wrong),
      isRpcError("protocol", /not a pair/),
    );
    assert.deepEqual(log.thrown, []);
  },
);

conformsOn(
  memory,
  "options out of their range are refused",
  async (world, row) => {
    const { client, rpc, toServer } = await callPair(world, row);
    for (
      const options of [
        { maxCallsPerConnection: 0 },
        { maxCalls: 1.5 },
        { streamWindow: -1 },
        { timeoutMs: NaN },
        { timeoutMs: Infinity },
      ]
    ) {
      assert.throws(
        () =>
          new Rpc<NoMethods, Service>(client.handler, {
            handlers: {},
            ...options,
          }),
        isNetworkError("invalid-option"),
      );
    }
    await assert.rejects(
      rpc.call(toServer, "add", [1, 1], { timeoutMs: -1 }),
      isNetworkError("invalid-option"),
    );
  },
);

conformsOn(
  udp,
  "calls and streams work where nothing is lost",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    service(world, server, new Log());
    const rpc = caller(world, client);
    assert.equal(await rpc.call(toServer, "add", [1, 2]), 3);
    assert.deepEqual(await collect(rpc.stream(toServer, "count", 3)), [
      1,
      2,
      3,
    ]);
  },
);

conformsOn(udp, "a lost answer ends as timed-out", async (world, row) => {
  const { server, client, toServer } = await halfPair(world, row);
  const rpc = caller(world, client);
  await assert.rejects(
    rpc.call(toServer, "add", [1, 2], { timeoutMs: 30 }),
    isRpcError("timed-out", /30 ms/),
  );
  await assert.rejects(
    collect(rpc.stream(toServer, "count", 3, { timeoutMs: 30 })),
    isRpcError("timed-out"),
  );
  await server.messages(2);
});

conforms(
  "Udp",
  "what no datagram can carry is told to the caller, either way",
  async (world) => {
    const [row] = udp;
    assert(row !== undefined);
    const { server, client, toServer } = await halfPair(world, row);
    const log = new Log();
    service(world, server, log);
    const rpc = caller(world, client);
    await assert.rejects(
      rpc.call(toServer, "echo", "x".repeat(70_000), patient),
      isRpcError("protocol", /too big/),
    );
  },
);
