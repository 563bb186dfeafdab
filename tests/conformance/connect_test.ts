import assert from "node:assert/strict";
import { type Endpoint, resourceType, SendStatus } from "../../mod.ts";
import {
  conforms,
  conformsOn,
  deadAddress,
  isNetworkError,
  pair,
  turns,
} from "./_nodes.ts";
import { oriented, transports } from "./_transports.ts";
import { silentTransport } from "./_silent_transport.ts";

conformsOn(
  transports,
  "a connect is answered by one connected event, with the endpoint that it returned",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const endpoint = client.connect(row, await server.listen(row));
    const event = await client.event("connected");
    assert.equal(event.ok, true);
    assert.equal(event.error, undefined);
    assert.equal(event.endpoint, endpoint);
    await turns();
    assert.equal(client.events.length, 1);
    assert.equal(resourceType(endpoint.resourceId), "remote");
  },
);

conformsOn(
  transports,
  "the connected event comes after connect has returned",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const listening = await server.listen(row);
    let isReturned = false;
    let wasReturned: boolean | undefined;
    client.onEvent = () => wasReturned ??= isReturned;
    client.connect(row, listening);
    isReturned = true;
    await client.event("connected");
    assert.equal(wasReturned, true);
  },
);

conformsOn(
  oriented,
  "a listener reports each peer as accepted, with its own id",
  async (world, row) => {
    const { server, listening, toClient } = await pair(world, row);
    assert.equal(
      (await server.event("accepted")).listener,
      listening.resourceId,
    );
    assert.equal(server.network.isReady(toClient.resourceId), true);
    await turns();
    assert.equal(server.events.length, 1);
  },
);

conformsOn(
  oriented,
  "each connection has an endpoint of its own",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const listening = await server.listen(row);
    for (let count = 0; count < 10; count += 1) client.connect(row, listening);
    await server.event("accepted", 9);
    await client.event("connected", 9);
    for (const node of [server, client]) {
      const endpoints = node.events.map((event) =>
        event.type === "signal" ? undefined : event.endpoint
      );
      assert.equal(new Set(endpoints).size, 10);
      assert.equal(new Set(endpoints.map(String)).size, 10);
    }
  },
);

conformsOn(
  oriented,
  "a connect to nobody is answered by one connected event that says connection-refused",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const client = world.node();
    const endpoint = client.network.connect(row.adapter, address);
    const event = await client.event("connected");
    assert.equal(event.ok, false);
    isNetworkError("connection-refused")(event.error);
    assert.equal(event.endpoint, endpoint);
    await turns();
    assert.equal(client.events.length, 1, "nothing follows");
  },
);

conformsOn(
  oriented,
  "after a connect that failed its endpoint is gone",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const client = world.node();
    const { resourceId } = client.network.connect(row.adapter, address);
    let isReady: boolean | undefined = true;
    client.onEvent = () => isReady = client.network.isReady(resourceId);
    const { endpoint } = await client.event("connected");
    assert.equal(isReady, undefined, "gone in the callback already");
    assert.equal(
      client.network.send(endpoint, "x"),
      SendStatus.ResourceNotFound,
    );
    assert.equal(client.remove(resourceId), false);
    assert.equal(await client.network.writable(endpoint), false);
    assert.deepEqual(client.network.resources(), []);
  },
);

conformsOn(
  transports,
  "connectAsync gives the endpoint once it is ready, after the connected event",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const { address } = await server.listen(row);
    const endpoint = await client.network.connectAsync(
      row.adapter,
      row.peerAddress(address),
    );
    assert.equal(client.events.length, 1);
    assert.equal((await client.event("connected")).endpoint, endpoint);
    assert.equal(client.network.isReady(endpoint.resourceId), true);
    assert.equal(client.network.send(endpoint, "x"), SendStatus.Sent);
  },
);

conformsOn(
  oriented,
  "connectAsync to nobody rejects with connection-refused, and the event comes too",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const client = world.node();
    await assert.rejects(
      client.network.connectAsync(row.adapter, address),
      isNetworkError("connection-refused"),
    );
    assert.equal((await client.event("connected")).ok, false);
    assert.equal(client.events.length, 1);
  },
);

conformsOn(
  transports,
  "while it connects a connection is not ready and takes no message",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const endpoint = client.connect(row, await server.listen(row));
    const { resourceId } = endpoint;
    assert.equal(client.network.isReady(resourceId), false);
    assert.equal(
      client.network.send(endpoint, "early"),
      SendStatus.ResourceNotAvailable,
    );
    assert.deepEqual(
      client.network.sendAll([endpoint], "early"),
      [SendStatus.ResourceNotAvailable],
    );
    assert.equal(client.network.localAddress(resourceId), undefined);
    assert.equal(client.network.resources()[0]?.isReady, false);
    await client.event("connected");
    assert.equal(client.network.isReady(resourceId), true);
    assert.equal(client.network.send(endpoint, "late"), SendStatus.Sent);
    await server.messages(1);
    assert.deepEqual(server.texts(), ["late"]);
  },
);

conformsOn(
  transports,
  "writable of a connection that connects resolves when it is ready",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const endpoint = client.connect(row, await server.listen(row));
    assert.equal(await client.network.writable(endpoint), true);
    assert.equal(client.network.isReady(endpoint.resourceId), true);
  },
);

conformsOn(
  transports,
  "a connection removed while it connects has no event",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const listening = await server.listen(row);
    const { resourceId } = client.connect(row, listening);
    assert.equal(client.remove(resourceId), true);
    assert.equal(client.remove(resourceId), false);
    assert.equal(client.network.isReady(resourceId), undefined);
    // A second one that succeeds shows that the first had its time.
    client.connect(row, listening);
    await client.event("connected");
    await turns();
    assert.equal(client.events.length, 1);
  },
);

conformsOn(
  transports,
  "connectAsync of a connection removed while it connects rejects with aborted",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const { address } = await server.listen(row);
    const connecting = client.network.connectAsync(
      row.adapter,
      row.peerAddress(address),
    );
    const resource = client.network.resources()[0];
    assert(resource !== undefined);
    client.remove(resource.resourceId);
    await assert.rejects(connecting, isNetworkError("aborted"));
    await turns();
    assert.equal(client.events.length, 0);
  },
);

conformsOn(
  transports,
  "a signal that is aborted before makes connect throw, without an event",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const { address } = await server.listen(row);
    const reason = new Error("no more");
    assert.throws(
      () =>
        client.network.connect(row.adapter, row.peerAddress(address), {
          signal: AbortSignal.abort(reason),
        }),
      (error: unknown) => {
        isNetworkError("aborted")(error);
        assert.equal((error as Error).cause, reason);
        return true;
      },
    );
    await turns();
    assert.equal(client.events.length, 0);
    assert.deepEqual(client.network.resources(), []);
  },
);

conformsOn(
  transports,
  "a signal that aborts while it connects gives one connected event that says aborted",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const listening = await server.listen(row);
    const controller = new AbortController();
    client.connect(row, listening, { signal: controller.signal });
    controller.abort();
    assert.equal(client.events.length, 0, "not from inside abort()");
    const event = await client.event("connected");
    assert.equal(event.ok, false);
    isNetworkError("aborted")(event.error);
    await turns();
    assert.equal(client.events.length, 1);
  },
);

conformsOn(
  transports,
  "a signal that aborts once it is connected changes nothing",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const listening = await server.listen(row);
    const controller = new AbortController();
    const endpoint = client.connect(row, listening, {
      signal: controller.signal,
    });
    await client.event("connected");
    controller.abort();
    await turns();
    assert.equal(client.events.length, 1);
    assert.equal(client.network.send(endpoint, "still here"), SendStatus.Sent);
    await server.messages(1);
  },
);

conformsOn(
  oriented,
  "a node can connect to its own listener",
  async (world, row) => {
    const node = world.node();
    const toServer = node.connect(row, await node.listen(row));
    await node.event("connected");
    const { endpoint: toClient } = await node.event("accepted");
    assert.notEqual(toClient.resourceId, toServer.resourceId);
    assert.equal(node.network.send(toServer, "over"), SendStatus.Sent);
    await node.messages(1);
    assert.equal(node.all("message")[0]?.endpoint, toClient);
  },
);

conformsOn(
  transports,
  "a callback may connect",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    const listening = await server.listen(row);
    let second: Endpoint | undefined;
    client.onEvent = () => second ??= client.connect(row, listening);
    client.connect(row, listening);
    assert.equal((await client.event("connected", 1)).endpoint, second);
  },
);

conformsOn(
  transports,
  "a message sent from the connected callback arrives",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    client.onEvent = (event) => {
      if (event.type !== "connected") return;
      assert.equal(
        client.network.send(event.endpoint, "first"),
        SendStatus.Sent,
      );
    };
    client.connect(row, await server.listen(row));
    await server.messages(1);
    assert.deepEqual(server.texts(), ["first"]);
  },
);

conformsOn(
  oriented,
  "a message sent from the accepted callback arrives",
  async (world, row) => {
    const server = world.node();
    const client = world.node();
    server.onEvent = (event) => {
      if (event.type !== "accepted") return;
      assert.equal(
        server.network.send(event.endpoint, "welcome"),
        SendStatus.Sent,
      );
    };
    client.connect(row, await server.listen(row));
    await client.messages(1);
    assert.deepEqual(client.events.map(({ type }) => type), [
      "connected",
      "message",
    ]);
  },
);

conforms(
  "Node",
  "a connect that never ends times out with one connected event",
  async (world) => {
    const client = world.node();
    const silent = silentTransport();
    const before = performance.now();
    client.network.connect(silent, "127.0.0.1:1", { connectTimeoutMs: 20 });
    const event = await client.event("connected");
    assert.equal(event.ok, false);
    isNetworkError("timed-out")(event.error);
    assert(performance.now() - before >= 19, "not early");
    await turns();
    assert.equal(client.events.length, 1);
    assert.deepEqual(client.network.resources(), []);
    assert.equal(silent.closed, 1);
  },
);

conforms(
  "Node",
  "connectAsync that never ends rejects with timed-out",
  async (world) => {
    const client = world.node();
    await assert.rejects(
      client.network.connectAsync(silentTransport(), "127.0.0.1:1", {
        connectTimeoutMs: 5,
      }),
      isNetworkError("timed-out", /5 ms/),
    );
  },
);

conforms(
  "Node",
  "a connectTimeoutMs of 0 waits without a limit",
  async (world) => {
    const client = world.node();
    const endpoint = client.network.connect(silentTransport(), "127.0.0.1:1", {
      connectTimeoutMs: 0,
    });
    assert.equal(client.handler.stats().timers, 0);
    await turns();
    assert.equal(client.events.length, 0);
    assert.equal(client.network.isReady(endpoint.resourceId), false);
  },
);

conforms(
  "Node",
  "an abort long after connect still says aborted, with the reason as cause",
  async (world) => {
    const client = world.node();
    const controller = new AbortController();
    client.network.connect(silentTransport(), "127.0.0.1:1", {
      signal: controller.signal,
    });
    await turns();
    const reason = new Error("changed my mind");
    controller.abort(reason);
    const { error } = await client.event("connected");
    isNetworkError("aborted")(error);
    assert.equal(error?.cause, reason);
  },
);

conforms(
  "Node",
  "a connect under way when the node stops has no event, and connectAsync rejects",
  async (world) => {
    const client = world.node();
    const connecting = client.network.connectAsync(
      silentTransport(),
      "127.0.0.1:1",
    );
    const rejected = assert.rejects(connecting, isNetworkError("aborted"));
    await client.handler.stop();
    await rejected;
    assert.equal(client.events.length, 0);
  },
);

for (const row of oriented.filter(({ raw }) => raw === "port")) {
  conforms(row.name, "a host name is looked up", async (world) => {
    const server = world.node();
    const client = world.node();
    const { address } = await server.listen(row);
    client.network.connect(row.adapter, `localhost:${address.port}`);
    const { ok, error, endpoint } = await client.event("connected");
    assert.ifError(error);
    assert.equal(ok, true);
    assert.equal(endpoint.address.hostname, "localhost");
    const peer = client.network.peerAddress(endpoint.resourceId);
    assert.equal(peer?.hostname, "127.0.0.1", "numeric once it is ready");
  });

  conforms(
    row.name,
    "a host name without an address gives connected with host-not-found",
    async (world) => {
      const client = world.node();
      client.network.connect(row.adapter, "no-such-host.invalid:80");
      const { ok, error } = await client.event("connected");
      assert.equal(ok, false);
      isNetworkError("host-not-found")(error);
    },
  );

  conforms(
    row.name,
    "a listener on IPv6 takes peers over IPv6",
    async (world) => {
      const server = world.node();
      const client = world.node();
      const { address } = await server.network.listen(row.adapter, "[::1]:0");
      assert.equal(address.family, "ipv6");
      client.network.connect(row.adapter, `[::1]:${address.port}`);
      const { ok, error } = await client.event("connected");
      assert.ifError(error);
      assert.equal(ok, true);
      const { endpoint } = await server.event("accepted");
      assert.equal(endpoint.address.hostname, "::1");
      assert.equal(endpoint.address.family, "ipv6");
    },
  );
}
