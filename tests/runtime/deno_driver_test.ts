/**
 * What the shared table cannot see: how the driver of Deno uses Deno's sockets.
 * Most rows run on every runtime, on a stand-in for `Deno` that the test plays.
 */

import assert from "node:assert/strict";
import type {
  DenoAddress,
  DenoApi,
  DenoConn,
  DenoListener,
} from "../../runtime/_deno_api.ts";
import { denoDriver } from "../../runtime/deno.ts";
import { isNativeDatagram } from "../../runtime/deno_datagram.ts";
import { connectDenoStream } from "../../runtime/deno_stream.ts";
import { listenDenoStream } from "../../runtime/deno_stream_listener.ts";
import type {
  DatagramBindRequest,
  StreamSocket,
  WebSocketEvents,
} from "../../runtime/driver.ts";
import type { Fault } from "../../runtime/fault.ts";
import { test } from "../_test.ts";
import { inet, isFault, StreamProbe } from "./_probe.ts";

const ADDRESS: DenoAddress = {
  transport: "tcp",
  hostname: "::ffff:127.0.0.1",
  port: 4000,
};

function named(name: string, code?: string): Error {
  return Object.assign(new Error(`${name} happened`), { name, code });
}

interface Waiting<Value> {
  readonly bytes: Uint8Array;
  resolve(value: Value): void;
  reject(error: Error): void;
}

/** A connection whose operations the test completes. */
class PlayedConn implements DenoConn {
  readonly localAddr = ADDRESS;
  readonly remoteAddr = ADDRESS;
  readonly reads: Waiting<number | null>[] = [];
  readonly writes: Waiting<number>[] = [];
  closes = 0;
  fins = 0;

  read(bytes: Uint8Array): Promise<number | null> {
    return new Promise((resolve, reject) => {
      this.reads.push({ bytes, resolve, reject });
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.writes.push({ bytes, resolve, reject });
    });
  }

  closeWrite(): Promise<void> {
    this.fins++;
    return Promise.resolve();
  }

  close(): void {
    this.closes++;
    for (const { reject } of this.reads) reject(named("Interrupted", "EINTR"));
    for (const { reject } of this.writes) reject(named("Interrupted", "EINTR"));
  }

  setNoDelay(): void {}

  /** Completes the outstanding read with so many bytes of one value. */
  async bring(size: number, value: number): Promise<void> {
    const read = this.lastRead();
    this.reads.length = 0;
    read.bytes.fill(value, 0, size);
    read.resolve(size);
    await turn();
  }

  lastRead(): Waiting<number | null> {
    assert.equal(this.reads.length, 1, "reads outstanding");
    const read = this.reads[0];
    assert(read !== undefined);
    return read;
  }

  async wrote(size: number): Promise<void> {
    const write = this.writes.shift();
    assert(write !== undefined, "no write is in flight");
    write.resolve(size);
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A `Deno` with nothing but what a test gives it. */
function stand(members: Partial<DenoApi>): DenoApi {
  const lacking = (): never => {
    throw new Error("not expected");
  };
  return {
    build: { os: "linux" },
    connect: lacking,
    listen: lacking,
    serve: lacking,
    upgradeWebSocket: lacking,
    ...members,
  };
}

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

test("Deno streams: an idle connection reads into 2 KiB, a busy one into 64 KiB, and back", async () => {
  const { conn, socket, probe } = await played();
  assert.equal(conn.lastRead().bytes.buffer.byteLength, 2048);
  for (let i = 0; i < 4; i++) await conn.bring(conn.lastRead().bytes.length, 1);
  assert.equal(conn.lastRead().bytes.buffer.byteLength, 65_536);
  const slabs: number[] = [];
  for (let i = 0; i < 5_000; i++) {
    const size = conn.lastRead().bytes.buffer.byteLength;
    if (slabs.at(-1) !== size) slabs.push(size);
    if (size === 2048) break;
    const read = conn.lastRead();
    conn.reads.length = 0;
    read.resolve(64);
    for (let j = 0; j < 4; j++) await null;
  }
  assert.deepEqual(slabs, [65_536, 32_768, 16_384, 8192, 4096, 2048]);
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
  const start = performance.now();
  const { faults, accepted } = await acceptFrom([
    named("Error", "EMFILE"),
    new PlayedConn(),
  ]);
  assert.deepEqual(faults.map(({ code }) => code), ["too-many-open-files"]);
  assert.equal(accepted, 1);
  assert(performance.now() - start >= 99);
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
  const start = performance.now();
  await listener.close();
  assert(performance.now() - start < 90);
});

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
    await finish(client, socket);
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
