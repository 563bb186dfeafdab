import assert from "node:assert/strict";
import { Transport } from "../../mod.ts";
import { tempSocketPath } from "../_support.ts";
import { conforms, pair } from "./_nodes.ts";
import { packets } from "./_transports.ts";

const row = packets.find(({ adapter }) => adapter === Transport.Ws);
assert(row !== undefined);

conforms(
  "Ws",
  "a string is a text message, bytes are a binary one",
  async (world) => {
    const { server, client, toServer } = await pair(world, row);
    client.network.send(toServer, "text");
    client.network.send(toServer, Uint8Array.of(1));
    client.network.send(toServer, "", { text: false });
    client.network.send(toServer, Uint8Array.of(0x61), { text: true });
    client.network.sendAll([toServer], "text");
    client.network.sendAll([toServer], Uint8Array.of(1));
    await server.messages(6);
    assert.deepEqual(
      server.all("message").map(({ isText }) => isText),
      [true, false, false, true, true, false],
    );
    assert.deepEqual(server.texts(), ["text", "\x01", "", "a", "text", "\x01"]);
  },
);

conforms("Ws", "the listener's side sends text too", async (world) => {
  const { server, client, toClient } = await pair(world, row);
  server.network.send(toClient, "grüße");
  const { isText } = await client.event("message");
  assert.equal(isText, true);
  assert.deepEqual(client.texts(), ["grüße"]);
});

const FORMS: readonly [string, (port: number) => string | URL][] = [
  ["a ws: URL", (port) => `ws://127.0.0.1:${port}`],
  ["a ws: URL with path and query", (port) => `ws://127.0.0.1:${port}/a?b=c`],
  ["a ws: URL object", (port) => new URL(`ws://localhost:${port}/chat`)],
  ["a ws: URL of IPv4 with a fragment", (port) => `ws://127.0.0.1:${port}/#x`],
];

for (const [what, form] of FORMS) {
  conforms("Ws", `is reached by ${what}`, async (world) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const { address } = await server.network.listen(
      Transport.Ws,
      "127.0.0.1:0",
    );
    const toServer = client.network.connect(Transport.Ws, form(address.port));
    assert.ifError((await client.event("connected")).error);
    client.network.send(toServer, "reached");
    await server.messages(1);
  });
}

if (packets.some(({ raw }) => raw === "path")) {
  conforms("Ws", "is reached by the path of a Unix socket", async (world) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const { address } = await server.network.listen(Transport.Ws, {
      path: tempSocketPath(),
    });
    const toServer = client.network.connect(Transport.Ws, address);
    assert.ifError((await client.event("connected")).error);
    client.network.send(toServer, "reached");
    await server.messages(1);
  });
}

conforms(
  "Ws",
  "a path that is not served fails the connect, and is no event there",
  async (world) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const { address } = await server.network.listen(
      Transport.Ws,
      "ws://127.0.0.1:0/chat",
    );
    client.network.connect(
      Transport.Ws,
      `ws://127.0.0.1:${address.port}/other`,
    );
    const { ok } = await client.event("connected");
    assert.equal(ok, false);
    client.network.connect(Transport.Ws, `ws://127.0.0.1:${address.port}/chat`);
    assert.equal((await client.event("connected", 1)).ok, true);
    await server.event("accepted");
    assert.equal(server.events.length, 1);
  },
);

conforms(
  "Ws",
  "the peer sees the code and reason of a remove",
  async (world) => {
    const { server, client, toServer } = await pair(world, row);
    client.remove(toServer.resourceId, { code: 4_001, reason: "enough" });
    const { reason, error } = await server.event("disconnected");
    assert.equal(reason, "closed");
    assert.match(String(error?.cause ?? error), /4001|enough/);
  },
);
