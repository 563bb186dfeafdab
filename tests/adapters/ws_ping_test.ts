import assert from "node:assert/strict";
import { Ws, type WsTimeOptions } from "../../adapters/ws.ts";
import { acceptResponse } from "../../framing/web_socket_handshake.ts";
import type { ListenOptions } from "../../mod.ts";
import { conforms, pair, turns } from "../conformance/_nodes.ts";
import { rawClient, rawServer, wsRow } from "./_web_socket.ts";

conforms(
  "Ws",
  "a ping is answered with a pong of the same data, also inside a message",
  async (world) => {
    const { server, raw } = await rawClient(world);
    raw.send(
      { opcode: 9, data: "one" },
      { opcode: 1, data: "a", fin: false },
      { opcode: 9, data: "two" },
      { opcode: 0, data: "b" },
      { opcode: 10, data: "unasked" },
    );
    await server.messages(1);
    assert.deepEqual(server.texts(), ["ab"]);
    assert.deepEqual(await raw.logOf(2), ['pong "one"', 'pong "two"']);
  },
);

conforms(
  "Ws",
  "a flood of pings to a congested connection queues one pong, of the latest",
  async (world) => {
    const { server, raw } = await rawClient(world, { highWaterMark: 1000 });
    const { endpoint } = await server.event("accepted");
    raw.peer.socket.pause();
    // More than the sockets between them can hold.
    const size = 32 << 20;
    server.network.send(endpoint, new Uint8Array(size >> 1));
    server.network.send(endpoint, new Uint8Array(size >> 1));
    const before = server.handler.stats().queuedBytes;
    assert(before > 1000);
    const pings = 10_000;
    for (let i = 0; i < pings; i += 1) raw.send({ opcode: 9, data: `${i}` });
    raw.send({ opcode: 1, data: "after" });
    await server.messages(1);
    assert(server.handler.stats().queuedBytes <= before + 200);
    raw.peer.socket.resume();
    const pong = [0x8a, 4, ...new TextEncoder().encode(`${pings - 1}`)];
    await raw.tail(Uint8Array.from(pong), size);
  },
);

conforms("Ws", "a peer that answers no ping is a timeout", async (world) => {
  const { server, raw } = await rawClient(world, {
    pingIntervalMs: 20,
    pongTimeoutMs: 30,
  });
  const { reason, error } = await server.event("disconnected");
  assert.equal(reason, "timeout");
  assert.equal(error?.code, "timed-out");
  await raw.peer.over();
  assert.deepEqual(raw.log().slice(0, 1), ['ping ""']);
});

conforms(
  "Ws",
  "a client finds a server that answers no ping",
  async (world) => {
    const { port } = await rawServer(world, (head) => {
      const key = /Sec-WebSocket-Key: (\S+)/.exec(head)?.[1] ?? "";
      return String.fromCharCode(...acceptResponse(key, ""));
    });
    const node = world.node();
    await node.network.connectAsync(Ws, `127.0.0.1:${port}`, {
      pingIntervalMs: 20,
      pongTimeoutMs: 30,
    });
    const { reason } = await node.event("disconnected");
    assert.equal(reason, "timeout");
  },
);

conforms("Ws", "idle peers that answer pings live on", async (world) => {
  const times: ListenOptions & WsTimeOptions = {
    pingIntervalMs: 5,
    pongTimeoutMs: 5_000,
  };
  const { server, client, toServer } = await pair(world, wsRow, {
    listen: times,
    connect: times,
  });
  for (let i = 0; i < 10; i += 1) await turns();
  client.network.send(toServer, "alive");
  await server.messages(1);
  assert.deepEqual(server.all("disconnected"), []);
  assert.deepEqual(client.all("disconnected"), []);
});
