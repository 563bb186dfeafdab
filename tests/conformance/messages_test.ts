import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Endpoint, SendStatus } from "../../mod.ts";
import {
  conforms,
  conformsOn,
  halfPair,
  join,
  pair,
  pattern,
  sameBytes,
  text,
  utf8,
} from "./_nodes.ts";
import { rawConnect, varintFrame } from "./_raw.ts";
import { packets, streams, transports, varintRows } from "./_transports.ts";

conformsOn(
  transports,
  "a message arrives and can be answered to its endpoint",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    server.onEvent = (event) => {
      if (event.type !== "message") return;
      assert.equal(
        server.network.send(event.endpoint, event.data),
        SendStatus.Sent,
      );
    };
    assert.equal(
      client.network.send(toServer, Uint8Array.of(42)),
      SendStatus.Sent,
    );
    await client.messages(1);
    const reply = client.all("message")[0];
    assert.deepEqual(reply?.data, Uint8Array.of(42));
    assert.equal(reply?.endpoint, toServer);
  },
);

conformsOn(
  transports,
  "a message says that it is no text and has no tag",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    client.network.send(toServer, Uint8Array.of(1));
    const { isText, tag, data } = await server.event("message");
    assert.deepEqual({ isText, tag }, { isText: false, tag: 0 });
    assert.equal(data.constructor, Uint8Array);
  },
);

conformsOn(
  transports,
  "a string arrives as its UTF-8",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    client.network.send(toServer, "grüß dich, 世界 🌍");
    await server.messages(1);
    assert.deepEqual(server.texts(), ["grüß dich, 世界 🌍"]);
  },
);

conformsOn(
  transports.filter(({ isPacket }) => isPacket),
  "delivers an empty message",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    assert.equal(
      client.network.send(toServer, new Uint8Array(0)),
      SendStatus.Sent,
    );
    assert.equal(client.network.send(toServer, ""), SendStatus.Sent);
    client.network.send(toServer, "last");
    await server.messages(3);
    assert.deepEqual(server.texts(), ["", "", "last"]);
  },
);

conformsOn(
  streams,
  "an empty send adds nothing to the stream",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    assert.equal(
      client.network.send(toServer, new Uint8Array(0)),
      SendStatus.Sent,
    );
    client.network.send(toServer, "a");
    client.network.send(toServer, "");
    client.network.send(toServer, "b");
    await server.received(2);
    assert.equal(text(server.bytes()), "ab");
    assert(server.all("message").every(({ data }) => data.length > 0));
  },
);

const SIZES = [
  ...[1, 2, 127, 128, 129, 255, 16_383, 16_384, 16_385, 65_535, 65_536],
  ...[65_537, 131_072, 1_000_003],
];

conformsOn(
  packets,
  "messages of every size about a limit arrive whole and in order",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    const sent = SIZES.map((size) => pattern(size, size));
    for (const message of sent) client.network.send(toServer, message);
    await server.messages(sent.length);
    const messages = server.all("message");
    for (const [at, message] of sent.entries()) {
      sameBytes(messages[at]?.data ?? new Uint8Array(0), message);
    }
  },
);

conformsOn(
  streams,
  "bytes of every size about a limit arrive in order",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    const sent = join(SIZES.map((size) => pattern(size, size)));
    let at = 0;
    for (const size of SIZES) {
      client.network.send(toServer, sent.subarray(at, at + size));
      at += size;
    }
    await server.received(sent.length);
    sameBytes(server.bytes(), sent);
  },
);

conformsOn(
  packets,
  "5,000 messages of mixed sizes sent at once arrive whole and in order",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    const all = pattern(4_000);
    const sizeOf = (n: number) => (n * 7_919) % 3_001;
    for (let n = 0; n < 5_000; n += 1) {
      client.network.send(toServer, all.subarray(0, sizeOf(n)));
    }
    await server.messages(5_000);
    for (const [n, { data }] of server.all("message").entries()) {
      sameBytes(data, all.subarray(0, sizeOf(n)));
    }
  },
);

conformsOn(
  packets,
  "one message a turn of the loop is one message each",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    server.onEvent = (event) => {
      if (event.type === "message") {
        server.network.send(event.endpoint, event.data);
      }
    };
    let turn = 0;
    client.onEvent = (event) => {
      if (event.type !== "message") return;
      assert.equal(text(event.data), String(turn));
      turn += 1;
      if (turn < 200) client.network.send(toServer, String(turn));
    };
    client.network.send(toServer, "0");
    await client.messages(200);
    assert.equal(server.all("message").length, 200);
  },
);

conformsOn(
  packets,
  "both ends send at once, and each gets all of the other's in order",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    for (let n = 0; n < 2_000; n += 1) {
      client.network.send(toServer, `to the server ${n}`);
      server.network.send(toClient, `to the client ${n}`);
    }
    await Promise.all([server.messages(2_000), client.messages(2_000)]);
    assert(server.texts().every((was, n) => was === `to the server ${n}`));
    assert(client.texts().every((was, n) => was === `to the client ${n}`));
  },
);

conformsOn(
  packets,
  "two nodes that send each other 8 MiB from their callbacks do not block each other",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    const big = pattern(8 << 20);
    const answer = (event: { type: string; endpoint?: Endpoint }) => {
      if (event.type !== "message" || event.endpoint === undefined) return;
      const node = event.endpoint === toClient ? server : client;
      if (node.all("message").length === 1) {
        node.network.send(event.endpoint, big);
      }
    };
    server.onEvent = answer;
    client.onEvent = answer;
    client.network.send(toServer, big);
    server.network.send(toClient, big);
    await Promise.all([server.messages(2), client.messages(2)]);
    for (const node of [server, client]) {
      for (const { data } of node.all("message")) sameBytes(data, big);
    }
  },
);

conformsOn(
  packets,
  "sends of many tasks at once do not mix their bytes",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    const sizes = [3, 200, 5_000, 20_000, 100_000];
    const task = async (seed: number) => {
      for (let round = 0; round < 20; round += 1) {
        const size = sizes[(seed + round) % sizes.length] ?? 0;
        const message = new Uint8Array(size).fill(seed);
        client.network.send(toServer, message);
        if (round % 3 === 0) await Promise.resolve();
        if (round % 7 === 0) await new Promise((go) => setTimeout(go, 0));
      }
    };
    await Promise.all([1, 2, 3, 4, 5, 6].map(task));
    await server.messages(120);
    const rounds = new Map<number, number>();
    for (const { data } of server.all("message")) {
      const seed = data[0] ?? 0;
      const round = rounds.get(seed) ?? 0;
      rounds.set(seed, round + 1);
      sameBytes(
        data,
        new Uint8Array(sizes[(seed + round) % sizes.length] ?? 0).fill(seed),
      );
    }
    assert.deepEqual([...rounds.values()], [20, 20, 20, 20, 20, 20]);
  },
);

conformsOn(
  packets,
  "sends from inside the callback do not mix with those around them",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    server.onEvent = (event) => {
      if (event.type !== "message") return;
      // A large one goes by reference and a small one is copied: their order must hold.
      server.network.send(event.endpoint, new Uint8Array(30_000).fill(1));
      server.network.send(event.endpoint, Uint8Array.of(2));
      queueMicrotask(() => server.network.send(toClient, Uint8Array.of(3)));
    };
    for (let n = 0; n < 50; n += 1) client.network.send(toServer, `ask ${n}`);
    await client.messages(150);
    const counts = new Map<number, number>();
    let last = 0;
    for (const { data } of client.all("message")) {
      const kind = data[0] ?? 0;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      assert.equal(data.length, kind === 1 ? 30_000 : 1);
      assert(data.every((byte) => byte === kind));
      if (kind === 2) {
        assert.equal(last, 1, "the small one follows its big one");
      }
      last = kind;
    }
    assert.deepEqual([...counts].sort(), [[1, 50], [2, 50], [3, 50]]);
  },
);

conformsOn(
  transports.filter(({ isPacket }) => isPacket),
  "a callback that sends to its own node is never entered again before it returns",
  async (world, row) => {
    const node = world.node();
    const toServer = node.connect(row, await node.listen(row));
    await node.event("connected");
    let depth = 0;
    node.onEvent = (event) => {
      depth += 1;
      assert.equal(depth, 1);
      if (event.type === "message" && node.count("message") < 300) {
        node.network.send(event.endpoint, "back");
        if (node.count("message") < 20) node.network.send(toServer, "forth");
      }
      depth -= 1;
    };
    node.network.send(toServer, "forth");
    await node.messages(300);
  },
);

function checksum(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

conformsOn(
  transports,
  "the data of a message is never written again",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    const kept: { data: Uint8Array; sum: string }[] = [];
    let bytes = 0;
    server.onEvent = (event) => {
      if (event.type !== "message") return;
      kept.push({ data: event.data, sum: checksum(event.data) });
      bytes += event.data.length;
      server.network.send(event.endpoint, Uint8Array.of(0));
    };
    const rounds = 60;
    for (let round = 0; round < rounds; round += 1) {
      const message = pattern([10, 1_000, 30_000][round % 3] ?? 0, round);
      const goal = bytes + message.length;
      client.network.send(toServer, message);
      await server.until(`round ${round}`, () => bytes >= goal);
    }
    assert(kept.length >= rounds);
    for (const { data, sum } of kept) assert.equal(checksum(data), sum);
  },
);

conformsOn(
  packets,
  "a message may be changed by its receiver without harm to its neighbours",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    server.onEvent = (event) => {
      if (event.type !== "message") return;
      sameBytes(event.data, pattern(500, server.all("message").length));
      event.data.fill(0);
    };
    for (let n = 1; n <= 300; n += 1) {
      client.network.send(toServer, pattern(500, n));
    }
    await server.messages(300);
  },
);

conformsOn(
  transports,
  "copy: true takes the bytes as they are at the call, small and large",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    let expected = 0;
    for (const size of [10, 50_000]) {
      const buffer = pattern(size);
      const before = buffer.slice();
      client.network.send(toServer, buffer, { copy: true });
      buffer.fill(0xee);
      expected += size;
      await server.received(expected);
      sameBytes(server.bytes().subarray(expected - size), before);
    }
  },
);

conformsOn(
  transports.filter(({ isPacket }) => isPacket),
  "sendAll with copy: true takes the bytes as they are at the call",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    const buffer = pattern(50_000);
    const before = buffer.slice();
    client.network.sendAll([toServer, toServer], buffer, { copy: true });
    buffer.fill(0);
    await server.messages(2);
    for (const { data } of server.all("message")) sameBytes(data, before);
  },
);

conformsOn(
  transports,
  "what is sent is not written to",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    for (const size of [5, 60_000]) {
      const buffer = pattern(size);
      client.network.send(toServer, buffer);
      client.network.sendAll([toServer], buffer);
      await server.received(2 * size);
      sameBytes(buffer, pattern(size));
    }
  },
);

conformsOn(
  transports,
  "a view into a larger buffer is sent as what the view shows",
  async (world, row) => {
    const { server, client, toServer } = await halfPair(world, row);
    const buffer = pattern(40_000);
    client.network.send(toServer, buffer.subarray(100, 30_000));
    await server.received(29_900);
    sameBytes(server.bytes(), buffer.subarray(100, 30_000));
  },
);

conformsOn(
  transports,
  "sendAll reaches every peer and tells what became of each, in order",
  async (world, row) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const listening = await server.listen(row);
    const endpoints = [1, 2, 3].map(() => client.connect(row, listening));
    await client.event("connected", 2);
    const [first, second, third] = endpoints;
    assert(first !== undefined && second !== undefined && third !== undefined);
    client.remove(second.resourceId);
    assert.deepEqual(client.network.sendAll(endpoints, "to all"), [
      SendStatus.Sent,
      SendStatus.ResourceNotFound,
      SendStatus.Sent,
    ]);
    await server.messages(2);
    assert.deepEqual(server.texts(), ["to all", "to all"]);
    const senders = server.all("message").map(({ endpoint }) => endpoint);
    assert.equal(new Set(senders).size, 2);
    assert.deepEqual(client.network.sendAll([], "to nobody"), []);
  },
);

conformsOn(
  packets,
  "sendAll keeps the order among other sends",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    for (let n = 0; n < 300; n += 3) {
      client.network.send(toServer, `${n}`);
      client.network.sendAll([toServer], `${n + 1}`);
      client.network.sendAll([toServer], utf8(`${n + 2}`));
    }
    await server.messages(300);
    assert(server.texts().every((was, n) => was === `${n}`));
  },
);

for (const row of varintRows) {
  conforms(
    row.name,
    "messages cut at every byte of the stream arrive whole",
    async (world) => {
      const server = world.node();
      const listening = await server.listen(row);
      const messages = ["", "x", "y".repeat(130), "", "end"].map(utf8);
      const stream = join(messages.map(varintFrame));
      const marker = utf8("marker");
      for (let cut = 0; cut <= stream.length; cut += 1) {
        const peer = await rawConnect(world, row, listening);
        const before = server.all("message").length;
        // The first part arrives with the marker; the rest is sent once that is seen.
        peer.write(join([varintFrame(marker), stream.subarray(0, cut)]));
        await server.messages(before + 1);
        peer.write(stream.subarray(cut));
        await server.messages(before + 1 + messages.length);
        const got = server.all("message").slice(before);
        assert.deepEqual(
          got.map(({ data }) => text(data)),
          ["marker", ...messages.map(text)],
          `cut at ${cut}`,
        );
        peer.socket.destroy();
      }
    },
  );

  conforms(
    row.name,
    "a stream sent byte by byte gives the same messages",
    async (world) => {
      const server = world.node();
      const peer = await rawConnect(world, row, await server.listen(row));
      const messages = [utf8("hello"), utf8(""), pattern(300)];
      for (const byte of join(messages.map(varintFrame))) {
        await new Promise<void>((resolve) =>
          peer.socket.write(Uint8Array.of(byte), () => resolve())
        );
      }
      await server.messages(3);
      assert.deepEqual(server.all("message").map(({ data }) => data), messages);
    },
  );

  conforms(
    row.name,
    "what it puts on the wire is the length as a varint, then the message",
    async (world) => {
      const server = world.node();
      const peer = await rawConnect(world, row, await server.listen(row));
      const { endpoint } = await server.event("accepted");
      const messages = [0, 1, 127, 128, 300, 16_384, 70_000].map((size) =>
        pattern(size, size)
      );
      for (const message of messages) server.network.send(endpoint, message);
      const expected = join(messages.map(varintFrame));
      await peer.size(expected.length);
      sameBytes(peer.bytes(), expected);
    },
  );
}
