/**
 * What the shared table cannot see: how the driver of Deno uses Deno's streams.
 * All rows run on every runtime, on a stand-in for `Deno` that the test plays.
 */

import assert from "node:assert/strict";
import type { DenoConn, DenoListener } from "../../runtime/_deno_api.ts";
import { connectDenoStream } from "../../runtime/deno_stream.ts";
import { listenDenoStream } from "../../runtime/deno_stream_listener.ts";
import type { StreamSocket } from "../../runtime/driver.ts";
import type { Fault } from "../../runtime/fault.ts";
import { test } from "../_test.ts";
import { ADDRESS, named, PlayedConn, stand, turn } from "./_played_deno.ts";
import { inet, isFault, StreamProbe } from "./_probe.ts";

async function played(): Promise<
  { conn: PlayedConn; socket: StreamSocket; probe: StreamProbe }
> {
  const conn = new PlayedConn();
  const probe = new StreamProbe();
  const socket = connectDenoStream(
    stand({ connect: () => Promise.resolve(conn) }),
    { address: inet("127.0.0.1", 4000) },
    probe,
  );
  await probe.untilOpen();
  return { conn, socket, probe };
}

async function finish(probe: StreamProbe, socket: StreamSocket): Promise<void> {
  socket.abort();
  await probe.untilClosed();
  assert.deepEqual(probe.violations, []);
  assert.equal(probe.closedTimes, 1);
}

test("Deno streams: mapped addresses are told as IPv4", async () => {
  const { socket, probe } = await played();
  assert.deepEqual(socket.peerAddress, inet("127.0.0.1", 4000));
  await finish(probe, socket);
});

test("Deno streams: an idle connection reads into 2 KiB, a busy one into 256 KiB, and back", async () => {
  const { conn, socket, probe } = await played();
  assert.equal(conn.lastRead().bytes.buffer.byteLength, 2048);
  for (let i = 0; i < 4; i++) await conn.bring(conn.lastRead().bytes.length, 1);
  assert.equal(conn.lastRead().bytes.buffer.byteLength, 262_144);
  const slabs: number[] = [];
  for (let i = 0; i < 5_000; i++) {
    const size = conn.lastRead().bytes.buffer.byteLength;
    if (slabs.at(-1) !== size) slabs.push(size);
    if (size === 2048) break;
    const read = conn.lastRead();
    conn.reads.length = 0;
    read.resolve(128);
    for (let j = 0; j < 4; j++) await null;
  }
  assert.deepEqual(
    slabs,
    [262_144, 131_072, 65_536, 32_768, 16_384, 8192, 4096, 2048],
  );
  await finish(probe, socket);
});

test("Deno streams: a chunk keeps its bytes while later reads fill the same slab", async () => {
  const { conn, socket, probe } = await played();
  for (let value = 1; value <= 100; value++) await conn.bring(33, value);
  assert.equal(probe.chunks.length, 100);
  probe.chunks.forEach((chunk, index) => {
    assert.deepEqual(chunk, new Uint8Array(33).fill(index + 1));
  });
  await finish(probe, socket);
});

test("Deno streams: a pause is exact, and what was being read comes with the resume", async () => {
  const { conn, socket, probe } = await played();
  socket.pause();
  await conn.bring(5, 7);
  assert.equal(probe.received, 0);
  assert.equal(conn.reads.length, 0, "nothing more is read while paused");
  socket.resume();
  assert.equal(probe.received, 0, "not from inside resume");
  await turn();
  assert.equal(probe.received, 5);
  conn.lastRead();
  await finish(probe, socket);
});

test("Deno streams: the end is told while paused when nothing is before it", async () => {
  const { conn, socket, probe } = await played();
  socket.pause();
  conn.lastRead().resolve(null);
  await turn();
  assert.equal(probe.ended, 1);
  conn.reads.length = 0;
  await finish(probe, socket);
});

test("Deno streams: a partial write is finished before another one starts", async () => {
  const { conn, socket, probe } = await played();
  assert.equal(socket.write(new Uint8Array(10).fill(1)), 10);
  assert.equal(socket.write(new Uint8Array(4).fill(2)), 0);
  await conn.wrote(3);
  assert.equal(socket.pending, 7);
  assert.equal(probe.drained, 0);
  assert.equal(conn.writes[0]?.bytes.length, 7);
  assert.equal(socket.write(new Uint8Array(4).fill(2)), 0);
  await conn.wrote(7);
  assert.equal(socket.pending, 0);
  assert.equal(probe.drained, 1);
  assert.equal(socket.write(new Uint8Array(4).fill(2)), 4);
  await finish(probe, socket);
});

test("Deno streams: shutdown and close wait for the write in flight", async () => {
  const { conn, socket, probe } = await played();
  socket.write(new Uint8Array(10));
  socket.shutdown();
  assert.equal(conn.fins, 0);
  await conn.wrote(10);
  assert.equal(conn.fins, 1);
  await finish(probe, socket);

  const other = await played();
  other.socket.write(new Uint8Array(10));
  other.probe.isLocallyClosed = true;
  other.socket.close();
  await other.conn.bring(5, 1);
  assert.equal(other.conn.closes, 0);
  other.conn.lastRead();
  await other.conn.wrote(6);
  assert.equal(other.conn.closes, 0);
  await other.conn.wrote(4);
  assert.equal(other.conn.closes, 1);
  await finish(other.probe, other.socket);
});

test("Deno streams: what came before a reset is told before it", async () => {
  const { conn, socket, probe } = await played();
  socket.write(new Uint8Array(10));
  conn.writes.shift()?.reject(named("BrokenPipe", "EPIPE"));
  const read = conn.lastRead();
  conn.reads.length = 0;
  read.resolve(9);
  await probe.untilClosed();
  assert.equal(probe.received, 9);
  isFault("connection-reset")(probe.fault);
  assert.equal(conn.closes, 1);
  await finish(probe, socket);
});

test("Deno streams: a busy runtime brings what came before a reset turns after a write has failed", async () => {
  const { conn, socket, probe } = await played();
  socket.write(new Uint8Array(10));
  conn.writes.shift()?.reject(named("BrokenPipe", "EPIPE"));
  for (let message = 0; message < 3; message += 1) {
    for (let n = 0; n < 5; n += 1) await turn();
    await conn.bring(9, 1);
  }
  for (let n = 0; n < 5; n += 1) await turn();
  const read = conn.lastRead();
  conn.reads.length = 0;
  read.reject(named("ConnectionReset", "ECONNRESET"));
  await probe.untilClosed();
  assert.equal(probe.received, 27);
  isFault("connection-reset")(probe.fault);
  await finish(probe, socket);
});

test("Deno streams: operations cancelled by a local close are no fault", async () => {
  const { conn, socket, probe } = await played();
  socket.write(new Uint8Array(10));
  probe.isLocallyClosed = true;
  await finish(probe, socket);
  assert.equal(conn.closes, 1);
  assert.equal(probe.fault, undefined);
  assert.equal(socket.pending, 0);
});

test("Deno streams: a missing permission is permission-denied", async () => {
  const probe = new StreamProbe();
  const deno = stand({
    connect: () => Promise.reject(named("NotCapable")),
    listen: () => {
      throw named("NotCapable");
    },
  });
  const address = inet("127.0.0.1", 1);
  connectDenoStream(deno, { address }, probe);
  await probe.untilClosed();
  isFault("permission-denied")(probe.fault);
  await assert.rejects(
    listenDenoStream(
      deno,
      { address },
      { accept: () => undefined, fault() {} },
    ),
    isFault("permission-denied"),
  );
});

/** A listener whose `accept` answers from a list, then waits to be closed. */
class PlayedListener implements DenoListener {
  readonly addr = ADDRESS;
  readonly #answers: (DenoConn | Error)[];
  #reject: ((error: Error) => void) | undefined;

  constructor(answers: (DenoConn | Error)[]) {
    this.#answers = answers;
  }

  accept(): Promise<DenoConn> {
    const answer = this.#answers.shift();
    if (answer instanceof Error) return Promise.reject(answer);
    if (answer !== undefined) return Promise.resolve(answer);
    return new Promise((_, reject) => this.#reject = reject);
  }

  close(): void {
    this.#reject?.(named("BadResource"));
  }
}

async function acceptFrom(
  answers: (DenoConn | Error)[],
  onAccept: () => void = () => {},
): Promise<{ faults: Fault[]; accepted: number }> {
  const faults: Fault[] = [];
  let accepted = 0;
  let done = (): void => {};
  const waiting = new Promise<void>((resolve) => done = resolve);
  const listener = await listenDenoStream(
    stand({ listen: () => new PlayedListener(answers) }),
    { address: inet("127.0.0.1", 4000) },
    {
      accept: () => {
        accepted++;
        onAccept();
        done();
        return undefined;
      },
      fault: (fault) => faults.push(fault),
    },
  );
  await waiting;
  await listener.close();
  return { faults, accepted };
}

test("Deno listeners: no descriptors left is a fault, and accepting goes on after a rest", async () => {
  // By a timer, and not by the clock: a runtime counts from when its loop last looked at that.
  let hasRested = false;
  let wentOnRested = false;
  setTimeout(() => hasRested = true, 98);
  const { faults, accepted } = await acceptFrom(
    [named("Error", "EMFILE"), new PlayedConn()],
    () => wentOnRested = hasRested,
  );
  assert.deepEqual(faults.map(({ code }) => code), ["too-many-open-files"]);
  assert.equal(accepted, 1);
  assert(wentOnRested, "it went on at once");
});

test("Deno listeners: a peer that was reset before it was accepted is passed over", async () => {
  const { faults, accepted } = await acceptFrom([
    named("NotConnected", "ENOTCONN"),
    new PlayedConn(),
  ]);
  assert.deepEqual(faults, []);
  assert.equal(accepted, 1);
});

test("Deno listeners: closing ends a rest at once", async () => {
  let rested = (): void => {};
  const resting = new Promise<void>((resolve) => rested = resolve);
  const listener = await listenDenoStream(
    stand({ listen: () => new PlayedListener([named("Error", "EMFILE")]) }),
    { address: inet("127.0.0.1", 4000) },
    { accept: () => undefined, fault: rested },
  );
  await resting;
  let hasTurned = false;
  const turn = setTimeout(() => hasTurned = true, 0);
  await listener.close();
  clearTimeout(turn);
  assert(!hasTurned);
});
