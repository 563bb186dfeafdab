/**
 * What the shared table cannot see: how Bun's own socket is taken from under a
 * `net.Socket` that has connected. The rows run on every runtime: elsewhere the
 * connection stays with `node:net`.
 */

import assert from "node:assert/strict";
import { hasBunHandle, takeBunHandle } from "../../runtime/_bun_handle.ts";
import { BunStream } from "../../runtime/bun_stream.ts";
import { connectBunTcp } from "../../runtime/bun_stream_connect.ts";
import { detectDriver } from "../../runtime/detect.ts";
import type { Driver } from "../../runtime/driver.ts";
import { NodeStream } from "../../runtime/node_stream.ts";
import { test } from "../_test.ts";
import {
  Accepting,
  calling,
  connect,
  finish,
  firstWrong,
  inet,
  pattern,
  pump,
  withPair,
} from "./_probe.ts";

const own = detectDriver();
const isBun = own.name === "bun";
/** Connects as Bun's does, on every runtime. */
const driver: Driver = { ...own, connectStream: connectBunTcp };
const LOOPBACK = inet("127.0.0.1");

/** All that is relied on of a handle. */
function handle(): Record<string, unknown> {
  const nothing = () => undefined;
  return {
    data: undefined,
    localAddress: undefined,
    remoteAddress: undefined,
    end: nothing,
    pause: nothing,
    reload: nothing,
    resume: nothing,
    setKeepAlive: nothing,
    shutdown: nothing,
    terminate: nothing,
    write: nothing,
  };
}

test(
  isBun
    ? "bun connect: a connection is on Bun's own socket"
    : "bun connect: elsewhere a connection stays with node:net",
  () =>
    withPair(driver, LOOPBACK, async (client, server) => {
      assert(client.socket instanceof (isBun ? BunStream : NodeStream));
      await pump(client, pattern(3_000_000), 65_536);
      await pump(server, pattern(3_000_000), 65_536);
      await server.probe.until(() => server.probe.received === 3_000_000);
      await client.probe.until(() => client.probe.received === 3_000_000);
      assert.equal(firstWrong(server.probe.bytes()), -1);
      assert.equal(firstWrong(client.probe.bytes()), -1);
    }),
);

test("bun connect: a socket without all that is relied on stays with node:net", () => {
  assert(hasBunHandle({ _handle: handle() }));
  for (const missing of Object.keys(handle())) {
    const lacking = handle();
    delete lacking[missing];
    assert(!hasBunHandle({ _handle: lacking }), missing);
  }
  for (const nothing of [{}, { _handle: null }, { _handle: 5 }]) {
    assert(!hasBunHandle(nothing));
  }
});

test("bun connect: a net.Socket that lost its handle has none to give", () => {
  const refuse = (): never => {
    throw new Error("not played");
  };
  const handler = {
    binaryType: "uint8array",
    open: refuse,
    data: refuse,
    drain: refuse,
    end: refuse,
    close: refuse,
    error: refuse,
  } as const;
  const taken = handle();
  const socket = { _handle: taken };
  assert.equal(takeBunHandle(socket, 5, handler), taken);
  assert.equal(taken.data, 5);
  assert.equal(socket._handle, null);
  assert.equal(takeBunHandle(socket, 5, handler), undefined);
});

test("bun connect: given up at any moment it tells closed alone, without a fault", async () => {
  const accepting = new Accepting();
  accepting.onAccept = ({ probe, socket }) => {
    probe.onEnd = () => calling(() => socket.shutdown());
  };
  await accepting.listen(driver, { address: LOOPBACK });
  for (const giveUp of ["abort", "close"] as const) {
    for (let wait = 0; wait < 12; wait++) {
      const client = connect(driver, accepting.listener.address);
      for (let turn = 0; turn < wait; turn++) {
        await (turn % 2 === 0
          ? Promise.resolve()
          : new Promise<void>((resolve) => driver.defer(resolve)));
      }
      client[giveUp]();
      await client.probe.untilClosed();
      assert.equal(client.probe.fault, undefined);
      await finish(driver, [client]);
    }
  }
  await finish(driver, [], accepting);
});

test("bun connect: what is asked before the connection is there is done then", async () => {
  const accepting = await new Accepting().listen(driver, { address: LOOPBACK });
  const client = connect(driver, accepting.listener.address);
  calling(() => client.socket.pause());
  assert.equal(calling(() => client.socket.write(pattern(5))), 0);
  calling(() => client.socket.shutdown());
  const server = await accepting.end(0);
  server.probe.onEnd = () => {
    calling(() => server.socket.write(pattern(7)));
    calling(() => server.socket.shutdown());
  };
  await server.probe.until(() => server.probe.ended === 1);
  assert.equal(client.probe.received, 0);
  calling(() => client.socket.resume());
  await client.probe.until(() => client.probe.received === 7);
  await client.probe.untilClosed();
  assert.equal(client.probe.fault, undefined);
  await finish(driver, [client], accepting);
});
