/**
 * What every driver's native WebSockets must do.
 *
 * @module
 */

import assert from "node:assert/strict";
import { firstWrong, pattern } from "./_probe.ts";
import { connect, row } from "./_web_socket_probe.ts";
import type { Row } from "./driver_contract.ts";

export const webSocketRows: readonly Row[] = [
  row(
    "a WebSocket carries text and bytes both ways, the empty message too",
    async (driver, server) => {
      const client = connect(driver, server.url);
      await client.until(() => client.opened === 1);
      const end = await server.end(0);
      assert.equal(end.opened, 0, "open is not for accepted ones");
      assert.equal(client.socket.protocol, "");
      end.onMessage = (data, isText) => {
        end.socket.send(data, isText);
      };
      const text = new TextEncoder().encode("grüße");
      const sizes = [0, 1, 125, 126, 65_535, 65_536, 1_000_000];
      for (const size of sizes) assert(client.send(pattern(size)));
      assert(client.send(text, true));
      await client.until(() => client.messages.length === sizes.length + 1);
      for (const [index, size] of sizes.entries()) {
        const message = client.messages[index];
        assert.equal(message?.isText, false);
        assert.equal(message?.data.byteLength, size);
        assert.equal(firstWrong(message.data), -1);
      }
      assert.equal(client.messages.at(-1)?.isText, true);
      assert.deepEqual(client.messages.at(-1)?.data, text);
      return [client];
    },
  ),
  row(
    "a server sees path, headers and subprotocols, and agrees on one",
    async (driver, server) => {
      server.answer = "two";
      const client = connect(driver, server.url, ["one", "two"]);
      await client.until(() => client.opened === 1);
      assert.equal(client.socket.protocol, "two");
      assert.equal((await server.end(0)).socket.protocol, "two");
      assert.equal(server.handshakes.length, 1);
      assert.equal(server.handshakes[0]?.path, "/room?seat=1");
      assert.deepEqual(server.handshakes[0]?.protocols, ["one", "two"]);
      assert.equal(
        server.handshakes[0]?.host,
        `127.0.0.1:${server.listener.address.port}`,
      );
      return [client];
    },
  ),
  row("a refused handshake ends in closed", async (driver, server) => {
    server.answer = 403;
    const client = connect(driver, server.url);
    await client.until(() => client.closedTimes > 0);
    assert.equal(client.opened, 0);
    assert.equal(client.code, 1006);
    assert(client.fault !== undefined, "a fault should tell why");
    return [client];
  }),
  row("a closing handshake tells code and reason", async (driver, server) => {
    const client = connect(driver, server.url);
    await client.until(() => client.opened === 1);
    const end = await server.end(0);
    client.close(4_001, "enough");
    await end.until(() => end.closedTimes > 0);
    assert.equal(end.code, 4_001);
    assert.equal(end.reason, "enough");
    assert.equal(end.fault, undefined);
    await client.until(() => client.closedTimes > 0);
    return [client];
  }),
  row("what was sent before a close arrives", async (driver, server) => {
    const client = connect(driver, server.url);
    const end = await server.end(0);
    for (let i = 0; i < 100; i++) assert(end.send(pattern(10_000)));
    end.close(1_000, "");
    await client.until(() => client.closedTimes > 0);
    assert.equal(client.messages.length, 100);
    assert.equal(client.code, 1_000);
    return [client];
  }),
  row(
    "an aborted WebSocket is 1006 for its peer",
    async (driver, server, { lacks }) => {
      const client = connect(driver, server.url);
      await client.until(() => client.opened === 1);
      const end = await server.end(0);
      client.abort();
      await client.until(() => client.closedTimes > 0);
      await end.until(() => end.closedTimes > 0);
      if (!lacks.has("web-socket-abort")) assert.equal(end.code, 1006);
      return [client];
    },
  ),
  row("a connection that nobody accepts is closed", async (driver, server) => {
    const { url } = server;
    await server.listener.close();
    const client = connect(driver, url);
    await client.until(() => client.closedTimes > 0);
    assert.equal(client.opened, 0);
    assert.equal(client.code, 1006);
    return [client];
  }),
  row("pending falls to 0 with a drain", async (driver, server) => {
    const client = connect(driver, server.url);
    await client.until(() => client.opened === 1);
    const end = await server.end(0);
    const count = 16;
    for (let i = 0; i < count; i++) assert(end.send(pattern(1_000_000)));
    if (end.socket.pending > 0) await end.until(() => end.drained > 0);
    await end.until(() => end.socket.pending === 0);
    await client.until(() => client.messages.length === count);
    return [client];
  }),
  row(
    "a socket that is refused in accept is closed",
    async (driver, server) => {
      server.isRefusing = true;
      const client = connect(driver, server.url);
      await client.until(() => client.closedTimes > 0);
      return [client];
    },
  ),
];
