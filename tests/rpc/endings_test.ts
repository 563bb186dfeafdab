import assert from "node:assert/strict";
import { type NoMethods, Rpc, type RpcErrorCode } from "../../rpc/rpc.ts";
import {
  conformsOn,
  deadAddress,
  eventually,
  pair,
} from "../conformance/_nodes.ts";
import { packets } from "../conformance/_transports.ts";
import {
  caller,
  type CallPair,
  callPair,
  collect,
  isRpcError,
  patient,
  type Service,
} from "./_calls.ts";

const memory = packets.filter(({ name }) => name === "Memory");

conformsOn(
  packets,
  "failed: the handler's message crosses, its stack does not",
  async (world, row) => {
    const { rpc, toServer, client, log } = await callPair(world, row);
    await assert.rejects(
      rpc.call(toServer, "fail", "so sorry"),
      isRpcError("failed", /^so sorry$/),
    );
    const { data } = await client.event("message");
    assert.equal(data.length, "fb 01 01".split(" ").length + "so sorry".length);
    assert.equal(log.thrown.length, 1);
  },
);

conformsOn(
  packets,
  "failed: a stream gives what came before its error",
  async (world, row) => {
    const { rpc, toServer } = await callPair(world, row);
    const stream = rpc.stream(toServer, "failing", 3);
    for (const item of [1, 2, 3]) {
      assert.deepEqual(await stream.next(), { done: false, value: item });
    }
    await assert.rejects(stream.next(), isRpcError("failed", /^no more$/));
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
  },
);

conformsOn(
  packets,
  "cancelled and overloaded: a handler may say so, and no other code",
  async (world, row) => {
    const { rpc, toServer } = await callPair(world, row);
    for (const code of ["cancelled", "overloaded"] as const) {
      await assert.rejects(
        rpc.call(toServer, "shed", code),
        isRpcError(code, /^is /),
      );
    }
    await assert.rejects(
      rpc.call(toServer, "shed", "timed-out"),
      isRpcError("failed"),
    );
  },
);

conformsOn(
  packets,
  "unknown-method: also for what every object has",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    interface Wrong {
      constructor: { request: null; response: null };
      __proto__: { request: null; response: null };
      toString: { request: null; item: null };
    }
    const rpc = new Rpc<NoMethods, Wrong>(client.handler, { handlers: {} });
    const empty = new Rpc<NoMethods, NoMethods>(server.handler, {
      handlers: {},
    });
    client.onEvent = (event) => void rpc.handle(event);
    server.onEvent = (event) => void empty.handle(event);
    world.defer(() => rpc.close());
    world.defer(() => empty.close());
    for (const method of ["constructor", "__proto__"] as const) {
      await assert.rejects(
        rpc.call(toServer, method, null),
        isRpcError("unknown-method"),
      );
    }
    await assert.rejects(
      collect(rpc.stream(toServer, "toString", null)),
      isRpcError("unknown-method"),
    );
  },
);

conformsOn(
  packets,
  "overloaded: told by the peer at its limit, and nothing was done",
  async (world, row) => {
    const { rpc, toServer, log, served } = await callPair(world, row, {
      service: { maxCallsPerConnection: 2 },
    });
    const waiting = [1, 2].map(() => rpc.call(toServer, "hang", null));
    await assert.rejects(
      rpc.call(toServer, "hang", null),
      isRpcError("overloaded"),
    );
    assert.equal(log.started.length, 2);
    served.close();
    for (const call of waiting) {
      await assert.rejects(
        call,
        isRpcError("cancelled"),
      );
    }
  },
);

conformsOn(
  memory,
  "overloaded: at the caller's own limit nothing is sent",
  async (world, row) => {
    const { rpc, toServer, client } = await callPair(world, row, {
      caller: { maxCallsPerConnection: 1 },
    });
    const waiting = rpc.call(toServer, "hang", null);
    const sent = client.handler.stats().messagesSent;
    await assert.rejects(
      rpc.call(toServer, "add", [1, 1]),
      isRpcError("overloaded"),
    );
    assert.equal(client.handler.stats().messagesSent, sent);
    rpc.close();
    await assert.rejects(waiting, isRpcError("aborted"));
  },
);

conformsOn(memory, "overloaded: for all peers together", async (world, row) => {
  const { rpc, toServer, served } = await callPair(world, row, {
    service: { maxCalls: 1 },
  });
  const waiting = rpc.call(toServer, "hang", null);
  await assert.rejects(
    rpc.call(toServer, "add", [1, 1]),
    isRpcError("overloaded"),
  );
  served.close();
  await assert.rejects(waiting, isRpcError("cancelled"));
});

conformsOn(
  packets,
  "aborted: the caller's signal ends the call, and the handler's fires",
  async (world, row) => {
    const { rpc, toServer, log, served } = await callPair(world, row);
    const abort = new AbortController();
    const { signal } = abort;
    const call = rpc.call(toServer, "hang", null, { signal });
    const stream = collect(rpc.stream(toServer, "silent", null, { signal }));
    await eventually("both to start", () => log.started.length === 2);
    abort.abort("enough");
    for (const ending of [call, stream]) {
      await assert.rejects(ending, (error) => {
        isRpcError("aborted")(error);
        assert(error instanceof Error);
        assert.equal(error.cause, "enough");
        return true;
      });
    }
    await assert.rejects(
      rpc.call(toServer, "add", [1, 1], { signal }),
      isRpcError("aborted"),
    );
    await eventually("both to hear of it", () => log.aborted.length === 2);
    assert.deepEqual(log.aborted, ["cancelled", "cancelled"]);
    await eventually("both to end", () => served.stats().serving === 0);
  },
);

conformsOn(
  packets,
  "timed-out: the handler's signal fires",
  async (world, row) => {
    const { rpc, toServer, log, served } = await callPair(world, row);
    const limit = { timeoutMs: 20 };
    await assert.rejects(
      rpc.call(toServer, "hang", null, limit),
      isRpcError("timed-out"),
    );
    await assert.rejects(
      collect(rpc.stream(toServer, "silent", null, limit)),
      isRpcError("timed-out"),
    );
    await eventually("both to hear of it", () => log.aborted.length === 2);
    await eventually("both to end", () => served.stats().serving === 0);
    assert.equal(rpc.stats().calls, 0);
  },
);

conformsOn(
  packets,
  "leaving a loop early ends the generator on the other side",
  async (world, row) => {
    const { rpc, toServer, log, served } = await callPair(world, row);
    let seen = 0;
    for await (const item of rpc.stream(toServer, "endless", "more")) {
      assert.equal(item, "more");
      seen += 1;
      if (seen === 100) break;
    }
    await eventually("the generator to end", () => log.finished.length === 1);
    await eventually("the call to end", () => served.stats().serving === 0);
    assert.equal(rpc.stats().calls, 0);
  },
);

conformsOn(
  memory,
  "a stream that nobody reads is never sent",
  async (world, row) => {
    const { rpc, toServer, log } = await callPair(world, row);
    const unread = rpc.stream(toServer, "endless", "more");
    assert.equal(await rpc.call(toServer, "add", [1, 1]), 2);
    assert.deepEqual(await unread.return?.(), { done: true, value: undefined });
    assert.deepEqual(await unread.next(), { done: true, value: undefined });
    assert.deepEqual(log.started, []);
  },
);

type End = (calls: CallPair) => void | Promise<unknown>;

/** How everything may end at once, and what the caller then hears. */
const ends: readonly [string, RpcErrorCode, End][] = [
  [
    "the peer removes the connection",
    "disconnected",
    ({ server, toClient }) => {
      server.remove(toClient.resourceId);
    },
  ],
  [
    "the peer's node stops",
    "disconnected",
    ({ server }) => server.handler.stop(),
  ],
  [
    "the connection is removed and released",
    "disconnected",
    ({ client, rpc, toServer }) => {
      client.remove(toServer.resourceId);
      rpc.release(toServer);
      assert.equal(rpc.stats().calls, 0);
    },
  ],
  [
    "the connection is removed and nothing more",
    "disconnected",
    ({ client, toServer }) => {
      client.remove(toServer.resourceId);
    },
  ],
  ["the own node stops", "disconnected", ({ client }) => client.handler.stop()],
  ["the caller's side is closed", "aborted", ({ rpc }) => rpc.close()],
  ["the serving side is closed", "cancelled", ({ served }) => served.close()],
];

for (const [how, code, end] of ends) {
  conformsOn(
    packets,
    `${code}: nothing is left pending when ${how}`,
    async (world, row) => {
      const calls = await callPair(world, row);
      const { rpc, toServer, log, served } = calls;
      const endings = [
        rpc.call(toServer, "hang", null, patient),
        collect(rpc.stream(toServer, "silent", null, patient)),
      ].map((ending) => assert.rejects(ending, isRpcError(code)));
      await eventually("both to start", () => log.started.length === 2);
      await end(calls);
      await Promise.all(endings);
      assert.equal(rpc.stats().calls, 0);
      await eventually(
        "the handlers to hear of it",
        () => log.aborted.length === 2,
      );
      await eventually(
        "the handlers to end",
        () => served.stats().serving === 0,
      );
    },
  );
}

conformsOn(
  packets,
  "disconnected: a connection that fails, and one that is gone",
  async (world, row) => {
    const client = world.node("the client");
    const rpc = caller(world, client);
    const address = await deadAddress(world, row);
    const endpoint = client.network.connect(row.adapter, address);
    await assert.rejects(
      rpc.call(endpoint, "add", [1, 1], patient),
      isRpcError("disconnected"),
    );
    await assert.rejects(
      rpc.call(endpoint, "add", [1, 1]),
      isRpcError("disconnected"),
    );
    await assert.rejects(
      collect(rpc.stream(endpoint, "count", 1)),
      isRpcError("disconnected"),
    );
  },
);

conformsOn(
  memory,
  "a closed side makes no calls and answers those that come",
  async (world, row) => {
    const { rpc, toServer, served } = await callPair(world, row);
    served.close();
    served.close();
    await assert.rejects(
      rpc.call(toServer, "add", [1, 1]),
      isRpcError("cancelled"),
    );
    rpc.close();
    await assert.rejects(
      rpc.call(toServer, "add", [1, 1]),
      isRpcError("aborted"),
    );
  },
);

conformsOn(
  memory,
  "protocol: a method called as what it is not, or with what has no bytes",
  async (world, row) => {
    const { server, client, toServer, log } = await callPair(world, row);
    interface Wrong {
      count: { request: number; response: number };
      add: { request: [number, number]; item: number };
      echo: { request: unknown; response: unknown };
    }
    const rpc = new Rpc<NoMethods, Wrong>(client.handler, { handlers: {} });
    client.onEvent = (event) => void rpc.handle(event);
    world.defer(() => rpc.close());
    await assert.rejects(
      rpc.call(toServer, "count", 3),
      isRpcError("protocol", /stream/),
    );
    await assert.rejects(
      collect(rpc.stream(toServer, "add", [1, 2])),
      isRpcError("protocol", /one answer/),
    );
    await assert.rejects(
      rpc.call(toServer, "echo", 1n),
      isRpcError("protocol", /encoded/),
    );
    assert.equal(log.items, 0);
    assert.equal(server.handler.isRunning, true);
  },
);

conformsOn(
  memory,
  "failed: an answer that has no bytes is the handler's failure",
  async (world, row) => {
    const { rpc, toServer, log } = await callPair(world, row, {
      service: {
        codec: {
          name: "one way",
          encode: () => {
            throw new TypeError("no bytes");
          },
          decode: () => null,
        },
      },
    });
    const endings: [string, Promise<unknown>][] = [
      ["echo", rpc.call(toServer, "echo", 1)],
      ["endless", collect(rpc.stream(toServer, "endless", "x"))],
    ];
    for (const [, ending] of endings) {
      await assert.rejects(ending, isRpcError("failed", /no bytes/));
    }
    await eventually("the generator to end", () => log.finished.length === 1);
    assert.equal(log.thrown.length, 2);
  },
);

/** For the type of the contract alone: what must not compile. */
export function mustNotCompile(
  rpc: Rpc<NoMethods, Service>,
  { toServer }: CallPair,
): void {
  // @ts-expect-error a stream is not called
  void rpc.call(toServer, "count", 1);
  // @ts-expect-error a call is not streamed
  void rpc.stream(toServer, "add", [1, 2]);
  // @ts-expect-error the wrong request
  void rpc.call(toServer, "add", "1");
  // @ts-expect-error no such method
  void rpc.call(toServer, "subtract", [1, 2]);
}
