/**
 * What the shared table cannot see: what the driver of Deno takes to `node:` builtins,
 * and what Deno's own WebSockets do.
 */

import assert from "node:assert/strict";
import { denoDriver } from "../../runtime/deno.ts";
import { isNativeDatagram } from "../../runtime/deno_datagram.ts";
import type {
  DatagramBindRequest,
  WebSocketEvents,
} from "../../runtime/driver.ts";
import { test } from "../_test.ts";
import { stand } from "./_played_deno.ts";
import { inet, isFault, StreamProbe } from "./_probe.ts";

test("Deno datagrams: the native socket is taken for what it can do, and no more", () => {
  const deno = stand({
    listenDatagram: () => {
      throw new Error("not expected");
    },
  });
  const address = inet("127.0.0.1");
  const peer = inet("127.0.0.1", 9);
  const rows: [boolean, DatagramBindRequest][] = [
    [true, { address }],
    [true, { address, peer }],
    [true, { address, peer: inet("::1", 9) }],
    [true, { address, broadcast: false, memberships: [] }],
    [false, { address, peer: { ...peer, hostname: "localhost" } }],
    [false, { address, peer: inet("0.0.0.0", 9) }],
    [false, { address, reuseAddress: true }],
    [false, { address, reusePort: true }],
    [false, { address, ipv6Only: true }],
    [false, { address, broadcast: true }],
    [false, { address, memberships: [{ group: "239.1.2.3" }] }],
    [false, { address, multicastInterface: "127.0.0.1" }],
    [false, { address, multicastTtl: 1 }],
    [false, { address, multicastLoopback: true }],
    [false, { address, ttl: 1 }],
    [false, { address, receiveBufferSize: 65_536 }],
    [false, { address, sendBufferSize: 65_536 }],
  ];
  for (const [isNative, request] of rows) {
    assert.equal(isNativeDatagram(deno, request), isNative);
    assert.equal(isNativeDatagram(stand({}), request), false);
  }
});

if (!("Deno" in globalThis)) {
  test("the driver of Deno refuses another runtime, but can be loaded there", () => {
    assert.throws(() => denoDriver(), isFault("not-supported"));
  });
} else {
  // These need the real Deno; the table has what all runtimes share.
  test("Deno WebSockets: subprotocols without a space between them are understood", async () => {
    const driver = denoDriver();
    const offered: string[][] = [];
    const listener = await driver.listenWebSocket({
      address: inet("127.0.0.1"),
      maxMessageSize: 1024,
      admit: ({ protocols }) => {
        offered.push([...protocols]);
        return "b";
      },
    }, { accept: () => undefined, fault: (fault) => assert.fail(fault) });
    const client = new StreamProbe();
    const socket = driver.connectStream({ address: listener.address }, client);
    await client.untilOpen();
    socket.write(
      new TextEncoder().encode(
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n" +
          "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a,b\r\n\r\n",
      ),
    );
    await client.until(() => client.received > 100);
    const answer = new TextDecoder().decode(client.bytes());
    assert.match(answer, /^HTTP\/1\.1 101 /);
    assert.match(answer, /sec-websocket-protocol: b\r\n/i);
    assert.deepEqual(offered, [["a", "b"]]);
    socket.abort();
    await client.untilClosed();
    assert.deepEqual(client.violations, []);
    await listener.close();
  });

  test("Deno WebSockets: a listener that closes lets its connections live", async () => {
    const driver = denoDriver();
    const server: string[] = [];
    let changed = (): void => {};
    const record = (log: string[]): WebSocketEvents => {
      const add = (entry: string): void => {
        log.push(entry);
        changed();
      };
      return {
        open: () => add("open"),
        message: (data) => add(`message of ${data.length}`),
        drain: () => {},
        closed: (code) => add(`closed ${code}`),
      };
    };
    const until = async (log: string[], entry: string): Promise<void> => {
      while (!log.includes(entry)) {
        await new Promise<void>((resolve) => changed = resolve);
      }
    };
    const listener = await driver.listenWebSocket({
      address: inet("127.0.0.1"),
      maxMessageSize: 1024,
      admit: () => "",
    }, {
      accept: () => record(server),
      fault: (fault) => assert.fail(fault),
    });
    const url = `ws://127.0.0.1:${listener.address.port}/`;
    const client: string[] = [];
    const socket = driver.connectWebSocket(
      { url, protocols: [] },
      record(client),
    );
    await until(client, "open");
    const closing = listener.close();
    const late: string[] = [];
    driver.connectWebSocket({ url, protocols: [] }, record(late));
    await until(late, "closed 1006");
    assert(socket.send(new Uint8Array(3), false));
    await until(server, "message of 3");
    socket.close(1000, "");
    await until(client, "closed 1000");
    await closing;
    const again = await driver.listenStream({ address: listener.address }, {
      accept: () => undefined,
      fault: (fault) => assert.fail(fault),
    });
    await again.close();
  });
}
