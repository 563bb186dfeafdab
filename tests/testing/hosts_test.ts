/**
 * Hosts that crash, restart and stand still.
 */

import assert from "node:assert/strict";
import {
  type Adapter,
  createNode,
  type NetworkError,
  Transport,
} from "../../mod.ts";
import {
  type HostProcess,
  simulate,
  type SimulatedHost,
  type Simulation,
} from "../../testing/testing.ts";
import { test } from "../_test.ts";
import { connected, echoServer, endOf, kinds, record } from "./_simulated.ts";

test("simulated host: it has a name and an address of its own, and ports of its own", async () => {
  await simulate(async (simulation) => {
    const a = simulation.host("a");
    const b = simulation.host("b");
    const numeric = simulation.host("192.168.7.7");
    assert.deepEqual(
      [a.address, b.address, numeric.address],
      ["10.0.0.1", "10.0.0.2", "192.168.7.7"],
    );
    assert.equal(simulation.host("a"), a);
    assert.deepEqual(simulation.hosts, [a, b, numeric]);
    for (const host of [a, b, numeric]) await echoServer(host);
    for (const to of ["b:3000", "10.0.0.2:3000", "192.168.7.7:3000"]) {
      const { network } = record(a).handler;
      const endpoint = await network.connectAsync(Transport.FramedTcp, to);
      assert.equal(
        network.localAddress(endpoint.resourceId)?.hostname,
        "10.0.0.1",
      );
    }
    // Itself, by its name and by localhost, without a link between.
    const before = simulation.now();
    for (const to of ["a:3000", "localhost:3000"]) {
      await record(a).handler.network.connectAsync(Transport.FramedTcp, to);
    }
    assert.equal(simulation.now(), before);
    for (const name of ["", "-a", "z:1", "a b", "localhost"]) {
      assert.throws(() => simulation.host(name), { code: "invalid-address" });
    }
    assert.throws(() => simulation.partition("a", "c"), /no host "c"/);
  });
});

test("simulated host: a Unix path is the host's own, a name of Memory is everybody's", async () => {
  await simulate(async (simulation) => {
    const a = simulation.host("a");
    const b = simulation.host("b");
    await echoServer(a, Transport.Unix, "/run/service.sock");
    await echoServer(a, Transport.Memory, "memory:service");
    const connects = (host: SimulatedHost, transport: Adapter, path: string) =>
      record(host).handler.network.connectAsync(transport, { path });
    await connects(a, Transport.Unix, "/run/service.sock");
    await assert.rejects(connects(b, Transport.Unix, "/run/service.sock"), {
      code: "connection-refused",
    });
    await connects(a, Transport.Memory, "service");
    const before = simulation.now();
    await connects(b, Transport.Memory, "service");
    assert(simulation.now() > before);
  });
});

test("simulated host: a node made with the driver of a host is of the simulation too", async () => {
  await simulate(async (simulation) => {
    await echoServer(simulation.host("server"));
    const { driver } = simulation.host("client");
    const { handler, listener } = createNode({ driver });
    const to = await handler.network.connectAsync(
      Transport.FramedTcp,
      "server:3000",
    );
    handler.network.send(to, "hello");
    for await (const event of listener) {
      if (event.type === "message") break;
    }
    await handler.stop();
  });
});

test("simulated host: a crash tells nobody; who sends times out, who connects too", async () => {
  await simulate({ seed: 1 }, async (simulation) => {
    const server = simulation.host("server");
    const node = await echoServer(server);
    const silent = await connected(simulation.host("silent"));
    const talking = await connected(simulation.host("talking"));
    await simulation.advance(100);
    server.crash();
    assert(!server.isRunning);
    assert(!node.handler.isRunning);
    talking.handler.network.send(talking.toServer, "anybody there?");
    await simulation.advance(59_000);
    assert.deepEqual([endOf(silent), endOf(talking)], [undefined, undefined]);
    await simulation.advance(1_100);
    assert.deepEqual([endOf(silent), endOf(talking)], [undefined, "timeout"]);
    await assert.rejects(connected(simulation.host("third")), {
      code: "timed-out",
    });
    // The crashed program hears of nothing.
    assert.deepEqual(kinds(node), ["accepted", "accepted"]);
  });
});

test("simulated host: after a restart, old connections are reset at the next send, and new ones are made", async () => {
  await simulate({ seed: 2 }, async (simulation) => {
    const server = simulation.host("server");
    let starts = 0;
    await server.run(async (host) => {
      starts++;
      await echoServer(host);
    });
    const old = await connected(simulation.host("client"));
    await simulation.advance(100);
    server.restart();
    await simulation.advance(1_000);
    assert.equal(starts, 2);
    assert.equal(endOf(old), undefined);
    old.handler.network.send(old.toServer, "still you?");
    await simulation.advance(100);
    assert.equal(endOf(old), "reset");
    const fresh = await connected(simulation.host("client"));
    fresh.handler.network.send(fresh.toServer, "hello");
    await simulation.runUntil(() => fresh.messages.length === 1);
  });
});

test("simulated host: keepAliveMs finds a peer that has crashed, and leaves one that is silent alone", async () => {
  for (const isCrashing of [true, false]) {
    await simulate({ seed: 3 }, async (simulation) => {
      const server = simulation.host("server");
      await echoServer(server);
      const client = record(simulation.host("client"));
      await client.handler.network.connectAsync(
        Transport.FramedTcp,
        "server:3000",
        { keepAliveMs: 30_000 },
      );
      await simulation.advance(100);
      if (isCrashing) server.crash();
      await simulation.advance(3_600_000);
      assert.equal(endOf(client), isCrashing ? "timeout" : undefined);
    });
  }
});

test("simulated host: timers, sleeps and programs of a crashed host are dead, its signal is aborted", async () => {
  await simulate({ seed: 4 }, async (simulation) => {
    const host = simulation.host("a");
    const told: string[] = [];
    const ended: string[] = [];
    host.run(async (self) => {
      const { handler, listener } = self.createNode<string>();
      handler.signals.sendWithTimer("late", 1_000);
      self.signal.addEventListener("abort", () => told.push("abort"));
      listener.forEach((event) => told.push(event.type));
      void self.sleep(2_000).then(() => told.push("slept"));
      await handler.network.connectAsync(Transport.Tcp, "10.0.0.2:1")
        .catch((error: NetworkError) => ended.push(error.code));
      assert.throws(() => self.createNode(), { code: "stopped" });
      throw new Error("of no interest any more");
    });
    simulation.host("b").crash();
    await simulation.advance(500);
    host.crash();
    host.crash();
    assert.deepEqual(told, ["abort"]);
    await simulation.advance(10_000);
    assert.deepEqual(told, ["abort"]);
    assert.deepEqual(ended, ["aborted"]);
    assert(host.current.signal.aborted);
    assert.throws(() => host.createNode(), { code: "stopped" });
    const next = host.restart(undefined);
    assert.equal(next, host.current);
    assert(!next.signal.aborted);
  });
});

test("simulated host: the address of a crashed host's listener is free for the next life, names of Memory too", async () => {
  await simulate({ seed: 5 }, async (simulation) => {
    const server = simulation.host("server");
    for (let life = 0; life < 3; life++) {
      await echoServer(server);
      await echoServer(server, Transport.Memory, "memory:name");
      const client = record(simulation.host("client"));
      await client.handler.network.connectAsync(
        Transport.Memory,
        "memory:name",
      );
      server.restart();
    }
    await assert.rejects(
      record(simulation.host("client")).handler.network.connectAsync(
        Transport.Memory,
        "memory:name",
      ),
      { code: "connection-refused" },
    );
  });
});

test("simulated host: while it is paused nothing of it runs and nothing is lost, and all follows in order", async () => {
  await simulate({ seed: 6 }, async (simulation) => {
    const server = simulation.host("server");
    const node = await echoServer(server);
    const client = await connected(simulation.host("client"));
    await simulation.advance(100);
    server.pause();
    server.pause();
    assert(server.isPaused);
    node.handler.signals.sendWithTimer("tick", 1_000);
    for (let at = 0; at < 5; at++) {
      client.handler.network.send(client.toServer, `${at}`);
      await simulation.advance(60_000);
    }
    // Its system accepts and acknowledges, as that of a stopped process does.
    const late = await connected(simulation.host("late"));
    late.handler.network.send(late.toServer, "late");
    await simulation.advance(1_000_000);
    assert.deepEqual(kinds(node), ["accepted"]);
    assert.deepEqual([endOf(client), endOf(late)], [undefined, undefined]);
    server.resume();
    assert(!server.isPaused);
    await simulation.runUntil(() => client.messages.length === 5);
    await simulation.runUntil(() => late.messages.length === 1);
    assert.deepEqual(client.messages, ["0", "1", "2", "3", "4"]);
    assert.equal(
      node.events.filter(({ type }) => type === "signal").length,
      1,
    );
  });
});

test("simulated host: timers that were due while it was paused fire once it goes on, in order", async () => {
  await simulate(async (simulation) => {
    const host = simulation.host("a");
    const fired: string[] = [];
    for (const delayMs of [30, 10, 20, 500]) {
      host.driver.setTimer(
        () => fired.push(`${delayMs} at ${simulation.now()}`),
        delayMs,
      );
    }
    const cleared = host.driver.setTimer(() => fired.push("cleared"), 15);
    host.pause();
    await simulation.advance(100);
    host.driver.clearTimer(cleared);
    assert.deepEqual(fired, []);
    host.resume();
    await simulation.advance(0);
    assert.deepEqual(fired, ["10 at 100", "20 at 100", "30 at 100"]);
    await simulation.advance(400);
    assert.equal(fired.at(-1), "500 at 500");
  });
});

test("simulated host: a restart at once keeps the names and ports that the new life binds", async () => {
  await simulate(async (simulation) => {
    const server = simulation.host("server");
    const program = async (host: HostProcess) => {
      await echoServer(host);
      await echoServer(host, Transport.Memory, "memory:name");
    };
    await server.run(program);
    for (let life = 0; life < 5; life++) server.restart();
    await simulation.advance(10);
    for (
      const [transport, address] of [
        [Transport.FramedTcp, "server:3000"],
        [Transport.Memory, "memory:name"],
      ] as const
    ) {
      const { network } = record(simulation.host("client")).handler;
      await network.connectAsync(transport, address);
    }
  });
});

test("simulated host: whenever the server crashes, a client with keepalive is told, or was answered", async () => {
  const ends = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    await simulate({ seed }, async (simulation) => {
      const server = simulation.host("server");
      server.run(async (host) => {
        await echoServer(host);
      });
      await simulation.advance(10);
      const client = record(simulation.host("client"), (event) => {
        if (event.type === "connected" && event.ok) {
          client.handler.network.send(event.endpoint, "hello");
        }
      });
      client.handler.network.connect(Transport.FramedTcp, "server:3000", {
        keepAliveMs: 10_000,
      });
      await simulation.advance(simulation.random.next() * 40);
      server.crash();
      await simulation.advance(simulation.random.next() * 500);
      server.restart();
      await simulation.advance(120_000);
      const [connect] = client.events;
      assert(connect?.type === "connected");
      const end = endOf(client) ??
        (client.messages.length === 1 ? "answered" : "forgotten");
      ends.add(connect.ok ? end : `not connected: ${connect.error?.code}`);
    });
  }
  assert(!ends.has("forgotten"), [...ends].join());
  assert(ends.has("reset") && ends.has("answered"), [...ends].join());
});

test("simulated host: reconnect finds its way back after crashes, partitions and cuts, in simulated time", async () => {
  const body = async (simulation: Simulation) => {
    const server = simulation.host("server");
    server.run(async (host) => {
      await echoServer(host);
    });
    const client = record(simulation.host("client"));
    const { network } = client.handler;
    await simulation.advance(10);
    const to = network.connect(Transport.FramedTcp, "server:3000", {
      reconnect: true,
      keepAliveMs: 10_000,
      connectTimeoutMs: 5_000,
    });
    await simulation.runUntil(() => network.isReady(to.resourceId) === true);
    for (let round = 0; round < 5; round++) {
      switch (round % 3) {
        case 0:
          server.crash();
          await simulation.advance(3_600_000);
          server.restart();
          break;
        case 1:
          simulation.partition("client", "server");
          await simulation.advance(3_600_000);
          simulation.heal();
          break;
        default:
          simulation.link("client", "server").cut();
      }
      await simulation.advance(120_000);
      assert.equal(network.isReady(to.resourceId), true, `round ${round}`);
      const before = client.messages.length;
      network.send(to, `round ${round}`);
      await simulation.runUntil(() => client.messages.length > before);
      assert.equal(client.messages.at(-1), `round ${round}`);
    }
  };
  const { elapsedMs } = await simulate({ seed: 7 }, body);
  assert(elapsedMs > 4 * 3_600_000);
});
