/**
 * What each fault of a link does to datagrams, exactly.
 */

import assert from "node:assert/strict";
import { Transport } from "../../mod.ts";
import {
  type LinkConditions,
  simulate,
  type Simulation,
} from "../../testing/testing.ts";
import { test } from "../_test.ts";
import { endOf, record, type RecordedNode } from "./_simulated.ts";

interface Arrival {
  readonly number: number;
  readonly tookMs: number;
}

/** Sends numbered datagrams of 100 bytes, one each `everyMs`, and tells of what arrived. */
async function arrivals(
  seed: number,
  link: LinkConditions,
  count = 300,
  everyMs = 1,
  during: (simulation: Simulation, number: number) => void = () => {},
): Promise<Arrival[]> {
  const { value } = await simulate({ seed, link }, async (simulation) => {
    const arrived: Arrival[] = [];
    const sentAt: number[] = [];
    const server = record(simulation.host("server"), (event) => {
      if (event.type !== "message") return;
      const number = new DataView(event.data.slice().buffer).getUint32(0);
      const tookMs = simulation.now() - (sentAt[number] ?? NaN);
      arrived.push({ number, tookMs });
    });
    await server.handler.network.listen(Transport.Udp, "0.0.0.0:3000");
    const client = record(simulation.host("client"));
    const { network } = client.handler;
    const to = await network.connectAsync(Transport.Udp, "server:3000");
    for (let number = 0; number < count; number++) {
      during(simulation, number);
      const data = new Uint8Array(100);
      new DataView(data.buffer).setUint32(0, number);
      sentAt.push(simulation.now());
      network.send(to, data);
      await simulation.advance(everyMs);
    }
    await simulation.advance(60_000);
    assert.deepEqual(client.messages, []);
    return arrived;
  });
  return value;
}

const numbers = (all: readonly Arrival[]) => all.map(({ number }) => number);
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);
const near = (actual: number, expected: number, by: number) =>
  assert(
    Math.abs(actual - expected) <= by,
    `${actual} is not ${expected}±${by}`,
  );

test("simulated link: a fixed latency is what each datagram takes", async () => {
  const all = await arrivals(1, { latencyMs: 25 }, 50);
  assert.deepEqual(numbers(all), upTo(50));
  for (const { tookMs } of all) near(tookMs, 25, 0.002);
});

test("simulated link: a latency between two bounds stays between them, and the order is kept", async () => {
  const all = await arrivals(2, { latencyMs: [10, 30] }, 300, 50);
  assert.deepEqual(numbers(all), upTo(300));
  let sum = 0;
  for (const { tookMs } of all) {
    assert(tookMs >= 10 && tookMs <= 30.002, `${tookMs}`);
    sum += tookMs;
  }
  near(sum / 300, 20, 1.5);
  // Sent faster than the latency varies, they wait for each other.
  assert.deepEqual(
    numbers(await arrivals(2, { latencyMs: [10, 30] })),
    upTo(300),
  );
});

test("simulated link: jitter is added on top, with the mean that it says, and the order is kept", async () => {
  const all = await arrivals(3, { latencyMs: 10, jitterMs: 20 }, 500, 1_000);
  assert.deepEqual(numbers(all), upTo(500));
  let sum = 0;
  for (const { tookMs } of all) {
    assert(tookMs >= 10);
    sum += tookMs;
  }
  near(sum / 500, 30, 3);
});

for (const lossRate of [0, 0.1, 0.5, 1]) {
  test(`simulated link: of datagrams ${lossRate} are lost, and no others`, async () => {
    const all = await arrivals(4, { lossRate }, 500);
    near(all.length, 500 * (1 - lossRate), lossRate % 1 === 0 ? 0 : 35);
    assert.deepEqual(
      numbers(all),
      numbers(all).toSorted((one, other) => one - other),
    );
    assert.equal(new Set(numbers(all)).size, all.length);
  });
}

test("simulated link: a rate of duplicates doubles so many, and only doubles them", async () => {
  const all = await arrivals(5, { duplicateRate: 0.3 }, 500);
  near(all.length, 650, 35);
  assert.deepEqual([...new Set(numbers(all))], upTo(500));
});

test("simulated link: a rate of reordering lets later datagrams overtake, and loses none", async () => {
  const latencyMs = 5;
  const all = await arrivals(6, { latencyMs, reorderRate: 0.2, reorderMs: 40 });
  assert.deepEqual(
    numbers(all).toSorted((one, other) => one - other),
    upTo(300),
  );
  assert.notDeepEqual(numbers(all), upTo(300));
  const late = all.filter(({ tookMs }) => tookMs > latencyMs + 0.01);
  near(late.length, 60, 20);
  for (const { tookMs } of late) assert(tookMs <= latencyMs + 40.002);
});

test("simulated link: a throttle lets so many bytes through in a second, and loses what its queue does not hold", async () => {
  const link = { latencyMs: 0, bytesPerSecond: 10_000, queueBytes: 1_000 };
  // 100 bytes each 10 ms are just what fits.
  const fitting = await arrivals(7, link, 100, 10);
  assert.deepEqual(numbers(fitting), upTo(100));
  for (const { tookMs } of fitting) near(tookMs, 10, 0.01);
  // Twice as much: half is lost, and what is not waits its turn.
  const all = await arrivals(7, link, 200, 5);
  near(all.length, 100, 15);
  for (const { tookMs } of all) assert(tookMs <= 121);
  const unqueued = await arrivals(7, { ...link, queueBytes: 1e9 }, 200, 5);
  assert.deepEqual(numbers(unqueued), upTo(200));
  near(unqueued.at(-1)?.tookMs ?? 0, 200 * 10 - 199 * 5, 1);
});

test("simulated link: a partition loses what is sent and what is under way, until it heals", async () => {
  const all = await arrivals(
    8,
    { latencyMs: 10.5 },
    300,
    1,
    (simulation, number) => {
      if (number === 100) simulation.partition("client", "server");
      if (number === 200) simulation.heal("server", "client");
    },
  );
  const expected = upTo(300).filter((number) => number < 90 || number >= 200);
  assert.deepEqual(numbers(all), expected);
});

test("simulated link: a route can be parted in one direction alone", async () => {
  await simulate({ seed: 9 }, async (simulation) => {
    const [a, b] = ["a", "b"].map((name) => simulation.host(name));
    assert(a !== undefined && b !== undefined);
    const nodes: RecordedNode[] = [];
    for (const host of [a, b]) {
      const node = record(host);
      await node.handler.network.listen(Transport.Udp, "0.0.0.0:5000");
      nodes.push(node);
    }
    simulation.route(a, b).partition();
    assert(simulation.route(a, b).isPartitioned);
    assert(!simulation.route(b, a).isPartitioned);
    const [atA, atB] = nodes;
    const toB = await atA?.handler.network.connectAsync(
      Transport.Udp,
      "b:5000",
    );
    const toA = await atB?.handler.network.connectAsync(
      Transport.Udp,
      "a:5000",
    );
    assert(toA !== undefined && toB !== undefined);
    atA?.handler.network.send(toB, "lost");
    atB?.handler.network.send(toA, "arrives");
    await simulation.advance(1_000);
    assert.deepEqual(atA?.messages, ["arrives"]);
    assert.deepEqual(atB?.messages, []);
  });
});

test("simulated link: what is held arrives at the release, all of it and in order", async () => {
  const all = await arrivals(
    10,
    { latencyMs: 5.5 },
    300,
    1,
    (simulation, number) => {
      if (number === 50) simulation.link("client", "server").hold();
      if (number === 250) simulation.link("client", "server").release();
    },
  );
  assert.deepEqual(numbers(all), upTo(300));
  near(all[45]?.tookMs ?? 0, 250 - 45, 0.01);
  near(all[249]?.tookMs ?? 0, 5.5, 0.01);
});

test("simulated link: datagrams to a host that has crashed are lost, and arrive again after its restart", async () => {
  await simulate({ seed: 11 }, async (simulation) => {
    const server = simulation.host("server");
    const got: string[] = [];
    server.run(async (host) => {
      const node = record(host, (event) => {
        if (event.type === "message") got.push(node.messages.at(-1) ?? "");
      });
      await node.handler.network.listen(Transport.Udp, "0.0.0.0:3000");
    });
    const client = record(simulation.host("client"));
    const { network } = client.handler;
    const to = await network.connectAsync(Transport.Udp, "server:3000");
    network.send(to, "one");
    await simulation.advance(100);
    server.crash();
    network.send(to, "two");
    await simulation.advance(100);
    server.restart();
    await simulation.advance(0);
    network.send(to, "three");
    await simulation.advance(100);
    assert.deepEqual(got, ["one", "three"]);
    assert.equal(endOf(client), undefined);
  });
});

test("simulated link: a datagram to a port that nobody has comes back as connection-refused", async () => {
  await simulate({ seed: 12 }, async (simulation) => {
    simulation.host("server");
    const client = record(simulation.host("client"));
    const { network } = client.handler;
    const to = await network.connectAsync(Transport.Udp, "server:3000");
    network.send(to, "to nobody");
    await simulation.advance(100);
    const refused = simulation.trace.filter(({ packet }) =>
      packet === "unreachable"
    );
    assert.deepEqual(
      refused.map(({ type, from }) => [type, from]),
      [["send", "server"], ["deliver", "server"]],
    );
  });
});

test("simulated link: multicast reaches each member over the member's own link", async () => {
  await simulate({ seed: 13, link: { latencyMs: 5 } }, async (simulation) => {
    const names = ["a", "b", "c", "d"];
    const nodes = new Map<string, RecordedNode>();
    for (const name of names) {
      const node = record(simulation.host(name));
      nodes.set(name, node);
      await node.handler.network.listen(Transport.Udp, "239.1.1.1:5000");
    }
    simulation.partition("a", "c");
    simulation.link("a", "d").set({ latencyMs: 500 });
    const { network } = nodes.get("a")?.handler ?? assert.fail();
    const group = await network.connectAsync(Transport.Udp, "239.1.1.1:5000");
    network.send(group, "to all");
    await simulation.advance(100);
    assert.deepEqual(
      names.map((name) => nodes.get(name)?.messages.length),
      [1, 1, 0, 0],
    );
    await simulation.advance(500);
    assert.deepEqual(nodes.get("d")?.messages, ["to all"]);
    assert.deepEqual(nodes.get("c")?.messages, []);
  });
});
