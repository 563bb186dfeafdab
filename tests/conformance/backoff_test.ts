import assert from "node:assert/strict";
import { type ReconnectOptions, Transport } from "../../mod.ts";
import { Backoff } from "../../network/backoff.ts";
import { fc } from "../_property.ts";
import { conforms, type TestNode } from "./_nodes.ts";
import { end, NOBODY, puppetTransport, refused } from "./_puppet_transport.ts";
import { virtualTime } from "./_virtual.ts";

conforms(
  "Backoff",
  "each delay is from 0 to below a bound that grows by the factor, up to the maximum",
  () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 0, max: 10_000_000 }),
      fc.double({ min: 1, max: 1_000, noNaN: true }),
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
        maxLength: 40,
      }),
      (initialDelayMs, more, factor, lots) => {
        const maxDelayMs = initialDelayMs + more;
        let at = 0;
        const backoff = new Backoff(
          { initialDelayMs, maxDelayMs, factor },
          () => lots[at] ?? 0,
        );
        let bound = initialDelayMs;
        for (; at < lots.length; at += 1) {
          const delay = backoff.next();
          assert(delay >= 0 && delay < maxDelayMs);
          const expected = (lots[at] ?? 0) * bound;
          assert(Math.abs(delay - expected) <= expected * 1e-9);
          bound = Math.min(maxDelayMs, initialDelayMs * factor ** (at + 1));
        }
      },
    ));
  },
);

conforms(
  "Backoff",
  "the bound starts over after a connection that was up longer than it, and than a second",
  () => {
    const times = { initialDelayMs: 100, maxDelayMs: 10_000, factor: 2 };
    const after = (failures: number, upMs: number) => {
      const backoff = new Backoff(times, () => 0.5);
      for (let at = 0; at < failures; at += 1) backoff.next();
      backoff.wasUp(upMs);
      return backoff.next() * 2;
    };
    assert.equal(after(1, 999), 200);
    assert.equal(after(1, 1_000), 100);
    // The last bound was 1,600.
    assert.equal(after(5, 1_599), 3_200);
    assert.equal(after(5, 1_600), 100);
    assert.equal(after(50, 9_999), 10_000);
    assert.equal(after(50, 10_000), 100);
  },
);

async function attemptsOf(
  node: TestNode,
  pass: (ms: number) => Promise<void>,
  now: () => number,
  reconnect: ReconnectOptions,
  ms: number,
): Promise<number[]> {
  const starts: number[] = [];
  const transport = puppetTransport((puppet) => {
    starts.push(now());
    queueMicrotask(() => end(puppet, refused()));
  });
  node.network.connect(transport, NOBODY, { reconnect });
  await pass(ms);
  return starts;
}

conforms(
  "Backoff",
  "attempts begin when the lots say, by the clock of the driver",
  async (world) => {
    const lots = [0.5, 0, 0.25, 0.75];
    let at = 0;
    const { driver, clock, pass } = virtualTime(() => lots[at++] ?? 0.999_999);
    const node = world.node("the node", { driver });
    const starts = await attemptsOf(node, pass, () => clock.now(), {
      initialDelayMs: 100,
      maxDelayMs: 1_000,
      factor: 3,
    }, 3_200);
    assert.deepEqual(starts.map(Math.round), [
      0,
      50,
      50,
      // 0.25 of 900, then 0.75 of the maximum.
      275,
      1_025,
      2_025,
      3_025,
    ]);
    await stopped(node, pass);
  },
);

/** Stops a node in virtual time. */
async function stopped(
  node: TestNode,
  pass: (ms: number) => Promise<void>,
): Promise<void> {
  const stopping = node.handler.stop();
  await pass(5);
  await stopping;
}

conforms(
  "Backoff",
  "a server that accepts and closes at once is left alone more and more",
  async (world) => {
    const { driver, clock, pass } = virtualTime();
    const node = world.node("the node", { driver });
    const starts: number[] = [];
    const transport = puppetTransport((puppet) => {
      starts.push(clock.now());
      queueMicrotask(() => {
        puppet.events.ready();
        end(puppet);
      });
    });
    node.network.connect(transport, NOBODY, { reconnect: true });
    await pass(60_000);
    const gaps = starts.slice(1).map((start, index) =>
      Math.round(start - (starts[index] ?? 0))
    );
    assert.deepEqual(gaps, [
      50,
      100,
      200,
      400,
      800,
      1_600,
      3_200,
      6_400,
      12_800,
      15_000,
      15_000,
    ]);
    // Each time the program is told, in pairs.
    assert.equal(node.count("connected"), 12);
    assert.equal(node.count("disconnected"), 12);
    await stopped(node, pass);
  },
);

conforms(
  "Backoff",
  "after a connection that was stable the first delay is short again",
  async (world) => {
    const { driver, clock, pass } = virtualTime();
    const node = world.node("the node", { driver });
    const starts: number[] = [];
    const transport = puppetTransport((puppet, count) => {
      starts.push(clock.now());
      queueMicrotask(() => {
        if (count < 6) return end(puppet, refused());
        puppet.events.ready();
      });
    });
    node.network.connect(transport, NOBODY, { reconnect: true });
    await pass(20_000);
    assert.equal(starts.length, 7);
    const up = clock.now();
    end(transport.puppets[6] ?? assert.fail());
    await pass(100);
    assert.equal(Math.round((starts[7] ?? 0) - up), 50);
    await stopped(node, pass);
  },
);

conforms(
  "Backoff",
  "maxAttempts counts the attempts of one outage, maxOutageMs the time of one",
  async (world) => {
    const { driver, clock, pass } = virtualTime();
    const node = world.node("the node", { driver });
    let isDown = false;
    const starts: number[] = [];
    const transport = puppetTransport((puppet) => {
      starts.push(clock.now());
      queueMicrotask(() => {
        if (isDown) end(puppet, refused());
        else puppet.events.ready();
      });
    });
    const last = () => transport.puppets.at(-1) ?? assert.fail();
    const reconnect = { maxAttempts: 3, maxOutageMs: 10_000 };
    node.network.connect(transport, NOBODY, { reconnect });
    await pass(2_000);
    for (const attempts of [1, 2]) {
      end(last());
      await pass(2_000);
      assert.equal(starts.length, 1 + attempts, "a new count each time");
    }
    isDown = true;
    end(last());
    await pass(10_000);
    assert.equal(starts.length, 6);
    const { ok, error } = node.all("connected").at(-1) ?? assert.fail();
    assert.equal(ok, false);
    assert.equal(error?.code, "connection-refused");
    await stopped(node, pass);
  },
);

conforms(
  "Backoff",
  "an attempt under way when maxOutageMs is over is closed",
  async (world) => {
    const { driver, clock, pass } = virtualTime();
    const node = world.node("the node", { driver });
    const transport = puppetTransport();
    node.network.connect(transport, NOBODY, {
      connectTimeoutMs: 0,
      reconnect: { maxOutageMs: 500 },
    });
    await pass(499);
    assert.equal(node.events.length, 0);
    await pass(2);
    assert.equal(node.all("connected")[0]?.error?.code, "timed-out");
    await pass(5);
    assert.equal(node.handler.stats().connections, 0);
    assert.equal(transport.puppets.length, 1);
    await stopped(node, pass);
    assert.equal(clock.pending, 0);
  },
);

for (const how of ["remove", "stop"] as const) {
  conforms(
    "Backoff",
    `no attempt follows a ${how} during the wait`,
    async (world) => {
      const { driver, pass } = virtualTime();
      const node = world.node("the node", { driver });
      const transport = puppetTransport((puppet) =>
        queueMicrotask(() => end(puppet, refused()))
      );
      const { resourceId } = node.network.connect(transport, NOBODY, {
        reconnect: { maxOutageMs: 60_000 },
      });
      await pass(120);
      assert.equal(transport.puppets.length, 2);
      if (how === "remove") node.remove(resourceId);
      else await stopped(node, pass);
      await pass(70_000);
      assert.equal(transport.puppets.length, 2);
      assert.equal(node.events.length, 0);
      if (how === "remove") await stopped(node, pass);
    },
  );
}

conforms(
  "Backoff",
  "the time limit of an attempt that failed does not run on into the wait",
  async (world) => {
    const { driver, clock, pass } = virtualTime();
    const node = world.node("the node", { driver });
    const starts: number[] = [];
    const transport = puppetTransport((puppet) => {
      starts.push(clock.now());
      queueMicrotask(() => end(puppet, refused()));
    });
    node.network.connect(transport, NOBODY, {
      connectTimeoutMs: 100,
      reconnect: { initialDelayMs: 1_000, maxDelayMs: 1_000 },
    });
    await pass(1_900);
    assert.deepEqual(starts.map(Math.round), [0, 500, 1_000, 1_500]);
    await stopped(node, pass);
  },
);

conforms(
  "Backoff",
  "the time of one outage does not run on into the next",
  async (world) => {
    const { driver, pass } = virtualTime();
    const node = world.node("the node", { driver });
    const transport = puppetTransport((puppet) =>
      queueMicrotask(() => puppet.events.ready())
    );
    node.network.connect(transport, NOBODY, {
      reconnect: {
        initialDelayMs: 1_000,
        maxDelayMs: 1_000,
        maxOutageMs: 1_200,
      },
    });
    await pass(1_000);
    // Ends at 1,000, is up at 1,500, ends at 2,000: the first outage would be over at 2,200.
    for (const at of [0, 1]) {
      end(transport.puppets[at] ?? assert.fail());
      await pass(1_000);
    }
    assert.deepEqual(node.all("connected").map(({ ok }) => ok), [
      true,
      true,
      true,
    ]);
    await stopped(node, pass);
  },
);

conforms(
  "Memory",
  "reconnects in virtual time, and no lot is drawn elsewhere than from the driver",
  async (world) => {
    const { driver, pass } = virtualTime();
    const server = world.node("the server", { driver });
    const client = world.node("the client", { driver });
    const listening = server.network.listen(Transport.FramedTcp, "127.0.0.1:0");
    await pass(5);
    const { address } = await listening;
    const endpoint = client.network.connect(Transport.FramedTcp, address, {
      reconnect: true,
    });
    await pass(5);
    const [accepted] = server.all("accepted");
    server.network.remove(accepted?.endpoint.resourceId ?? assert.fail());
    await pass(45);
    assert.equal(client.network.isReady(endpoint.resourceId), false);
    await pass(20);
    assert.equal(client.network.isReady(endpoint.resourceId), true);
    await stopped(client, pass);
    await stopped(server, pass);
  },
);
