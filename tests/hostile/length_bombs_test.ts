import assert from "node:assert/strict";
import {
  type Adapter,
  type ConnectOptions,
  FramedTcp,
  framedTcp,
  type ListenOptions,
  messagePackFraming,
  newlineFraming,
  taggedFraming,
  Ws,
} from "../../mod.ts";
import { requestText, wsRow } from "../adapters/_web_socket.ts";
import { conforms, eventually, join, utf8 } from "../conformance/_nodes.ts";
import { rawConnect, type RawPeer } from "../conformance/_raw.ts";
import { bytesOf } from "../framing/_web_socket_frames.ts";
import { besieged, residentMiB } from "./_bystander.ts";

interface Bomb {
  readonly name: string;
  readonly transport: Adapter<ConnectOptions, ListenOptions>;
  /** Said first. */
  readonly prelude?: string;
  /** The head of a message of 16 MiB, the default limit. */
  readonly atLimit: string;
  /** The head of one that is a byte longer, or much longer. */
  readonly above: readonly string[];
}

const BOMBS: readonly Bomb[] = [
  {
    name: "varint",
    transport: FramedTcp,
    atLimit: "80808008",
    above: ["81808008", "ffffffff0f", "ffffffffffffffff01"],
  },
  {
    name: "tagged",
    transport: framedTcp({ framing: taggedFraming }),
    atLimit: "01000004 0001 0000",
    above: ["01000005 0001 0000", "05f5e104 0001 0000", "ffffffff 0001 0000"],
  },
  {
    name: "MessagePack",
    transport: framedTcp({ framing: messagePackFraming }),
    atLimit: "ce 01000000",
    above: ["ce 01000001", "ce ffffffff"],
  },
  {
    name: "WebSocket",
    transport: Ws,
    prelude: requestText(),
    atLimit: "82 ff 0000000001000000 00000000",
    above: [
      "82 ff 0000000001000001 00000000",
      "82 ff 0000000100000000 00000000",
      "82 ff 7fffffffffffffff 00000000",
    ],
  },
];

const COUNT = 100;

for (const { name, transport, prelude, atLimit, above } of BOMBS) {
  conforms(
    name,
    `a length above maxMessageSize ends its connection before a byte is kept for it`,
    async (world) => {
      const { server, listening, good } = await besieged(world, transport, {});
      for (const [i, head] of above.entries()) {
        const bad = await rawConnect(world, wsRow, listening);
        bad.write(join([utf8(prelude ?? ""), bytesOf(head)]));
        const event = await server.event("disconnected", i);
        assert.equal(event.reason, "message-too-big");
        await bad.over();
      }
      await good.check();
    },
  );

  conforms(
    name,
    `${COUNT} peers that announce maxMessageSize and send ten bytes cost what they sent`,
    async (world) => {
      const { server, listening, good } = await besieged(world, transport, {});
      const peers: RawPeer[] = [];
      for (let i = 0; i < COUNT; i += 1) {
        const peer = await rawConnect(world, wsRow, listening);
        if (prelude !== undefined) peer.write(utf8(prelude));
        peers.push(peer);
      }
      await eventually(
        "all to be accepted",
        () => server.count("accepted") === COUNT + 1,
      );
      const before = await residentMiB();
      for (const peer of peers) {
        peer.write(join([bytesOf(atLimit), new Uint8Array(10)]));
      }
      await good.check();
      await good.check();
      const grown = await residentMiB() - before;
      // They have announced 1,600 MiB.
      assert(grown < 64, `${grown.toFixed(1)} MiB more`);
      assert.equal(server.count("disconnected"), 0);
    },
  );
}

conforms(
  "newline",
  "a line without end is ended by maxMessageSize",
  async (world) => {
    const { server, listening, good } = await besieged(
      world,
      framedTcp({ framing: newlineFraming }),
      { maxMessageSize: 100_000 },
    );
    const bad = await rawConnect(world, wsRow, listening);
    const piece = new Uint8Array(10_000).fill(0x61);
    const feed = setInterval(() => bad.write(piece), 1);
    const event = await server.event("disconnected");
    clearInterval(feed);
    assert.equal(event.reason, "message-too-big");
    await bad.over();
    await good.check();
  },
);
