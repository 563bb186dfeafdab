/** Compares the limits that SECURITY.md tells with those that the code has. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  DEFAULT_HIGH_WATER_MARK,
  DEFAULT_MAX_MESSAGE_SIZE,
  DEFAULT_OUTBOX_LIMIT,
} from "../../adapters/_options.ts";
import { tlsListenRequest } from "../../adapters/_tls_options.ts";
import { wsLimits } from "../../adapters/_ws_limits.ts";
import { wsTimes } from "../../adapters/_ws_options.ts";
import { MAX_DATAGRAM_SIZE } from "../../adapters/udp.ts";
import { WebSocketDecoder } from "../../framing/web_socket_decoder.ts";
import { MAX_CONTROL_PAYLOAD } from "../../framing/web_socket_frame.ts";
import { WebSocketRequestParser } from "../../framing/web_socket_handshake.ts";
import { parseAddress } from "../../network/address.ts";
import { projectFolder } from "../_support.ts";
import { test } from "../_test.ts";
import { requestText } from "../adapters/_web_socket.ts";
import { utf8 } from "../conformance/_nodes.ts";
import { frameBytes } from "../framing/_web_socket_frames.ts";
import { identity } from "../tls/_certificates.ts";

function textOf(path: string): string {
  return readFileSync(join(projectFolder, path), "utf8");
}

/** A number that no function tells, where it stands in the source. */
function stated(path: string, pattern: RegExp): number {
  const found = pattern.exec(textOf(path))?.[1];
  assert(found !== undefined, `${path} has no ${pattern}`);
  return Number(found.replaceAll("_", ""));
}

/** The largest number that passes, found by trying. */
function largest(high: number, passes: (count: number) => boolean): number {
  let low = 0;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (passes(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function fragmentsPass(count: number): boolean {
  const { maxFragments } = wsLimits({});
  const decoder = new WebSocketDecoder({
    isServer: false,
    maxMessageSize: 1,
    maxFragments,
  });
  const sink = {
    message: () => true,
    ping() {},
    pong() {},
    close() {},
  };
  const first = frameBytes({ opcode: 2, fin: false }, false);
  const more = frameBytes({ opcode: 0, fin: false }, false);
  if (decoder.push(first, sink) !== undefined) return false;
  for (let i = 1; i < count; i += 1) {
    if (decoder.push(more, sink) !== undefined) return false;
  }
  return true;
}

function headPasses(size: number): boolean {
  const empty = requestText(["X: "]).length;
  if (size < empty) return true;
  const text = requestText([`X: ${"x".repeat(size - empty)}`]);
  const result = new WebSocketRequestParser(wsLimits({}).head).push(utf8(text));
  return result?.kind === "request";
}

function headersPass(count: number): boolean {
  const own = 5;
  if (count < own) return true;
  const lines = Array.from({ length: count - own }, () => "X: 1");
  const result = new WebSocketRequestParser(wsLimits({}).head).push(
    utf8(requestText(lines)),
  );
  return result?.kind === "request";
}

const tls = tlsListenRequest(
  parseAddress("127.0.0.1:0"),
  identity("server"),
);
const times = wsTimes({});

/** By the column `option`; "none" for what is off. */
const REAL: Readonly<Record<string, () => number | "none">> = {
  "`maxMessageSize`": () => DEFAULT_MAX_MESSAGE_SIZE,
  "`maxMessageSize` of `Udp`": () => MAX_DATAGRAM_SIZE,
  "`highWaterMark`": () => DEFAULT_HIGH_WATER_MARK,
  "`outboxLimit`": () => DEFAULT_OUTBOX_LIMIT,
  "`maxQueuedEvents`": () =>
    stated("node/node.ts", /options\.maxQueuedEvents,\s*([\d_]+)/),
  "`maxQueuedBytes`": () =>
    stated("node/node.ts", /options\.maxQueuedBytes,\s*(\d+) \* \(1 << 20\)/) *
    (1 << 20),
  "`maxConnections`": () =>
    /maxConnections === undefined \? Infinity/.test(
        textOf("network/options.ts"),
      )
      ? "none"
      : NaN,
  "`idleTimeoutMs`": () =>
    stated("network/options.ts", /idleTimeoutMs \?\? ([\d_]+)/) || "none",
  "`connectTimeoutMs`": () =>
    stated(
      "network/connect_plan.ts",
      /DEFAULT_CONNECT_TIMEOUT_MS = ([\d_]+)/,
    ),
  "`handshakeTimeoutMs`": () => times.handshakeTimeoutMs,
  "`maxHandshakeSize`": () => largest(40_000, headPasses),
  "`maxHeaders`": () => largest(1_000, headersPass),
  "`maxFragments`": () => largest(100_000, fragmentsPass),
  "fixed: RFC 6455": () => MAX_CONTROL_PAYLOAD,
  "`pongTimeoutMs`": () => times.pongTimeoutMs,
  "`closeTimeoutMs`": () =>
    stated("network/options.ts", /LINGER_MS = ([\d_]+)/),
  "`tls.handshakeTimeoutMs`": () => tls.handshakeTimeoutMs,
  "`tls.maxHandshakes`": () => tls.maxHandshakes,
  "`maxKnownPeers`": () =>
    stated("network/local_resource.ts", /MAX_KNOWN_PEERS = ([\d_]+)/),
  "`maxCallsPerConnection`": () =>
    stated("rpc/rpc.ts", /maxCallsPerConnection \?\? ([\d_]+)/),
  "`maxCalls`": () => stated("rpc/rpc.ts", /maxCalls \?\? ([\d_]+)/),
  "`timeoutMs`": () => stated("rpc/rpc.ts", /options\.timeoutMs \?\? ([\d_]+)/),
  "`streamWindow`": () => stated("rpc/rpc.ts", /streamWindow \?\? ([\d_]+)/),
};

const rows = [
  ...textOf("SECURITY.md").matchAll(
    /^\| ([^|]+?) +\| ([\d,]+|none) +\| ([^|]+?) +\| [^|]+\|$/gm,
  ),
].map(([, limit = "", value = "", option = ""]) => ({ limit, value, option }));

test("SECURITY.md tells every limit once", () => {
  assert.deepEqual(
    rows.map(({ option }) => option),
    Object.keys(REAL),
  );
});

for (const { limit, value, option } of rows) {
  test(`SECURITY.md: the default of ${option} (${limit}) is ${value}`, () => {
    const told = value === "none" ? value : Number(value.replaceAll(",", ""));
    assert.equal(REAL[option]?.(), told);
  });
}
