import assert from "node:assert/strict";
import { eventually, turns } from "../conformance/_nodes.ts";
import { Outgoing } from "./_ledger.ts";
import type { Manners } from "./_proxy.ts";
import { seededOn } from "./_random.ts";
import { faultyPair, transportRows } from "./_rows.ts";

/** What a machine that is busy with other things may add to a time limit, in milliseconds. */
const LATE_MS = 4_000;

/** After its limit a socket has a second to close, then a second until it is cut off. */
const CLOSING_MS = 2_000;

const DRAIN_MS = 300;

/** How a peer fails to take what is drained: it never reads, or only a byte every few milliseconds. */
const peers: readonly (Manners | undefined)[] = [
  undefined,
  { cut: () => 1, delayMs: () => 3 },
];

seededOn(
  transportRows,
  "stop and remove with drain are bounded when the peer never reads, and when it reads a byte now and then",
  async (world, row, random) => {
    await Promise.all(
      peers.flatMap((manners) =>
        ["stop", "remove"].map(async (how) => {
          const pair = await faultyPair(world, row, {
            manners: manners === undefined ? {} : { up: manners },
            isServerIdle: true,
            server: { maxQueuedEvents: 1 },
          });
          const { client, link, toServer } = pair;
          if (manners === undefined) link.up.stall();
          const up = new Outgoing(random, () => 50_000, row.dress);
          while (up.accepted < 200) up.send(client.network, toServer);
          await eventually(
            "a full socket",
            () => client.handler.stats().queuedBytes > 0,
          );
          const start = performance.now();
          if (how === "remove") {
            client.remove(toServer.resourceId, { drain: DRAIN_MS });
          }
          // It waits for what a remove still drains, and would itself wait longer.
          await client.handler.stop({
            drain: how === "remove" ? 25_000 : DRAIN_MS,
          });
          const took = performance.now() - start;
          assert(took >= DRAIN_MS - 5, `${how} gave up after ${took} ms`);
          assert(
            took < DRAIN_MS + CLOSING_MS + LATE_MS,
            `${how} took ${took} ms`,
          );
        })
      ),
    );
  },
);

seededOn(
  transportRows,
  "a drain delivers all that was accepted through a slow network",
  async (world, row, random) => {
    for (const how of ["stop", "remove"] as const) {
      const pair = await faultyPair(world, row, {
        manners: {
          up: {
            cut: () => random.between(1, 60_000),
            delayMs: () => random.below(3),
          },
        },
      });
      const { server, client, toServer, atServer } = pair;
      const up = new Outgoing(
        random,
        (random) => random.below(20_000),
        row.dress,
      );
      while (up.accepted < 200) up.send(client.network, toServer);
      if (how === "stop") await client.handler.stop({ drain: 20_000 });
      else client.remove(toServer.resourceId, { drain: 20_000 });
      assert.equal((await server.event("disconnected")).reason, "closed");
      assert.equal(atServer.has(200), true);
      assert.equal(server.count("disconnected"), 1);
    }
  },
);

seededOn(
  transportRows,
  "a second stop cuts a drain short",
  async (world, row, random) => {
    const { client, link, toServer } = await faultyPair(world, row);
    link.up.stall();
    const up = new Outgoing(random, () => 50_000, row.dress);
    while (up.accepted < 300) up.send(client.network, toServer);
    const start = performance.now();
    const slow = client.handler.stop({ drain: 25_000 });
    await turns();
    await client.handler.stop();
    await slow;
    const took = performance.now() - start;
    assert(took < CLOSING_MS + LATE_MS, `it took ${took} ms`);
  },
);
