import assert from "node:assert/strict";
import {
  type DisconnectReason,
  framedTcp,
  framedUnix,
  type Framing,
  messagePackFraming,
  newlineFraming,
  SendStatus,
  taggedFraming,
  varintFraming,
} from "../../mod.ts";
import {
  conforms,
  isNetworkError,
  join,
  pair,
  pattern,
  sameBytes,
  utf8,
} from "./_nodes.ts";
import { rawConnect } from "./_raw.ts";
import { type TransportRow, transports } from "./_transports.ts";

const tcp = transports.find(({ name }) => name === "FramedTcp");
assert(tcp !== undefined);
const unix = transports.find(({ name }) => name === "FramedUnix");

/** The framed transports, each with a framing in place of its own. */
function rows(framing: Framing): TransportRow[] {
  return [
    ...(tcp === undefined ? [] : [{ ...tcp, adapter: framedTcp({ framing }) }]),
    ...(unix === undefined
      ? []
      : [{ ...unix, adapter: framedUnix({ framing }) }]),
  ];
}

interface FramingRow {
  readonly framing: Framing;
  readonly hasEmpty: boolean;
  /** The frame of the two bytes "hi". */
  readonly wire: readonly number[];
  /** What a peer must not send, and what it ends with. */
  readonly hostile: readonly [string, Uint8Array, DisconnectReason][];
}

const framings: readonly FramingRow[] = [
  {
    framing: varintFraming,
    hasEmpty: true,
    wire: [2, 0x68, 0x69],
    hostile: [
      ["a length not in its shortest form", Uint8Array.of(0x81, 0), "protocol"],
      [
        "a length that never ends",
        new Uint8Array(11).fill(0xff),
        "message-too-big",
      ],
    ],
  },
  {
    framing: taggedFraming,
    hasEmpty: false,
    wire: [0, 0, 0, 6, 0, 1, 0, 0, 0x68, 0x69],
    hostile: [
      ["a size too small", Uint8Array.of(0, 0, 0, 4, 0, 1, 0, 0), "protocol"],
      ["another version", Uint8Array.of(0, 0, 0, 6, 0, 9, 0, 0), "protocol"],
      [
        "a size too large",
        Uint8Array.of(0xff, 0xff, 0xff, 0xff),
        "message-too-big",
      ],
    ],
  },
  {
    framing: messagePackFraming,
    hasEmpty: true,
    wire: [0xce, 0, 0, 0, 2, 0x68, 0x69],
    hostile: [
      ["another marker", Uint8Array.of(0xcd, 0, 2), "protocol"],
      [
        "a length too large",
        Uint8Array.of(0xce, 0xff, 0xff, 0xff, 0xff),
        "message-too-big",
      ],
    ],
  },
  {
    framing: newlineFraming,
    hasEmpty: true,
    wire: [0x68, 0x69, 0x0a],
    hostile: [
      [
        "a line without end",
        new Uint8Array((16 << 20) + 1).fill(0x61),
        "message-too-big",
      ],
    ],
  },
];

/** Bytes without a line feed, which every framing carries. */
function carried(size: number, seed: number): Uint8Array {
  return pattern(size, seed).map((byte) => byte === 0x0a ? 0x0b : byte);
}

for (const { framing, hasEmpty, wire, hostile } of framings) {
  for (const row of rows(framing)) {
    const { name } = framing;

    conforms(
      row.name,
      `${name} framing carries messages of mixed sizes whole and in order`,
      async (world) => {
        const { server, client, toServer } = await pair(world, row);
        const sizes = [1, 2, 130, 20_000, 5, 70_000, 1_000_000, 3];
        if (hasEmpty) sizes.push(0, 0, 1);
        const sent = sizes.map((size, n) => carried(size, n + 1));
        for (const message of sent) client.network.send(toServer, message);
        client.network.sendAll([toServer], "by sendAll");
        await server.messages(sent.length + 1);
        for (const [n, message] of sent.entries()) {
          sameBytes(server.all("message")[n]?.data ?? utf8(""), message);
        }
        assert.equal(server.texts().at(-1), "by sendAll");
      },
    );

    conforms(
      row.name,
      `${name} framing puts the documented bytes on the wire`,
      async (world) => {
        const server = world.node();
        const peer = await rawConnect(world, row, await server.listen(row));
        const { endpoint } = await server.event("accepted");
        server.network.send(endpoint, "hi");
        server.network.sendAll([endpoint], "hi");
        await peer.size(2 * wire.length);
        assert.deepEqual([...peer.bytes()], [...wire, ...wire]);
        peer.write(Uint8Array.from(wire));
        await server.messages(1);
        assert.deepEqual(server.texts(), ["hi"]);
      },
    );

    conforms(
      row.name,
      `${name} framing finds a frame however it is cut`,
      async (world) => {
        const server = world.node();
        const listening = await server.listen(row);
        const frame = Uint8Array.from(wire);
        for (let cut = 0; cut <= frame.length; cut += 1) {
          const peer = await rawConnect(world, row, listening);
          const before = server.count("message");
          // The whole frame tells that the part after it has come as well.
          peer.write(join([frame, frame.subarray(0, cut)]));
          await server.messages(before + (cut === frame.length ? 2 : 1));
          peer.write(frame.subarray(cut));
          await server.messages(before + 2);
          assert(server.texts().every((was) => was === "hi"), `cut at ${cut}`);
          peer.socket.destroy();
        }
      },
    );

    for (const [what, bytes, reason] of hostile) {
      conforms(
        row.name,
        `${name} framing: ${what} ends its connection as ${reason}, and no other`,
        async (world) => {
          const server = world.node();
          const listening = await server.listen(row);
          const good = await rawConnect(world, row, listening);
          const bad = await rawConnect(world, row, listening);
          await server.event("accepted", 1);
          bad.write(join([Uint8Array.from(wire), bytes]));
          const event = await server.event("disconnected");
          assert.equal(event.reason, reason);
          assert.equal(event.error?.code, reason);
          await bad.over();
          good.write(Uint8Array.from(wire));
          await server.messages(2);
          assert.equal(server.count("disconnected"), 1);
        },
      );
    }
  }
}

for (const row of rows(taggedFraming)) {
  conforms(
    row.name,
    "tagged framing: the tag reaches the user, each with its own message",
    async (world) => {
      const { server, client, toServer, toClient } = await pair(world, row);
      const tags = [0, 1, 255, 256, 65_535];
      for (const tag of tags) {
        assert.equal(
          client.network.send(toServer, `tag ${tag}`, { tag }),
          SendStatus.Sent,
        );
      }
      client.network.sendAll([toServer], "to all", { tag: 77 });
      await server.messages(6);
      assert.deepEqual(
        server.all("message").map(({ tag }) => tag),
        [...tags, 77],
      );
      server.network.send(toClient, pattern(100_000), { tag: 9 });
      await client.messages(1);
      assert.equal(client.all("message")[0]?.tag, 9);
    },
  );

  conforms(
    row.name,
    "tagged framing: a tag out of its range and an empty message are invalid-message",
    async (world) => {
      const { server, client, toServer } = await pair(world, row);
      for (const tag of [-1, 65_536, 1.5, NaN]) {
        assert.throws(
          () => client.network.send(toServer, "x", { tag }),
          isNetworkError("invalid-message"),
        );
        assert.throws(
          () => client.network.sendAll([toServer], "x", { tag }),
          isNetworkError("invalid-message"),
        );
      }
      assert.throws(
        () => client.network.send(toServer, ""),
        isNetworkError("invalid-message"),
      );
      client.network.send(toServer, "fine", { tag: 1 });
      await server.messages(1);
      assert.deepEqual(server.texts(), ["fine"]);
    },
  );
}

for (const framing of [varintFraming, messagePackFraming, newlineFraming]) {
  for (const row of rows(framing)) {
    conforms(
      row.name,
      `${framing.name} framing: a tag is invalid-message, and the connection goes on`,
      async (world) => {
        const { server, client, toServer } = await pair(world, row);
        assert.throws(
          () => client.network.send(toServer, "x", { tag: 1 }),
          isNetworkError("invalid-message"),
        );
        client.network.send(toServer, "fine", { tag: 0 });
        await server.messages(1);
        assert.equal(client.handler.stats().queuedBytes, 0);
      },
    );
  }
}

for (const row of rows(newlineFraming)) {
  conforms(
    row.name,
    "newline framing: a message with a line feed is invalid-message, and nothing of it is sent",
    async (world) => {
      const { server, client, toServer } = await pair(world, row);
      for (const bad of ["\n", "two\nlines", "end\n"]) {
        assert.throws(
          () => client.network.send(toServer, bad),
          isNetworkError("invalid-message"),
        );
      }
      client.network.send(toServer, "one line\r");
      await server.messages(1);
      assert.deepEqual(server.texts(), ["one line\r"]);
    },
  );
}

conforms(
  "FramedTcp",
  "sendAll frames once for each framing among the peers",
  async (world) => {
    const sender = world.node("the sender");
    const endpoints = [];
    const receivers = [];
    for (const { framing } of [...framings, ...framings]) {
      const receiver = world.node(`the ${framing.name} receiver`);
      const adapter = framedTcp({ framing });
      const { address } = await receiver.network.listen(adapter, "127.0.0.1:0");
      endpoints.push(await sender.network.connectAsync(adapter, address));
      receivers.push(receiver);
    }
    assert.deepEqual(
      sender.network.sendAll(endpoints, "to all"),
      endpoints.map(() => SendStatus.Sent),
    );
    for (const receiver of receivers) {
      await receiver.messages(1);
      assert.deepEqual(receiver.texts(), ["to all"]);
    }
  },
);

conforms(
  "FramedTcp",
  "sendAll makes one frame for all connections of a framing, and send one for each",
  async (world) => {
    let heads = 0;
    const counting: Framing = {
      ...varintFraming,
      name: "counting",
      writeHead(...where) {
        heads += 1;
        varintFraming.writeHead(...where);
      },
    };
    const adapter = framedTcp({ framing: counting });
    const server = world.node("the server");
    const client = world.node("the client");
    const { address } = await server.network.listen(adapter, "127.0.0.1:0");
    const endpoints = await Promise.all(
      [1, 2, 3, 4, 5].map(() => client.network.connectAsync(adapter, address)),
    );
    client.network.sendAll(endpoints, "to all");
    assert.equal(heads, 1);
    for (const each of endpoints) client.network.send(each, "to each");
    assert.equal(heads, 6);
    await server.messages(10);
  },
);
