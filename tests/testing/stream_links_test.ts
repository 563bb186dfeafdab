/**
 * What each fault of a link does to streams: they are late, or they end, and
 * nothing of them is lost, doubled or reordered.
 */

import assert from "node:assert/strict";
import {
  type Adapter,
  type ConnectOptions,
  type ListenOptions,
  NetworkError,
  SendStatus,
  Transport,
  ws,
} from "../../mod.ts";
import {
  type LinkConditions,
  simulate,
  type SimulationOptions,
} from "../../testing/testing.ts";
import { test } from "../_test.ts";
import {
  connected,
  echoServer,
  endOf,
  kinds,
  record,
  text,
} from "./_simulated.ts";

type AnyTransport = Adapter<ConnectOptions, ListenOptions>;

const TRANSPORTS: readonly AnyTransport[] = [
  Transport.Tcp,
  Transport.FramedTcp,
  ws({ engine: "coded" }),
  Transport.Memory,
];

const FAULTS: readonly (readonly [string, LinkConditions])[] = [
  ["no fault", {}],
  ["latency and jitter", { latencyMs: [0, 100], jitterMs: 50 }],
  ["loss", { lossRate: 0.3 }],
  ["rates that are for datagrams", { duplicateRate: 1, reorderRate: 1 }],
  ["a throttle", { bytesPerSecond: 100_000 }],
  ["splits", { splitRate: 1 }],
  ["all at once", {
    latencyMs: [0, 200],
    jitterMs: 20,
    lossRate: 0.2,
    bytesPerSecond: 200_000,
    splitRate: 0.9,
    duplicateRate: 0.5,
    reorderRate: 0.5,
  }],
];

/** Sizes from nothing to more than a window holds. */
const SIZES = [1, 2, 100, 5_000, 17_000, 1, 100_000, 300_000, 3];

function pattern(size: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed) & 255);
}

for (const transport of TRANSPORTS) {
  for (const [name, link] of FAULTS) {
    test(`simulated stream: ${transport.name} arrives whole and in order with ${name}`, async () => {
      for (const seed of [1, 2]) {
        await simulate({ seed, link }, async (simulation) => {
          const server = record(simulation.host("server"));
          const address = transport === Transport.Memory
            ? "memory:server"
            : "0.0.0.0:3000";
          await server.handler.network.listen(transport, address);
          const received: number[][] = [[], []];
          const chunks: Uint8Array[] = [];
          const total = SIZES.reduce((sum, size) => sum + size, 0);
          let size = 0;
          const reading = record(simulation.host("client"), (event) => {
            if (event.type !== "message") return;
            received[0]?.push(event.data.length);
            chunks.push(event.data);
            size += event.data.length;
          });
          const to = await reading.handler.network.connectAsync(
            transport,
            transport === Transport.Memory ? address : "server:3000",
          );
          await simulation.runUntil(() => server.events.length > 0);
          const { endpoint } = server.events[0] as { endpoint: typeof to };
          for (const [at, size] of SIZES.entries()) {
            const status = server.handler.network.send(
              endpoint,
              pattern(size, at),
            );
            assert(
              status === SendStatus.Sent || status === SendStatus.Congested,
            );
          }
          await simulation.runUntil(() => size >= total);
          await simulation.advance(10_000);
          if (transport.isPacketBased) assert.deepEqual(received[0], SIZES);
          const all = new Uint8Array(total);
          let filled = 0;
          for (const chunk of chunks) {
            all.set(chunk, filled);
            filled += chunk.length;
          }
          assert.equal(filled, total);
          let from = 0;
          for (const [at, size] of SIZES.entries()) {
            assert.deepEqual(
              all.subarray(from, from + size),
              pattern(size, at),
              `message ${at}`,
            );
            from += size;
          }
        });
      }
    });
  }
}

test("simulated stream: a connect takes a round trip, and is told to the server half of one later", async () => {
  await simulate({ link: { latencyMs: 50 } }, async (simulation) => {
    const server = await echoServer(simulation.host("server"));
    await connected(simulation.host("client"));
    assert.equal(simulation.now(), 100);
    assert.deepEqual(kinds(server), []);
    await simulation.advance(51);
    assert.deepEqual(kinds(server), ["accepted"]);
  });
});

test("simulated stream: nobody at the port is connection-refused, a host that is not there unreachable or not found", async () => {
  await simulate(async (simulation) => {
    simulation.host("server");
    const { network } = record(simulation.host("client")).handler;
    for (
      const [address, code] of [
        ["server:1", "connection-refused"],
        ["10.9.9.9:1", "unreachable"],
        ["nowhere:1", "host-not-found"],
      ] as const
    ) {
      await assert.rejects(
        network.connectAsync(Transport.Tcp, address),
        (error) => error instanceof NetworkError && error.code === code,
      );
    }
  });
});

test("simulated stream: a partition stalls it, and after the heal all arrives", async () => {
  await simulate({ seed: 5 }, async (simulation) => {
    await echoServer(simulation.host("server"));
    const client = await connected(simulation.host("client"));
    const { network } = client.handler;
    simulation.partition("client", "server");
    for (let at = 0; at < 5; at++) {
      assert.equal(network.send(client.toServer, `${at}`), SendStatus.Sent);
    }
    await simulation.advance(30_000);
    assert.deepEqual(client.messages, []);
    simulation.heal();
    const healedAt = simulation.now();
    await simulation.runUntil(() => client.messages.length === 5);
    // The wait between two repetitions is 5 s at most.
    assert(simulation.now() - healedAt < 5_300);
    assert.deepEqual(client.messages, ["0", "1", "2", "3", "4"]);
    assert.equal(endOf(client), undefined);
  });
});

test("simulated stream: a partition that lasts ends it with timeout where something was sent, and is not noticed elsewhere", async () => {
  const options: SimulationOptions = { seed: 6, streamTimeoutMs: 20_000 };
  await simulate(options, async (simulation) => {
    const server = await echoServer(simulation.host("server"));
    const client = await connected(simulation.host("client"));
    await simulation.advance(100);
    simulation.partition("client", "server");
    const partedAt = simulation.now();
    client.handler.network.send(client.toServer, "lost");
    await simulation.runUntil(() => endOf(client) !== undefined);
    assert.equal(endOf(client), "timeout");
    const tookMs = simulation.now() - partedAt;
    assert(tookMs >= 20_000 && tookMs < 20_100, `${tookMs}`);
    await simulation.advance(3_600_000);
    assert.deepEqual(kinds(server), ["accepted"]);
    // What the server sends now meets nobody.
    simulation.heal();
    const [accepted] = server.events;
    assert(accepted?.type === "accepted");
    server.handler.network.send(accepted.endpoint, "anybody there?");
    await simulation.runUntil(() => endOf(server) !== undefined);
    assert.equal(endOf(server), "reset");
  });
});

test("simulated stream: where only the way back is parted, all arrives, and the sender gives up", async () => {
  const options: SimulationOptions = { seed: 7, streamTimeoutMs: 20_000 };
  await simulate(options, async (simulation) => {
    const server = record(simulation.host("server"));
    await server.handler.network.listen(Transport.FramedTcp, "0.0.0.0:3000");
    const client = await connected(simulation.host("client"));
    await simulation.advance(100);
    simulation.route("server", "client").partition();
    client.handler.network.send(client.toServer, "one way");
    await simulation.advance(1_000);
    assert.deepEqual(server.messages, ["one way"]);
    await simulation.advance(20_000);
    assert.equal(endOf(client), "timeout");
  });
});

test("simulated stream: connecting across a partition waits, and is made by a heal in time or timed out", async () => {
  await simulate({ seed: 8 }, async (simulation) => {
    await echoServer(simulation.host("server"));
    const { network } = record(simulation.host("client")).handler;
    simulation.partition("client", "server");
    const connecting = network.connectAsync(
      Transport.FramedTcp,
      "server:3000",
      { connectTimeoutMs: 10_000 },
    );
    await assert.rejects(connecting, { code: "timed-out" });
    assert.equal(simulation.now(), 10_000);
    const other = network.connectAsync(Transport.FramedTcp, "server:3000");
    await simulation.advance(3_000);
    simulation.heal();
    await simulation.runUntil(other, { timeoutMs: 5_300 });
  });
});

test("simulated stream: a cut resets both sides at once, and a new connection can be made", async () => {
  await simulate({ seed: 9 }, async (simulation) => {
    const server = await echoServer(simulation.host("server"));
    const one = await connected(simulation.host("client"));
    const other = await connected(simulation.host("other"));
    await simulation.advance(100);
    simulation.link("client", "server").cut();
    await simulation.advance(0);
    assert.equal(endOf(one), "reset");
    assert.equal(endOf(server), "reset");
    assert.equal(endOf(other), undefined);
    const again = await connected(simulation.host("client"));
    again.handler.network.send(again.toServer, "hello");
    await simulation.runUntil(() => again.messages.length === 1);
  });
});

test("simulated stream: what is held is late, and in order; nothing times out", async () => {
  const options: SimulationOptions = { seed: 10, streamTimeoutMs: 10_000 };
  await simulate(options, async (simulation) => {
    await echoServer(simulation.host("server"));
    const client = await connected(simulation.host("client"));
    simulation.link("client", "server").hold();
    const { network } = client.handler;
    for (let at = 0; at < 5; at++) network.send(client.toServer, `${at}`);
    await simulation.advance(3_600_000);
    assert.deepEqual(client.messages, []);
    simulation.link("client", "server").release();
    await simulation.advance(50);
    assert.deepEqual(client.messages, ["0", "1", "2", "3", "4"]);
  });
});

test("simulated stream: loss shows as delay: 200 ms and a round trip, then twice that", async () => {
  const link = { latencyMs: 10, splitRate: 0 };
  await simulate({ seed: 11, link }, async (simulation) => {
    await echoServer(simulation.host("server"));
    const client = await connected(simulation.host("client"));
    await simulation.advance(100);
    const way = simulation.route("client", "server").set({ lossRate: 1 });
    const sentAt = simulation.now();
    client.handler.network.send(client.toServer, "late");
    await simulation.advance(300);
    way.set({ lossRate: 0 });
    await simulation.runUntil(() => client.messages.length === 1);
    // Lost at 0 and 220 ms, through at 660, and 20 for there and back.
    assert.equal(Math.round(simulation.now() - sentAt), 680);
  });
});

test("simulated stream: a throttle lets so many bytes through in a second, and congests the sender", async () => {
  const link = { latencyMs: 1, bytesPerSecond: 100_000 };
  await simulate({ seed: 12, link }, async (simulation) => {
    let size = 0;
    const server = record(simulation.host("server"), (event) => {
      if (event.type === "message") size += event.data.length;
    });
    await server.handler.network.listen(Transport.Tcp, "0.0.0.0:3000");
    const client = await connected(simulation.host("client"), Transport.Tcp);
    const { network } = client.handler;
    const before = simulation.now();
    const status = network.send(client.toServer, new Uint8Array(2_000_000));
    assert.equal(status, SendStatus.Congested);
    await simulation.advance(10_000);
    assert(Math.abs(size - 1_000_000) < 70_000, `${size}`);
    await simulation.runUntil(() => size === 2_000_000);
    const tookMs = simulation.now() - before;
    assert(tookMs > 20_000 && tookMs < 20_600, `${tookMs}`);
  });
});

test("simulated stream: chunks of Tcp are not what was sent at once, unless splits are off", async () => {
  const chunks = async (splitRate: number) => {
    const { value } = await simulate(
      { seed: 13, link: { splitRate } },
      async (simulation) => {
        const server = record(simulation.host("server"));
        await server.handler.network.listen(Transport.Tcp, "0.0.0.0:3000");
        const client = await connected(
          simulation.host("client"),
          Transport.Tcp,
        );
        for (let at = 0; at < 50; at++) {
          client.handler.network.send(client.toServer, "ten bytes.");
          await simulation.advance(100);
        }
        return server.messages;
      },
    );
    assert.equal(value.join(""), "ten bytes.".repeat(50));
    return value.length;
  };
  assert.equal(await chunks(0), 50);
  assert.equal(await chunks(1), 100);
});

test("simulated stream: what was sent before an orderly end arrives, over a link that loses", async () => {
  await simulate({ seed: 14, link: { lossRate: 0.3 } }, async (simulation) => {
    const server = record(simulation.host("server"));
    await server.handler.network.listen(Transport.FramedTcp, "0.0.0.0:3000");
    const client = await connected(simulation.host("client"));
    for (let at = 0; at < 50; at++) {
      client.handler.network.send(client.toServer, `${at}`);
    }
    await client.handler.stop({ drain: 30_000 });
    await simulation.runUntil(() => endOf(server) !== undefined);
    assert.deepEqual(
      server.messages,
      Array.from({ length: 50 }, (_, at) => `${at}`),
    );
    assert.equal(endOf(server), "closed");
  });
});

test("simulated stream: a stalled reader holds the sender back, and loses nothing", async () => {
  await simulate({ seed: 15, streamCapacity: 10_000 }, async (simulation) => {
    const server = simulation.host("server").createNode();
    await server.handler.network.listen(Transport.FramedTcp, "0.0.0.0:3000");
    const client = await connected(simulation.host("client"));
    const { network } = client.handler;
    await simulation.advance(100);
    simulation.host("server").pause();
    for (let at = 0; at < 100; at++) {
      network.send(client.toServer, `${at}`.padEnd(1_000));
    }
    await simulation.advance(100);
    const { queuedBytes } = client.handler.stats();
    assert(queuedBytes > 85_000 && queuedBytes < 95_000, `${queuedBytes}`);
    simulation.host("server").resume();
    const got: string[] = [];
    server.listener.forEach((event) => {
      if (event.type === "message") got.push(text(event.data).trim());
    });
    await simulation.runUntil(() => got.length === 100);
    assert.deepEqual(got, Array.from({ length: 100 }, (_, at) => `${at}`));
  });
});
