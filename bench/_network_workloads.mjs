/** The workloads that run over sockets: one way, there and back, many connections, bulk. */
import { bare, nativeWebSockets, peer, signalbox, ws } from "./_contenders.mjs";
import { checkNothingIsLost, rates } from "./_figures.mjs";
import { runPair } from "./_processes.mjs";
import { RUNTIMES } from "./_runtimes.mjs";

/**
 * @typedef {import("./_workloads.mjs").Settings} Settings
 * @typedef {import("./_workloads.mjs").Figures} Figures
 * @typedef {import("./_workloads.mjs").Workload} Workload
 * @typedef {import("./_workloads.mjs").Entry} Entry
 */

/** @typedef {import("./_contenders.mjs").Contender} Contender */

/** Bytes of a message in the one-way workloads. */
export const SIZES = Object.freeze([16, 64, 256, 1_024, 4_096, 65_536]);

/** The size that the bars speak of. */
const BAR_SIZE = 64;
const BULK_SIZE = 65_536;
/** The largest payload of a datagram over IPv4. */
const LARGEST_DATAGRAM = 65_507;
const PIPELINE_DEPTH = 64;
/** Every datagram that a source has sent was received or lost by then. */
const QUIET_MS = 100;
const TIMEOUT_MS = 30_000;
const ANY = "127.0.0.1:0";

const TRANSPORTS = Object.freeze({
  "framed-tcp": {
    name: "FramedTcp",
    contenders: (/** @type {boolean} */ isBar) => [
      ...signalbox(),
      ...bare(),
      peer("message-io", "message-io"),
      ...(isBar
        ? [
          peer("protosocket", "protosocket"),
          peer("zeromq", "zeromq, Node", {
            runtime: "node",
            transport: "zmtp",
          }),
        ]
        : []),
    ],
  },
  "ws": {
    name: "Ws",
    contenders: (/** @type {boolean} */ isBar) => [
      ...signalbox(),
      ...(isBar ? nativeWebSockets() : []),
      ...ws(isBar ? RUNTIMES : ["node"]),
      ...(isBar
        ? [
          peer("message-io", "message-io"),
          peer("socket.io", "socket.io, Node", {
            runtime: "node",
            transport: "socket.io",
          }),
        ]
        : []),
    ],
  },
  "tcp": {
    name: "Tcp",
    contenders: (/** @type {boolean} */ isBar) => [
      ...signalbox(),
      ...(isBar ? bare() : []),
    ],
  },
  "udp": {
    name: "Udp",
    contenders: (/** @type {boolean} */ isBar) => [
      ...signalbox(),
      ...bare(),
      ...(isBar ? [peer("message-io", "message-io")] : []),
    ],
  },
});

/**
 * Turns contenders into entries of a workload.
 *
 * @param {Contender[]} contenders
 * @param {(contender: Contender, settings: Settings) => Promise<Figures>} run
 * @returns {Entry[]}
 */
function entries(contenders, run) {
  return contenders.map((contender) => ({
    id: contender.id,
    label: contender.label,
    runtime: contender.runtime,
    isOurs: contender.isOurs,
    isPeer: contender.isPeer,
    problem: contender.problem,
    run: (settings) => run(contender, settings),
  }));
}

/**
 * The options that all modes of a contender are given.
 *
 * @param {Contender} contender
 * @param {string} transport
 * @param {number} size
 */
function common(contender, transport, size) {
  return [
    "--transport",
    contender.transport ?? transport,
    "--size",
    String(size),
  ];
}

/**
 * @param {keyof typeof TRANSPORTS} transport
 * @param {number} size
 * @returns {Workload}
 */
export function oneWay(transport, size) {
  const isBar = size === BAR_SIZE;
  const { name, contenders } = TRANSPORTS[transport];
  const payload = transport === "udp" ? Math.min(size, LARGEST_DATAGRAM) : size;
  return {
    id: `${transport}-${size}`,
    title: `${name} one-way, ${payload.toLocaleString("en")} B`,
    unit: transport === "udp" ? "datagrams/s delivered" : "messages/s",
    better: "higher",
    isQuick: isBar && transport !== "tcp",
    contenders: () =>
      entries(contenders(isBar), async (contender, settings) => {
        const options = common(contender, transport, payload);
        const { warmupSeconds } = settings;
        const seconds = isBar ? settings.longSeconds : settings.seconds;
        const result = await runPair({
          listening: contender.command([
            "sink",
            ...options,
            "--listen",
            ANY,
            "--warmup",
            String(warmupSeconds),
          ]),
          connecting: (address) =>
            contender.command([
              "source",
              ...options,
              "--connect",
              address,
              "--seconds",
              String(warmupSeconds + seconds),
            ]),
          result: "listening",
          bothTell: true,
          // Datagrams may be lost, bytes come in other portions, and what others lose is theirs.
          ...(contender.isOurs && transport !== "udp" && transport !== "tcp" &&
            { check: checkNothingIsLost }),
          // The peers in Rust wait for a second of quiet.
          ...(transport === "udp" && contender.runtime !== undefined &&
            { quietMs: QUIET_MS }),
          timeoutMs: TIMEOUT_MS,
        });
        return rates(result);
      }),
  };
}

/**
 * A ping and its echo.
 *
 * @param {object} options
 * @param {Contender} options.contender
 * @param {string} options.transport
 * @param {number} options.depth
 * @param {number} options.connections
 * @param {number} options.warmupSeconds
 * @param {number} options.seconds
 */
function pingEcho(
  { contender, transport, depth, connections, warmupSeconds, seconds },
) {
  const options = common(contender, transport, BAR_SIZE);
  return runPair({
    listening: contender.command(["echo", ...options, "--listen", ANY]),
    connecting: (address) =>
      contender.command([
        "ping",
        ...options,
        "--connect",
        address,
        "--depth",
        String(depth),
        "--connections",
        String(connections),
        "--warmup",
        String(warmupSeconds),
        "--seconds",
        String(warmupSeconds + seconds),
      ]),
    result: "connecting",
    manyConnections: connections > 1,
    timeoutMs: TIMEOUT_MS,
  });
}

/** Those who can answer, over each transport; the bare sockets over one of their own. */
const ECHOERS = Object.freeze({
  "framed-tcp": {
    name: "FramedTcp",
    contenders: (/** @type {string} */ bareTransport) => [
      ...signalbox(),
      ...bareOver(bareTransport),
      peer("message-io", "message-io"),
      peer("protosocket", "protosocket"),
    ],
  },
  "ws": {
    name: "Ws",
    contenders: () => [...signalbox(), ...nativeWebSockets(), ...ws()],
  },
});

/** @param {string} transport @returns {Contender[]} */
function bareOver(transport) {
  return bare().map((contender) => ({ ...contender, transport }));
}

/**
 * @param {keyof typeof ECHOERS} transport
 * @returns {Workload}
 */
export function echo(transport) {
  const { name, contenders } = ECHOERS[transport];
  return {
    id: `${transport}-echo`,
    title: `${name} echo, one 64 B message in flight, round trip p50`,
    unit: "µs",
    better: "lower",
    isQuick: true,
    isFickle: true,
    contenders: () =>
      // Bytes with no messages in them: the least that there is to do.
      entries(contenders("tcp"), async (contender, settings) => {
        const result = await pingEcho({
          contender,
          transport,
          depth: 1,
          connections: 1,
          warmupSeconds: settings.warmupSeconds,
          seconds: settings.longSeconds,
        });
        const { p50, p99 } = /** @type {Record<string, number>} */ (
          result.latencyMicros
        );
        return { value: p50, p99 };
      }),
  };
}

/**
 * @param {keyof typeof ECHOERS} transport
 * @returns {Workload}
 */
export function pipelined(transport) {
  const { name, contenders } = ECHOERS[transport];
  return {
    id: `${transport}-pipelined`,
    title: `${name} echo, 64 messages of 64 B in flight`,
    unit: "messages/s",
    better: "higher",
    isQuick: false,
    contenders: () =>
      // Bytes alone would be a write for each message: frames by hand are packed.
      entries(contenders("framed-tcp"), async (contender, settings) =>
        rates(
          await pingEcho({
            contender,
            transport,
            depth: PIPELINE_DEPTH,
            connections: 1,
            warmupSeconds: settings.warmupSeconds,
            seconds: settings.seconds,
          }),
        )),
  };
}

/** @type {Workload} */
export const thousandEcho = {
  id: "thousand-echo",
  title:
    "FramedTcp echo, 1,000 connections with one 64 B message in flight each",
  unit: "messages/s",
  better: "higher",
  isQuick: false,
  isFickle: true,
  contenders: () =>
    entries([
      ...signalbox(),
      ...bareOver("tcp"),
    ], async (contender, settings) =>
      rates(
        await pingEcho({
          contender,
          transport: "framed-tcp",
          depth: 1,
          connections: settings.connections,
          warmupSeconds: 2 * settings.warmupSeconds,
          seconds: settings.longSeconds,
        }),
      )),
};

/** @type {Workload} */
export const broadcast = {
  id: "broadcast",
  title: "FramedTcp broadcast of 64 B messages to 1,000 connections",
  unit: "messages/s delivered",
  better: "higher",
  isQuick: false,
  contenders: () =>
    entries([...signalbox(), ...bare()], async (contender, settings) => {
      const options = [
        ...common(contender, "framed-tcp", BAR_SIZE),
        "--connections",
        String(settings.connections),
      ];
      const result = await runPair({
        listening: contender.command([
          "source",
          ...options,
          "--listen",
          ANY,
          "--seconds",
          String(2 * settings.warmupSeconds + settings.longSeconds),
        ]),
        connecting: (address) =>
          contender.command([
            "sink",
            ...options,
            "--connect",
            address,
            "--warmup",
            String(2 * settings.warmupSeconds),
          ]),
        result: "connecting",
        bothTell: true,
        ...(contender.isOurs && { check: checkNothingIsLost }),
        manyConnections: true,
        timeoutMs: TIMEOUT_MS,
      });
      return rates(result);
    }),
};

/** @type {Workload} */
export const bulk = {
  id: "bulk",
  title: ({ bulkMessages }) =>
    `FramedTcp bulk, ${
      bulkMessages * BULK_SIZE / 2 ** 30
    } GiB in messages of 64 KiB`,
  unit: "bytes/s",
  better: "higher",
  isQuick: true,
  contenders: () =>
    entries([
      ...signalbox(),
      // Bytes with no messages in them: the least that there is to do.
      ...bareOver("tcp"),
      peer("message-io", "message-io"),
      peer("protosocket", "protosocket"),
    ], async (contender, settings) => {
      const options = common(contender, "framed-tcp", BULK_SIZE);
      const result = await runPair({
        listening: contender.command(["sink", ...options, "--listen", ANY]),
        connecting: (address) =>
          contender.command([
            "source",
            ...options,
            "--connect",
            address,
            "--messages",
            String(settings.bulkMessages),
          ]),
        result: "listening",
        bothTell: true,
        ...(contender.isOurs && { check: checkNothingIsLost }),
        timeoutMs: TIMEOUT_MS,
      });
      return { value: Number(result.bytes) / Number(result.seconds) };
    }),
};
