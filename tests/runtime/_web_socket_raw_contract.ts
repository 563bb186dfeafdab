/**
 * What every driver's native WebSocket server must do with a peer that breaks the rules.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Driver, StreamSocket } from "../../runtime/driver.ts";
import { calling, StreamProbe } from "./_probe.ts";
import { row, type Server, type WebSocketEnd } from "./_web_socket_probe.ts";
import type { Row } from "./driver_contract.ts";

/** A client that says what no WebSocket client would say. */
class RawClient {
  readonly probe = new StreamProbe();
  readonly socket: StreamSocket;

  constructor(driver: Driver, server: Server) {
    const { address } = server.listener;
    this.socket = calling(() => driver.connectStream({ address }, this.probe));
  }

  /** Sends what is small enough to be taken at once. */
  write(bytes: Uint8Array): void {
    assert.equal(calling(() => this.socket.write(bytes)), bytes.byteLength);
  }

  /** Sends a request, and returns the first line of the answer. */
  async ask(...lines: readonly string[]): Promise<string> {
    await this.probe.untilOpen();
    this.write(new TextEncoder().encode([...lines, "", ""].join("\r\n")));
    await this.probe.until(() => this.text().includes("\r\n\r\n"));
    return this.text().slice(0, this.text().indexOf("\r\n"));
  }

  text(): string {
    return new TextDecoder("latin1").decode(this.probe.bytes());
  }

  async abort(): Promise<void> {
    this.probe.isLocallyClosed = true;
    calling(() => this.socket.abort());
    await this.probe.untilClosed();
    assert.deepEqual(this.probe.violations, []);
  }
}

const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const VERSION = "Sec-WebSocket-Version: 13";

function request(method: string, ...more: readonly string[]): string[] {
  return [
    `${method} / HTTP/1.1`,
    "Host: x",
    "Upgrade: websocket",
    "Connection: Upgrade",
    ...more,
  ];
}

/** A raw client past its handshake, with the server's end. */
async function admitted(
  driver: Driver,
  server: Server,
): Promise<[RawClient, WebSocketEnd]> {
  const client = new RawClient(driver, server);
  const index = server.ends.length;
  assert.match(await client.ask(...request("GET", KEY, VERSION)), / 101 /);
  return [client, await server.end(index)];
}

const FLAWED_HANDSHAKES: readonly (readonly [number, readonly string[]])[] = [
  [405, request("POST", KEY, VERSION)],
  [426, request("GET", KEY)],
  [426, request("GET", KEY, "Sec-WebSocket-Version: 8")],
  [400, request("GET", VERSION)],
  [400, request("GET", VERSION, "Sec-WebSocket-Key: x")],
  [400, request("GET", VERSION, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ")],
  [426, ["GET / HTTP/1.1", "Host: x", KEY, VERSION]],
];

/** Masked with zeros. Unmasked ones are not here: Deno takes them. */
const FLAWED_FRAMES: readonly (readonly [string, readonly number[]])[] = [
  ["a reserved bit", [0xc2, 0x80, 0, 0, 0, 0]],
  ["an unknown opcode", [0x83, 0x80, 0, 0, 0, 0]],
  ["a ping in fragments", [0x09, 0x80, 0, 0, 0, 0]],
  ["a text that is not UTF-8", [0x81, 0x81, 0, 0, 0, 0, 0xff]],
  ["a continuation of nothing", [0x80, 0x80, 0, 0, 0, 0]],
  ["half a close code", [0x88, 0x81, 0, 0, 0, 0, 3]],
  ["a close code that is none", [0x88, 0x82, 0, 0, 0, 0, 3, 0xed]],
];

/** The pings of one write. */
const PINGS = 1_000;

/** What the tables above and a raw client prove. */
export const webSocketRawRows: readonly Row[] = [
  row(
    "a flawed handshake is refused by its status before it is judged",
    async (driver, server) => {
      for (const [status, lines] of FLAWED_HANDSHAKES) {
        const client = new RawClient(driver, server);
        const answer = await client.ask(...lines);
        assert(answer.startsWith(`HTTP/1.1 ${status} `), answer);
        if (status === 426) {
          assert.match(client.text(), /\r\nsec-websocket-version: 13\r\n/i);
        }
        await client.abort();
      }
      assert.equal(server.handshakes.length, 0);
      assert.equal(server.ends.length, 0);
      return [];
    },
  ),
  row("a flawed frame is a protocol fault", async (driver, server) => {
    for (const [what, bytes] of FLAWED_FRAMES) {
      const [client, end] = await admitted(driver, server);
      client.write(Uint8Array.from(bytes));
      const { probe } = client;
      await probe.until(() => probe.ended > 0 || probe.closedTimes > 0);
      // Not waited for longer than a second: once is enough to see that.
      if (what !== "a reserved bit") calling(() => client.socket.shutdown());
      await end.until(() => end.closedTimes > 0);
      assert.equal(end.fault?.code, "protocol", what);
      assert.equal(end.messages.length, 0);
      await client.abort();
    }
    return [];
  }),
  row(
    "a stream that ends without a close frame is connection-reset",
    async (driver, server) => {
      for (const how of ["shutdown", "abort"] as const) {
        const [client, end] = await admitted(driver, server);
        if (how === "shutdown") calling(() => client.socket.shutdown());
        else await client.abort();
        await end.until(() => end.closedTimes > 0);
        assert.equal(end.code, 1006);
        assert.equal(end.fault?.code, "connection-reset", how);
        if (how === "shutdown") await client.abort();
      }
      return [];
    },
  ),
  row(
    "pings that come all at once are all answered",
    async (driver, server) => {
      const [client, end] = await admitted(driver, server);
      const head = client.probe.received;
      const ping = [0x89, 0x80, 0, 0, 0, 0];
      client.write(Uint8Array.from(Array(PINGS).fill(ping).flat()));
      await client.probe.until(() => client.probe.received >= head + 2 * PINGS);
      assert.equal(end.closedTimes, 0);
      await client.abort();
      return [];
    },
  ),
];
