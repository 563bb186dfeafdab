/**
 * How a simulation fails: with the seed, the reason, and the last of what happened.
 */

import assert from "node:assert/strict";
import { NetworkError, Transport } from "../../mod.ts";
import {
  formatSimulationEvent,
  simulate,
  simulateMany,
  type Simulation,
  SimulationError,
  type SimulationEvent,
  type SimulationFailure,
  type SimulationOptions,
} from "../../testing/testing.ts";
import { currentRuntimeCommand, run } from "../_support.ts";
import { test } from "../_test.ts";
import { connected, echoServer, record } from "./_simulated.ts";

async function failureOf(
  options: SimulationOptions,
  body: (simulation: Simulation) => void | Promise<void>,
): Promise<SimulationError> {
  try {
    await simulate(options, body);
  } catch (error) {
    assert(error instanceof SimulationError, String(error));
    assert.match(error.message, new RegExp(`with seed ${error.seed}\\b`));
    assert.match(error.message, new RegExp(`SIGNALBOX_SEED=${error.seed}\\b`));
    assert.match(
      error.message,
      new RegExp(`simulate\\(\\{ seed: ${error.seed} `),
    );
    return error;
  }
  return assert.fail("it did not fail");
}

const thrown = new Error("of the user's");

const FAILURES: readonly (readonly [
  string,
  SimulationFailure,
  SimulationOptions,
  (simulation: Simulation) => void | Promise<void>,
])[] = [
  ["a body that throws", "thrown", {}, () => {
    throw thrown;
  }],
  ["a body that rejects later", "thrown", {}, async (simulation) => {
    await simulation.advance(1_000);
    throw thrown;
  }],
  ["a callback that throws", "thrown", {}, async (simulation) => {
    await echoServer(simulation.host("server"));
    const { handler } = record(simulation.host("client"), () => {
      throw thrown;
    });
    handler.network.connect(Transport.FramedTcp, "server:3000");
    await simulation.advance(1_000);
  }],
  ["a program that throws", "thrown", {}, async (simulation) => {
    simulation.host("a").run(async (host) => {
      await host.sleep(10);
      throw thrown;
    });
    await simulation.advance(1_000);
  }],
  ["a program that throws at once", "thrown", {}, (simulation) => {
    simulation.host("a").run(() => {
      throw thrown;
    });
    return simulation.advance(1);
  }],
  ["a wait for nothing", "deadlock", {}, async () => {
    await new Promise(() => {});
  }],
  [
    "a wait for a message that nobody sends",
    "deadlock",
    {},
    async (simulation) => {
      await echoServer(simulation.host("server"));
      const client = await connected(simulation.host("client"));
      await simulation.runUntil(() => client.messages.length > 0);
    },
  ],
  [
    "a wait longer than the limit",
    "time-limit",
    { timeLimitMs: 60_000 },
    async (simulation) => {
      const { handler } = record(simulation.host("a"), () => {
        handler.signals.sendWithTimer("again", 1_000);
      });
      handler.signals.send("first");
      await new Promise(() => {});
    },
  ],
  ["a circle", "event-limit", { maxEvents: 5_000 }, async (simulation) => {
    for (;;) await simulation.advance(0);
  }],
  ["a real timer", "outside", {}, async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }],
  ["a real timer of a machine that stands still", "outside", {}, async () => {
    const late = new Promise((resolve) => setTimeout(resolve, 20));
    setTimeout(() => {
      const end = performance.now() + 150;
      while (performance.now() < end);
    }, 5);
    await late;
  }],
];

for (const [name, failure, options, body] of FAILURES) {
  test(`simulation: ${name} fails it: ${failure}, with the seed`, async () => {
    const error = await failureOf(options, body);
    assert.equal(error.failure, failure);
    assert.equal(error.cause, failure === "thrown" ? thrown : undefined);
    if (failure === "thrown") assert.match(error.message, /of the user's/);
    const again = await failureOf({ ...options, seed: error.seed }, body);
    assert.equal(again.atMs, error.atMs);
    assert.deepEqual(again.trace, error.trace);
  });
}

test("simulation: a failure tells the last of what happened", async () => {
  const error = await failureOf({ seed: 1 }, async (simulation) => {
    await echoServer(simulation.host("server"));
    const client = await connected(simulation.host("client"));
    client.handler.network.send(client.toServer, "hello");
    await simulation.runUntil(() => client.messages.length === 1);
    simulation.note("about to fail");
    simulation.partition("client", "server");
    throw thrown;
  });
  const lines = error.message.split("\n").slice(-3);
  assert.match(lines[0] ?? "", /deliver {2}server → client {2}data .*6 bytes/);
  assert.match(lines[1] ?? "", /note {2}about to fail/);
  assert.match(lines[2] ?? "", /link {2}client → server {2}partition/);
});

test("simulation: onEvent hears all, the trace keeps the last", async () => {
  const heard: SimulationEvent[] = [];
  const { trace } = await simulate({
    seed: 2,
    traceLimit: 5,
    onEvent: (event) => heard.push(event),
  }, async (simulation) => {
    for (let at = 0; at < 40; at++) simulation.note(`${at}`);
    await simulation.advance(1);
  });
  assert.deepEqual(heard.map(({ detail }) => detail).length, 40);
  assert.deepEqual(trace, heard.slice(-5));
  assert.deepEqual(trace.map(formatSimulationEvent).at(-1), "0 ms  note  39");
});

test("simulation: options out of range are invalid-option, naming the option", async () => {
  const wrong: readonly (readonly [string, SimulationOptions])[] = [
    ["seed", { seed: -1 }],
    ["seed", { seed: 1.5 }],
    ["seed", { seed: NaN }],
    ["streamTimeoutMs", { streamTimeoutMs: 0 }],
    ["timeLimitMs", { timeLimitMs: NaN }],
    ["maxEvents", { maxEvents: 0 }],
    ["streamCapacity", { streamCapacity: 0 }],
    ["traceLimit", { traceLimit: -1 }],
    ["lossRate", { link: { lossRate: 1.1 } }],
    ["duplicateRate", { link: { duplicateRate: -0.1 } }],
    ["reorderRate", { link: { reorderRate: NaN } }],
    ["splitRate", { link: { splitRate: 2 } }],
    ["latencyMs", { link: { latencyMs: -1 } }],
    ["latencyMs", { link: { latencyMs: [5, 4] } }],
    ["latencyMs", { link: { latencyMs: Infinity } }],
    ["jitterMs", { link: { jitterMs: -1 } }],
    ["reorderMs", { link: { reorderMs: Infinity } }],
    ["bytesPerSecond", { link: { bytesPerSecond: 0 } }],
    ["queueBytes", { link: { queueBytes: -1 } }],
  ];
  for (const [name, options] of wrong) {
    await assert.rejects(
      simulate(options, () => assert.fail("it ran")),
      (error) =>
        error instanceof NetworkError && error.code === "invalid-option" &&
        error.message.includes(`${name} `),
      name,
    );
  }
  await simulate(async (simulation) => {
    simulation.host("a");
    simulation.host("b");
    const link = simulation.link("a", "b");
    assert.throws(() => link.set({ lossRate: 2 }), { code: "invalid-option" });
    assert.equal(link.conditions?.lossRate, 0);
    await simulation.advance(1);
  });
});

test("simulation: what is no length of time, and no number of seeds, is invalid-option", async () => {
  const refused = (name: string) => (error: unknown) =>
    error instanceof NetworkError && error.code === "invalid-option" &&
    error.message.includes(`${name} `);
  const { elapsedMs } = await simulate(async (simulation) => {
    for (const wrong of [NaN, -1]) {
      await assert.rejects(simulation.advance(wrong), refused("delayMs"));
      await simulation.host("a").run((host) =>
        assert.rejects(host.sleep(wrong), refused("delayMs"))
      );
      await assert.rejects(
        simulation.runUntil(() => false, { timeoutMs: wrong }),
        refused("timeoutMs"),
      );
    }
    await simulation.advance(1);
  });
  assert.equal(elapsedMs, 1);
  for (const seeds of [0, -1, 1.5, NaN, []]) {
    await assert.rejects(
      simulateMany({ seeds }, () => assert.fail("it ran")),
      refused("seeds"),
    );
  }
  await assert.rejects(
    simulateMany({ seeds: 2, firstSeed: -1 }, () => assert.fail("it ran")),
    refused("firstSeed"),
  );
});

test("simulation: many seeds are run until one fails, which is told", async () => {
  const seen: number[] = [];
  const runs = await simulateMany({ seeds: 5 }, ({ seed }) => {
    seen.push(seed);
  });
  assert.equal(runs, 5);
  await simulateMany({ seeds: 2, firstSeed: 100 }, ({ seed }) => {
    seen.push(seed);
  });
  await simulateMany({ seeds: [7, 9] }, ({ seed }) => {
    seen.push(seed);
  });
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 100, 101, 7, 9]);
  await assert.rejects(
    simulateMany({ seeds: 100 }, async (simulation) => {
      await simulation.advance(1);
      assert(simulation.seed < 17);
    }),
    (error) => error instanceof SimulationError && error.seed === 17,
  );
});

test("simulation: SIGNALBOX_SEED gives the seed where none is given, and a bad one is refused", async () => {
  const program = new URL("./_programs/print_seed.ts", import.meta.url);
  const seeds = async (seed: string | undefined) => {
    const { stdout, stderr } = await run(currentRuntimeCommand(program), {
      env: { SIGNALBOX_SEED: seed },
    });
    assert.equal(stderr, "");
    return stdout.trim();
  };
  assert.equal(await seeds("4711"), "4711 5 4711");
  assert.match(await seeds("no number"), /^invalid-option/);
  const [drawn, given, many] = (await seeds(undefined)).split(" ");
  assert.match(drawn ?? "", /^\d+$/);
  assert.deepEqual([given, many], ["5", "1,2"]);
});
