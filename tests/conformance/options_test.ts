import assert from "node:assert/strict";
import {
  type Adapter,
  attachWebSocket,
  type ConnectOptions,
  createNode,
  type ListenOptions,
  Rpc,
  type StandardWebSocketLike,
  Transport,
  ws,
} from "../../mod.ts";
import { identity } from "../tls/_certificates.ts";
import { conforms, isNetworkError } from "./_nodes.ts";
import { type TransportRow, transports } from "./_transports.ts";

const SERVER: object = identity("server");

/** Out of the range of every integer option. */
const BAD_INTEGERS: readonly unknown[] = [
  NaN,
  -1,
  1.5,
  Infinity,
  -Infinity,
  2 ** 53,
  "5",
  true,
  [7],
];

/** Out of the range of every time that may have fractions, and of Infinity. */
const BAD_TIMES: readonly unknown[] = [NaN, -1, Infinity, "5", true];

/** Beside the ranges of integers, those that may also be Infinity. */
const BAD_COUNTS: readonly unknown[] = [
  NaN,
  -1,
  0,
  1.5,
  -Infinity,
  2 ** 53,
  "5",
];

type Case = readonly [name: string, bad: readonly unknown[]];

const EVERY: readonly Case[] = [
  ["maxMessageSize", [...BAD_INTEGERS, 0]],
  ["highWaterMark", [...BAD_INTEGERS, 0]],
  ["outboxLimit", [...BAD_INTEGERS, 0]],
  ["idleTimeoutMs", [...BAD_INTEGERS, 2 ** 31]],
];

const CONNECT: readonly Case[] = [
  ["connectTimeoutMs", [...BAD_INTEGERS, 2 ** 31]],
  ["reconnect.initialDelayMs", [...BAD_INTEGERS, 0, 2 ** 31]],
  ["reconnect.maxDelayMs", [...BAD_INTEGERS, 0, 99, 2 ** 31]],
  ["reconnect.factor", [NaN, -1, 0.99, 1_001, Infinity, 2 ** 53, "5"]],
  ["reconnect.maxAttempts", BAD_COUNTS],
  ["reconnect.maxOutageMs", [...BAD_COUNTS, 2 ** 31]],
  ["reconnect.queueLimit", BAD_INTEGERS],
  ["reconnect.signal", [5, "5", {}]],
  ["reconnect.shouldRetry", [5, "5", {}, true]],
  ["reconnect", [5, "yes", null]],
];

const LISTEN: readonly Case[] = [
  ["maxConnections", [...BAD_INTEGERS, 0]],
];

const TCP: readonly Case[] = [
  ["keepAliveMs", [...BAD_INTEGERS, 0, 2 ** 31]],
];

const TCP_CONNECT: readonly Case[] = [
  ["sourceAddress.port", [...BAD_INTEGERS, 65_536]],
  ["tls.handshakeTimeoutMs", [...BAD_INTEGERS, 2 ** 31]],
];

const TCP_LISTEN: readonly Case[] = [
  ["backlog", [...BAD_INTEGERS, 0, 65_536]],
  ["tls.handshakeTimeoutMs", [...BAD_INTEGERS, 2 ** 31]],
  ["tls.maxHandshakes", [...BAD_INTEGERS, 0]],
];

const WS: readonly Case[] = [
  ["handshakeTimeoutMs", [...BAD_INTEGERS, 2 ** 31]],
  ["pingIntervalMs", [...BAD_INTEGERS, 2 ** 31]],
  ["pongTimeoutMs", [...BAD_INTEGERS, 0, 2 ** 31]],
  ["closeTimeoutMs", [...BAD_INTEGERS, 2 ** 31]],
  ["maxFragments", [...BAD_INTEGERS, 0]],
  ["maxHandshakeSize", [...BAD_INTEGERS, 0, 2 ** 24 + 1]],
  ["maxHeaders", [...BAD_INTEGERS, 0]],
];

const UDP: readonly Case[] = [
  ["maxMessageSize", [65_508]],
  ["ttl", [...BAD_INTEGERS, 0, 256]],
  ["multicastTtl", [...BAD_INTEGERS, 256]],
  ["receiveBufferSize", [...BAD_INTEGERS, 0, 2 ** 30 + 1]],
  ["sendBufferSize", [...BAD_INTEGERS, 0, 2 ** 30 + 1]],
];

const UDP_LISTEN: readonly Case[] = [
  ["maxKnownPeers", [...BAD_INTEGERS, 0, 2 ** 24 + 1]],
];

/** The options in which one, perhaps of an object inside, has this value. */
function withOption(name: string, value: unknown): object {
  const [outer = "", inner] = name.split(".");
  if (inner === undefined) return { [outer]: value };
  const rest = outer === "tls"
    ? SERVER
    : outer === "sourceAddress"
    ? { hostname: "127.0.0.1" }
    : {};
  return { [outer]: { ...rest, [inner]: value } };
}

function isOver(row: TransportRow, name: string): boolean {
  return row.name === name;
}

const withTls = ["Tcp", "FramedTcp", "Ws"];

for (const row of transports) {
  const isTcp = withTls.includes(row.name);
  const own = [
    ...(isTcp ? TCP : []),
    ...(isOver(row, "Ws") ? WS : []),
    ...(isOver(row, "Udp") ? UDP : []),
  ];
  const adapter: Adapter<ConnectOptions, ListenOptions> = row.adapter;

  conforms(
    row.name,
    "every number of connect that is out of its range is an invalid-option that names it",
    (world) => {
      const node = world.node();
      const address = row.peerAddress({
        family: "ipv4",
        hostname: "127.0.0.1",
        port: 1,
        path: "/none",
      });
      const cases = [
        ...EVERY,
        ...CONNECT,
        ...own,
        ...(isTcp ? TCP_CONNECT : []),
      ];
      for (const [name, bad] of cases) {
        for (const value of bad) {
          assert.throws(
            () =>
              node.network.connect(adapter, address, withOption(name, value)),
            isNetworkError("invalid-option", new RegExp(name)),
            `${name} ${String(value)}`,
          );
        }
      }
      assert.deepEqual(node.network.resources(), []);
    },
  );

  conforms(
    row.name,
    "every number of listen that is out of its range is an invalid-option that names it",
    async (world) => {
      const node = world.node();
      const cases = [
        ...EVERY,
        ...LISTEN,
        ...own,
        ...(isTcp ? TCP_LISTEN : []),
        ...(isOver(row, "Udp") ? UDP_LISTEN : []),
      ];
      for (const [name, bad] of cases) {
        for (const value of bad) {
          await assert.rejects(
            node.network.listen(
              adapter,
              row.listenAddress(),
              withOption(name, value),
            ),
            isNetworkError("invalid-option", new RegExp(name)),
            `${name} ${String(value)}`,
          );
        }
      }
      assert.deepEqual(node.network.resources(), []);
    },
  );
}

conforms(
  "Ws",
  "the runtime's own WebSockets check the numbers that they take too",
  (world) => {
    const node = world.node();
    const native = ws({ engine: "native" });
    const cases: Case[] = [...EVERY, ["closeTimeoutMs", BAD_INTEGERS]];
    for (const [name, bad] of cases) {
      for (const value of bad) {
        assert.throws(
          () =>
            node.network.connect(
              native,
              "127.0.0.1:1",
              withOption(name, value),
            ),
          isNetworkError("invalid-option", new RegExp(name)),
          `${name} ${String(value)}`,
        );
      }
    }
  },
);

conforms("Ws", "attachWebSocket checks its numbers", (world) => {
  const node = world.node();
  const socket: StandardWebSocketLike = new FakeSocket();
  for (const [name, bad] of EVERY) {
    for (const value of bad) {
      assert.throws(
        () =>
          node.network.attach(
            attachWebSocket(socket, withOption(name, value)),
          ),
        isNetworkError("invalid-option", new RegExp(name)),
        `${name} ${String(value)}`,
      );
    }
  }
});

class FakeSocket implements StandardWebSocketLike {
  binaryType: "blob" | "arraybuffer" = "arraybuffer";
  readonly readyState = 1;
  readonly bufferedAmount = 0;
  readonly protocol = "";
  onopen = null;
  onmessage = null;
  onerror = null;
  onclose = null;
  send(): void {}
  close(): void {}
}

conforms("Node", "its own numbers are checked", async (world) => {
  for (const name of ["maxQueuedEvents", "maxQueuedBytes"]) {
    for (const value of [...BAD_INTEGERS, 0]) {
      assert.throws(
        () => createNode({ [name]: value }),
        isNetworkError("invalid-option", new RegExp(name)),
        `${name} ${String(value)}`,
      );
    }
  }
  const node = world.idle();
  const { resourceId } = await node.network.listen(
    Transport.Memory,
    "memory:options",
  );
  const bad = BAD_INTEGERS.filter((value) => value !== true);
  for (const drain of [...bad, 2 ** 31]) {
    const options = withOption("drain", drain);
    for (
      const call of [
        () => node.network.remove(resourceId, options),
        () => node.handler.stop(options),
      ]
    ) {
      assert.throws(
        call,
        isNetworkError("invalid-option", /drain/),
        `drain ${String(drain)}`,
      );
    }
  }
  for (const code of [...BAD_INTEGERS, 999, 1_001, 2_999, 5_000]) {
    assert.throws(
      () => node.network.remove(resourceId, withOption("code", code)),
      isNetworkError("invalid-option", /code/),
      `code ${String(code)}`,
    );
  }
  assert.equal(node.handler.isRunning, true);
  assert.equal(node.network.isReady(resourceId), true);
});

conforms("Node", "the times of its waits are checked", async (world) => {
  const node = world.idle();
  const receiver = node.listener.enqueue();
  for (const value of BAD_TIMES) {
    const args: [number] = [0];
    Reflect.set(args, 0, value);
    assert.throws(
      () => node.handler.signals.sendWithTimer(1, ...args),
      isNetworkError("invalid-option", /delayMs/),
      `delayMs ${String(value)}`,
    );
    await assert.rejects(
      receiver.receiveTimeout(...args),
      isNetworkError("invalid-option", /timeoutMs/),
      `timeoutMs ${String(value)}`,
    );
  }
});

conforms("Rpc", "its numbers are checked", (world) => {
  const { handler } = world.node();
  const cases: Case[] = [
    ["maxCallsPerConnection", [...BAD_INTEGERS, 0]],
    ["maxCalls", [...BAD_INTEGERS, 0]],
    ["streamWindow", [...BAD_INTEGERS, 0]],
    ["timeoutMs", BAD_TIMES],
  ];
  for (const [name, bad] of cases) {
    for (const value of bad) {
      assert.throws(
        () => new Rpc(handler, { handlers: {}, ...withOption(name, value) }),
        isNetworkError("invalid-option", new RegExp(name)),
        `${name} ${String(value)}`,
      );
    }
  }
});
