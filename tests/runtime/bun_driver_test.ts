/**
 * What the shared table cannot see: how the driver of Bun uses Bun's sockets.
 * Most rows run on every runtime, on a stand-in for `Bun` that the test plays.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type {
  BunApi,
  BunConnectedDatagram,
  BunDatagramHandler,
  BunDatagramOptions,
  BunFreeDatagram,
  BunServerWebSocket,
  BunSocket,
  BunSocketHandler,
  BunTcpListener,
  BunTcpListenOptions,
  BunUnixOptions,
} from "../../runtime/_bun_api.ts";
import { bunDriver } from "../../runtime/bun.ts";
import { bindBunDatagram, isBunDatagram } from "../../runtime/bun_datagram.ts";
import type { BunStream } from "../../runtime/bun_stream.ts";
import { listenBunStream } from "../../runtime/bun_stream_listener.ts";
import { createBunWebSocketHandlers } from "../../runtime/bun_web_socket.ts";
import type {
  DatagramBindRequest,
  WebSocketSocket,
} from "../../runtime/driver.ts";
import { Fault } from "../../runtime/fault.ts";
import { test } from "../_test.ts";
import {
  Accepting,
  calling,
  DatagramProbe,
  type End,
  inet,
  isFault,
  pattern,
} from "./_probe.ts";

/** A microtask's wait: what was deferred has been called. */
const settled = (): Promise<void> => Promise.resolve();

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

/** A `Bun` whose listeners and UDP sockets the test plays. */
class PlayedBun implements BunApi {
  handler: BunSocketHandler<BunStream | undefined> | undefined;
  datagram: BunDatagramHandler | undefined;
  /** What a send does. */
  onSend: () => boolean = () => true;

  listen<Data>(
    options: BunTcpListenOptions<Data> | BunUnixOptions<Data>,
  ): BunTcpListener {
    const { socket } = options;
    if (isStreamHandler(socket)) this.handler = socket;
    return { port: 80, stop() {} };
  }
  connect(): Promise<unknown> {
    return Promise.reject(new Error("not played"));
  }
  udpSocket(
    { socket }: BunDatagramOptions,
  ): Promise<BunConnectedDatagram & BunFreeDatagram> {
    this.datagram = socket;
    return Promise.resolve({
      hostname: "127.0.0.1",
      port: 53,
      close: () => {},
      setBroadcast: () => true,
      setTTL: () => 1,
      setMulticastTTL: () => 1,
      setMulticastLoopback: () => true,
      setMulticastInterface: () => true,
      addMembership: () => true,
      dropMembership: () => true,
      send: () => this.onSend(),
    });
  }
  serve(): never {
    throw new Error("not played");
  }
}

function isStreamHandler(
  handler: object,
): handler is BunSocketHandler<BunStream | undefined> {
  return "open" in handler;
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

test("bun datagram: a send that fails for an earlier one is tried again", async () => {
  const bun = new PlayedBun();
  const probe = new DatagramProbe();
  const socket = await bindBunDatagram(
    bun,
    { address: inet("127.0.0.1") },
    probe,
  );
  let sends = 0;
  bun.onSend = () => {
    if (++sends === 1) throw systemError("ECONNREFUSED");
    return true;
  };
  assert(calling(() => socket.send(pattern(1), "127.0.0.1", 9)));
  assert.equal(sends, 2);
  // Bun tells the earlier one's failure itself, with the error alone.
  bun.datagram?.error(systemError("ECONNREFUSED"));
  assert.equal(probe.faults.length, 1);
  isFault("connection-refused")(probe.faults[0]);
});

test("bun datagram: one that is too large is told once, though Bun throws and tells", async () => {
  const bun = new PlayedBun();
  const probe = new DatagramProbe();
  const socket = await bindBunDatagram(
    bun,
    { address: inet("127.0.0.1") },
    probe,
  );
  bun.onSend = () => {
    throw systemError("EMSGSIZE");
  };
  assert(calling(() => socket.send(pattern(1), "127.0.0.1", 9)));
  bun.datagram?.error(systemError("EMSGSIZE"));
  await probe.until(() => probe.faults.length > 0);
  assert.equal(probe.faults.length, 1);
  isFault("message-too-big")(probe.faults[0]);
});

test("bun datagram: only a send that was refused is owed a drain", async () => {
  const bun = new PlayedBun();
  const probe = new DatagramProbe();
  const socket = await bindBunDatagram(
    bun,
    { address: inet("127.0.0.1") },
    probe,
  );
  const native = await bun.udpSocket({
    hostname: "",
    port: 0,
    binaryType: "uint8array",
    socket: bun.datagram ?? assert.fail(),
  });
  assert(socket.send(pattern(1), "127.0.0.1", 9));
  bun.datagram?.drain(native);
  assert.equal(probe.drained, 0);
  bun.onSend = () => false;
  assert.equal(socket.send(pattern(1), "127.0.0.1", 9), false);
  bun.datagram?.drain(native);
  bun.datagram?.drain(native);
  assert.equal(probe.drained, 1);
});

test("bun datagram: what Bun's sockets lack goes by node:dgram", () => {
  const address = inet("127.0.0.1");
  const native: Omit<DatagramBindRequest, "address">[] = [
    {},
    { broadcast: true, ttl: 3, multicastTtl: 2, multicastLoopback: false },
    { memberships: [{ group: "239.1.2.3" }], multicastInterface: "127.0.0.1" },
    { reuseAddress: false, reusePort: false, ipv6Only: false },
  ];
  const lacking: Omit<DatagramBindRequest, "address">[] = [
    { reuseAddress: true },
    { reusePort: true },
    { ipv6Only: true },
    { receiveBufferSize: 1 },
    { sendBufferSize: 1 },
  ];
  for (const request of native) assert(isBunDatagram({ address, ...request }));
  for (const request of lacking) {
    assert(!isBunDatagram({ address, ...request }));
  }
});

/** A WebSocket of a server that the test plays. */
class PlayedWebSocket implements BunServerWebSocket {
  readonly data = "the user's";
  readonly remoteAddress = "127.0.0.1";
  readyState = 1;
  buffered = 0;
  takes = 1;
  readonly calls: string[] = [];
  inside: (() => void) | undefined;

  sendBinary(): number {
    return this.takes;
  }
  sendText(): number {
    return this.takes;
  }
  getBufferedAmount(): number {
    return this.buffered;
  }
  close(code?: number): void {
    this.calls.push(`close ${code}`);
    this.inside?.();
  }
  terminate(): void {
    this.calls.push("terminate");
    this.inside?.();
  }
  pause(): void {}
  resume(): void {}
}

interface Heard {
  drained: number;
  readonly closed: [code: number, fault: string | undefined][];
  readonly messages: string[];
}

function attached(native: PlayedWebSocket): {
  readonly handlers: ReturnType<
    typeof createBunWebSocketHandlers<PlayedWebSocket>
  >;
  readonly socket: WebSocketSocket;
  readonly heard: Heard;
} {
  const heard: Heard = { drained: 0, closed: [], messages: [] };
  let attachedSocket: WebSocketSocket | undefined;
  const handlers = createBunWebSocketHandlers((socket, of: PlayedWebSocket) => {
    assert.equal(of, native);
    attachedSocket = socket;
    return {
      open: () => assert.fail("open is not for accepted ones"),
      message: (data, isText) =>
        heard.messages.push(`${isText ? "text" : "bytes"} ${data.byteLength}`),
      drain: () => heard.drained++,
      closed: (code, _reason, fault) => heard.closed.push([code, fault?.code]),
    };
  });
  handlers.open(native);
  assert(attachedSocket !== undefined);
  return { handlers, socket: attachedSocket, heard };
}

test("bun web socket: dropped is refused, queued is owed one drain, empty is neither", () => {
  const native = new PlayedWebSocket();
  const { handlers, socket, heard } = attached(native);
  native.takes = 0;
  assert.equal(socket.send(pattern(5), false), false);
  assert.equal(socket.send(new Uint8Array(0), false), true);
  assert.equal(socket.send(new Uint8Array([0xff]), true), false, "not UTF-8");
  native.takes = -1;
  native.buffered = 5;
  assert.equal(socket.send(pattern(5), false), true);
  assert.equal(socket.pending, 5);
  handlers.drain(native);
  assert.equal(heard.drained, 0);
  native.buffered = 0;
  handlers.drain(native);
  handlers.drain(native);
  assert.equal(heard.drained, 1);
  assert.equal(native.data, "the user's");
});

test("bun web socket: how it ended is told by code", () => {
  const rows: [number, string, number, string | undefined][] = [
    [1000, "", 1000, undefined],
    [1005, "", 1005, undefined],
    [4001, "why", 4001, undefined],
    [1006, "", 1006, "connection-reset"],
    [1006, "Received too big message", 1009, "message-too-big"],
    [1006, "Received invalid UTF-8", 1007, "protocol"],
    [1006, "Received invalid opcode", 1002, "protocol"],
  ];
  for (const [code, reason, told, fault] of rows) {
    const native = new PlayedWebSocket();
    const { handlers, heard } = attached(native);
    handlers.close(native, code, reason);
    handlers.close(native, code, reason);
    assert.deepEqual(heard.closed, [[told, fault]]);
  }
});

test("bun web socket: a close from inside a call is told after it; codes that cannot be sent are left out", async () => {
  for (const code of [1000, 1011, 4999, 1005, 1006, 2000, 0]) {
    const native = new PlayedWebSocket();
    const { handlers, socket, heard } = attached(native);
    native.inside = () => handlers.close(native, 1006, "");
    socket.close(code, "");
    assert.equal(heard.closed.length, 0);
    handlers.message(native, "late");
    await settled();
    assert.deepEqual(heard.closed, [[1006, undefined]]);
    assert.deepEqual(heard.messages, []);
    const isSent = code === 1000 || code === 1011 || code === 4999;
    assert.deepEqual(native.calls, [`close ${isSent ? code : undefined}`]);
    assert.equal(socket.send(pattern(1), false), false);
  }
});

if ("Bun" in globalThis) {
  test("bun driver: an error thrown in a callback is uncaught, not swallowed", () => {
    const fixture = fileURLToPath(
      new URL("./throw_fixture.ts", import.meta.url),
    );
    for (const where of ["accept", "data", "end", "closed", "message"]) {
      const { status, stderr } = spawnSync(process.execPath, [fixture, where], {
        encoding: "utf8",
        timeout: 10_000,
      });
      assert.equal(status, 1, `${where}: ${stderr}`);
      assert.match(stderr, new RegExp(`thrown in ${where}`));
    }
  });
} else {
  test("bun driver: on another runtime it is not-supported", () => {
    assert.throws(() => bunDriver(), (error) => {
      assert(error instanceof Fault);
      return error.code === "not-supported";
    });
  });
}
