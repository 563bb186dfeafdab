/**
 * What the package `ws` does by itself, which the shared table cannot see: a peer
 * that never reads. Bun has a `ws` of its own in its place.
 */

import assert from "node:assert/strict";
import { connect } from "node:net";
import type { Fault } from "../../runtime/fault.ts";
import { nodeDriver } from "../../runtime/node.ts";
import { test } from "../_test.ts";
import { inet } from "./_probe.ts";

const HANDSHAKE =
  "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
  "Sec-WebSocket-Version: 13\r\n\r\n";

/** A ping of 125 bytes, masked with zeros. */
const PING = new Uint8Array(131);
PING.set([0x89, 0xfd]);

if (!("Bun" in globalThis)) {
  test("Node WebSockets: a peer that pings and never reads the pongs ends with overflow", async () => {
    let end = (_fault: Fault | undefined): void => {};
    const ended = new Promise<Fault | undefined>((resolve) => end = resolve);
    const listener = await nodeDriver().listenWebSocket({
      address: inet("127.0.0.1"),
      maxMessageSize: 1024,
      admit: () => "",
    }, {
      accept: () => ({
        open() {},
        message: () => assert.fail("it sent no message"),
        drain() {},
        closed: (_code, _reason, fault) => end(fault),
      }),
      fault: (fault) => assert.fail(fault),
    });
    const peer = connect(listener.address.port, "127.0.0.1");
    const gone = new Promise<void>((resolve) => peer.once("close", resolve));
    peer.on("error", () => {}); // The reset that is expected.
    peer.pause();
    peer.write(HANDSHAKE);
    const pings = new Uint8Array(PING.length * 500);
    for (let i = 0; i < 500; i++) pings.set(PING, i * PING.length);
    const flood = (): void => {
      while (!peer.destroyed && peer.write(pings));
    };
    peer.on("drain", flood);
    flood();
    assert.equal((await ended)?.code, "overflow");
    peer.destroy();
    await gone;
    await listener.close();
  });
}
