import assert from "node:assert/strict";
import { type ConnectionFailure, SendStatus, Transport } from "../../mod.ts";
import {
  conforms,
  conformsOn,
  deadAddress,
  eventually,
  isNetworkError,
  pair,
  turns,
} from "./_nodes.ts";
import { broken, QUICK, reconnecting, SLOW } from "./_reconnecting.ts";
import { silentTransport } from "./_silent_transport.ts";
import { oriented } from "./_transports.ts";

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
    let refusals = 0;
    const shouldRetry = () => {
      refusals += 1;
      return true;
    };
    let cause: unknown;
    // On a busy machine the time may be over before the first refusal.
    for (let maxOutageMs = 30; refusals === 0; maxOutageMs *= 5) {
      const failed = client.count("connected");
      client.network.connect(row.adapter, address, {
        reconnect: { ...SLOW, maxOutageMs, shouldRetry },
      });
      const { ok, error } = await client.event("connected", failed);
      assert.equal(ok, false);
      assert.equal(error?.code, "timed-out");
      cause = error?.cause;
    }
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
