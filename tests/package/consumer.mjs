/**
 * Uses the package as its users do, by name: run in a project of its own where
 * it is installed, by each runtime. Prints one line for each thing that it tried,
 * "ok …" or "not ok …". The arguments are the subpaths that must be there.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { rm } from "node:fs/promises";
import process from "node:process";
import { createNode, NetworkError, SendStatus, Transport } from "signalbox";
import { FramedTcp } from "signalbox/framed_tcp";
import { Memory } from "signalbox/memory";
import { Tcp } from "signalbox/tcp";
import { simulate } from "signalbox/testing";
import { Udp } from "signalbox/udp";
import { FramedUnix, Unix } from "signalbox/unix";
import { Ws } from "signalbox/ws";

const MESSAGES = 50;
const LIMIT_MS = 20_000;
const SOCKET = `./consumer-${process.pid}.sock`;

const rows = [
  { transport: Tcp, address: "127.0.0.1:0" },
  { transport: FramedTcp, address: "127.0.0.1:0" },
  { transport: Udp, address: "127.0.0.1:0" },
  { transport: Ws, address: "127.0.0.1:0" },
  { transport: Memory, address: "memory:consumer" },
];
// What Node calls a Unix socket there is a named pipe, which is something else.
if (process.platform !== "win32") {
  rows.push({ transport: Unix, address: SOCKET });
  rows.push({ transport: FramedUnix, address: SOCKET });
}

for (const row of rows) {
  await report(
    `echoes ${MESSAGES} messages over ${row.transport.name}`,
    () => echo(row),
  );
}
await report("the subpaths hold the same transports as the main export", () => {
  for (const { transport } of rows) {
    assert.equal(Transport[transport.name], transport);
  }
});
await report("a refused connection tells its code", refused);
await report("a simulation runs, the same for the same seed", simulated);
for (const subpath of process.argv.slice(2)) {
  await report(`signalbox/${subpath} can be imported`, async () => {
    assert.notDeepEqual(
      Object.keys(await import(`signalbox/${subpath}`)),
      undefined,
    );
  });
}
await report("a node that stopped leaves no socket path behind", async () => {
  await assert.rejects(rm(SOCKET), { code: "ENOENT" });
});

/** @param {string} name @param {() => void | Promise<void>} run */
async function report(name, run) {
  let timer;
  try {
    const limit = new Promise((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`took longer than ${LIMIT_MS} ms`)),
        LIMIT_MS,
      );
    });
    await Promise.race([run(), limit]);
    console.log(`ok ${name}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(
      `not ok ${name}: ${error instanceof Error ? error.stack : error}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

async function echo({ transport, address }) {
  const server = createNode();
  const client = createNode();
  try {
    const listening = await server.handler.network.listen(transport, address);
    const serving = server.listener.forEach((event) => {
      if (event.type === "message") {
        const status = server.handler.network.send(event.endpoint, event.data);
        assert.equal(status, SendStatus.Sent);
      }
    });
    const { network } = client.handler;
    const endpoint = await network.connectAsync(transport, listening.address);
    let received = 0;
    let piece = new Uint8Array();
    network.send(endpoint, message(0));
    for await (const event of client.listener) {
      if (event.type !== "message") continue;
      piece = Uint8Array.of(...piece, ...event.data);
      const expected = message(received);
      // Without framing, a stream may deliver one send in several pieces.
      if (!transport.isPacketBased && piece.length < expected.length) continue;
      assert.equal(
        Buffer.compare(piece, expected),
        0,
        `message ${received} differs`,
      );
      piece = new Uint8Array();
      received++;
      if (received === MESSAGES) break;
      assert.equal(network.send(endpoint, message(received)), SendStatus.Sent);
    }
    assert.equal(received, MESSAGES);
    await client.handler.stop();
    await server.handler.stop();
    await serving;
  } finally {
    await client.handler.stop();
    await server.handler.stop();
  }
}

/** Never empty, because the raw transports know no empty message. @param {number} index */
function message(index) {
  return new Uint8Array(1 + index * 20).fill(index);
}

async function refused() {
  const { handler } = createNode();
  try {
    const other = createNode();
    const { address } = await other.handler.network.listen(Tcp, "127.0.0.1:0");
    await other.handler.stop();
    await assert.rejects(
      handler.network.connectAsync(Tcp, address),
      (error) =>
        error instanceof NetworkError && error.code === "connection-refused",
    );
  } finally {
    await handler.stop();
  }
}

async function simulated() {
  /** @param {import("signalbox/testing").Simulation} simulation */
  const body = async (simulation) => {
    const server = simulation.host("server").createNode();
    await server.handler.network.listen(FramedTcp, "0.0.0.0:1");
    const client = simulation.host("client").createNode();
    simulation.partition("client", "server");
    const connecting = client.handler.network.connectAsync(
      FramedTcp,
      "server:1",
    );
    await simulation.advance(10_000);
    simulation.heal();
    await connecting;
  };
  const first = await simulate({ seed: 1 }, body);
  assert.ok(first.elapsedMs > 10_000);
  assert.deepEqual(await simulate({ seed: 1 }, body), first);
}
