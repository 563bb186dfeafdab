import assert from "node:assert/strict";
import { WebSocketClose, Ws } from "../../adapters/ws.ts";
import type { DisconnectReason, NetworkErrorCode } from "../../mod.ts";
import { conforms, pair } from "../conformance/_nodes.ts";
import type { FrameSpec } from "../framing/_web_socket_frames.ts";
import { rawClient, wsRow } from "./_web_socket.ts";

const closeFrame = (code: number, reason = ""): FrameSpec => ({
  opcode: 8,
  data: Uint8Array.from([
    code >> 8,
    code & 0xff,
    ...new TextEncoder().encode(reason),
  ]),
});

conforms(
  "Ws",
  "the code and reason of a remove reach the peer",
  async (world) => {
    const { server, client, toServer } = await pair(world, wsRow);
    client.network.send(toServer, "last words");
    client.remove(toServer.resourceId, { code: 4001, reason: "moved on" });
    const { reason, error } = await server.event("disconnected");
    assert.deepEqual(server.texts(), ["last words"]);
    assert.equal(reason, "closed");
    assert(error?.cause instanceof WebSocketClose);
    assert.equal(error.cause.code, 4001);
    assert.equal(error.cause.reason, "moved on");
    assert.match(error.message, /4001: moved on/);
  },
);

conforms(
  "Ws",
  "a plain remove and a stop are a closing in order",
  async (world) => {
    const { server, client, toServer } = await pair(world, wsRow);
    client.remove(toServer.resourceId);
    const { reason, error } = await server.event("disconnected");
    assert.equal(reason, "closed");
    assert.equal(error, undefined);
    const listening = await server.listen(wsRow);
    client.connect(wsRow, listening);
    await server.event("accepted", 1);
    await client.event("connected", 1);
    await client.handler.stop();
    const second = await server.event("disconnected", 1);
    assert.equal(second.reason, "closed");
    assert.equal(second.error, undefined);
  },
);

const codes: readonly [
  number,
  DisconnectReason,
  NetworkErrorCode | undefined,
][] = [
  [1000, "closed", undefined],
  [1001, "closed", undefined],
  [1002, "protocol", "protocol"],
  [1003, "protocol", "protocol"],
  [1007, "protocol", "protocol"],
  [1008, "error", "io"],
  [1009, "message-too-big", "message-too-big"],
  [1010, "protocol", "protocol"],
  [1011, "error", "io"],
  [1012, "error", "io"],
  [3000, "closed", "io"],
  [4999, "closed", "io"],
];

for (const [code, expected, errorCode] of codes) {
  conforms(
    "Ws",
    `the peer's close code ${code} is answered and becomes ${expected}`,
    async (world) => {
      const { server, raw } = await rawClient(world);
      raw.send({ opcode: 1, data: "before" }, closeFrame(code, "why"), {
        opcode: 1,
        data: "after",
      });
      const { reason, error } = await server.event("disconnected");
      assert.equal(reason, expected);
      assert.equal(error?.code, errorCode);
      if (errorCode !== undefined) {
        assert(error?.cause instanceof WebSocketClose);
        assert.equal(error.cause.code, code);
        assert.equal(error.cause.reason, "why");
      }
      await raw.peer.over();
      assert.deepEqual(raw.log(), [`close ${code} ""`]);
      assert.deepEqual(server.texts(), ["before"]);
    },
  );
}

conforms(
  "Ws",
  "a close frame without a code is answered with one, and becomes closed",
  async (world) => {
    const { server, raw } = await rawClient(world);
    raw.send({ opcode: 8 });
    const { reason, error } = await server.event("disconnected");
    assert.equal(reason, "closed");
    assert.equal(error, undefined);
    await raw.peer.over();
    assert.deepEqual(raw.log(), ['close 1005 ""']);
  },
);

const faults: readonly [
  string,
  readonly FrameSpec[],
  number,
  DisconnectReason,
][] = [
  ["a reserved bit", [{ opcode: 1, rsv: 4, data: "x" }], 1002, "protocol"],
  [
    "a frame that is not masked",
    [{ opcode: 1, data: "x", masked: false }],
    1002,
    "protocol",
  ],
  ["an unknown opcode", [{ opcode: 11 }], 1002, "protocol"],
  ["a continuation of nothing", [{ opcode: 0, data: "x" }], 1002, "protocol"],
  [
    "text that is not UTF-8",
    [{ opcode: 1, data: Uint8Array.of(0xff) }],
    1007,
    "protocol",
  ],
  [
    "a message above the limit, by its head alone",
    [{ opcode: 2, claim: 1001 }],
    1009,
    "message-too-big",
  ],
  [
    "fragments above the limit",
    [{ opcode: 2, data: new Uint8Array(600), fin: false }, {
      opcode: 0,
      claim: 401,
    }],
    1009,
    "message-too-big",
  ],
];

for (const [name, frames, code, expected] of faults) {
  conforms(
    "Ws",
    `${name} is answered with the close code ${code}`,
    async (world) => {
      const { server, raw } = await rawClient(world, { maxMessageSize: 1000 });
      raw.send({ opcode: 2, data: "good" }, ...frames, {
        opcode: 2,
        data: "never",
      });
      const { reason, error } = await server.event("disconnected");
      assert.equal(reason, expected);
      assert.equal(error?.code, expected);
      await raw.peer.over();
      assert.match(raw.log().join(), new RegExp(`^close ${code} ".+"$`));
      assert.deepEqual(server.texts(), ["good"]);
    },
  );
}

conforms(
  "Ws",
  "a stream that ends without a close frame is closed, with an error that says so",
  async (world) => {
    const { server, raw } = await rawClient(world);
    raw.send({ opcode: 2, data: "whole" });
    raw.peer.socket.end();
    const { reason, error } = await server.event("disconnected");
    assert.equal(reason, "closed");
    assert.equal(error?.code, "protocol");
    assert.match(error?.message ?? "", /without a close frame/);
    assert.deepEqual(server.texts(), ["whole"]);
  },
);

conforms(
  "Ws",
  "a stream that ends inside a message is a broken protocol",
  async (world) => {
    const { server, raw } = await rawClient(world);
    raw.send({ opcode: 2, data: "part", fin: false });
    raw.peer.socket.end();
    const { reason, error } = await server.event("disconnected");
    assert.equal(reason, "protocol");
    assert.equal(error?.code, "protocol");
    assert.deepEqual(server.texts(), []);
  },
);

conforms("Ws", "a reset is a reset", async (world) => {
  const { server, raw } = await rawClient(world);
  raw.peer.socket.resetAndDestroy();
  const { reason, error } = await server.event("disconnected");
  assert.equal(reason, "reset");
  assert.equal(error?.code, "connection-reset");
});

conforms(
  "Ws",
  "a remove sends what was accepted, then the close frame, and ends the stream once the peer's came",
  async (world) => {
    const { server, raw } = await rawClient(world, { closeTimeoutMs: 20_000 });
    const { endpoint } = await server.event("accepted");
    server.network.send(endpoint, "accepted");
    server.remove(endpoint.resourceId, { code: 3210, reason: "bye" });
    assert.deepEqual(await raw.logOf(2), [
      'text "accepted"',
      'close 3210 "bye"',
    ]);
    assert.equal(raw.peer.isEnded, false);
    raw.send({ opcode: 2, data: "unheard" }, closeFrame(3210));
    await raw.peer.over();
    assert.deepEqual(server.texts(), []);
  },
);

conforms(
  "Ws",
  "a peer that never answers the close frame is left after closeTimeoutMs",
  async (world) => {
    const { server, raw } = await rawClient(world, { closeTimeoutMs: 50 });
    const { endpoint } = await server.event("accepted");
    server.remove(endpoint.resourceId);
    await raw.peer.over();
    assert.deepEqual(raw.log(), ['close 1000 ""']);
  },
);

conforms("Ws", "a stop waits for no peer", async (world) => {
  const { server, raw } = await rawClient(world, { closeTimeoutMs: 20_000 });
  await server.handler.stop();
  await raw.peer.over();
  assert.deepEqual(raw.log(), ['close 1000 ""']);
});

conforms(
  "Ws",
  "a remove with drain sends megabytes to a slow peer before the close frame",
  async (world) => {
    const { server, raw } = await rawClient(world);
    const { endpoint } = await server.event("accepted");
    raw.peer.socket.pause();
    const size = 8 << 20;
    server.network.send(endpoint, new Uint8Array(size));
    server.remove(endpoint.resourceId, { drain: true, code: 4000 });
    raw.peer.socket.resume();
    await raw.tail(Uint8Array.of(0x88, 2, 4000 >> 8, 4000 & 0xff), size);
    raw.send(closeFrame(4000));
    await raw.peer.over();
  },
);

conforms(
  "Ws",
  "a peer that reads only after its close frame gets what was accepted before, then the answer to it",
  async (world) => {
    const { server, raw } = await rawClient(world);
    const { endpoint } = await server.event("accepted");
    const size = 8 << 20;
    raw.peer.socket.pause();
    server.network.send(endpoint, new Uint8Array(size));
    raw.send(closeFrame(4000));
    assert.equal((await server.event("disconnected")).reason, "closed");
    raw.peer.socket.resume();
    await raw.tail(Uint8Array.of(0x88, 2, 4000 >> 8, 4000 & 0xff), size);
    await raw.peer.over();
    assert.equal(raw.peer.error, undefined);
  },
);

conforms("Ws", "both ends may close at once", async (world) => {
  const { server, client, toServer, toClient } = await pair(world, wsRow);
  client.remove(toServer.resourceId);
  server.remove(toClient.resourceId);
  await client.handler.stop();
  await server.handler.stop();
  assert.deepEqual(client.all("disconnected"), []);
  assert.deepEqual(server.all("disconnected"), []);
});

conforms(
  "Ws",
  "what comes with the closing of the client is refused by the same codes",
  async (world) => {
    const node = world.node();
    const listening = await node.network.listen(Ws, "127.0.0.1:0", {
      maxMessageSize: 10,
    });
    const endpoint = await node.network.connectAsync(
      Ws,
      wsRow.peerAddress(listening.address),
    );
    node.network.send(endpoint, new Uint8Array(11));
    const first = await node.event("disconnected");
    const second = await node.event("disconnected", 1);
    assert.deepEqual([first.reason, second.reason], [
      "message-too-big",
      "message-too-big",
    ]);
  },
);
