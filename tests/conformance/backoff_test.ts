import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Adapter,
  type Connection,
  type ConnectionEvents,
  type ConnectOptions,
  Fault,
  type FaultCode,
  type ReconnectOptions,
  SendStatus,
  Transport,
} from "../../mod.ts";
import { Backoff } from "../../network/backoff.ts";
import { conforms, isNetworkError, type TestNode, turns } from "./_nodes.ts";
import { virtualTime } from "./_virtual.ts";

const NOBODY = "127.0.0.1:1";

/** A connection that the test opens and ends by itself. */
interface Puppet extends Connection {
  readonly events: ConnectionEvents;
  /** The text of what was sent over it. */
  readonly sent: string[];
}

/** A transport whose connections are in the test's hand. */
function puppetTransport(
  connecting: (puppet: Puppet, count: number) => void = () => {},
): Adapter & { readonly puppets: Puppet[] } {
  const puppets: Puppet[] = [];
  const address = {
    family: "ipv4",
    hostname: "127.0.0.1",
    path: "",
  } as const;
  return {
    puppets,
    id: 101,
    name: "Puppet",
    maxMessageSize: 1_000,
    isConnectionOriented: true,
    isPacketBased: true,
    connect(host, _address, _options, events) {
      const sent: string[] = [];
      let isClosed = false;
      const puppet: Puppet = {
        events,
        sent,
        localAddress: { ...address, port: 1_000 + puppets.length },
        peerAddress: { ...address, port: 1 },
        protocol: `protocol ${puppets.length}`,
        queuedBytes: 0,
        frameKey: undefined,
        send(data) {
          sent.push(new TextDecoder().decode(data));
          return SendStatus.Sent;
        },
        frame: () => undefined,
        sendFrame: () => SendStatus.ResourceNotFound,
        pause() {},
        resume() {},
        close() {
          if (isClosed) return;
          isClosed = true;
          host.defer(() => events.released());
        },
      };
      connecting(puppet, puppets.length);
      puppets.push(puppet);
      return puppet;
    },
    listen: () =>
      Promise.reject(new Fault("not-supported", "Cannot listen: puppets")),
  };
}

function refused(code: FaultCode = "connection-refused"): Fault {
  return new Fault(code, `Cannot connect: ${code}`);
}

/** The puppet's connection ends, and nothing is left of it. */
function end({ events }: Puppet, fault: Fault | undefined = undefined): void {
  events.closed(fault === undefined ? "closed" : "error", fault);
  events.released();
}

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

for (
  const code of [
    "invalid-address",
    "invalid-option",
    "not-supported",
    "permission-denied",
    "tls",
  ] as const
) {
  conforms(
    "Node",
    `${code} gives a first connect up at the first attempt`,
    async (world) => {
      const node = world.node();
      const transport = puppetTransport((puppet) =>
        setTimeout(() => end(puppet, refused(code)), 0)
      );
      await assert.rejects(
        node.network.connectAsync(transport, NOBODY, {
          reconnect: { initialDelayMs: 1 },
        }),
        isNetworkError(code),
      );
      assert.equal(transport.puppets.length, 1);
      assert.equal((await node.event("connected")).ok, false);
    },
  );
}

conforms(
  "Node",
  "tls is tried again once the connection was up",
  async (world) => {
    const node = world.node();
    const transport = puppetTransport((puppet, count) =>
      setTimeout(() => {
        if (count % 2 === 0) puppet.events.ready();
        else end(puppet, refused("tls"));
      }, 0)
    );
    node.network.connect(transport, NOBODY, {
      reconnect: { initialDelayMs: 1, maxDelayMs: 1 },
    });
    await node.event("connected");
    end(transport.puppets[0] ?? assert.fail());
    assert.equal((await node.event("connected", 1)).ok, true);
    assert.equal(transport.puppets.length, 3);
  },
);

conforms(
  "Node",
  "a transport that throws in a later attempt has failed in it",
  async (world) => {
    const node = world.node();
    const transport = puppetTransport((puppet, count) => {
      if (count === 0) setTimeout(() => puppet.events.ready(), 0);
      if (count === 1) throw refused("address-not-available");
    });
    let error: unknown;
    node.network.connect(transport, NOBODY, {
      reconnect: {
        initialDelayMs: 1,
        shouldRetry(given, attempt) {
          error = given;
          return attempt === 0;
        },
      },
    });
    await node.event("connected");
    transport.puppets.length = 1;
    end(transport.puppets[0] ?? assert.fail());
    const again = await node.event("connected", 1);
    assert.equal(again.error, error);
    isNetworkError("address-not-available")(error);
  },
);

conforms(
  "Node",
  "late events of an old connection touch neither the wait nor the next connection",
  async (world) => {
    const node = world.node();
    const transport = puppetTransport((puppet) =>
      setTimeout(() => puppet.events.ready(), 0)
    );
    const endpoint = node.network.connect(transport, NOBODY, {
      reconnect: { initialDelayMs: 1, maxDelayMs: 1 },
    });
    await node.event("connected");
    const [old] = transport.puppets;
    assert(old !== undefined);
    const late = () => {
      assert.equal(old.events.message(new Uint8Array(1), false, 0), false);
      old.events.ready();
      old.events.writable();
      old.events.closed("reset", undefined);
    };
    old.events.closed("closed", undefined);
    late();
    assert.equal(node.network.isReady(endpoint.resourceId), false);
    await node.event("connected", 1);
    late();
    old.events.released();
    await turns();
    assert.deepEqual(node.events.map(({ type }) => type), [
      "connected",
      "disconnected",
      "connected",
    ]);
    assert.equal(node.network.isReady(endpoint.resourceId), true);
    assert.equal(node.network.send(endpoint, "to the new"), SendStatus.Sent);
    assert.deepEqual(transport.puppets.map(({ sent }) => sent), [[], [
      "to the new",
    ]]);
  },
);

conforms(
  "Node",
  "addresses and protocol are those of the connection that is there",
  async (world) => {
    const node = world.node();
    const transport = puppetTransport((puppet) =>
      setTimeout(() => puppet.events.ready(), 0)
    );
    const { resourceId } = node.network.connect(transport, NOBODY, {
      reconnect: { initialDelayMs: 1, maxDelayMs: 1 },
    });
    await node.event("connected");
    const told = () => [
      node.network.localAddress(resourceId)?.port,
      node.network.resource(resourceId)?.protocol,
    ];
    assert.deepEqual(told(), [1_000, "protocol 0"]);
    end(transport.puppets[0] ?? assert.fail());
    await node.event("connected", 1);
    assert.deepEqual(told(), [1_001, "protocol 1"]);
  },
);

conforms(
  "Node",
  "a message that waited and cannot be sent ends the connection, and those behind it go out on the next",
  async (world) => {
    const node = world.node();
    const base = puppetTransport((puppet) =>
      setTimeout(() => puppet.events.ready(), 0)
    );
    const transport: Adapter<ConnectOptions> = {
      ...base,
      connect(...given) {
        const puppet = base.connect(...given);
        const { send } = puppet;
        puppet.send = (data, isText, tag) => {
          if (data[0] === 0x21) throw refused("invalid-message");
          return send(data, isText, tag);
        };
        return puppet;
      },
    };
    const endpoint = node.network.connect(transport, NOBODY, {
      reconnect: {
        initialDelayMs: 1,
        maxDelayMs: 1,
        queueLimit: 1_000,
      },
    });
    for (const message of ["one", "!", "two"]) {
      assert.equal(node.network.send(endpoint, message), SendStatus.Sent);
    }
    const { reason, error, willReconnect } = await node.event("disconnected");
    assert.equal(reason, "error");
    isNetworkError("invalid-message")(error);
    assert.equal(willReconnect, true);
    await node.event("connected", 1);
    assert.deepEqual(base.puppets.map(({ sent }) => sent), [["one"], ["two"]]);
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
