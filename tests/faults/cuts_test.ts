import assert from "node:assert/strict";
import { Outgoing } from "./_ledger.ts";
import type { Manners } from "./_proxy.ts";
import { type Random, seededOn } from "./_random.ts";
import { clientOf, faultyPair, streamRows } from "./_rows.ts";

/** A network that is bad in one way, and what it is given to carry: less where each byte costs a turn. */
interface Network {
  readonly name: string;
  readonly messages: number;
  readonly largest: number;
  manners(random: Random): Manners;
}

const networks: readonly Network[] = [
  {
    name: "in single bytes",
    messages: 40,
    largest: 120,
    manners: () => ({ cut: () => 1 }),
  },
  {
    name: "in pieces of every size",
    messages: 400,
    largest: 3_000,
    manners: (random) => ({ cut: () => random.between(1, 4_000) }),
  },
  {
    name: "in pieces of 1, 2, 3 … bytes",
    messages: 60,
    largest: 600,
    manners: () => {
      let size = 0;
      return { cut: () => size = size % 97 + 1 };
    },
  },
  {
    name: "late",
    messages: 200,
    largest: 40_000,
    manners: (random) => ({
      cut: () => 65_536,
      delayMs: () => random.below(4),
    }),
  },
  {
    name: "at 4 KiB a millisecond",
    messages: 60,
    largest: 20_000,
    manners: () => ({ cut: () => 4_096, delayMs: () => 1 }),
  },
];

for (const network of networks) {
  seededOn(
    streamRows,
    `what arrives ${network.name} is whole, in order and all there, both ways`,
    async (world, row, random) => {
      const marks = { highWaterMark: 64 << 10, outboxLimit: 256 << 10 };
      const pair = await faultyPair(world, row, {
        manners: {
          up: network.manners(random),
          down: network.manners(random),
        },
        listen: marks,
        connect: marks,
      });
      const { server, client, toServer } = pair;
      const size = (random: Random) =>
        random.below(4) === 0
          ? random.below(network.largest)
          : random.below(50);
      const up = new Outgoing(random, size, row.dress);
      const down = new Outgoing(random, size, row.dress);
      await Promise.all([
        up.sendAll(client.network, toServer, network.messages),
        down.sendAll(server.network, clientOf(pair), network.messages),
      ]);
      const { atServer, atClient } = pair;
      await server.until(
        "all messages",
        () => atServer.has(network.messages),
      );
      await client.until(
        "all messages",
        () => atClient.has(network.messages),
      );
      assert.equal(atServer.rest + atClient.rest, 0);
      assert.equal(server.count("disconnected"), 0);
      assert.equal(client.count("disconnected"), 0);
    },
  );
}

seededOn(
  streamRows,
  "a network that stands still now and then loses nothing, and the sender is told",
  async (world, row, random) => {
    const marks = { highWaterMark: 128 << 10, outboxLimit: 512 << 10 };
    const pair = await faultyPair(world, row, { connect: marks });
    const { server, client, link, toServer, atServer } = pair;
    const up = new Outgoing(
      random,
      (random) => random.below(60_000),
      row.dress,
    );
    for (let round = 1; round <= 3; round += 1) {
      link.up.stall();
      let status = up.send(client.network, toServer);
      // The system's buffers take some first.
      for (let n = 0; status !== "QueueFull"; n += 1) {
        assert(n < 100_000);
        status = up.send(client.network, toServer);
        if (n % 16 === 0) {
          await new Promise<void>((resolve) => setTimeout(resolve, 0));
        }
      }
      link.up.goOn();
      assert.equal(await client.network.writable(toServer), true);
    }
    assert(up.congested > 0 && up.refused >= 3);
    await server.until("all messages", () => atServer.has(up.accepted));
    assert.equal(atServer.rest, 0);
  },
);
