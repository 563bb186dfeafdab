import assert from "node:assert/strict";
import { Backoff } from "../../network/backoff.ts";
import { fc } from "../_property.ts";
import { conforms, type TestNode } from "./_nodes.ts";
import {
  end,
  NOBODY,
  type Puppet,
  type PuppetTransport,
  puppetTransport,
  refused,
} from "./_puppet_transport.ts";
import {
  stopped,
  virtualPair,
  type VirtualTime,
  virtualTime,
} from "./_virtual.ts";

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

/** A test with a node in virtual time, which is stopped at its end. */
function inVirtualTime(
  behaviour: string,
  run: (parts: VirtualTime & { readonly node: TestNode }) => Promise<void>,
  random?: () => number,
): void {
  conforms("Backoff", behaviour, async (world) => {
    const time = virtualTime(random);
    const node = world.node("the node", { driver: time.driver });
    await run({ ...time, node });
    await stopped(time, node);
  });
}

/** Puppets whose fate is told in a microtask, and when each was asked for. */
function attempts(
  { clock }: VirtualTime,
  fate: (puppet: Puppet, count: number) => void,
): { readonly transport: PuppetTransport; readonly starts: number[] } {
  const starts: number[] = [];
  const transport = puppetTransport((puppet, count) => {
    starts.push(clock.now());
    queueMicrotask(() => fate(puppet, count));
  });
  return { transport, starts };
}

function fails(puppet: Puppet): void {
  end(puppet, refused());
}

/** These lots, then the highest. */
function drawn(...lots: readonly number[]): () => number {
  let at = 0;
  return () => lots[at++] ?? 0.999_999;
}

inVirtualTime(
  "attempts begin when the lots say, by the clock of the driver",
  async (parts) => {
    const { node, pass } = parts;
    const { transport, starts } = attempts(parts, fails);
    node.network.connect(transport, NOBODY, {
      reconnect: { initialDelayMs: 100, maxDelayMs: 1_000, factor: 3 },
    });
    await pass(3_200);
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
  },
  drawn(0.5, 0, 0.25, 0.75),
);

inVirtualTime(
  "a server that accepts and closes at once is left alone more and more",
  async (parts) => {
    const { node, pass } = parts;
    const { transport, starts } = attempts(parts, (puppet) => {
      puppet.events.ready();
      end(puppet);
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
  },
);

inVirtualTime(
  "after a connection that was stable the first delay is short again",
  async (parts) => {
    const { node, clock, pass } = parts;
    const { transport, starts } = attempts(
      parts,
      (puppet, count) => count < 6 ? fails(puppet) : puppet.events.ready(),
    );
    node.network.connect(transport, NOBODY, { reconnect: true });
    await pass(20_000);
    assert.equal(starts.length, 7);
    const up = clock.now();
    end(transport.puppets[6] ?? assert.fail());
    await pass(100);
    assert.equal(Math.round((starts[7] ?? 0) - up), 50);
  },
);

inVirtualTime(
  "maxAttempts counts the attempts of one outage, maxOutageMs the time of one",
  async (parts) => {
    const { node, pass } = parts;
    let isDown = false;
    const { transport, starts } = attempts(
      parts,
      (puppet) => isDown ? fails(puppet) : puppet.events.ready(),
    );
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
  },
);

inVirtualTime(
  "an attempt under way when maxOutageMs is over is closed",
  async (parts) => {
    const { node, clock, pass } = parts;
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
    await stopped(parts, node);
    assert.equal(clock.pending, 0);
  },
);

for (const how of ["remove", "stop"] as const) {
  inVirtualTime(
    `no attempt follows a ${how} during the wait`,
    async (parts) => {
      const { node, pass } = parts;
      const { transport } = attempts(parts, fails);
      const { resourceId } = node.network.connect(transport, NOBODY, {
        reconnect: { maxOutageMs: 60_000 },
      });
      await pass(120);
      assert.equal(transport.puppets.length, 2);
      if (how === "remove") node.remove(resourceId);
      else await stopped(parts, node);
      await pass(70_000);
      assert.equal(transport.puppets.length, 2);
      assert.equal(node.events.length, 0);
    },
  );
}

inVirtualTime(
  "the time limit of an attempt that failed does not run on into the wait",
  async (parts) => {
    const { node, pass } = parts;
    const { transport, starts } = attempts(parts, fails);
    node.network.connect(transport, NOBODY, {
      connectTimeoutMs: 100,
      reconnect: { initialDelayMs: 1_000, maxDelayMs: 1_000 },
    });
    await pass(1_900);
    assert.deepEqual(starts.map(Math.round), [0, 500, 1_000, 1_500]);
  },
);

inVirtualTime(
  "the time of one outage does not run on into the next",
  async (parts) => {
    const { node, pass } = parts;
    const { transport } = attempts(parts, ({ events }) => events.ready());
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
  },
);

conforms(
  "Memory",
  "reconnects in virtual time, and no lot is drawn elsewhere than from the driver",
  async (world) => {
    const { server, client, endpoint, pass, stop } = await virtualPair(world, {
      reconnect: true,
    });
    const [accepted] = server.all("accepted");
    server.network.remove(accepted?.endpoint.resourceId ?? assert.fail());
    await pass(45);
    assert.equal(client.network.isReady(endpoint.resourceId), false);
    await pass(20);
    assert.equal(client.network.isReady(endpoint.resourceId), true);
    await stop();
  },
);
