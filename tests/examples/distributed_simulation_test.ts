/**
 * The distributed network in a simulation: ways break, hosts crash, and once all
 * is whole again nothing is missing of what its README promises.
 */

import assert from "node:assert/strict";
import { createDiscoveryServer } from "../../examples/distributed/create_discovery_server.ts";
import {
  createParticipant,
  type Ending,
  type Participant,
} from "../../examples/distributed/create_participant.ts";
import {
  type HostProcess,
  simulate,
  type SimulatedHost,
  simulateMany,
  type Simulation,
} from "../../testing/testing.ts";
import { test } from "../_test.ts";

/** A whole network, and what its participants came to. */
class DistributedNetwork {
  readonly server: SimulatedHost;
  readonly members: readonly SimulatedHost[];
  /** Who is there now, by name. */
  readonly participants = new Map<string, Participant>();
  readonly endings: Ending[] = [];
  readonly #simulation: Simulation;

  constructor(simulation: Simulation, size: number) {
    this.#simulation = simulation;
    this.server = simulation.host("discovery");
    void this.server.run((host) => this.#serve(host));
    this.members = Array.from(
      { length: size },
      (_, at) => simulation.host(`member${at}`),
    );
    for (const member of this.members) {
      void member.run((host) => this.#takePart(host));
    }
  }

  /** Waits until everybody knows and has been greeted by everybody else who is there. */
  async whole(timeoutMs: number): Promise<void> {
    const isWhole = () =>
      this.members.every(({ name, isRunning }) => {
        if (!isRunning) return true;
        const participant = this.participants.get(name);
        return this.members.every((other) =>
          other.name === name ||
          participant?.peers.has(other.name) === other.isRunning &&
            (!other.isRunning || participant?.greetedBy.has(other.name))
        );
      });
    await this.#simulation.runUntil(isWhole, {
      timeoutMs,
      what: "everybody to be greeted by everybody",
    });
  }

  async #serve(host: HostProcess): Promise<void> {
    const { handler, listener } = host.createNode();
    await createDiscoveryServer(
      handler,
      listener,
      "0.0.0.0:5000",
      (line) => this.#simulation.note(`server: ${line}`),
    );
  }

  /** As under a supervisor, which starts a program again that has ended without being asked to. */
  async #takePart(host: HostProcess): Promise<void> {
    const { name } = host;
    while (host.isRunning) {
      const { handler, listener } = host.createNode();
      const participant = await createParticipant(handler, listener, name, {
        discovery: "discovery:5000",
        listenOn: { hostname: host.address, port: 0 },
        say: (line) => this.#simulation.note(`${name}: ${line}`),
      });
      this.participants.set(name, participant);
      const ending = await participant.ended;
      if (!host.isRunning || ending === "left") return;
      this.endings.push(ending);
      await host.sleep(5_000);
    }
  }
}

test("The distributed network meets over links that lose a third of all packets", async () => {
  await simulateMany(
    { seeds: 20, link: { latencyMs: [1, 200], jitterMs: 50, lossRate: 0.33 } },
    async (simulation) => {
      const network = new DistributedNetwork(simulation, 5);
      await network.whole(120_000);
      assert.deepEqual(network.endings, []);
    },
  );
});

test("A partition that heals loses the distributed network nothing, and ends nobody", async () => {
  await simulateMany({ seeds: 40 }, async (simulation) => {
    const { random } = simulation;
    const network = new DistributedNetwork(simulation, 4);
    // Before they meet, while they do, and after.
    await simulation.advance(random.pick([0, random.next() * 60, 30_000]));
    const shuffled = random.shuffle([...network.members, network.server]);
    const cut = random.integer(1, shuffled.length - 1);
    simulation.partition(shuffled.slice(0, cut), shuffled.slice(cut));
    await simulation.advance(random.next() * 100_000);
    simulation.heal();
    await network.whole(180_000);
    assert.deepEqual(network.endings, []);
  });
});

test("A participant that dies is missed within two minutes, and greeted again when it comes back", async () => {
  await simulateMany({ seeds: 20 }, async (simulation) => {
    const network = new DistributedNetwork(simulation, 4);
    await simulation.advance(simulation.random.next() * 1_000);
    const victim = simulation.random.pick(network.members);
    victim.crash();
    await network.whole(120_000);
    for (const member of network.members) {
      if (member === victim) continue;
      const { peers } = network.participants.get(member.name) ?? assert.fail();
      assert(!peers.has(victim.name));
    }
    victim.restart();
    await network.whole(120_000);
    assert.deepEqual(network.endings, []);
  });
});

test("A discovery server that crashes and comes back finds everybody again", async () => {
  await simulateMany({ seeds: 20 }, async (simulation) => {
    const network = new DistributedNetwork(simulation, 4);
    await network.whole(10_000);
    network.server.crash();
    await simulation.advance(simulation.random.next() * 60_000);
    network.server.restart();
    await simulation.advance(120_000);
    const late = simulation.host("late").createNode();
    const participant = await createParticipant(
      late.handler,
      late.listener,
      "late",
      {
        discovery: "discovery:5000",
        listenOn: { hostname: simulation.host("late").address, port: 0 },
        say: () => {},
      },
    );
    await simulation.runUntil(() => participant.greetedBy.size === 4, {
      timeoutMs: 60_000,
    });
    assert.deepEqual(network.endings, []);
  });
});

test("Whatever happens to the distributed network, it becomes whole again", async () => {
  await simulateMany({ seeds: 40 }, async (simulation) => {
    const { random } = simulation;
    const network = new DistributedNetwork(simulation, 5);
    const { members, server } = network;
    const all = [...members, server];
    for (let round = 0; round < 12; round++) {
      await simulation.advance(random.next() * random.pick([100, 40_000]));
      const one = random.pick(all);
      const other = random.pick(all);
      switch (random.integer(0, 7)) {
        case 0:
          simulation.partition(one, other);
          break;
        case 1:
          simulation.route(one, other).partition();
          break;
        case 2:
          simulation.heal();
          break;
        case 3:
          simulation.link(one, other).cut();
          break;
        case 4:
          one.crash();
          break;
        case 5:
          for (const host of all) if (!host.isRunning) host.restart();
          break;
        case 6:
          one.pause();
          break;
        default:
          simulation.link(one, all).set({ lossRate: random.next() * 0.5 });
          for (const host of all) host.resume();
      }
    }
    simulation.heal();
    for (const host of all) {
      host.resume();
      if (!host.isRunning) host.restart();
    }
    simulation.link(all, all).set({ lossRate: 0 });
    await network.whole(600_000);
  });
});

test("The simulated distributed network is the same for the same seed", async () => {
  const body = async (simulation: Simulation) => {
    const network = new DistributedNetwork(simulation, 3);
    await network.whole(60_000);
    network.members[0]?.crash();
    await simulation.advance(60_000);
  };
  const first = await simulate({ seed: 1 }, body);
  assert.deepEqual(await simulate({ seed: 1 }, body), first);
  assert(first.trace.some(({ detail }) => / greets: Hello /.test(detail)));
});
