import assert from "node:assert/strict";
import { SendStatus } from "../../mod.ts";
import { turns } from "../conformance/_nodes.ts";
import { Outgoing } from "./_ledger.ts";
import type { Link } from "./_proxy.ts";
import { seededOn } from "./_random.ts";
import {
  clientOf,
  type FaultRow,
  faultyPair,
  streamRows,
  tcpRows,
  transportRows,
} from "./_rows.ts";

const small = (random: { below(limit: number): number }) => random.below(900);

/** How a row tells an end that came between two messages, and how one inside a message. */
function reasons({ name, isPacket }: FaultRow): {
  readonly between: { readonly reason: string; readonly code?: string };
  readonly inside: { readonly reason: string; readonly code?: string };
} {
  const broken = { reason: "protocol", code: "protocol" };
  if (!isPacket) {
    return { between: { reason: "closed" }, inside: { reason: "closed" } };
  }
  // A WebSocket that ends without its close frame is over, but not in order.
  return {
    between: name === "Ws"
      ? { reason: "closed", code: "protocol" }
      : { reason: "closed" },
    inside: broken,
  };
}

seededOn(
  transportRows,
  "a link cut without a word is told once on either side, after everything that had been sent",
  async (world, row, random) => {
    const pair = await faultyPair(world, row);
    const { server, client, link, toServer, atServer, atClient } = pair;
    const up = new Outgoing(random, small, row.dress);
    const down = new Outgoing(random, small, row.dress);
    await up.sendAll(client.network, toServer, 50);
    await down.sendAll(server.network, clientOf(pair), 50);
    await server.until("all", () => atServer.has(50));
    await client.until("all", () => atClient.has(50));
    link.cut();
    const { between } = reasons(row);
    for (const node of [server, client]) {
      const { reason, error } = await node.event("disconnected");
      assert.equal(reason, between.reason);
      assert.equal(error?.code, between.code);
    }
    await turns();
    assert.equal(server.count("disconnected"), 1);
    assert.equal(client.count("disconnected"), 1);
    assert.equal(server.handler.stats().connections, 0);
  },
);

seededOn(
  tcpRows,
  "a stream that ends inside a message is broken for a framed transport, and the messages before it count",
  async (world, row, random) => {
    const pair = await faultyPair(world, row);
    const { server, client, link, toServer, atServer } = pair;
    const up = new Outgoing(random, () => 1_000, row.dress);
    await up.sendAll(client.network, toServer, 20);
    await server.until("the first", () => atServer.has(20));
    // Fewer bytes than any frame of it has.
    link.up.stopAfter(random.between(2, 1_000), () => link.endToServer());
    up.send(client.network, toServer);
    const { reason, error } = await server.event("disconnected");
    const { inside } = reasons(row);
    assert.equal(reason, inside.reason);
    assert.equal(error?.code, inside.code);
    assert.equal(atServer.has(20), true);
    await client.event("disconnected");
    await turns();
    assert.equal(server.count("disconnected"), 1);
    assert.equal(client.count("disconnected"), 1);
  },
);

/** A half-close, from either side. */
const halves: readonly [string, (link: Link) => void, "server" | "client"][] = [
  ["towards the server", (link) => link.endToServer(), "server"],
  ["towards the client", (link) => link.endToClient(), "client"],
];

for (const [where, end, hearer] of halves) {
  seededOn(
    transportRows,
    `after a half-close ${where} what was accepted for the other direction still goes out`,
    async (world, row, random) => {
      const pair = await faultyPair(world, row);
      const { server, client, link, toServer, atServer, atClient } = pair;
      const up = new Outgoing(random, () => 30_000, row.dress);
      const down = new Outgoing(random, () => 30_000, row.dress);
      const toClient = clientOf(pair);
      // The other direction is at a standstill, with much in the outbox.
      const isUp = hearer === "client";
      const lane = isUp ? link.up : link.down;
      lane.stall();
      for (let n = 0; n < 300; n += 1) {
        if (isUp) up.send(client.network, toServer);
        else down.send(server.network, toClient);
      }
      end(link);
      const node = pair[hearer];
      const { reason } = await node.event("disconnected");
      assert.equal(reason, "closed");
      const endpoint = isUp ? toServer : toClient;
      assert.equal(
        node.network.send(endpoint, "too late"),
        SendStatus.ResourceNotFound,
      );
      lane.goOn();
      const [other, arrived] = isUp ? [server, atServer] : [client, atClient];
      await other.until("all", () => arrived.has(300));
      await other.event("disconnected");
      await turns();
      assert.equal(server.count("disconnected"), 1);
      assert.equal(client.count("disconnected"), 1);
    },
  );
}

seededOn(
  streamRows,
  "a peer that ends while the receiver is paused is told once it reads on, after all that it sent",
  async (world, row, random) => {
    const pair = await faultyPair(world, row, {
      isServerIdle: true,
      server: { maxQueuedEvents: 1 },
    });
    const { server, client, toServer, atServer } = pair;
    const up = new Outgoing(random, () => 20_000, row.dress);
    while (up.accepted < 200) up.send(client.network, toServer);
    client.remove(toServer.resourceId, { drain: true });
    await turns(10);
    server.start();
    assert.equal((await server.event("disconnected")).reason, "closed");
    assert.equal(atServer.has(200), true);
    await turns();
    assert.equal(server.count("disconnected"), 1);
    assert.equal(client.count("disconnected"), 0);
  },
);
