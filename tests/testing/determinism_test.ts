/**
 * The same seed gives the same run, whatever happens in it.
 */

import assert from "node:assert/strict";
import { type NoMethods, Rpc, Transport } from "../../mod.ts";
import {
  formatSimulationEvent,
  simulate,
  type Simulation,
  SimulationRandom,
} from "../../testing/testing.ts";
import { test } from "../_test.ts";
import { echoServer, record } from "./_simulated.ts";

/** What every runtime must come to. */
const GOLDEN_LOTS: unknown = [711, "1.025235473", 0.7676080574747175];
const GOLDEN_TRACE: unknown = [489, 2_055_546_106];

/** Programs on every transport, with everything that can happen to them. */
async function everything(simulation: Simulation): Promise<void> {
  const { random } = simulation;
  const server = simulation.host("server");
  const transports = [
    [Transport.Tcp, 1],
    [Transport.FramedTcp, 2],
    [Transport.Ws, 3],
    [Transport.Udp, 4],
  ] as const;
  server.run(async (host) => {
    for (const [transport, port] of transports) {
      await echoServer(host, transport, `0.0.0.0:${port}`);
    }
  });
  const clients = ["a", "b", "c"].map((name) => simulation.host(name));
  for (const client of clients) {
    client.run((host) => {
      const node = record(host, (event) => {
        if (event.type !== "connected" || !event.ok) return;
        for (let at = 0; at < 5; at++) {
          node.handler.network.send(event.endpoint, `${host.name}${at}`);
        }
      });
      for (const [transport, port] of transports) {
        node.handler.network.connect(transport, `server:${port}`);
      }
    });
  }
  simulation.link(clients, server).set({
    latencyMs: [1, 50],
    jitterMs: 5,
    lossRate: 0.1,
    duplicateRate: 0.1,
    reorderRate: 0.1,
    bytesPerSecond: 20_000,
  });
  for (let round = 0; round < 10; round++) {
    await simulation.advance(random.integer(1, 500));
    const client = random.pick(clients);
    switch (random.integer(0, 5)) {
      case 0:
        simulation.partition(client, server);
        break;
      case 1:
        simulation.heal();
        break;
      case 2:
        client.restart();
        break;
      case 3:
        simulation.link(client, server).cut();
        break;
      case 4:
        client.pause();
        break;
      default:
        client.resume();
    }
  }
  await simulation.advance(100_000);
}

test("simulation: the same seed gives the same trace, and other seeds give others, over 50 seeds", async () => {
  const traces = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    const first = await simulate({ seed }, everything);
    const second = await simulate({ seed }, everything);
    assert.deepEqual(second.trace, first.trace, `seed ${seed}`);
    assert(first.trace.length > 100);
    traces.add(first.trace.map(formatSimulationEvent).join("\n"));
  }
  assert.equal(traces.size, 50);
});

test("simulation: the same seed gives the same run on every runtime", async () => {
  const random = new SimulationRandom(7);
  assert.deepEqual(
    [random.integer(0, 999), random.exponential().toFixed(9), random.next()],
    GOLDEN_LOTS,
  );
  const { trace } = await simulate({
    seed: 7,
    link: {
      jitterMs: 5,
      lossRate: 0.2,
      duplicateRate: 0.2,
      reorderRate: 0.2,
      bytesPerSecond: 10_000,
    },
  }, async (simulation) => {
    const server = simulation.host("server");
    await echoServer(server, Transport.Udp);
    const node = record(simulation.host("client"));
    const { network } = node.handler;
    const to = await network.connectAsync(Transport.Udp, "server:3000");
    for (let at = 0; at < 100; at++) {
      network.send(to, new Uint8Array(at));
      await simulation.advance(3);
    }
    await simulation.advance(1_000);
  });
  let hash = 0;
  for (const unit of trace.map(formatSimulationEvent).join("\n")) {
    hash = (Math.imul(hash, 31) + (unit.codePointAt(0) ?? 0)) >>> 0;
  }
  assert.deepEqual([trace.length, hash], GOLDEN_TRACE);
});

test("simulation: a host more leaves the lots of the others alone", async () => {
  const run = async (others: readonly string[]) => {
    const { trace } = await simulate({ seed: 3 }, async (simulation) => {
      const server = simulation.host("server");
      const client = simulation.host("client");
      const more = others.map((name) => simulation.host(name));
      await echoServer(server);
      for (const host of more) {
        host.run(async () => {
          const node = record(host);
          const { network } = node.handler;
          const to = await network.connectAsync(
            Transport.FramedTcp,
            "server:3000",
          );
          network.send(to, "also here");
        });
      }
      const node = record(client);
      const { network } = node.handler;
      const to = await network.connectAsync(Transport.FramedTcp, "server:3000");
      for (let at = 0; at < 10; at++) {
        network.send(to, `message ${at}`);
        await simulation.advance(20);
      }
    });
    return trace
      .filter(({ from, to }) => from === "client" || to === "client")
      .map(formatSimulationEvent);
  };
  const alone = await run([]);
  assert(alone.length > 40);
  assert.deepEqual(await run(["x", "y", "z"]), alone);
});

test("simulation: calls by Rpc over a link that loses a third give the same run again", async () => {
  interface Adder {
    readonly add: {
      readonly request: readonly [number, number];
      readonly response: number;
    };
  }
  const body = async (simulation: Simulation) => {
    const server = simulation.host("server").createNode();
    const client = simulation.host("client").createNode();
    await server.handler.network.listen(Transport.FramedTcp, "0.0.0.0:3000");
    const adder = new Rpc<Adder, NoMethods>(server.handler, {
      handlers: { add: ([a, b]) => a + b },
    });
    server.listener.forEach((event) => void adder.handle(event));
    const rpc = new Rpc<NoMethods, Adder>(client.handler, { handlers: {} });
    client.listener.forEach((event) => void rpc.handle(event));
    const to = await client.handler.network.connectAsync(
      Transport.FramedTcp,
      "server:3000",
    );
    const sums = [];
    for (let at = 0; at < 20; at++) {
      sums.push(await rpc.call(to, "add", [at, 1]));
    }
    // Time limits of calls are the simulation's too.
    simulation.partition("client", "server");
    const before = simulation.now();
    await assert.rejects(rpc.call(to, "add", [1, 1]), { code: "timed-out" });
    assert(simulation.now() - before >= 30_000);
    return sums;
  };
  const options = { seed: 5, link: { lossRate: 0.33 } };
  const first = await simulate(options, body);
  assert.deepEqual(first.value, Array.from({ length: 20 }, (_, at) => at + 1));
  assert(first.trace.some(({ type }) => type === "retransmit"));
  assert.deepEqual(await simulate(options, body), first);
});

test("simulation: the generator is sfc32, even, and apart by name", () => {
  const random = new SimulationRandom(1);
  const buckets = new Array<number>(10).fill(0);
  let sum = 0;
  for (let at = 0; at < 20_000; at++) {
    const number = random.next();
    assert(number >= 0 && number < 1);
    buckets[Math.floor(number * 10)]! += 1;
    sum += random.exponential();
  }
  for (const count of buckets) {
    assert(Math.abs(count - 2_000) < 250, `${count}`);
  }
  assert(Math.abs(sum / 20_000 - 1) < 0.05, `${sum / 20_000}`);
  const firsts = new Set<number>();
  for (let seed = 0; seed < 1_000; seed++) {
    firsts.add(new SimulationRandom(seed).next());
    firsts.add(new SimulationRandom(seed).derive("a").next());
    firsts.add(new SimulationRandom(seed).derive("b").next());
  }
  assert.equal(firsts.size, 3_000);
  const shuffled = random.shuffle([1, 2, 3, 4, 5]);
  assert.deepEqual(shuffled.toSorted(), [1, 2, 3, 4, 5]);
  assert.equal(random.bytes(5).byteLength, 5);
  assert.throws(() => random.pick([]), RangeError);
});
