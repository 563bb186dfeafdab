import assert from "node:assert/strict";
import { type DisconnectReason, Transport } from "../../mod.ts";
import {
  conforms,
  eventually,
  isNetworkError,
  join,
  pattern,
  type TestNode,
  turns,
  utf8,
  type World,
} from "./_nodes.ts";
import { rawConnect, rawListen, type RawPeer, varintFrame } from "./_raw.ts";
import { type TransportRow, transports, varintRows } from "./_transports.ts";
import type { Listening } from "../../mod.ts";

const HTTP = utf8("GET / HTTP/1.1\r\nHost: example\r\nAccept: */*\r\n\r\n");
const TLS_HELLO = join([
  Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3),
  pattern(500),
]);

/** A good client that was there before, and is served still. */
interface Bystander {
  /** Fails unless its messages still come back. */
  check(): Promise<void>;
}

async function bystander(
  world: World,
  row: TransportRow,
  server: TestNode,
  listening: Listening,
): Promise<Bystander> {
  const client = world.node("the bystander");
  server.onEvent = (event) => {
    if (event.type === "message") {
      server.network.send(event.endpoint, event.data);
    }
  };
  const toServer = client.connect(row, listening);
  assert.ifError((await client.event("connected")).error);
  await server.event("accepted");
  let count = 0;
  return {
    async check() {
      count += 1;
      client.network.send(toServer, `still here ${count}`);
      await client.messages(count);
      assert.equal(client.texts().at(-1), `still here ${count}`);
      assert.equal(client.count("disconnected"), 0);
    },
  };
}

const VARINT_ATTACKS: readonly [string, Uint8Array, DisconnectReason][] = [
  ["an overlong length", Uint8Array.of(0x81, 0x00), "protocol"],
  ["an overlong length of zero", Uint8Array.of(0x80, 0x00), "protocol"],
  ["ten continuation bytes", new Uint8Array(10).fill(0x80), "message-too-big"],
  ["eleven bytes of ones", new Uint8Array(11).fill(0xff), "message-too-big"],
  [
    "a length of 2^64 - 1",
    Uint8Array.of(
      ...[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ),
    "message-too-big",
  ],
  [
    "a length of 17 MiB",
    Uint8Array.of(0x80, 0x80, 0xc0, 0x08),
    "message-too-big",
  ],
  [
    "a TLS hello whose bytes are lengths",
    join([
      TLS_HELLO.subarray(0, 11),
      new Uint8Array(30).fill(0xff),
    ]),
    "message-too-big",
  ],
];

for (const row of varintRows) {
  for (const [what, bytes, reason] of VARINT_ATTACKS) {
    conforms(
      row.name,
      `${what} ends its connection as ${reason}, and nobody else notices`,
      async (world) => {
        const server = world.node("the server");
        const listening = await server.listen(row);
        const good = await bystander(world, row, server, listening);
        const bad = await rawConnect(world, row, listening);
        bad.write(bytes);
        const event = await server.event("disconnected");
        assert.equal(event.reason, reason);
        assert.equal(event.error?.code, reason);
        await bad.over();
        await good.check();
        assert.equal(server.count("disconnected"), 1);
        assert.equal(server.handler.stats().connections, 1);
      },
    );

    conforms(
      row.name,
      `${what} after a message: the message is delivered, and nothing after it`,
      async (world) => {
        const server = world.node("the server");
        const bad = await rawConnect(world, row, await server.listen(row));
        bad.write(join([
          varintFrame(utf8("good")),
          bytes,
          varintFrame(utf8("never")),
        ]));
        await server.event("disconnected");
        bad.write(varintFrame(utf8("never")));
        await bad.over();
        await turns();
        assert.deepEqual(
          server.events.map(({ type }) => type).filter((type) =>
            type !== "message"
          ),
          ["accepted", "disconnected"],
        );
        assert.equal(server.texts()[0], "good");
        assert(!server.texts().includes("never"));
      },
    );
  }

  conforms(
    row.name,
    "half a frame and then silence harms nobody",
    async (world) => {
      const server = world.node("the server");
      const listening = await server.listen(row);
      const good = await bystander(world, row, server, listening);
      const bad = await rawConnect(world, row, listening);
      bad.write(Uint8Array.of(0xff, 0x7f, 1, 2, 3));
      await server.event("accepted", 1);
      await good.check();
      assert.equal(server.count("message"), 1);
      bad.socket.destroy();
      assert.equal((await server.event("disconnected")).reason, "protocol");
      await good.check();
    },
  );

  conforms(
    row.name,
    "a peer that dribbles one byte at a time does not hold up the others",
    async (world) => {
      const server = world.node("the server");
      const listening = await server.listen(row);
      const good = await bystander(world, row, server, listening);
      const slow = await rawConnect(world, row, listening);
      for (const byte of varintFrame(utf8("dribble"))) {
        slow.write(Uint8Array.of(byte));
        await good.check();
      }
      await server.until(
        "the dribbled message",
        () => server.texts().includes("dribble"),
      );
    },
  );

  conforms(
    row.name,
    "a peer that never reads is cut off from nothing but its own queue",
    async (world) => {
      const server = world.node("the server");
      const listening = await server.listen(row, {
        highWaterMark: 64 << 10,
        outboxLimit: 1 << 20,
      });
      const good = await bystander(world, row, server, listening);
      const deaf = await rawConnect(world, row, listening);
      deaf.socket.pause();
      const { endpoint } = await server.event("accepted", 1);
      let refused = 0;
      for (let n = 0; n < 1_000; n += 1) {
        if (server.network.send(endpoint, pattern(16_000)) === "QueueFull") {
          refused += 1;
        }
        if (n % 100 === 0) await good.check();
      }
      assert(refused > 0);
      assert(server.handler.stats().queuedBytes <= 1 << 20);
      await good.check();
    },
  );

  conforms(
    row.name,
    "50 hostile connections at once leave the listener and its good peer alone",
    async (world) => {
      const server = world.node("the server");
      const listening = await server.listen(row);
      const good = await bystander(world, row, server, listening);
      const attacks: Promise<RawPeer>[] = [];
      for (let n = 0; n < 50; n += 1) {
        attacks.push(rawConnect(world, row, listening));
      }
      for (const [n, peer] of (await Promise.all(attacks)).entries()) {
        const attack = VARINT_ATTACKS[n % VARINT_ATTACKS.length];
        assert(attack !== undefined);
        peer.write(attack[1]);
      }
      await server.event("disconnected", 49);
      await good.check();
      assert.equal(server.handler.stats().connections, 1);
    },
  );
}

for (const row of transports.filter(({ raw }) => raw === "port")) {
  if (row.adapter === Transport.Udp) continue;

  conforms(
    row.name,
    "HTTP on its port harms nobody",
    async (world) => {
      const server = world.node("the server");
      const listening = await server.listen(row);
      const good = await bystander(world, row, server, listening);
      const bad = await rawConnect(world, row, listening);
      bad.socket.end(HTTP);
      await bad.over();
      await eventually(
        "the end of the intruder",
        () => server.handler.stats().connections === 1,
      );
      await good.check();
    },
  );

  conforms(
    row.name,
    "a TLS hello on its port harms nobody",
    async (world) => {
      const server = world.node("the server");
      const listening = await server.listen(row);
      const good = await bystander(world, row, server, listening);
      const bad = await rawConnect(world, row, listening);
      bad.socket.end(TLS_HELLO);
      await bad.over();
      await eventually(
        "the end of the intruder",
        () => server.handler.stats().connections === 1,
      );
      await good.check();
    },
  );

  conforms(
    row.name,
    "a peer that connects and resets at once harms nobody",
    async (world) => {
      const server = world.node("the server");
      const listening = await server.listen(row);
      const good = await bystander(world, row, server, listening);
      for (let n = 0; n < 20; n += 1) {
        const bad = await rawConnect(world, row, listening);
        bad.socket.resetAndDestroy();
      }
      await eventually(
        "the end of the intruders",
        () => server.handler.stats().connections === 1,
      );
      await good.check();
    },
  );

  conforms(
    row.name,
    "random bytes harm nobody",
    async (world) => {
      const server = world.node("the server");
      const listening = await server.listen(row);
      const good = await bystander(world, row, server, listening);
      for (let n = 1; n <= 20; n += 1) {
        const bad = await rawConnect(world, row, listening);
        bad.socket.end(pattern(n * 137, n));
        // What comes back must be read, or the node's reply would wait.
        bad.socket.resume();
        await bad.over();
      }
      await eventually(
        "the end of the intruders",
        () => server.handler.stats().connections === 1,
      );
      await good.check();
    },
  );
}

for (const row of varintRows.filter(({ raw }) => raw === "port")) {
  for (const [what, bytes, reason] of VARINT_ATTACKS) {
    conforms(
      row.name,
      `${what} from a server ends the own connection as ${reason}`,
      async (world) => {
        const server = await rawListen(world, (peer) => peer.write(bytes));
        const client = world.node("the client");
        client.network.connect(row.adapter, `127.0.0.1:${server.port}`);
        assert.equal((await client.event("disconnected")).reason, reason);
        assert.equal(client.events[0]?.type, "connected");
      },
    );
  }
}

const UPGRADE = utf8(
  "GET /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n" +
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    "Sec-WebSocket-Version: 13\r\n\r\n",
);

const WS_ATTACKS: readonly [string, Uint8Array, DisconnectReason][] = [
  ["a frame without a mask", Uint8Array.of(0x82, 0x01, 0x41), "protocol"],
  ["a reserved bit", Uint8Array.of(0xc2, 0x80, 0, 0, 0, 0), "protocol"],
  ["an unknown opcode", Uint8Array.of(0x83, 0x80, 0, 0, 0, 0), "protocol"],
  ["a ping in fragments", Uint8Array.of(0x09, 0x80, 0, 0, 0, 0), "protocol"],
  [
    "a ping of 126 bytes",
    Uint8Array.of(0x89, 0xfe, 0, 126, 0, 0, 0, 0),
    "protocol",
  ],
  [
    "a continuation of nothing",
    Uint8Array.of(0x80, 0x80, 0, 0, 0, 0),
    "protocol",
  ],
  [
    "a text that is not UTF-8",
    Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0xff),
    "protocol",
  ],
  [
    "a length of 2^63",
    Uint8Array.of(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "protocol",
  ],
  [
    "a length of 17 MiB",
    Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 1, 16, 0, 0, 0, 0, 0, 0),
    "message-too-big",
  ],
];

const ws = transports.find(({ adapter }) => adapter === Transport.Ws);
assert(ws !== undefined);

for (const [what, bytes, reason] of WS_ATTACKS) {
  conforms(
    "Ws",
    `${what} ends its connection as ${reason}, and nobody else notices`,
    async (world) => {
      const server = world.node("the server");
      const listening = await server.listen(ws);
      const good = await bystander(world, ws, server, listening);
      const bad = await rawConnect(world, ws, listening);
      bad.write(UPGRADE);
      await server.event("accepted", 1);
      bad.write(bytes);
      const event = await server.event("disconnected");
      assert.equal(event.reason, reason);
      await bad.over();
      await good.check();
    },
  );
}

const HALF_HANDSHAKES: readonly [string, Uint8Array][] = [
  ["nothing", new Uint8Array(0)],
  ["one byte", utf8("G")],
  ["half a handshake", UPGRADE.subarray(0, 60)],
  ["a handshake without its last line", UPGRADE.subarray(0, -2)],
];

for (const [what, bytes] of HALF_HANDSHAKES) {
  conforms(
    "Ws",
    `${what} and then FIN is no event`,
    async (world) => {
      const server = world.node("the server");
      const listening = await server.listen(ws);
      const bad = await rawConnect(world, ws, listening);
      bad.socket.end(bytes);
      await bad.over();
      await eventually(
        "the end of the intruder",
        () => server.handler.stats().connections === 0,
      );
      assert.deepEqual(server.events, []);
    },
  );
}

conforms(
  "Ws",
  "half a handshake and then silence is no event, and ends with its time limit",
  async (world) => {
    const server = world.node("the server");
    const listening = await server.network.listen(
      Transport.Ws,
      "127.0.0.1:0",
      { handshakeTimeoutMs: 50 },
    );
    const bad = await rawConnect(world, ws, listening);
    bad.write(UPGRADE.subarray(0, 60));
    await bad.over();
    await eventually(
      "the end of the intruder",
      () => server.handler.stats().connections === 0,
    );
    assert.deepEqual(server.events, []);
  },
);

const BAD_SERVERS: readonly [string, (peer: RawPeer) => void][] = [
  ["speaks no HTTP", (peer) => peer.write(pattern(200))],
  ["refuses", (peer) => peer.socket.end("HTTP/1.1 403 Forbidden\r\n\r\n")],
  ["accepts with the wrong key", (peer) =>
    peer.write(utf8(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
        "Connection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
    ))],
];

for (const [what, greet] of BAD_SERVERS) {
  conforms(
    "Ws",
    `a server that ${what} gives one connected event that says protocol`,
    async (world) => {
      const server = await rawListen(world, (peer) => {
        peer.socket.once("data", () => greet(peer));
      });
      const client = world.node("the client");
      client.network.connect(Transport.Ws, `127.0.0.1:${server.port}`);
      const { ok, error } = await client.event("connected");
      assert.equal(ok, false);
      isNetworkError("protocol")(error);
      await turns();
      assert.equal(client.events.length, 1);
    },
  );
}

conforms(
  "Ws",
  "a server that says nothing gives one connected event that says timed-out",
  async (world) => {
    const server = await rawListen(world);
    const client = world.node("the client");
    client.network.connect(Transport.Ws, `127.0.0.1:${server.port}`, {
      connectTimeoutMs: 50,
    });
    isNetworkError("timed-out")((await client.event("connected")).error);
    await turns();
    assert.equal(client.events.length, 1);
  },
);

conforms(
  "Ws",
  "a connect that is aborted during its handshake says aborted",
  async (world) => {
    const server = await rawListen(world);
    const client = world.node("the client");
    const controller = new AbortController();
    client.network.connect(Transport.Ws, `127.0.0.1:${server.port}`, {
      signal: controller.signal,
    });
    await eventually("the raw server's peer", () => server.peers.length === 1);
    controller.abort();
    isNetworkError("aborted")((await client.event("connected")).error);
  },
);
