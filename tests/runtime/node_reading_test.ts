import assert from "node:assert/strict";
import { connect, createServer, Socket } from "node:net";
import process from "node:process";
import { readIntoOwnMemory, ReadMemory } from "../../runtime/_node_reading.ts";
import { fc } from "../_property.ts";
import { runtimeName } from "../_support.ts";
import { test } from "../_test.ts";
import { firstWrong, giveAway, pattern } from "./_probe.ts";

const SHARED_SIZE = 64;

const monitors = () => process.listenerCount("uncaughtExceptionMonitor");
const MONITORS_BEFORE = monitors();

/** Reads as a socket would, and returns what is handed out. */
function read(memory: ReadMemory, size: number, value: number): Uint8Array {
  memory.offer().fill(value, 0, size);
  return memory.take(size);
}

test("node reading: what was handed out is never written again, and is of no other socket", () => {
  const reads = fc.array(
    fc.record({ socket: fc.nat(2), fullness: fc.constantFrom(0.05, 0.5, 1) }),
    { maxLength: 30, size: "max" },
  );
  fc.assert(
    fc.property(reads, (steps) => {
      const shared = new Uint8Array(SHARED_SIZE);
      const sockets = [0, 1, 2].map(() => new ReadMemory(shared));
      const chunks: Uint8Array[] = [];
      for (const [n, { socket, fullness }] of steps.entries()) {
        const memory = sockets[socket];
        assert(memory !== undefined);
        const size = Math.ceil(memory.offer().length * fullness);
        const chunk = read(memory, size, n % 256);
        assert.equal(chunk.length, size);
        chunks.push(chunk);
      }
      for (const [n, chunk] of chunks.entries()) {
        assert.equal(chunk[0], n % 256, `chunk ${n}`);
        assert.equal(chunk.at(-1), n % 256, `chunk ${n}`);
      }
    }),
    { numRuns: 30 },
  );
});

test("node reading: a socket has memory of its own only while reads fill what is offered", () => {
  const shared = new Uint8Array(SHARED_SIZE);
  const memory = new ReadMemory(shared);
  const isShared = () => memory.offer().buffer === shared.buffer;
  read(memory, SHARED_SIZE - 1, 1);
  assert(isShared());
  read(memory, SHARED_SIZE, 2);
  assert(!isShared());
  assert(memory.offer().length > SHARED_SIZE);
  read(memory, memory.offer().length, 3);
  read(memory, SHARED_SIZE, 4);
  assert(!isShared());
  read(memory, 1, 5);
  assert(isShared());
});

test("node reading: where there is no memory for a slab, the shared memory does", () => {
  const shared = new Uint8Array(SHARED_SIZE);
  const memory = new ReadMemory(shared);
  read(memory, SHARED_SIZE, 1);
  const { Uint8Array: real } = globalThis;
  Reflect.set(globalThis, "Uint8Array", function refuse(): never {
    throw new RangeError("Array buffer allocation failed");
  });
  try {
    assert.equal(memory.offer(), shared);
  } finally {
    Reflect.set(globalThis, "Uint8Array", real);
  }
  assert.deepEqual(read(memory, 1, 2), Uint8Array.of(2));
});

test("node reading: a chunk that lies in a slab cannot be transferred where sockets read so", () => {
  const memory = new ReadMemory(new Uint8Array(SHARED_SIZE));
  read(memory, SHARED_SIZE, 1);
  const chunk = read(memory, SHARED_SIZE, 2);
  let isRefused = false;
  try {
    giveAway(chunk);
  } catch {
    isRefused = true;
  }
  if (isRead) assert(isRefused);
});

/** A connection between two sockets of `node:net`. */
async function connectedPair(): Promise<[accepted: Socket, own: Socket]> {
  const server = createServer();
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  const address = server.address();
  assert(address !== null && typeof address === "object");
  const own = connect(address.port, "127.0.0.1");
  const connected = new Promise<void>((resolve) =>
    own.once("connect", resolve)
  );
  const accepted = await new Promise<Socket>((resolve) =>
    server.once("connection", resolve)
  );
  await connected;
  server.close();
  return [accepted, own];
}

async function close(...sockets: Socket[]): Promise<void> {
  await Promise.all(sockets.map(async (socket) => {
    socket.destroy();
    if (!socket.closed) {
      await new Promise<void>((resolve) => socket.once("close", resolve));
    }
  }));
}

/** A field of a socket that is under a symbol. */
function field(socket: Socket, name: string): unknown {
  const symbol = Object.getOwnPropertySymbols(socket)
    .find(({ description }) => description === name);
  assert(symbol !== undefined);
  return Reflect.get(socket, symbol);
}

const isRead = runtimeName === "node" && process.platform !== "win32";

test(`node reading: sockets, accepted and own, ${isRead ? "are" : "cannot be"} read into own memory on this runtime`, async () => {
  const sockets = await connectedPair();
  for (const socket of sockets) {
    const { promise, resolve } = Promise.withResolvers<string>();
    const receive = (chunk: Uint8Array) =>
      resolve(new TextDecoder().decode(chunk));
    assert.equal(readIntoOwnMemory(socket, receive), isRead);
    if (!isRead) socket.on("data", receive);
    for (const other of sockets) if (other !== socket) other.write("hello");
    assert.equal(await promise, "hello");
    assert.equal(socket.listenerCount("data"), isRead ? 0 : 1);
  }
  await close(...sockets);
});

test("node reading: a socket without a handle cannot be read so", () => {
  const socket = new Socket();
  assert.equal(readIntoOwnMemory(socket, () => {}), false);
  socket.destroy();
});

test("node reading: a socket whose bytes nobody could take brings no more", async () => {
  const [accepted, own] = await connectedPair();
  const failure = new Error("a flaw above");
  const isOwnMemory = readIntoOwnMemory(accepted, () => {
    throw failure;
  });
  if (isOwnMemory) {
    const read = field(accepted, "kBufferCb");
    assert(typeof read === "function");
    assert.throws(() => read(1), failure);
    assert.equal(accepted.destroyed, true);
  }
  assert.equal(isOwnMemory, isRead);
  await close(accepted, own);
});

/** Hears of what nothing caught, before the test runner does. */
async function whileCapturing(
  run: () => Promise<void>,
): Promise<readonly unknown[]> {
  const uncaught: unknown[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error));
  try {
    await run();
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
  return uncaught;
}

test(
  isRead
    ? "node reading: what is thrown right after a read, in a program that lives on, has no bytes overwritten"
    : "node reading: elsewhere no socket waits to be told where to read next",
  async () => {
    const [accepted, own] = await connectedPair();
    const failure = new Error("a flaw elsewhere");
    const size = 8 * 1024 * 1024;
    const chunks: Uint8Array[] = [];
    let received = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const isOwnMemory = readIntoOwnMemory(accepted, (chunk) => {
      chunks.push(chunk);
      received += chunk.length;
      if (chunks.length % 3 === 0) {
        process.nextTick(() => {
          throw failure;
        });
      }
      if (received === size) resolve();
    });
    assert.equal(isOwnMemory, isRead);
    if (isOwnMemory) {
      const uncaught = await whileCapturing(async () => {
        own.write(pattern(size));
        await promise;
        // What the last read threw.
        await new Promise((done) => setImmediate(done));
      });
      assert(uncaught.length > 1);
      assert(uncaught.every((error) => error === failure));
      let place = 0;
      for (const chunk of chunks) {
        assert.equal(firstWrong(chunk, place), -1);
        place += chunk.length;
      }
    }
    await close(accepted, own);
  },
);

test(
  isRead
    ? "node reading: a socket that was busy and falls silent holds no slab"
    : "node reading: elsewhere no socket has a slab of this kind",
  async () => {
    const [accepted, own] = await connectedPair();
    let received = 0;
    let isRight = true;
    let hasCome = () => {};
    const isOwnMemory = readIntoOwnMemory(accepted, (chunk) => {
      isRight &&= firstWrong(chunk, received) === -1;
      received += chunk.length;
      hasCome();
    });
    assert.equal(isOwnMemory, isRead);
    if (isOwnMemory) {
      const hasSlab = () => {
        const buffer = field(accepted, "kBuffer");
        assert(buffer instanceof Uint8Array);
        return buffer.buffer.byteLength > 65_536;
      };
      let sent = 0;
      const burst = () =>
        new Promise<void>((resolve) => {
          own.write(pattern(1_000_000, sent));
          sent += 1_000_000;
          hasCome = () => received === sent && resolve();
        });
      // A burst that ends in a small read leaves none.
      do await burst(); while (!hasSlab());
      assert(monitors() > MONITORS_BEFORE);
      while (hasSlab()) await new Promise((done) => setTimeout(done, 50));
      assert.equal(monitors(), MONITORS_BEFORE);
      await burst();
      assert(isRight);
    }
    await close(accepted, own);
  },
);
