/**
 * The memory driver: the shared table of all drivers, and what it alone promises.
 */

import assert from "node:assert/strict";
import type { DatagramSocket, SocketAddress } from "../../runtime/driver.ts";
import {
  createMemoryNetwork,
  type MemoryClock,
  memoryDriver,
} from "../../runtime/memory.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";
import { datagramRows } from "./_datagram_contract.ts";
import { DatagramProbe } from "./_datagram_probe.ts";
import { socketFaultRows } from "./_fault_contract.ts";
import { multicastRows } from "./_multicast_contract.ts";
import {
  Accepting,
  calling,
  connect,
  finish,
  firstWrong,
  inet,
  isFault,
  pattern,
  pump,
  turns,
  withPair,
} from "./_probe.ts";
import { streamRows } from "./_stream_contract.ts";
import { streamFlowRows } from "./_stream_flow_contract.ts";
import { timerRows } from "./_timer_contract.ts";

/** Rows about interfaces of the machine, of which the memory network has none. */
const NOT_OF_MEMORY = [
  /^an IPv[46] group on an interface that is not there/,
  /^sending multicast from the interface/,
  /^link-local addresses work with their zone/,
];

const tables = [
  timerRows,
  socketFaultRows,
  streamRows,
  streamFlowRows,
  datagramRows,
  multicastRows,
];
for (const rows of tables) {
  for (const row of rows) {
    if (NOT_OF_MEMORY.some((name) => name.test(row.name))) continue;
    test(`memory driver: ${row.name}`, () =>
      row.run({
        name: "memory",
        driver: memoryDriver({ network: createMemoryNetwork() }),
        lacks: new Set(),
      }));
  }
}

function named(path: string): SocketAddress {
  return { family: "memory", hostname: "", port: 0, path };
}

/** A clock that stands still, and runs what is due when told to. */
class ManualClock implements MemoryClock {
  readonly #tasks: (() => void)[] = [];
  now(): number {
    return 0;
  }
  setTimer(): number {
    return 0;
  }
  clearTimer(): void {}
  defer(callback: () => void): void {
    this.#tasks.push(callback);
  }
  /** Runs one turn; tells whether there was one. */
  turn(): boolean {
    const task = this.#tasks.shift();
    task?.();
    return task !== undefined;
  }
}

for (const path of ["greeter", "a/b", "\0", "ü"]) {
  test(`memory driver: a stream goes by the name ${JSON.stringify(path)}`, () =>
    withPair(
      memoryDriver({ network: createMemoryNetwork() }),
      named(path),
      async (client, server, accepting) => {
        assert.deepEqual(accepting.listener.address, named(path));
        assert.deepEqual(client.socket.peerAddress, named(path));
        assert.deepEqual(server.socket.localAddress, named(path));
        assert.equal(server.socket.peerAddress.family, "memory");
        calling(() => client.socket.write(pattern(5)));
        await server.probe.until(() => server.probe.received === 5);
        calling(() => client.socket.shutdown());
        await server.probe.until(() => server.probe.ended === 1);
        calling(() => server.socket.write(pattern(7)));
        calling(() => server.socket.shutdown());
        await client.probe.untilClosed();
        assert.equal(client.probe.received, 7);
        assert.equal(client.probe.fault, undefined);
      },
    ));
}

test("memory driver: a name that is held is address-in-use, a free one connection-refused, an empty one invalid-address", async () => {
  const driver = memoryDriver({ network: createMemoryNetwork() });
  const accepting = await new Accepting().listen(driver, {
    address: named("a"),
  });
  await assert.rejects(
    new Accepting().listen(driver, { address: named("a") }),
    isFault("address-in-use"),
  );
  await accepting.listener.close();
  await accepting.listener.close();
  const client = connect(driver, named("a"));
  await client.probe.untilClosed();
  isFault("connection-refused")(client.probe.fault);
  await assert.rejects(
    new Accepting().listen(driver, { address: named("") }),
    isFault("invalid-address"),
  );
  assert.throws(() => connect(driver, named("")), isFault("invalid-address"));
});

test("memory driver: drivers without options reach each other; those of other networks are not reached", async () => {
  const accepting = await new Accepting().listen(memoryDriver(), {
    address: named("shared"),
  });
  const other = memoryDriver({ network: createMemoryNetwork() });
  const stranger = connect(other, named("shared"));
  await stranger.probe.untilClosed();
  isFault("connection-refused")(stranger.probe.fault);
  const friend = connect(memoryDriver(), named("shared"));
  await friend.probe.untilOpen();
  await finish(memoryDriver(), [friend], accepting);
});

test("memory driver: hosts have ports of their own and reach each other by address", async () => {
  const network = createMemoryNetwork();
  const one = memoryDriver({ network, hostname: "10.0.0.1" });
  const two = memoryDriver({ network, hostname: "10.0.0.2" });
  const first = await new Accepting().listen(one, {
    address: inet("0.0.0.0", 80),
  });
  const second = await new Accepting().listen(two, {
    address: inet("0.0.0.0", 80),
  });
  const away = connect(two, inet("10.0.0.1", 80));
  await away.probe.untilOpen();
  const atFirst = await first.end(0);
  assert.equal(atFirst.socket.peerAddress.hostname, "10.0.0.2");
  assert.equal(atFirst.socket.localAddress.hostname, "10.0.0.1");
  const home = connect(two, inet("127.0.0.1", 80));
  await home.probe.untilOpen();
  await second.end(0);
  const nowhere = connect(one, inet("10.0.0.3", 80));
  await nowhere.probe.untilClosed();
  isFault("unreachable")(nowhere.probe.fault);
  await assert.rejects(
    new Accepting().listen(one, { address: inet("10.0.0.2", 81) }),
    isFault("address-not-available"),
  );
  await finish(one, [away], first);
  await finish(two, [home], second);
});

test("memory driver: listeners that share a port share its connections", async () => {
  const driver = memoryDriver({ network: createMemoryNetwork() });
  const request = { address: inet("127.0.0.1", 80), reusePort: true };
  const first = await new Accepting().listen(driver, request);
  const second = await new Accepting().listen(driver, request);
  await assert.rejects(
    new Accepting().listen(driver, { address: request.address }),
    isFault("address-in-use"),
  );
  const clients = [];
  for (let i = 0; i < 10; i++) {
    const client = connect(driver, request.address);
    await client.probe.untilOpen();
    clients.push(client);
  }
  assert.equal(first.offered, 5);
  assert.equal(second.offered, 5);
  await finish(driver, clients, first);
  await finish(driver, [], second);
});

test("memory driver: any sizes of writes and chunks carry the same bytes", () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 0, max: 500 }),
      fc.integer({ min: 1, max: 100 }),
      async (maxWriteSize, maxChunkSize, capacity, size, sliceSize) => {
        const network = createMemoryNetwork({ capacity });
        const driver = memoryDriver({ network, maxWriteSize, maxChunkSize });
        await withPair(driver, named("p"), async (client, server) => {
          for (const [from, to] of [[client, server], [server, client]]) {
            assert(from !== undefined && to !== undefined);
            const done = pump(from, pattern(size), sliceSize);
            await to.probe.until(() => to.probe.received === size);
            await done;
            assert.equal(firstWrong(to.probe.bytes()), -1);
            for (const chunk of to.probe.chunks) {
              assert(chunk.byteLength <= maxChunkSize);
              assert(chunk.byteLength <= maxWriteSize);
            }
          }
        });
      },
    ),
    { numRuns: 100 },
  ));

test("memory driver: a stalled reader holds back exactly the capacity", () =>
  withPair(
    memoryDriver({ network: createMemoryNetwork({ capacity: 1_000 }) }),
    named("c"),
    async (client, server) => {
      calling(() => server.socket.pause());
      assert.equal(calling(() => client.socket.write(pattern(1_500))), 1_000);
      assert.equal(calling(() => client.socket.write(pattern(1))), 0);
      assert.equal(client.probe.drained, 0);
      calling(() => server.socket.resume());
      await client.probe.until(() => client.probe.drained === 1);
      assert.equal(server.probe.received, 1_000);
      assert.equal(calling(() => client.socket.write(pattern(1_000))), 1_000);
    },
  ));

test("memory driver: a writer that waits for room learns that its reader is gone", () =>
  withPair(
    memoryDriver({ network: createMemoryNetwork({ capacity: 10 }) }),
    named("w"),
    async (client, server) => {
      calling(() => server.socket.pause());
      client.probe.onDrain = () => client.socket.write(pattern(5));
      calling(() => client.socket.write(pattern(20)));
      server.close();
      await client.probe.untilClosed();
      isFault("connection-reset")(client.probe.fault);
    },
  ));

test("memory driver: what was written may be changed at once", () =>
  withPair(
    memoryDriver({ network: createMemoryNetwork() }),
    named("m"),
    async (client, server) => {
      const bytes = pattern(100);
      calling(() => client.socket.write(bytes));
      bytes.fill(0);
      await server.probe.until(() => server.probe.received === 100);
      assert.deepEqual(server.probe.bytes(), pattern(100));
    },
  ));

test("memory driver: the same calls give the same events in the same order", async () => {
  const run = async (): Promise<string[]> => {
    const log: string[] = [];
    const clock = new ManualClock();
    const driver = memoryDriver({ network: createMemoryNetwork({ clock }) });
    const events = (name: string) => ({
      open: () => log.push(`${name} open`),
      data: (chunk: Uint8Array) => log.push(`${name} ${chunk.byteLength}`),
      drain: () => log.push(`${name} drain`),
      end: () => log.push(`${name} end`),
      closed: () => log.push(`${name} closed`),
    });
    const { address } = await driver.listenStream({
      address: inet("127.0.0.1"),
    }, {
      accept: (socket) => {
        const { port } = socket.peerAddress;
        log.push(`accept ${port}`);
        socket.write(pattern(10));
        return events(`server ${port}`);
      },
      fault: assert.ifError,
    });
    const sockets = [1, 2, 3].map((name) =>
      driver.connectStream({ address }, events(`client ${name}`))
    );
    assert.deepEqual(log, [], "something was called inside a call");
    clock.turn();
    for (const socket of sockets) {
      socket.write(pattern(300_000));
      socket.close();
    }
    while (clock.turn());
    return log;
  };
  const first = await run();
  assert(first.length > 10);
  assert.deepEqual(await run(), first);
});

test("memory driver: an error thrown in a callback surfaces, and the others still have their turn", async () => {
  const clock = new ManualClock();
  const driver = memoryDriver({ network: createMemoryNetwork({ clock }) });
  const opened: number[] = [];
  await driver.listenStream({ address: named("t") }, {
    accept: () => ({ open() {}, data() {}, drain() {}, end() {}, closed() {} }),
    fault: assert.ifError,
  });
  for (const name of [1, 2, 3]) {
    driver.connectStream({ address: named("t") }, {
      open: () => {
        opened.push(name);
        if (name === 1) throw new Error("of the user's");
      },
      data() {},
      drain() {},
      end() {},
      closed() {},
    });
  }
  assert.throws(() => clock.turn(), /of the user's/);
  while (clock.turn());
  assert.deepEqual(opened, [1, 2, 3]);
});

test("memory driver: multicast reaches the members on all hosts, the sender's own only with loopback", async () => {
  const network = createMemoryNetwork();
  const request = {
    address: inet("0.0.0.0", 5_000),
    memberships: [{ group: "239.1.2.3" }],
  };
  const probes = [];
  const sockets: DatagramSocket[] = [];
  for (const hostname of ["10.0.0.1", "10.0.0.2", "10.0.0.3"]) {
    const probe = new DatagramProbe();
    const driver = memoryDriver({ network, hostname });
    sockets.push(
      await driver.bindDatagram({
        ...request,
        multicastLoopback: hostname !== "10.0.0.3",
      }, probe),
    );
    probes.push(probe);
  }
  const [one, two, three] = probes;
  assert(one !== undefined && two !== undefined && three !== undefined);
  calling(() => sockets[0]?.send(pattern(1), "239.1.2.3", 5_000));
  await three.until(() => three.messages.length === 1);
  assert.deepEqual(probes.map((probe) => probe.messages.length), [1, 1, 1]);
  assert.equal(three.messages[0]?.hostname, "10.0.0.1");
  calling(() => sockets[2]?.send(pattern(1), "239.1.2.3", 5_000));
  await two.until(() => two.messages.length === 2);
  assert.deepEqual(probes.map((probe) => probe.messages.length), [2, 2, 1]);
  for (const socket of sockets) calling(() => socket.close());
  await turns(memoryDriver({ network }), 2);
  for (const probe of probes) {
    assert.equal(probe.closedTimes, 1);
    assert.deepEqual(probe.faults, []);
  }
});

test("memory driver: a datagram that the receiver has no room for is lost, and nothing else", async () => {
  const driver = memoryDriver({ network: createMemoryNetwork() });
  const probe = new DatagramProbe();
  const receiver = await driver.bindDatagram({
    address: inet("127.0.0.1"),
    receiveBufferSize: 2_500,
  }, probe);
  const sender = await driver.bindDatagram(
    { address: inet("127.0.0.1") },
    new DatagramProbe(),
  );
  calling(() => receiver.pause());
  for (const size of [1_000, 1_000, 1_000, 500]) {
    assert(sender.send(pattern(size), "127.0.0.1", receiver.localAddress.port));
  }
  await turns(driver, 3);
  assert.equal(probe.messages.length, 0);
  calling(() => receiver.resume());
  await probe.until(() => probe.messages.length === 3);
  assert.deepEqual(
    probe.messages.map(({ data }) => data.byteLength),
    [1_000, 1_000, 500],
  );
  receiver.close();
  sender.close();
  await probe.until(() => probe.closedTimes === 1);
});

test("memory driver: options that cannot be are invalid-option", () => {
  for (
    const options of [
      { maxWriteSize: 0 },
      { maxChunkSize: -1 },
      { maxWriteSize: NaN },
      { hostname: "example.org" },
      { network: { kind: "memory-network" as const } },
    ]
  ) assert.throws(() => memoryDriver(options), isFault("invalid-option"));
  assert.throws(
    () => createMemoryNetwork({ capacity: 0 }),
    isFault("invalid-option"),
  );
});

test("memory driver: native WebSockets are not-supported", async () => {
  const driver = memoryDriver();
  const request = { address: inet("127.0.0.1"), maxMessageSize: 1 };
  await assert.rejects(
    driver.listenWebSocket({ ...request, admit: () => "" }, {
      accept: () => undefined,
      fault() {},
    }),
    isFault("not-supported"),
  );
  assert.throws(
    () =>
      driver.connectWebSocket({ url: "ws://localhost", protocols: [] }, {
        open() {},
        message() {},
        drain() {},
        closed() {},
      }),
    isFault("not-supported"),
  );
});

test("memory driver: TLS is not-supported, at the call", async () => {
  const driver = memoryDriver({ network: createMemoryNetwork() });
  const address = inet("127.0.0.1", 443);
  const common = {
    ca: undefined,
    alpnProtocols: [],
    minVersion: "TLSv1.2",
    handshakeTimeoutMs: 0,
  } as const;
  await assert.rejects(
    new Accepting().listen(driver, {
      address,
      tls: {
        ...common,
        identity: { certificate: "", key: "" },
        identities: new Map(),
        clientCertificate: "none",
        maxHandshakes: 1,
      },
    }),
    isFault("not-supported"),
  );
  assert.throws(
    () =>
      driver.connectStream({
        address,
        tls: {
          ...common,
          serverName: "localhost",
          identity: undefined,
          isVerified: true,
        },
      }, {
        open() {},
        data() {},
        drain() {},
        end() {},
        closed() {},
      }),
    isFault("not-supported"),
  );
});

test("memory driver: lots come from the network's option, or from the runtime", () => {
  const lots = [0.25, 0.5];
  const network = createMemoryNetwork({ random: () => lots.shift() ?? 0 });
  assert.equal(memoryDriver({ network }).random(), 0.25);
  assert.equal(memoryDriver({ network, hostname: "10.0.0.1" }).random(), 0.5);
  const drawn = memoryDriver().random();
  assert(drawn >= 0 && drawn < 1);
});
