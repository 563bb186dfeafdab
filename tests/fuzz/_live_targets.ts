/**
 * Listeners and clients over real sockets.
 *
 * @module
 */

import process from "node:process";
import {
  FramedTcp,
  framedTcp,
  FramedUnix,
  newlineFraming,
  taggedFraming,
  Tcp,
  Ws,
  type WsListenOptions,
} from "../../mod.ts";
import { runtimeName, tempSocketPath } from "../_support.ts";
import { CA, identity } from "../tls/_certificates.ts";
import {
  type Model,
  newlineModel,
  taggedModel,
  varintModel,
} from "./_framing_models.ts";
import {
  newlineSource,
  taggedSource,
  varintSource,
} from "./_framing_targets.ts";
import { requestSource, responseSource } from "./_handshake_targets.ts";
import { acceptance, answerTo, hostileServer } from "./_hostile_server.ts";
import { liveCalls } from "./_live_calls.ts";
import { liveUdp } from "./_live_datagrams.ts";
import { MAX_MESSAGE_SIZE } from "./_live_node.ts";
import { liveSilence } from "./_live_silence.ts";
import { streamTarget } from "./_live_streams.ts";
import { concat } from "./_mutate.ts";
import type { LiveTarget } from "./_target.ts";
import { attackTls, attackTlsRecords } from "./_tls_attack.ts";
import { helloSource, recordSource } from "./_tls_hellos.ts";
import { readFrames } from "./_web_socket_model.ts";
import { webSocketSource } from "./_web_socket_targets.ts";

const LIMITS = { maxMessageSize: MAX_MESSAGE_SIZE };
const request = requestSource.corpus[0] ?? new Uint8Array(0);

const wsLimits: WsListenOptions = { ...LIMITS, handshakeTimeoutMs: 3_000 };

const isFault = (model: Model) => (input: Uint8Array): boolean =>
  model(input, MAX_MESSAGE_SIZE).fault !== undefined;

function isOver(input: Uint8Array): boolean {
  const { findings } = readFrames(input, {
    isServer: true,
    maxMessageSize: MAX_MESSAGE_SIZE,
    maxFragments: 65_536,
  });
  const last = findings.at(-1)?.kind;
  return last === "fault" || last === "close";
}

/** The targets. */
export const LIVE_TARGETS: readonly LiveTarget[] = [
  streamTarget(FramedTcp, LIMITS, {
    name: "live-framed-tcp",
    source: varintSource,
    ends: isFault(varintModel),
  }),
  streamTarget(framedTcp({ framing: taggedFraming }), LIMITS, {
    name: "live-tagged",
    source: taggedSource,
    ends: isFault(taggedModel),
  }),
  streamTarget(framedTcp({ framing: newlineFraming }), LIMITS, {
    name: "live-newline",
    source: newlineSource,
    ends: isFault(newlineModel(false)),
  }),
  // A chunk is a message: there is nothing to pass a limit.
  streamTarget(Tcp, {}, {
    name: "live-tcp",
    source: newlineSource,
    maxMessageSize: Infinity,
  }),
  ...(process.platform === "win32" ? [] : [
    streamTarget(FramedUnix, LIMITS, {
      name: "live-framed-unix",
      source: varintSource,
      ends: isFault(varintModel),
      address: () => ({ path: tempSocketPath() }),
    }),
  ]),
  streamTarget(Ws, wsLimits, {
    name: "live-ws-request",
    source: requestSource,
  }),
  streamTarget(Ws, wsLimits, {
    name: "live-ws-frames",
    source: webSocketSource(true),
    prefix: request,
    ends: isOver,
  }),
  hostileServer(responseSource, "live-ws-response", answerTo),
  hostileServer(
    webSocketSource(false),
    "live-ws-client-frames",
    (key, input) => concat([acceptance(key), input]),
  ),
  {
    ...streamTarget(FramedTcp, { ...LIMITS, tls: identity("server") }, {
      name: "live-tls-hello",
      source: helloSource,
      connectOptions: { tls: { ca: CA, serverName: "server.test" } },
    }),
    // A bare server of node:tls on Deno 2.9 keeps 8 KiB of each handshake that failed.
    runtimeKeeps: runtimeName === "deno" ? 12 * 1024 : 0,
  },
  streamTarget(FramedTcp, { ...LIMITS, tls: identity("server") }, {
    name: "live-tls-frames",
    source: varintSource,
    ends: isFault(varintModel),
    attack: attackTls,
    connectOptions: { tls: { ca: CA, serverName: "server.test" } },
  }),
  streamTarget(FramedTcp, { ...LIMITS, tls: identity("server") }, {
    name: "live-tls-records",
    source: recordSource,
    attack: attackTlsRecords,
    connectOptions: { tls: { ca: CA, serverName: "server.test" } },
  }),
  liveUdp,
  liveCalls,
  liveSilence,
];
