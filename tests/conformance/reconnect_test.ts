import assert from "node:assert/strict";
import {
  type Address,
  type ConnectionFailure,
  framedTcp,
  newlineFraming,
  type ReconnectOptions,
  SendStatus,
  Transport,
} from "../../mod.ts";
import {
  conforms,
  conformsOn,
  deadAddress,
  eventually,
  isNetworkError,
  type OrientedPair,
  pair,
  type TestNode,
  turns,
  utf8,
  type World,
} from "./_nodes.ts";
import { silentTransport } from "./_silent_transport.ts";
import { oriented, packets, type TransportRow } from "./_transports.ts";

const QUICK: ReconnectOptions = { initialDelayMs: 1, maxDelayMs: 20 };

/** A wait that the test never sees the end of. */
const SLOW: ReconnectOptions = {
  initialDelayMs: 3_000_000,
  maxDelayMs: 3_000_000,
};

function reconnecting(
  world: World,
  row: TransportRow,
  reconnect: ReconnectOptions | boolean = QUICK,
): Promise<OrientedPair> {
  return pair(world, row, { connect: { reconnect } });
}

/** A pair whose server has ended the connection; the client waits. */
async function broken(
  world: World,
  row: TransportRow,
  reconnect: ReconnectOptions = SLOW,
): Promise<OrientedPair> {
  const both = await reconnecting(world, row, reconnect);
  both.server.remove(both.toClient.resourceId);
  const { willReconnect } = await both.client.event("disconnected");
  assert.equal(willReconnect, true);
  return both;
}

/** Listens where `deadAddress` says. */
async function revive(
  world: World,
  row: TransportRow,
  address: Address,
): Promise<TestNode> {
  const node = world.node("the server");
  await node.network.listen(row.adapter, address);
  return node;
}

conformsOn(
  oriented,
  "a connection that the peer ends is made again: the same endpoint, one disconnected and one connected",
  async (world, row) => {
    const { server, client, toServer, toClient } = await reconnecting(
      world,
      row,
    );
    server.remove(toClient.resourceId);
    const gone = await client.event("disconnected");
    assert.equal(gone.willReconnect, true);
    assert.equal(gone.endpoint, toServer);
    const again = await client.event("connected", 1);
    assert.equal(again.ok, true);
    assert.equal(again.endpoint, toServer);
    const accepted = await server.event("accepted", 1);
    assert.equal(client.network.send(toServer, "there"), SendStatus.Sent);
    await server.messages(1);
    assert.equal(
      server.network.send(accepted.endpoint, "back"),
      SendStatus.Sent,
    );
    await client.messages(1);
    assert.deepEqual(client.events.map(({ type }) => type), [
      "connected",
      "disconnected",
      "connected",
      "message",
    ]);
    assert.equal(client.network.stats(toServer.resourceId)?.reconnects, 1);
  },
);

conformsOn(
  oriented,
  "a first connect retries quietly until somebody listens, and is then answered once",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const client = world.node("the client");
    const attempts: number[] = [];
    const connecting = client.network.connectAsync(row.adapter, address, {
      reconnect: {
        ...QUICK,
        shouldRetry: (_error, attempt) => attempts.push(attempt) > 0,
      },
    });
    await eventually("three attempts", () => attempts.length >= 3);
    assert.equal(client.events.length, 0);
    const server = await revive(world, row, address);
    const endpoint = await connecting;
    assert.equal((await client.event("connected")).endpoint, endpoint);
    await server.event("accepted");
    await turns();
    assert.equal(client.events.length, 1);
    assert.deepEqual(attempts, attempts.map((_, index) => index + 1));
    assert.equal(client.network.stats(endpoint.resourceId)?.reconnects, 0);
  },
);

conformsOn(
  oriented,
  "a server that is stopped and started again is found again",
  async (world, row) => {
    const { server, client, listening, toServer } = await reconnecting(
      world,
      row,
    );
    const address = row.peerAddress(listening.address);
    await server.handler.stop();
    await client.event("disconnected");
    const second = await revive(world, row, address);
    assert.equal((await client.event("connected", 1)).endpoint, toServer);
    assert.equal(client.network.send(toServer, "here"), SendStatus.Sent);
    await second.messages(1);
    assert.deepEqual(
      client.network.peerAddress(toServer.resourceId)?.port,
      listening.address.port,
    );
  },
);

conformsOn(
  oriented,
  "maxAttempts gives the first connect up, with the last error and one event",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const client = world.node();
    let asked = 0;
    await assert.rejects(
      client.network.connectAsync(row.adapter, address, {
        reconnect: {
          ...QUICK,
          maxAttempts: 3,
          shouldRetry: () => (asked += 1) > 0,
        },
      }),
      isNetworkError("connection-refused"),
    );
    assert.equal(asked, 2);
    assert.equal((await client.event("connected")).ok, false);
    await turns();
    assert.equal(client.events.length, 1);
    assert.equal(client.handler.stats().connections, 0);
  },
);

conformsOn(
  oriented,
  "maxAttempts gives an outage up: connected says false, and the endpoint is gone",
  async (world, row) => {
    const { server, client, toServer } = await reconnecting(world, row, {
      ...QUICK,
      maxAttempts: 2,
    });
    await server.handler.stop();
    assert.equal((await client.event("disconnected")).willReconnect, true);
    const { ok, error, endpoint } = await client.event("connected", 1);
    assert.equal(ok, false);
    assert.equal(error?.code, "connection-refused");
    assert.equal(endpoint, toServer);
    assert.equal(
      client.network.send(toServer, "late"),
      SendStatus.ResourceNotFound,
    );
    assert.equal(client.network.isReady(toServer.resourceId), undefined);
    assert.equal(client.network.stats(toServer.resourceId), undefined);
  },
);

conformsOn(
  oriented,
  "during an outage nothing is ready: send is refused, writable waits until the connection is up",
  async (world, row) => {
    const { client, toServer, server, toClient } = await reconnecting(
      world,
      row,
    );
    const seen: unknown[] = [];
    client.onEvent = (event) => {
      if (event.type !== "disconnected") return;
      const { resourceId } = toServer;
      seen.push(
        client.network.isReady(resourceId),
        client.network.localAddress(resourceId),
        client.network.send(toServer, "lost"),
        client.network.sendAll([toServer], "lost"),
      );
      void client.network.writable(toServer).then((isUp) => {
        seen.push(isUp, client.network.isReady(resourceId));
      });
    };
    server.remove(toClient.resourceId);
    await client.event("connected", 1);
    await eventually("writable", () => seen.length === 6);
    assert.deepEqual(seen, [
      false,
      undefined,
      SendStatus.ResourceNotAvailable,
      [SendStatus.ResourceNotAvailable],
      true,
      true,
    ]);
    await turns();
    assert.equal(server.count("message"), 0);
  },
);

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
    for (let at = 0; at < 1_500; at += 1) {
      assert.equal(
        client.network.send(endpoint, utf8(String(at).padEnd(2_000, "."))),
        SendStatus.Sent,
      );
    }
    client.onEvent = ({ type }) => {
      if (type !== "connected") return;
      assert.equal(client.network.isReady(endpoint.resourceId), true);
      assert.equal(client.network.send(endpoint, "last"), SendStatus.Sent);
    };
    const server = await revive(world, row, address);
    await server.messages(1_501);
    assert.deepEqual(
      server.texts().map((text) => text.split(".", 1)[0]),
      [...Array.from({ length: 1_500 }, (_, at) => String(at)), "last"],
    );
    await eventually(
      "an empty queue",
      () => client.network.stats(endpoint.resourceId)?.queuedBytes === 0,
    );
    assert.equal(await client.network.writable(endpoint), true);
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

conformsOn(
  oriented,
  "a local remove ends the connection for good, without an event",
  async (world, row) => {
    const { server, client, toServer } = await reconnecting(world, row);
    assert.equal(client.remove(toServer.resourceId), true);
    await server.event("disconnected");
    await turns(10);
    assert.equal(server.count("accepted"), 1);
    assert.equal(client.events.length, 1);
    assert.equal(client.handler.stats().timers, 0);
  },
);

for (const how of ["remove", "stop"] as const) {
  conformsOn(
    oriented,
    `a ${how} with drain delivers all that was accepted, over a connection that was made again too`,
    async (world, row) => {
      const { server, client, toServer, toClient } = await reconnecting(
        world,
        row,
      );
      server.remove(toClient.resourceId);
      await client.event("connected", 1);
      const size = 3_000_000;
      for (let at = 0; at < size; at += 100_000) {
        client.network.send(toServer, new Uint8Array(100_000));
      }
      if (how === "remove") client.remove(toServer.resourceId, { drain: true });
      else await client.handler.stop({ drain: true });
      await server.received(size);
      await server.event("disconnected");
      await turns();
      assert.equal(server.count("accepted"), 2);
    },
  );
}

conformsOn(
  oriented,
  "a remove during the wait ends it without an event",
  async (world, row) => {
    const { server, client, toServer } = await broken(world, row);
    const waiting = client.network.writable(toServer);
    assert.equal(client.remove(toServer.resourceId), true);
    assert.equal(client.remove(toServer.resourceId), false);
    assert.equal(await waiting, false);
    assert.equal(client.network.isReady(toServer.resourceId), undefined);
    await turns();
    assert.equal(client.events.length, 2);
    assert.equal(server.count("accepted"), 1);
  },
);

conformsOn(
  oriented,
  "a stop during the wait ends it without an event, and leaves no timer",
  async (world, row) => {
    const { client, toServer } = await broken(world, row);
    await client.handler.stop();
    assert.equal(client.events.length, 2);
    assert.equal(
      client.network.send(toServer, "late"),
      SendStatus.ResourceNotFound,
    );
  },
);

conformsOn(
  oriented,
  "a connectAsync that waits for its next attempt rejects when its endpoint is removed",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const client = world.node();
    let attempts = 0;
    const connecting = client.network.connectAsync(row.adapter, address, {
      reconnect: { ...SLOW, shouldRetry: () => (attempts += 1) > 0 },
    });
    const rejected = assert.rejects(connecting, isNetworkError("aborted"));
    await eventually("an attempt", () => attempts === 1);
    const id = client.network.resources()[0]?.resourceId;
    assert(id !== undefined);
    client.remove(id);
    await rejected;
    await turns();
    assert.equal(client.events.length, 0);
  },
);

conformsOn(
  oriented,
  "the signal of reconnect gives an outage up, as aborted",
  async (world, row) => {
    const abort = new AbortController();
    const { client, toServer } = await broken(world, row, {
      ...SLOW,
      signal: abort.signal,
    });
    const reason = new Error("enough");
    abort.abort(reason);
    assert.equal(client.events.length, 2);
    const { ok, error } = await client.event("connected", 1);
    assert.equal(ok, false);
    assert.equal(error?.code, "aborted");
    assert.equal(error?.cause, reason);
    assert.equal(client.network.isReady(toServer.resourceId), undefined);
  },
);

conformsOn(
  oriented,
  "the signal of reconnect leaves a connection that is up alone, and lets it not be made again",
  async (world, row) => {
    const abort = new AbortController();
    const { server, client, toServer, toClient } = await reconnecting(
      world,
      row,
      { ...QUICK, signal: abort.signal },
    );
    abort.abort();
    await turns();
    client.network.send(toServer, "still here");
    await server.until("bytes", () => server.count("message") > 0);
    server.remove(toClient.resourceId);
    assert.equal((await client.event("disconnected")).willReconnect, false);
    await turns();
    assert.equal(client.events.length, 2);
    assert.equal(client.network.isReady(toServer.resourceId), undefined);
  },
);

conformsOn(
  oriented,
  "the signal of connect gives the retries of the first connect up",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const abort = new AbortController();
    const client = world.node();
    let attempts = 0;
    const connecting = client.network.connectAsync(row.adapter, address, {
      signal: abort.signal,
      reconnect: { ...SLOW, shouldRetry: () => (attempts += 1) > 0 },
    });
    const rejected = assert.rejects(connecting, isNetworkError("aborted"));
    await eventually("an attempt", () => attempts === 1);
    abort.abort();
    await rejected;
    assert.equal(client.all("connected")[0]?.error?.code, "aborted");
  },
);

conformsOn(
  oriented,
  "the signal of connect means nothing once the connection was up",
  async (world, row) => {
    const abort = new AbortController();
    const { server, client, toClient } = await pair(world, row, {
      connect: { signal: abort.signal, reconnect: QUICK },
    });
    abort.abort();
    server.remove(toClient.resourceId);
    assert.equal((await client.event("disconnected")).willReconnect, true);
    assert.equal((await client.event("connected", 1)).ok, true);
  },
);

conforms(
  "Node",
  "a signal of reconnect that has fired is aborted, at the call",
  async (world) => {
    const client = world.node();
    await assert.rejects(
      client.network.connectAsync(Transport.Memory, "memory:nobody", {
        reconnect: { signal: AbortSignal.abort() },
      }),
      isNetworkError("aborted"),
    );
  },
);

conformsOn(
  oriented,
  "maxOutageMs gives an outage up while it waits, with the last error as the cause",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const client = world.node();
    client.network.connect(row.adapter, address, {
      reconnect: { ...SLOW, maxOutageMs: 30 },
    });
    const { ok, error } = await client.event("connected");
    assert.equal(ok, false);
    assert.equal(error?.code, "timed-out");
    const cause: unknown = error?.cause;
    isNetworkError("connection-refused")(cause);
    await turns();
    assert.equal(client.handler.stats().timers, 0);
  },
);

conformsOn(
  oriented,
  "shouldRetry is asked at the end of a connection, with its error; no ends it at once",
  async (world, row) => {
    const asked: [ConnectionFailure, number][] = [];
    const { server, client, toServer, toClient } = await reconnecting(
      world,
      row,
      {
        ...QUICK,
        shouldRetry(error, attempt) {
          asked.push([error, attempt]);
          return false;
        },
      },
    );
    server.remove(toClient.resourceId);
    const { willReconnect } = await client.event("disconnected");
    assert.equal(willReconnect, false);
    assert.equal(asked.length, 1);
    isNetworkError("connection-reset")(asked[0]?.[0]);
    assert.equal(asked[0]?.[1], 0);
    await turns();
    assert.equal(client.events.length, 2);
    assert.equal(client.network.isReady(toServer.resourceId), undefined);
  },
);

conformsOn(
  oriented,
  "shouldRetry may remove the endpoint that it is asked about: nothing more comes of it",
  async (world, row) => {
    const { server, client, toServer, toClient } = await reconnecting(
      world,
      row,
      {
        ...QUICK,
        shouldRetry: () => client.remove(toServer.resourceId),
      },
    );
    server.remove(toClient.resourceId);
    await eventually(
      "the end",
      () => client.network.isReady(toServer.resourceId) === undefined,
    );
    await turns(10);
    assert.equal(client.events.length, 1);
    assert.equal(server.count("accepted"), 1);
  },
);

conforms(
  "Node",
  "what shouldRetry throws stops the node and rejects its task",
  async (world) => {
    const server = world.node("the server");
    const { address } = await server.network.listen(
      Transport.FramedTcp,
      "127.0.0.1:0",
    );
    const client = world.idle("the client");
    const task = client.listener.forEach((event) => client.take(event));
    const error = new Error("of the program");
    client.network.connect(Transport.FramedTcp, address, {
      reconnect: {
        shouldRetry() {
          throw error;
        },
      },
    });
    server.network.remove((await server.event("accepted")).endpoint.resourceId);
    await assert.rejects(task.wait(), error);
    assert.equal(client.handler.isRunning, false);
  },
);

conforms(
  "Node",
  "connectTimeoutMs holds for each attempt, which is closed then",
  async (world) => {
    const silent = silentTransport();
    const client = world.node();
    client.network.connect(silent, "127.0.0.1:1", {
      connectTimeoutMs: 5,
      reconnect: { ...QUICK, maxAttempts: 3 },
    });
    const { ok, error } = await client.event("connected");
    assert.equal(ok, false);
    assert.equal(error?.code, "timed-out");
    assert.equal(silent.closed, 3);
    await turns();
    assert.equal(client.events.length, 1);
  },
);

conforms(
  "Node",
  "a remove or a stop during an attempt closes it, without an event",
  async (world) => {
    const silent = silentTransport();
    const client = world.node();
    const endpoint = client.network.connect(silent, "127.0.0.1:1", {
      reconnect: true,
    });
    client.remove(endpoint.resourceId);
    assert.equal(silent.closed, 1);
    client.network.connect(silent, "127.0.0.1:1", { reconnect: true });
    await client.handler.stop();
    assert.equal(silent.closed, 2);
    assert.equal(client.events.length, 0);
  },
);

conforms(
  "Udp",
  "reconnect is not-supported, at the call: there are no connections",
  (world) => {
    const client = world.node();
    for (const reconnect of [true, {}]) {
      assert.throws(
        () =>
          client.network.connect(Transport.Udp, "127.0.0.1:9", { reconnect }),
        isNetworkError("not-supported", /reconnect.*Udp/),
      );
    }
    assert.equal(client.handler.stats().connections, 0);
  },
);
