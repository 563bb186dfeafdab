/**
 * Time that jumps: in order, never back, and by hours in milliseconds.
 */

import assert from "node:assert/strict";
import { Transport, ws } from "../../mod.ts";
import { simulate } from "../../testing/testing.ts";
import { test } from "../_test.ts";
import { connected, echoServer, endOf, kinds, record } from "./_simulated.ts";

test("simulated time: what is due goes by its time, then in the order in which it was set", async () => {
  const { value } = await simulate(async (simulation) => {
    const done: string[] = [];
    const sleep = async (name: string, delayMs: number) => {
      await simulation.advance(delayMs);
      done.push(`${name} ${simulation.now()}`);
    };
    const all = [
      sleep("a", 20),
      sleep("b", 10),
      sleep("c", 20),
      sleep("d", 0),
      sleep("e", 0.0001),
      sleep("f", 10),
    ];
    assert.equal(simulation.now(), 0);
    await Promise.all(all);
    return done;
  });
  assert.deepEqual(value, [
    "d 0",
    "e 0.001",
    "b 10",
    "f 10",
    "a 20",
    "c 20",
  ]);
});

test("simulated time: all promises settle between two events", async () => {
  await simulate(async (simulation) => {
    const log: string[] = [];
    const chain = async (name: string) => {
      await simulation.advance(5);
      for (let at = 0; at < 100; at++) await Promise.resolve();
      log.push(name);
    };
    await Promise.all([chain("a"), chain("b"), chain("c")]);
    assert.deepEqual(log, ["a", "b", "c"]);
    assert.equal(simulation.now(), 5);
  });
});

test("simulated time: signals by timer come when they are due, over days, and the clock never goes back", async () => {
  const before = performance.now();
  const { elapsedMs } = await simulate(
    { timeLimitMs: Infinity },
    async (simulation) => {
      const DAY_MS = 24 * 60 * 60 * 1_000;
      const due: [string, number][] = [
        ["day", DAY_MS],
        ["soon", 5],
        ["month", 30 * DAY_MS],
        ["now", 0],
      ];
      const heard: [string, number][] = [];
      let last = 0;
      const { handler } = record(simulation.host("a"), (event) => {
        assert(simulation.now() >= last);
        last = simulation.now();
        if (event.type === "signal") heard.push([event.signal, last]);
      });
      for (const [name, delayMs] of due) {
        handler.signals.sendWithTimer(name, delayMs);
      }
      await simulation.runUntil(() => heard.length === due.length);
      assert.deepEqual(
        heard,
        due.toSorted(([, one], [, other]) => one - other),
      );
      assert.equal(handler.clock.now(), simulation.now());
    },
  );
  assert.equal(elapsedMs, 30 * 24 * 60 * 60 * 1_000);
  assert(performance.now() - before < 5_000);
});

test("simulated time: ten hours of pings go by in no time, and find the peer that is gone", async () => {
  const before = performance.now();
  await simulate({ seed: 1 }, async (simulation) => {
    const transport = ws({ engine: "coded" });
    const server = simulation.host("server");
    await echoServer(server, transport);
    const client = record(simulation.host("client"));
    await client.handler.network.connectAsync(transport, "server:3000", {
      pingIntervalMs: 10_000,
      pongTimeoutMs: 5_000,
    });
    await simulation.advance(10 * 60 * 60 * 1_000);
    assert.equal(endOf(client), undefined);
    server.crash();
    const crashedAt = simulation.now();
    await simulation.runUntil(() => endOf(client) !== undefined);
    assert.equal(endOf(client), "timeout");
    assert(simulation.now() - crashedAt <= 15_100);
  });
  assert(performance.now() - before < 10_000);
});

test("simulated time: attempts to reconnect are spread by the seed", async () => {
  const attempts = async (seed: number) => {
    const { trace } = await simulate(
      { seed, link: { latencyMs: 1 } },
      async (simulation) => {
        simulation.host("server");
        const { network } = record(simulation.host("client")).handler;
        network.connect(Transport.FramedTcp, "server:3000", {
          reconnect: { initialDelayMs: 1_000 },
        });
        await simulation.advance(60_000);
      },
    );
    return trace.filter(({ type, packet }) =>
      type === "send" && packet === "connect"
    ).map(({ atMs }) => atMs);
  };
  const first = await attempts(1);
  assert(first.length > 4, `${first}`);
  assert.deepEqual(await attempts(1), first);
  assert.notDeepEqual(await attempts(2), first);
});

test("simulated time: idleTimeoutMs and connectTimeoutMs are the simulation's", async () => {
  await simulate({ seed: 2 }, async (simulation) => {
    await echoServer(simulation.host("server"));
    const client = await connected(
      simulation.host("client"),
      Transport.FramedTcp,
      { idleTimeoutMs: 3_600_000 },
    );
    await simulation.runUntil(() => endOf(client) !== undefined);
    assert.equal(endOf(client), "timeout");
    assert(simulation.now() >= 3_600_000 && simulation.now() < 4_600_000);
  });
});

test("simulated time: runUntil waits for a condition or a promise, and tells what it waited for in vain", async () => {
  await simulate({ seed: 3 }, async (simulation) => {
    let isTrue = false;
    void simulation.advance(100).then(() => isTrue = true);
    await simulation.runUntil(() => isTrue);
    assert.equal(simulation.now(), 100);
    await simulation.runUntil(() => isTrue, { timeoutMs: 50 });
    assert.equal(simulation.now(), 100);
    const three = simulation.advance(10).then(() => 3);
    assert.equal(await simulation.runUntil(three, { timeoutMs: 50 }), 3);
    await assert.rejects(
      simulation.runUntil(() => !isTrue, { timeoutMs: 50, what: "the flood" }),
      /In vain waited 50 ms of simulated time for the flood/,
    );
    assert.equal(simulation.now(), 160);
    await assert.rejects(
      simulation.runUntil(new Promise(() => {}), { timeoutMs: 40 }),
      /In vain/,
    );
    await assert.rejects(
      simulation.runUntil(() => {
        throw new Error("of the condition");
      }),
      /of the condition/,
    );
    await assert.rejects(
      simulation.runUntil(Promise.reject(new Error("of the promise")), {
        timeoutMs: 1,
      }),
      /of the promise/,
    );
  });
});

test("simulated time: it stands still while something outside is awaited", async () => {
  await simulate({ seed: 4 }, async (simulation) => {
    let ticks = 0;
    const { handler } = record(simulation.host("a"), () => {
      ticks++;
      handler.signals.sendWithTimer("tick", 10);
    });
    handler.signals.sendWithTimer("tick", 10);
    await simulation.advance(100);
    const before = ticks;
    const digest = await simulation.outside(
      crypto.subtle.digest("SHA-256", new Uint8Array(1_000_000)),
    );
    assert.equal(digest.byteLength, 32);
    await assert.rejects(
      simulation.outside(
        new Promise((_, reject) => {
          setTimeout(() => reject(new Error("real")), 20);
        }),
      ),
      /real/,
    );
    assert.equal(ticks, before);
    await simulation.advance(100);
    assert.equal(ticks, before + 10);
  });
});

test("simulated time: with `globals`, timers, dates and lots of the runtime are the simulation's, and put back", async () => {
  const names = [
    "setTimeout",
    "setInterval",
    "setImmediate",
    "clearTimeout",
    "clearInterval",
    "clearImmediate",
    "Date",
  ];
  const real = names.map((name) => Reflect.get(globalThis, name));
  const { now } = performance;
  const { random } = Math;
  const body = async () => {
    const log: unknown[] = [];
    const start = Date.now();
    const interval = setInterval((name: string) => log.push(name), 1_000, "i");
    clearTimeout(setTimeout(() => log.push("cleared"), 500));
    setTimeout(() => log.push("once"), 2_500);
    setImmediate(() => log.push("at once"));
    await new Promise((resolve) => setTimeout(resolve, 3_600_000));
    clearInterval(interval);
    assert.equal(log.filter((entry) => entry === "i").length, 3_599);
    assert.deepEqual(
      log.filter((entry) => entry !== "i"),
      ["at once", "once"],
    );
    assert.equal(Date.now() - start, 3_600_000);
    assert.equal(new Date().getTime(), Date.now());
    assert.equal(new Date(5).getTime(), 5);
    assert(new Date() instanceof Date);
    assert.equal(performance.now(), 3_600_000);
    return Math.random();
  };
  const first = await simulate({ seed: 1, globals: true }, body);
  const again = await simulate({ seed: 1, globals: true }, body);
  const other = await simulate({ seed: 2, globals: true }, body);
  assert.equal(again.value, first.value);
  assert.notEqual(other.value, first.value);
  await assert.rejects(
    simulate({ globals: true }, () => {
      throw new Error("thrown");
    }),
    /thrown/,
  );
  await simulate(
    { globals: true },
    () =>
      assert.rejects(simulate({ globals: true }, () => {}), {
        code: "not-supported",
      }),
  );
  assert.deepEqual(names.map((name) => Reflect.get(globalThis, name)), real);
  assert.equal(performance.now, now);
  assert.equal(Math.random, random);
});

test("simulated time: what is left running when the body ends is stopped, and its tasks end", async () => {
  const tasks: PromiseLike<void>[] = [];
  await simulate({ seed: 6 }, async (simulation) => {
    await echoServer(simulation.host("server"));
    const client = await connected(simulation.host("client"));
    client.handler.network.send(client.toServer, "hello");
    const { handler, listener } = simulation.host("other").createNode();
    tasks.push(listener.forEach(() => {}));
    assert(handler.isRunning);
    simulation.host("server").pause();
    assert.deepEqual(kinds(client), ["connected"]);
  });
  for (const task of tasks) await task;
});
