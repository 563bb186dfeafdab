import assert from "node:assert/strict";
import {
  createNode,
  framedTcp,
  newlineFraming,
  SendStatus,
  Transport,
} from "../../mod.ts";
import {
  conforms,
  conformsOn,
  eventually,
  halfPair,
  isNetworkError,
  pair,
  pattern,
  sameBytes,
  turns,
  utf8,
} from "./_nodes.ts";
import { rawConnect } from "./_raw.ts";
import {
  oriented,
  packets,
  streams,
  transports,
  varintRows,
} from "./_transports.ts";

conformsOn(
  packets,
  "a message above the receiver's maxMessageSize ends its connection as message-too-big",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row, {
      listen: { maxMessageSize: 1_000 },
    });
    client.network.send(toServer, pattern(1_000));
    client.network.send(toServer, pattern(1_001));
    client.network.send(toServer, pattern(10));
    const { reason, error } = await server.event("disconnected");
    assert.equal(reason, "message-too-big");
    isNetworkError("message-too-big")(error);
    await client.event("disconnected");
    assert.deepEqual(
      server.all("message").map(({ data }) => data.length),
      [1_000],
    );
  },
);

conformsOn(
  packets,
  "an own connection holds the peer to its maxMessageSize too",
  async (world, row) => {
    const { server, client, toClient } = await pair(world, row, {
      connect: { maxMessageSize: 1_000 },
    });
    server.network.send(toClient, pattern(1_000));
    server.network.send(toClient, pattern(1_001));
    assert.equal(
      (await client.event("disconnected")).reason,
      "message-too-big",
    );
    assert.equal(client.all("message").length, 1);
  },
);

conformsOn(
  packets,
  "what was sent before an oversized message came still reaches the peer",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row, {
      listen: { maxMessageSize: 1_000 },
    });
    server.onEvent = (event) => {
      if (event.type !== "message") return;
      for (let n = 0; n < 500; n += 1) {
        server.network.send(event.endpoint, pattern(1_000, n));
      }
    };
    client.network.send(toServer, "ask");
    client.network.send(toServer, pattern(5_000));
    await client.event("disconnected");
    assert.equal(client.all("message").length, 500);
    for (const [n, { data }] of client.all("message").entries()) {
      sameBytes(data, pattern(1_000, n));
    }
  },
);

conformsOn(
  packets,
  "an oversized message ends its own connection only",
  async (world, row) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const listening = await server.listen(row, { maxMessageSize: 100 });
    const bad = client.connect(row, listening);
    const good = client.connect(row, listening);
    await client.event("connected", 1);
    client.network.send(bad, pattern(101));
    await server.event("disconnected");
    client.network.send(good, pattern(100));
    await server.messages(1);
    assert.equal(server.all("disconnected").length, 1);
  },
);

conformsOn(
  varintRows,
  "a claimed length above the limit is refused before its message comes",
  async (world, row) => {
    const server = world.node();
    const peer = await rawConnect(world, row, await server.listen(row));
    // 16 MiB and one byte, and not a byte of it.
    peer.write(Uint8Array.of(0x81, 0x80, 0x80, 0x08));
    assert.equal(
      (await server.event("disconnected")).reason,
      "message-too-big",
    );
    await peer.over();
  },
);

conformsOn(
  varintRows,
  "a claimed length of exactly the limit is waited for",
  async (world, row) => {
    const server = world.node();
    const peer = await rawConnect(
      world,
      row,
      await server.listen(row, { maxMessageSize: 200 }),
    );
    peer.write(Uint8Array.of(0xc8, 0x01));
    peer.write(pattern(200));
    await server.messages(1);
    sameBytes(server.bytes(), pattern(200));
  },
);

conforms(
  "Udp",
  "a datagram above the receiver's maxMessageSize is not delivered",
  async (world) => {
    const row = transports.find(({ name }) => name === "Udp");
    assert(row !== undefined);
    const { server, client, toServer } = await halfPair(world, row, {
      listen: { maxMessageSize: 100 },
    });
    client.network.send(toServer, pattern(101));
    client.network.send(toServer, pattern(100));
    await server.messages(1);
    await turns();
    assert.equal(server.events.length, 1);
    assert.equal(server.bytes().length, 100);
  },
);

conformsOn(
  oriented,
  "maxConnections refuses those that are too many, and takes one more when one has left",
  async (world, row) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const listening = await server.listen(row, { maxConnections: 2 });
    const first = client.connect(row, listening);
    client.connect(row, listening);
    await server.event("accepted", 1);
    await client.event("connected", 1);
    const third = client.connect(row, listening);
    await client.until(
      "the third to fail or end",
      () =>
        client.events.some((event) =>
          event.type !== "signal" && event.endpoint === third &&
          (event.type === "disconnected" ||
            event.type === "connected" && !event.ok)
        ),
    );
    assert.equal(server.all("accepted").length, 2);
    assert.equal(server.handler.stats().connections, 2);
    client.remove(first.resourceId);
    await server.event("disconnected");
    const fourth = client.connect(row, listening);
    await server.event("accepted", 2);
    await eventually(
      "the fourth",
      () => client.network.isReady(fourth.resourceId) === true,
    );
    client.network.send(fourth, "in");
    await server.messages(1);
  },
);

conformsOn(
  streams,
  "a raw stream has no message limit unless asked for",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    assert.equal(row.adapter.maxMessageSize > 2 ** 40, true);
    assert.notEqual(
      client.network.send(toServer, pattern(20 << 20)),
      SendStatus.MaxPacketSizeExceeded,
    );
    await server.received(20 << 20);
  },
);

conformsOn(
  transports,
  "tells its own largest message, and what it is",
  (_world, row) => {
    const { adapter } = row;
    assert.equal(adapter.name, row.name);
    assert.equal(adapter.isConnectionOriented, row.isOriented);
    assert.equal(adapter.isPacketBased, row.isPacket);
    assert(adapter.maxMessageSize > 0);
    // Adapters of users, and so the one to copy, take ids from 32 on.
    const [low, high] = row.name === "Template" ? [32, 127] : [0, 31];
    assert(adapter.id >= low && adapter.id <= high);
    assert.equal(
      transports.filter(({ adapter: { id } }) => id === adapter.id).length,
      1,
    );
  },
);

const CONNECTION_OPTIONS: readonly [string, unknown][] = [
  ["maxMessageSize", 0],
  ["maxMessageSize", -1],
  ["maxMessageSize", 1.5],
  ["maxMessageSize", NaN],
  ["maxMessageSize", "1000"],
];

const STREAM_OPTIONS: readonly [string, unknown][] = [
  ...CONNECTION_OPTIONS,
  ["highWaterMark", 0],
  ["highWaterMark", 1.5],
  ["highWaterMark", 65 << 20],
  ["outboxLimit", 0],
  ["outboxLimit", Infinity],
];

const TCP_LISTEN_OPTIONS: readonly [string, unknown][] = [
  ["backlog", 0],
  ["backlog", 65_536],
  ["keepAliveMs", 0],
];

const UDP_OPTIONS: readonly [string, unknown][] = [
  ["maxMessageSize", 65_508],
  ["ttl", 0],
  ["ttl", 256],
  ["multicastTtl", -1],
  ["multicastTtl", 256],
  ["receiveBufferSize", 0],
  ["sendBufferSize", 0],
];

const CONNECT_OPTIONS: readonly [string, unknown][] = [
  ["connectTimeoutMs", -1],
  ["connectTimeoutMs", 0.5],
  ["connectTimeoutMs", 2 ** 31],
];

for (const row of transports) {
  const common = row.isReliable
    ? STREAM_OPTIONS
    : [...CONNECTION_OPTIONS, ...UDP_OPTIONS];
  const isTcp = row.raw === "port";
  conforms(
    row.name,
    "an option of connect out of its range is an invalid-option that names it",
    (world) => {
      const node = world.node();
      const rows: readonly [string, unknown][] = [
        ...common,
        ...CONNECT_OPTIONS,
        ...(isTcp ? [["keepAliveMs", -5] as const] : []),
      ].map(([name, value]) => [name, value]);
      const address = row.peerAddress({
        family: "ipv4",
        hostname: "127.0.0.1",
        port: 1,
        path: "/none",
      });
      for (const [name, value] of rows) {
        assert.throws(
          () => node.network.connect(row.adapter, address, { [name]: value }),
          isNetworkError("invalid-option", new RegExp(name)),
          `${name} ${value}`,
        );
      }
      assert.deepEqual(node.network.resources(), []);
    },
  );

  conforms(
    row.name,
    "an option of listen out of its range is an invalid-option that names it",
    async (world) => {
      const node = world.node();
      const rows: readonly [string, unknown][] = [
        ...common,
        ["maxConnections", 0],
        ["maxConnections", 1.5],
        ...(isTcp ? TCP_LISTEN_OPTIONS : []),
      ];
      for (const [name, value] of rows) {
        await assert.rejects(
          node.network.listen(row.adapter, row.listenAddress(), {
            [name]: value,
          }),
          isNetworkError("invalid-option", new RegExp(name)),
          `${name} ${value}`,
        );
      }
      assert.deepEqual(node.network.resources(), []);
    },
  );
}

for (const name of ["maxQueuedEvents", "maxQueuedBytes"]) {
  conforms(
    "Node",
    `a ${name} out of its range is an invalid-option`,
    () => {
      for (const value of [0, -1, 1.5, NaN, Infinity]) {
        assert.throws(
          () => createNode({ [name]: value }),
          isNetworkError("invalid-option", new RegExp(name)),
        );
      }
    },
  );
}

conforms(
  "Node",
  "options of remove out of their range are invalid-option, and remove nothing",
  async (world) => {
    const node = world.node();
    const { resourceId } = await node.network.listen(
      Transport.Tcp,
      "127.0.0.1:0",
    );
    const bad = [
      [{ drain: -1 }, /drain/],
      [{ drain: NaN }, /drain/],
      [{ code: 999 }, /code/],
      [{ code: 1001 }, /code/],
      [{ code: 5000 }, /code/],
      [{ reason: "x".repeat(124) }, /reason/],
      [{ reason: "ü".repeat(62) }, /reason/],
    ] as const;
    for (const [options, message] of bad) {
      assert.throws(
        () => node.network.remove(resourceId, options),
        isNetworkError("invalid-option", message),
      );
    }
    assert.equal(node.network.isReady(resourceId), true);
  },
);

conforms(
  "Tcp",
  "a source address that is no IP address is an invalid-option",
  (world) => {
    const node = world.node();
    for (const hostname of ["localhost", "", "1.2.3"]) {
      assert.throws(
        () =>
          node.network.connect(Transport.Tcp, "127.0.0.1:1", {
            sourceAddress: { hostname },
          }),
        isNetworkError("invalid-option", /sourceAddress/),
      );
    }
    assert.throws(
      () =>
        node.network.connect(Transport.Tcp, "127.0.0.1:1", {
          sourceAddress: { hostname: "127.0.0.1", port: 65_536 },
        }),
      isNetworkError("invalid-option", /sourceAddress.port/),
    );
  },
);

conforms(
  "FramedTcp",
  "a line that never ends is refused once it passes the limit",
  async (world) => {
    const row = varintRows.find(({ name }) => name === "FramedTcp");
    assert(row !== undefined);
    const server = world.node();
    const listening = await server.network.listen(
      framedTcp({ framing: newlineFraming }),
      "127.0.0.1:0",
      { maxMessageSize: 1_000 },
    );
    const peer = await rawConnect(world, row, listening);
    peer.write(utf8("x".repeat(1_001)));
    assert.equal(
      (await server.event("disconnected")).reason,
      "message-too-big",
    );
    await peer.over();
  },
);
