import assert from "node:assert/strict";
import { collectGarbage } from "../_garbage.ts";
import { test } from "../_test.ts";
import { SendStatus } from "../../adapters/adapter.ts";
import { OutboxScheduler, StreamOutbox } from "../../network/outbox.ts";
import { Random } from "./_random.ts";

/** A socket that takes nothing until it is told how much. */
class ShutSocket {
  readonly pending = 0;
  readonly written: Uint8Array[] = [];
  room = 0;

  write(bytes: Uint8Array): number {
    const taken = Math.min(this.room, bytes.length);
    this.room -= taken;
    if (taken > 0) this.written.push(bytes.subarray(0, taken));
    return taken;
  }
}

const LIMIT = 8 << 20;

function blockedOutbox(): { socket: ShutSocket; outbox: StreamOutbox } {
  const socket = new ShutSocket();
  const outbox = new StreamOutbox(
    socket,
    { highWaterMark: 1 << 20, limit: LIMIT },
    new OutboxScheduler(),
    () => {},
  );
  outbox.put(new Uint8Array(1));
  outbox.flush();
  return { socket, outbox };
}

/** What the adapters do with a message: the small ones into the slab, large ones by reference behind their head. */
function send(outbox: StreamOutbox, size: number, mark: number): boolean {
  const total = 4 + size;
  if (!outbox.hasRoom(total)) return false;
  const isSmall = size <= outbox.copyLimit;
  const offset = outbox.reserve(isSmall ? total : 4);
  outbox.slab.fill(mark, offset, offset + (isSmall ? total : 4));
  if (!isSmall) outbox.append(new Uint8Array(size).fill(mark));
  return true;
}

/** The buffers behind everything that is queued, each counted once. */
function held(socket: ShutSocket, outbox: StreamOutbox): number {
  const buffers = new Set([outbox.slab.buffer]);
  socket.room = Infinity;
  outbox.drained();
  for (const { buffer } of socket.written) buffers.add(buffer);
  let bytes = 0;
  for (const { byteLength } of buffers) bytes += byteLength;
  return bytes;
}

/** Nearly a quarter of a slab, nearly a third: the sizes that leave most of a slab over. */
const sizes = [1, 60, 1_000, 4_000, 8_200, 10_000, 11_000, 13_200, 16_384];

for (const size of sizes) {
  test(`Outbox: full of messages of ${size} bytes, it holds at most a fifth more than it counts`, () => {
    const { socket, outbox } = blockedOutbox();
    while (send(outbox, size, 1)) if (size > 100) outbox.flush();
    const counted = outbox.size;
    assert(counted > LIMIT - 20_000);
    const bytes = held(socket, outbox);
    assert(bytes <= counted * 1.2, `${bytes} for ${counted}`);
    assert.equal(outbox.size, 0);
  });
}

test("Outbox: full of messages of all sizes, it holds at most a fifth more than it counts, and all come out as they went in", () => {
  const random = new Random(20_261_121);
  const { socket, outbox } = blockedOutbox();
  const sent: [number, number][] = [[1, 0]];
  for (let mark = 1;; mark = mark % 255 + 1) {
    const size = random.below(random.below(8) === 0 ? 40_000 : 16_400);
    if (!send(outbox, size, mark)) break;
    sent.push([4 + size, mark]);
    if (random.below(10) === 0) outbox.flush();
  }
  const counted = outbox.size;
  const bytes = held(socket, outbox);
  assert(bytes <= counted * 1.2, `${bytes} for ${counted}`);
  const out = socket.written.values();
  let chunk = new Uint8Array(0);
  for (const [size, mark] of sent) {
    for (let left = size; left > 0;) {
      if (chunk.length === 0) {
        const next = out.next();
        assert(next.done !== true, "bytes are missing");
        chunk = new Uint8Array(next.value);
      }
      const count = Math.min(left, chunk.length);
      assert(chunk.subarray(0, count).every((byte) => byte === mark));
      chunk = chunk.subarray(count);
      left -= count;
    }
  }
  assert.equal(chunk.length, 0);
  assert.equal(out.next().done, true);
});

test("Outbox: what has gone out is let go of, also from the middle of a long queue", async () => {
  const { socket, outbox } = blockedOutbox();
  const watched: WeakRef<Uint8Array>[] = [];
  const fill = (count: number) => {
    for (let n = 0; n < count; n += 1) {
      const payload = new Uint8Array(20_000);
      watched.push(new WeakRef(payload));
      outbox.append(payload);
    }
  };
  fill(100);
  socket.room = 1 + 30 * 20_000;
  outbox.drained();
  socket.written.length = 0;
  assert.equal(outbox.size, 70 * 20_000);
  await collectGarbage();
  const kept = watched.filter((ref) => ref.deref() !== undefined).length;
  // A few may still be in a register or on the stack.
  assert(kept <= 75, `${kept} of 70`);
});

test("Outbox: a thousand of them with a short message each hold 4 MiB at most", () => {
  const scheduler = new OutboxScheduler();
  const limits = { highWaterMark: 1 << 20, limit: LIMIT };
  const buffers = new Set<ArrayBufferLike>();
  for (let n = 0; n < 1_000; n += 1) {
    const socket = new ShutSocket();
    const outbox = new StreamOutbox(socket, limits, scheduler, () => {});
    outbox.put(new Uint8Array(64));
    buffers.add(outbox.slab.buffer);
  }
  let bytes = 0;
  for (const { byteLength } of buffers) bytes += byteLength;
  assert(bytes <= 4 << 20, `${bytes}`);
});

/** A socket that takes what it is offered and holds it, one write at a time, as Deno's do. */
class HoldingSocket {
  readonly written: Uint8Array[] = [];
  pending = 0;

  write(bytes: Uint8Array): number {
    if (this.pending !== 0) return 0;
    this.pending = bytes.length;
    this.written.push(bytes);
    return bytes.length;
  }
}

test("Outbox: growing changes nothing that a socket still holds, and loses nothing", () => {
  const socket = new HoldingSocket();
  const outbox = new StreamOutbox(
    socket,
    { highWaterMark: 1 << 20, limit: LIMIT },
    new OutboxScheduler(),
    () => {},
  );
  for (let mark = 1; mark <= 200; mark += 1) {
    outbox.put(new Uint8Array(100).fill(mark));
    outbox.flush();
  }
  const [first] = socket.written;
  assert(first?.length === 100 && first.every((byte) => byte === 1));
  socket.pending = 0;
  outbox.drained();
  const rest = socket.written.slice(1).flatMap((chunk) => [...chunk]);
  assert.equal(rest.length, 199 * 100);
  assert(rest.every((byte, at) => byte === 2 + Math.floor(at / 100)));
});

test("Outbox: a long run that waits for its peer goes round in a few slabs, and each byte goes out as it was sent", () => {
  const socket = new HoldingSocket();
  const outbox = new StreamOutbox(
    socket,
    { highWaterMark: 1 << 20, limit: LIMIT },
    new OutboxScheduler(),
    () => {},
  );
  const buffers = new Set<ArrayBufferLike>();
  let sent = 0;
  let arrived = 0;
  const arrive = () => {
    for (const chunk of socket.written) {
      buffers.add(chunk.buffer);
      for (const byte of chunk) assert.equal(byte, arrived++ % 251);
    }
    socket.written.length = 0;
    socket.pending = 0;
    outbox.drained();
  };
  for (let round = 0; round < 60; round += 1) {
    while (outbox.size < 256 * 1024) {
      outbox.put(Uint8Array.from({ length: 1_000 }, () => sent++ % 251));
    }
    arrive();
  }
  while (outbox.size > 0) arrive();
  assert.equal(arrived, sent);
  assert(sent > 3 << 20, `${sent}`);
  assert(buffers.size <= 12, `${buffers.size}`);
});

/** A socket that takes everything at once. */
class OpenSocket {
  readonly pending = 0;
  readonly written: number[] = [];

  write(bytes: Uint8Array): number {
    for (const byte of bytes) this.written.push(byte);
    return bytes.length;
  }
}

test("Outbox: parts fill slabs to the last byte, and leave as they came, after whatever was there", () => {
  const random = new Random(20_261_122);
  const socket = new OpenSocket();
  const outbox = new StreamOutbox(
    socket,
    { highWaterMark: 1 << 20, limit: LIMIT },
    new OutboxScheduler(),
    () => {},
  );
  const sent: number[] = [];
  for (let mark = 1; mark <= 60; mark += 1) {
    for (let left = 1 + random.below(mark % 3 === 0 ? 150_000 : 1_500);;) {
      const room = outbox.room > 0 ? outbox.room : outbox.slabSize;
      const count = Math.min(left, room);
      const offset = outbox.reserve(count);
      outbox.slab.fill(mark, offset, offset + count);
      for (let n = 0; n < count; n += 1) sent.push(mark);
      left -= count;
      if (left === 0) break;
      // The next part begins in a new slab: this one has no byte to spare.
      assert.equal(outbox.room, 0);
    }
    if (random.below(3) === 0) outbox.flush();
  }
  outbox.flush();
  assert.equal(outbox.size, 0);
  assert.equal(socket.written.length, sent.length);
  assert(socket.written.every((byte, at) => byte === sent[at]));
});

test("Outbox: nobody is called back while a full slab leaves, for a frame may be half in it", () => {
  let called = 0;
  const outbox = new StreamOutbox(
    new OpenSocket(),
    { highWaterMark: 30_000, limit: 100_000 },
    new OutboxScheduler(),
    () => called++,
  );
  outbox.reserve(40_000);
  assert.equal(outbox.status(), SendStatus.Congested);
  outbox.reserve(outbox.room);
  outbox.reserve(1);
  assert.equal(called, 0);
  outbox.flush();
  assert.equal(called, 1);
});
