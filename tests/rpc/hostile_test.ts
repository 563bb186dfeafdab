import assert from "node:assert/strict";
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
} from "../../rpc/envelope.ts";
import { fc } from "../_property.ts";
import {
  conformsOn,
  eventually,
  pair,
  type TestNode,
  type World,
} from "../conformance/_nodes.ts";
import { packets, type TransportRow } from "../conformance/_transports.ts";
import {
  caller,
  callPair,
  collect,
  handlersOf,
  isRpcError,
  Log,
  service,
} from "./_calls.ts";

const memory = packets.filter(({ name }) => name === "Memory");
const none = new Uint8Array(0);

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** A peer that writes its envelopes by hand, against a side that serves. */
async function rawCaller(
  world: World,
  row: TransportRow,
  limit = 1_024,
): Promise<{
  readonly log: Log;
  readonly served: ReturnType<typeof service>;
  readonly server: TestNode;
  send(...envelopes: Envelope[]): void;
  sendBytes(bytes: Uint8Array): void;
  answers(count: number): Promise<Envelope[]>;
}> {
  const { server, client, toServer } = await pair(world, row);
  const log = new Log();
  const served = service(world, server, log, { maxCallsPerConnection: limit });
  return {
    log,
    served,
    server,
    send: (...envelopes) => {
      for (const envelope of envelopes) {
        client.network.send(toServer, encodeEnvelope(envelope));
      }
    },
    sendBytes: (bytes) => void client.network.send(toServer, bytes),
    answers: async (count) => {
      await client.messages(count);
      return client.all("message").map(({ data }) => {
        const envelope = decodeEnvelope(data);
        assert(envelope !== undefined);
        return envelope;
      });
    },
  };
}

/** A side that calls, against a peer that answers by hand. */
async function rawServer(world: World, row: TransportRow): Promise<{
  readonly rpc: ReturnType<typeof caller>;
  readonly toServer: Parameters<ReturnType<typeof caller>["call"]>[0];
  /** The envelope that came as number `index`. */
  request(index: number): Promise<Envelope>;
  answer(...envelopes: Envelope[]): void;
}> {
  const { server, client, toServer, toClient } = await pair(world, row);
  return {
    rpc: caller(world, client),
    toServer,
    request: async (index) => {
      const envelope = decodeEnvelope(
        (await server.event("message", index)).data,
      );
      assert(envelope !== undefined);
      return envelope;
    },
    answer: (...envelopes) => {
      for (const envelope of envelopes) {
        server.network.send(toClient, encodeEnvelope(envelope));
      }
    },
  };
}

const add: Envelope = {
  kind: "request",
  id: 1,
  method: "add",
  payload: json([1, 2]),
};

conformsOn(
  packets,
  "broken envelopes and unknown ids are ignored, and calls go on",
  async (world, row) => {
    const { send, sendBytes, answers, served } = await rawCaller(world, row);
    for (let kind = 0xf8; kind <= 0xff; kind += 1) {
      sendBytes(Uint8Array.of(kind));
      sendBytes(Uint8Array.of(kind, 0x80));
      sendBytes(
        Uint8Array.of(
          kind,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
          0xff,
        ),
      );
    }
    sendBytes(Uint8Array.of(0xf8, 1, 0xff, 0x7f, 0x61));
    for (const id of [0, 1, Number.MAX_SAFE_INTEGER]) {
      send(
        { kind: "response", id, payload: none },
        { kind: "error", id, code: "failed", message: "" },
        { kind: "cancel", id },
        { kind: "item", id, payload: none },
        { kind: "end", id, count: 0 },
        { kind: "credit", id, credit: Number.MAX_SAFE_INTEGER },
      );
    }
    send(add);
    assert.equal((await answers(1))[0]?.kind, "response");
    assert.deepEqual(served.stats(), { calls: 0, serving: 0, malformed: 25 });
  },
);

conformsOn(memory, "any bytes at all do no harm", async (world, row) => {
  const { server, client, toServer, rpc, log } = await callPair(world, row);
  const bytes = fc.tuple(
    fc.integer({ min: 0xf8, max: 0xff }),
    fc.uint8Array({ maxLength: 20 }),
  ).map(([kind, rest]) => Uint8Array.of(kind, ...rest));
  // A connection of their own: what they ask for is answered there, and must not pass for the answer to a call.
  const [listener] = server.network.resources();
  assert(listener !== undefined);
  const address = server.network.localAddress(listener.resourceId);
  assert(address !== undefined);
  const stranger = await client.network.connectAsync(
    row.adapter,
    row.peerAddress(address),
  );
  for (const hostile of fc.sample(bytes, 2_000)) {
    client.network.send(stranger, hostile);
  }
  assert.equal(await rpc.call(toServer, "add", [1, 2]), 3);
  assert.equal(server.handler.isRunning, true);
  assert.deepEqual(log.thrown, []);
});

conformsOn(
  packets,
  "an id that is still in use is refused, and free after its end",
  async (world, row) => {
    const { send, answers, log } = await rawCaller(world, row);
    const hang: Envelope = {
      kind: "request",
      id: 1,
      method: "hang",
      payload: json(null),
    };
    send(hang, hang);
    const [first] = await answers(1);
    assert(first?.kind === "error");
    assert.equal(first.code, "protocol");
    assert.deepEqual(log.started, ["hang"]);
    send({ kind: "cancel", id: 1 }, add);
    assert.equal((await answers(2))[1]?.kind, "response");
  },
);

conformsOn(
  packets,
  "a request that cannot be read is answered as such",
  async (world, row) => {
    const { send, answers, log } = await rawCaller(world, row);
    send({
      kind: "request",
      id: 1,
      method: "add",
      payload: Uint8Array.of(0xff),
    });
    const [answer] = await answers(1);
    assert(answer?.kind === "error");
    assert.equal(answer.code, "protocol");
    assert.deepEqual(log.thrown, []);
  },
);

conformsOn(
  packets,
  "to cancel does not make room for more handlers than the limit",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    let running = 0;
    let most = 0;
    const release: (() => void)[] = [];
    const deaf = new Log();
    const served = service(world, server, deaf, {
      maxCallsPerConnection: 3,
      handlers: {
        ...handlersOf(deaf),
        hang: async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise<void>((resolve) => release.push(resolve));
          running -= 1;
          return null;
        },
      },
    });
    for (let id = 1; id <= 50; id += 1) {
      client.network.send(
        toServer,
        encodeEnvelope({
          kind: "request",
          id,
          method: "hang",
          payload: json(null),
        }),
      );
      client.network.send(toServer, encodeEnvelope({ kind: "cancel", id }));
    }
    await client.messages(47);
    assert.equal(most, 3);
    for (const resolve of release) resolve();
    await eventually("the handlers to end", () => served.stats().serving === 0);
  },
);

conformsOn(
  packets,
  "items beyond the credit end the stream, and cancel it",
  async (world, row) => {
    const { rpc, toServer, request, answer } = await rawServer(world, row);
    const stream = rpc.stream(toServer, "count", 1_000);
    const first = stream.next();
    const { id } = await request(0);
    answer(
      ...Array.from(
        { length: 70 },
        (): Envelope => ({ kind: "item", id, payload: json(1) }),
      ),
    );
    await first;
    await assert.rejects(collect(stream), isRpcError("protocol", /credit/));
    const kinds: string[] = [];
    for (let index = 1; !kinds.includes("cancel"); index += 1) {
      kinds.push((await request(index)).kind);
    }
  },
);

conformsOn(
  packets,
  "an end that counts other items than came is no end",
  async (world, row) => {
    const { rpc, toServer, request, answer } = await rawServer(world, row);
    const items = collect(rpc.stream(toServer, "count", 3));
    const { id } = await request(0);
    answer({ kind: "item", id, payload: json(1) }, {
      kind: "end",
      id,
      count: 3,
    });
    await assert.rejects(items, isRpcError("protocol", /1 of 3 items/));
  },
);

conformsOn(
  packets,
  "answers of the wrong kind, or that cannot be read, end the call",
  async (world, row) => {
    const { rpc, toServer, request, answer } = await rawServer(world, row);
    const bad = Uint8Array.of(0xff);
    const calls: ((id: number) => Envelope)[] = [
      (id) => ({ kind: "response", id, payload: bad }),
      (id) => ({ kind: "item", id, payload: none }),
      (id) => ({ kind: "end", id, count: 0 }),
    ];
    let seen = 0;
    const nextRequest = async () => {
      for (;;) {
        const envelope = await request(seen);
        seen += 1;
        if (
          envelope.kind === "request" || envelope.kind === "stream"
        ) return envelope;
      }
    };
    for (const make of calls) {
      const call = rpc.call(toServer, "add", [1, 2]);
      answer(make((await nextRequest()).id));
      await assert.rejects(call, isRpcError("protocol"));
    }
    const streams: ((id: number) => Envelope)[] = [
      (id) => ({ kind: "response", id, payload: none }),
      (id) => ({ kind: "item", id, payload: bad }),
    ];
    for (const make of streams) {
      const items = collect(rpc.stream(toServer, "count", 1));
      answer(make((await nextRequest()).id));
      await assert.rejects(items, isRpcError("protocol"));
    }
    assert.equal(rpc.stats().calls, 0);
  },
);

conformsOn(
  packets,
  "late and double answers are ignored",
  async (world, row) => {
    const { rpc, toServer, request, answer } = await rawServer(world, row);
    const call = rpc.call(toServer, "add", [1, 2]);
    const { id } = await request(0);
    const response: Envelope = { kind: "response", id, payload: json(3) };
    answer(response, response, {
      kind: "error",
      id,
      code: "failed",
      message: "",
    });
    assert.equal(await call, 3);
    const next = rpc.call(toServer, "add", [2, 2]);
    const second = await request(1);
    answer(response, { kind: "response", id: second.id, payload: json(4) });
    assert.equal(await next, 4);
  },
);

conformsOn(
  packets,
  "a flood beyond the limit is answered by overloaded",
  async (world, row) => {
    const { send, answers, log } = await rawCaller(world, row, 10);
    const hangs = Array.from({ length: 500 }, (_, id): Envelope => ({
      kind: "request",
      id,
      method: "hang",
      payload: json(null),
    }));
    send(...hangs);
    const refused = await answers(490);
    assert.equal(log.started.length, 10);
    for (const answer of refused) {
      assert(answer.kind === "error" && answer.code === "overloaded");
    }
  },
);
