import assert from "node:assert/strict";
import { SendStatus, Transport, ws } from "../../mod.ts";
import {
  conforms,
  conformsOn,
  deadAddress,
  eventually,
  isNetworkError,
  turns,
} from "./_nodes.ts";
import { broken, QUICK, reconnecting, revive, SLOW } from "./_reconnecting.ts";
import { silentTransport } from "./_silent_transport.ts";
import { oriented } from "./_transports.ts";

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
  "Ws",
  "the runtime's own client is connected again too",
  async (world) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const { address } = await server.network.listen(
      Transport.Ws,
      "127.0.0.1:0",
    );
    const endpoint = client.network.connect(
      ws({ engine: "native" }),
      { hostname: "127.0.0.1", port: address.port },
      { reconnect: QUICK },
    );
    const first = await server.event("accepted");
    await client.event("connected");
    server.remove(first.endpoint.resourceId);
    assert.equal((await client.event("disconnected")).willReconnect, true);
    assert.equal((await client.event("connected", 1)).endpoint, endpoint);
    client.network.send(endpoint, "again");
    await server.messages(1);
  },
);
