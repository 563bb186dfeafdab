/**
 * What the shared table cannot see: how the driver of Bun uses Bun's streams.
 * All rows run on every runtime, on a stand-in for `Bun` that the test plays.
 */

import assert from "node:assert/strict";
import type { BunSocket, BunSocketHandler } from "../../runtime/_bun_api.ts";
import type { BunStream } from "../../runtime/bun_stream.ts";
import { listenBunStream } from "../../runtime/bun_stream_listener.ts";
import { test } from "../_test.ts";
import { PlayedBun, settled } from "./_played_bun.ts";
import {
  Accepting,
  calling,
  type End,
  inet,
  isFault,
  pattern,
} from "./_probe.ts";

/** A native socket that the test plays. */
class PlayedSocket implements BunSocket<BunStream | undefined> {
  data: BunStream | undefined;
  readonly localAddress = "127.0.0.1";
  readonly localPort = 80;
  readonly remoteAddress = "::ffff:127.0.0.1";
  readonly remotePort = 4_000;
  readonly fd = 5;
  readonly calls: string[] = [];
  /** What the next writes take; all when empty. */
  readonly takes: number[] = [];
  /** What Bun does from inside the next call. */
  inside: (() => void) | undefined;

  #called(name: string): void {
    this.calls.push(name);
    const inside = this.inside;
    this.inside = undefined;
    inside?.();
  }
  write(data: Uint8Array): number {
    this.#called("write");
    return this.takes.shift() ?? data.byteLength;
  }
  end(): void {
    this.#called("end");
  }
  shutdown(): void {
    this.#called("shutdown");
  }
  terminate(): void {
    this.#called("terminate");
  }
  pause(): void {
    this.#called("pause");
  }
  resume(): void {
    this.#called("resume");
  }
  setKeepAlive(): boolean {
    this.#called("setKeepAlive");
    return true;
  }
}

interface Played {
  readonly native: PlayedSocket;
  readonly handler: BunSocketHandler<BunStream | undefined>;
  readonly end: End;
}

/** An accepted connection on a played socket. */
async function accepted(): Promise<Played> {
  const bun = new PlayedBun();
  const ends: End[] = [];
  const accepting = new Accepting();
  accepting.onAccept = (end) => ends.push(end);
  await listenPlayed(bun, accepting);
  const { handler } = bun;
  assert(handler !== undefined);
  const native = new PlayedSocket();
  handler.open(native);
  const [end] = ends;
  assert(end !== undefined);
  return { native, handler, end };
}

async function listenPlayed(
  bun: PlayedBun,
  accepting: Accepting,
): Promise<void> {
  const driver = {
    ...memoryLess,
    listenStream: listenBunStream.bind(undefined, bun),
  };
  await accepting.listen(driver, { address: inet("127.0.0.1") });
}

const refuse = (): never => {
  throw new Error("not played");
};
/** The members of a driver that the rows do without. */
const memoryLess = {
  name: "played",
  now: refuse,
  setTimer: refuse,
  clearTimer: refuse,
  random: refuse,
  defer: refuse,
  connectStream: refuse,
  bindDatagram: refuse,
  connectWebSocket: refuse,
  listenWebSocket: refuse,
};

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

test("bun stream: a close that comes from inside a call is told after it", async () => {
  for (const how of ["abort", "close"] as const) {
    const { native, handler, end } = await accepted();
    native.inside = () => handler.close(native);
    end[how]();
    assert.equal(end.probe.closedTimes, 0);
    await settled();
    assert.equal(end.probe.closedTimes, 1);
    assert.equal(end.probe.fault, undefined);
    assert.deepEqual(end.probe.violations, []);
  }
});

test("bun stream: a reset that comes from inside a write is told after it", async () => {
  const { native, handler, end } = await accepted();
  native.takes.push(-1);
  native.inside = () => handler.close(native, systemError("ECONNRESET"));
  assert.equal(calling(() => end.socket.write(pattern(5))), 0);
  assert.equal(end.probe.closedTimes, 0);
  await settled();
  isFault("connection-reset")(end.probe.fault);
});

test("bun stream: only a write that was cut short is owed a drain", async () => {
  const { native, handler, end } = await accepted();
  handler.drain(native);
  end.socket.write(pattern(5));
  handler.drain(native);
  assert.equal(end.probe.drained, 0);
  native.takes.push(2, 0);
  assert.equal(end.socket.write(pattern(5)), 2);
  assert.equal(end.socket.write(pattern(3)), 0);
  handler.drain(native);
  handler.drain(native);
  assert.equal(end.probe.drained, 1);
});

test("bun stream: what comes in spite of a pause waits for the resume, the end behind it", async () => {
  const { native, handler, end } = await accepted();
  end.socket.pause();
  for (let i = 0; i < 3; i++) handler.data(native, pattern(10, i * 10));
  handler.close(native, systemError("ECONNRESET"));
  await settled();
  assert.equal(end.probe.received, 0);
  assert.equal(end.probe.closedTimes, 0);
  let chunks = 0;
  end.probe.onData = () => {
    if (++chunks === 2) end.socket.pause();
  };
  calling(() => end.socket.resume());
  await settled();
  assert.equal(end.probe.received, 20);
  assert.equal(end.probe.closedTimes, 0);
  calling(() => end.socket.resume());
  await settled();
  assert.equal(end.probe.received, 30);
  isFault("connection-reset")(end.probe.fault);
});

test("bun stream: closing while the end is held tells closed alone", async () => {
  for (const how of ["abort", "close"] as const) {
    const { native, handler, end } = await accepted();
    end.socket.pause();
    handler.data(native, pattern(10));
    handler.close(native, systemError("ECONNRESET"));
    end[how]();
    await settled();
    assert.equal(end.probe.closedTimes, 1);
    assert.equal(end.probe.fault, undefined);
    assert.equal(end.probe.received, 0);
  }
});

test("bun stream: after the own FIN a close without error is the peer's FIN", async () => {
  const { native, handler, end } = await accepted();
  end.socket.shutdown();
  handler.close(native);
  assert.equal(end.probe.ended, 1);
  assert.equal(end.probe.closedTimes, 1);
  assert.equal(end.probe.fault, undefined);
});

test("bun stream: before the own FIN a close without error is a reset", async () => {
  const { native, handler, end } = await accepted();
  handler.close(native);
  assert.equal(end.probe.ended, 0);
  isFault("connection-reset")(end.probe.fault);
});

test("bun stream: an end after a write that failed is a reset", async () => {
  for (const isShut of [false, true]) {
    const { native, handler, end } = await accepted();
    native.takes.push(-1);
    assert.equal(calling(() => end.socket.write(pattern(5))), 0);
    if (isShut) end.socket.shutdown();
    handler.data(native, pattern(5));
    handler.end(native);
    assert.equal(native.calls.at(-1), "terminate");
    handler.close(native);
    assert.equal(end.probe.received, 5);
    assert.equal(end.probe.ended, 0);
    isFault("connection-reset")(end.probe.fault);
  }
});

test("bun stream: closing shuts down and reads on until the peer's FIN, or at once after it", async () => {
  const open = await accepted();
  open.end.close();
  assert.deepEqual(open.native.calls, ["shutdown", "resume"]);
  open.handler.data(open.native, pattern(5));
  open.handler.end(open.native);
  assert.equal(open.native.calls.at(-1), "end");
  open.handler.close(open.native);
  assert.equal(open.end.probe.received, 0);
  assert.equal(open.end.probe.closedTimes, 1);
  const ended = await accepted();
  ended.handler.end(ended.native);
  ended.end.close();
  assert.deepEqual(ended.native.calls, ["end"]);
  ended.handler.close(ended.native);
  assert.equal(ended.end.probe.closedTimes, 1);
});

test("bun stream: a peer that never answers is let go after a while", async () => {
  const { native, handler, end } = await accepted();
  const gone = new Promise<void>((resolve) => {
    native.end = () => {
      handler.close(native);
      resolve();
    };
  });
  end.close();
  await gone;
  assert.equal(end.probe.closedTimes, 1);
});

test("bun stream: an abort cuts the wait of a close short", async () => {
  const { native, handler, end } = await accepted();
  end.close();
  native.inside = () => handler.close(native);
  end.abort();
  assert.equal(native.calls.at(-1), "terminate");
  await settled();
  assert.equal(end.probe.closedTimes, 1);
});
