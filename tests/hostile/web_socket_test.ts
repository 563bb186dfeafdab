import assert from "node:assert/strict";
import { Ws } from "../../mod.ts";
import {
  rawRequest,
  RawWebSocket,
  requestText,
  wsRow,
} from "../adapters/_web_socket.ts";
import { conforms, eventually, utf8 } from "../conformance/_nodes.ts";
import type { World } from "../conformance/_nodes.ts";
import { rawConnect } from "../conformance/_raw.ts";
import { framesBytes, type FrameSpec } from "../framing/_web_socket_frames.ts";
import { type Besieged, besieged } from "./_bystander.ts";

async function intruder(world: World, { listening }: Besieged) {
  const { peer, head } = await rawRequest(world, listening, requestText());
  assert.match(head, /^HTTP\/1\.1 101 /);
  return new RawWebSocket(peer, true, head.length);
}

const MAX_FRAGMENTS = 65_536;

conforms(
  "Ws",
  "empty fragments without end are ended by the limit of 65,536 fragments, with 1009",
  async (world) => {
    const siege = await besieged(world, Ws, {});
    const raw = await intruder(world, siege);
    const block: FrameSpec[] = Array.from(
      { length: 256 },
      () => ({ opcode: 0, fin: false }),
    );
    raw.send({ opcode: 2, fin: false });
    for (let sent = 1; sent < MAX_FRAGMENTS; sent += block.length) {
      raw.peer.write(framesBytes(block, true));
    }
    const event = await siege.server.event("disconnected");
    assert.equal(event.reason, "message-too-big");
    assert.match(String(event.error?.message), /65536 fragments/);
    await raw.peer.over();
    assert.match(String(raw.log().at(-1)), /^close 1009 /);
    await siege.good.check();
  },
);

conforms(
  "Ws",
  "fragments of one byte without end are ended by maxMessageSize, with pings among them",
  async (world) => {
    const siege = await besieged(world, Ws, { maxMessageSize: 1_000 });
    const raw = await intruder(world, siege);
    const frames: FrameSpec[] = [{ opcode: 1, data: "a", fin: false }];
    for (let i = 0; i < 1_000; i += 1) {
      frames.push({ opcode: 0, data: "a", fin: false });
      if (i % 100 === 0) frames.push({ opcode: 9, data: `${i}` });
    }
    raw.peer.write(framesBytes(frames, true));
    const event = await siege.server.event("disconnected");
    assert.equal(event.reason, "message-too-big");
    await raw.peer.over();
    assert.match(String(raw.log().at(-1)), /^close 1009 /);
    await siege.good.check();
  },
);

conforms(
  "Ws",
  "compression is not agreed on, and a compressed frame is refused with 1002",
  async (world) => {
    const siege = await besieged(world, Ws, {});
    const { peer, head } = await rawRequest(
      world,
      siege.listening,
      requestText([
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
      ]),
    );
    assert.match(head, /^HTTP\/1\.1 101 /);
    assert.doesNotMatch(head, /extensions/i);
    const raw = new RawWebSocket(peer, true, head.length);
    raw.send({ opcode: 2, rsv: 4, data: new Uint8Array(100) });
    const event = await siege.server.event("disconnected");
    assert.equal(event.reason, "protocol");
    await peer.over();
    assert.match(String(raw.log().at(-1)), /^close 1002 /);
    await siege.good.check();
  },
);

conforms(
  "Ws",
  "a flood of pings by a peer that reads nothing is answered up to highWaterMark",
  async (world) => {
    const mark = 64 * 1024;
    const siege = await besieged(world, Ws, { highWaterMark: mark });
    const raw = await intruder(world, siege);
    raw.peer.socket.pause();
    const block = framesBytes(
      Array.from({ length: 1_000 }, () => ({
        opcode: 9,
        data: new Uint8Array(125),
      })),
      true,
    );
    let most = 0;
    for (let i = 0; i < 100; i += 1) {
      raw.peer.write(block);
      if (i % 10 === 0) await siege.good.check();
      most = Math.max(most, siege.server.handler.stats().queuedBytes);
    }
    await siege.good.check();
    most = Math.max(most, siege.server.handler.stats().queuedBytes);
    // 12 MiB of pongs were asked for. The one above the mark is still sent.
    assert(most <= mark + 127, `${most} bytes were queued`);
  },
);

const CLOSE_GAMES: readonly [string, readonly FrameSpec[], RegExp][] = [
  ["a close of one byte", [{ opcode: 8, data: "a" }], /^close 1002/],
  [
    "a close that says 1005",
    [{ opcode: 8, data: Uint8Array.of(0x03, 0xed) }],
    /^close 1002/,
  ],
  [
    "a close that says 65535",
    [{ opcode: 8, data: Uint8Array.of(0xff, 0xff) }],
    /^close 1002/,
  ],
  [
    "a close whose reason is no UTF-8",
    [{ opcode: 8, data: Uint8Array.of(0x03, 0xe8, 0xff) }],
    /^close 1007/,
  ],
  [
    "a close in fragments",
    [{ opcode: 8, fin: false }, { opcode: 0 }],
    /^close 1002/,
  ],
  [
    "a thousand closes",
    Array.from({ length: 1_000 }, () => ({
      opcode: 8,
      data: Uint8Array.of(0x03, 0xe8),
    })),
    /^close 1000/,
  ],
  [
    "messages after the close",
    [
      { opcode: 8, data: Uint8Array.of(0x03, 0xe8) },
      { opcode: 1, data: "never" },
      { opcode: 9, data: "never" },
    ],
    /^close 1000/,
  ],
];

for (const [what, frames, answer] of CLOSE_GAMES) {
  conforms(
    "Ws",
    `${what} is answered by one close frame, and its stream ends`,
    async (world) => {
      const siege = await besieged(world, Ws, {});
      const raw = await intruder(world, siege);
      raw.peer.write(framesBytes(frames, true));
      await siege.server.event("disconnected");
      await raw.peer.over();
      const log = raw.log();
      assert.equal(log.length, 1, log.join("; "));
      assert.match(log[0] ?? "", answer);
      assert(!siege.server.texts().includes("never"));
      await eventually(
        "the end of the intruder",
        () => siege.server.handler.stats().connections === 1,
      );
      await siege.good.check();
    },
  );
}

const HEADER_BOMBS: readonly [string, string][] = [
  [
    "a request line of 20,000 bytes",
    requestText([], `/${"a".repeat(20_000)}`),
  ],
  ["a header of 20,000 bytes", requestText([`X: ${"a".repeat(20_000)}`])],
  [
    "101 headers",
    requestText(Array.from({ length: 96 }, (_, i) => `X-${i}: 1`)),
  ],
  [
    "headers without end",
    requestText(Array.from({ length: 40_000 }, () => "X: 1")).slice(0, -4),
  ],
];

for (const [what, text] of HEADER_BOMBS) {
  conforms(
    "Ws",
    `${what} in a handshake are refused with 431 by the limits of 16,384 bytes and 100 headers`,
    async (world) => {
      const siege = await besieged(world, Ws, {});
      const bad = await rawConnect(world, wsRow, siege.listening);
      bad.write(utf8(text));
      await bad.until("an answer", () => bad.received >= 12);
      const answer = new TextDecoder().decode(bad.bytes());
      assert.match(answer, /^HTTP\/1\.1 431 /);
      await bad.over();
      await eventually(
        "the end of the intruder",
        () => siege.server.handler.stats().connections === 1,
      );
      assert.equal(siege.server.count("accepted"), 1);
      await siege.good.check();
    },
  );
}
