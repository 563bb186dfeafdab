/**
 * What the benchmark measures. Each workload has contenders that take turns, and
 * a way to run one of them once.
 *
 * @typedef {import("./_contenders.mjs").Contender} Contender
 * @typedef {Record<string, number>} Figures `value` is the one that is compared
 *
 * @typedef {object} Settings how long and how much
 * @property {number} runs
 * @property {number} warmupSeconds
 * @property {number} seconds of the timed part
 * @property {number} longSeconds of the timed part where a bar hangs on it
 * @property {number} bulkMessages
 * @property {number} signals
 * @property {number} connections
 *
 * @typedef {object} Workload
 * @property {string} id
 * @property {string} title
 * @property {string} unit
 * @property {"higher" | "lower"} better
 * @property {boolean} isQuick whether it is part of `--quick`
 * @property {boolean} [isFixed] whether it comes out the same each time, and is measured once
 * @property {() => Entry[]} contenders
 * @property {() => Promise<void>} [prepare]
 *
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} label
 * @property {string | undefined} runtime
 * @property {boolean} isOurs
 * @property {boolean} isPeer
 * @property {() => string | undefined} [problem] why it cannot take part on this machine
 * @property {(settings: Settings) => Promise<Figures>} run
 */
import { bare, nativeWebSockets, peer, signalbox, ws } from "./_contenders.mjs";
import {
  bundleSize,
  compileModules,
  moduleUrl,
  subpaths,
} from "./_modules.mjs";
import { programOn, runAlone, runPair } from "./_processes.mjs";
import { RUNTIME_NAMES, RUNTIMES } from "./_runtimes.mjs";

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
function oneWay(transport, size) {
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
          // The peers in Rust wait for a second of quiet.
          ...(transport === "udp" && contender.runtime !== undefined &&
            { quietMs: QUIET_MS }),
          timeoutMs: TIMEOUT_MS,
        });
        return rates(result);
      }),
  };
}

/** @param {Record<string, unknown>} result @returns {Figures} */
function rates({ messages, bytes, seconds }) {
  return {
    value: Number(messages) / Number(seconds),
    ...(bytes !== undefined &&
      { bytesPerSecond: Number(bytes) / Number(seconds) }),
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

/** Those who can answer, over each transport. */
const ECHOERS = Object.freeze({
  "framed-tcp": {
    name: "FramedTcp",
    contenders: () => [
      ...signalbox(),
      // Bytes with no messages in them: the least that there is to do.
      ...bare().map((contender) => ({ ...contender, transport: "tcp" })),
      peer("message-io", "message-io"),
      peer("protosocket", "protosocket"),
    ],
  },
  "ws": {
    name: "Ws",
    contenders: () => [...signalbox(), ...nativeWebSockets(), ...ws()],
  },
});

/**
 * @param {keyof typeof ECHOERS} transport
 * @returns {Workload}
 */
function echo(transport) {
  const { name, contenders } = ECHOERS[transport];
  return {
    id: `${transport}-echo`,
    title: `${name} echo, one 64 B message in flight, round trip p50`,
    unit: "µs",
    better: "lower",
    isQuick: true,
    contenders: () =>
      entries(contenders(), async (contender, settings) => {
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
function pipelined(transport) {
  const { name, contenders } = ECHOERS[transport];
  return {
    id: `${transport}-pipelined`,
    title: `${name} echo, 64 messages of 64 B in flight`,
    unit: "messages/s",
    better: "higher",
    isQuick: false,
    contenders: () =>
      entries(contenders(), async (contender, settings) =>
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
const thousandEcho = {
  id: "thousand-echo",
  title:
    "FramedTcp echo, 1,000 connections with one 64 B message in flight each",
  unit: "messages/s",
  better: "higher",
  isQuick: false,
  contenders: () =>
    entries([
      ...signalbox(),
      ...bare().map((contender) => ({ ...contender, transport: "tcp" })),
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
const broadcast = {
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
        manyConnections: true,
        timeoutMs: TIMEOUT_MS,
      });
      return rates(result);
    }),
};

/** @type {Workload} */
const bulk = {
  id: "bulk",
  title: "FramedTcp bulk, 1 GiB in messages of 64 KiB",
  unit: "bytes/s",
  better: "higher",
  isQuick: true,
  contenders: () =>
    entries([
      ...signalbox(),
      // Bytes with no messages in them: the least that there is to do.
      ...bare().map((contender) => ({ ...contender, transport: "tcp" })),
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
        timeoutMs: TIMEOUT_MS,
      });
      return { value: Number(result.bytes) / Number(result.seconds) };
    }),
};

/**
 * @param {object} options
 * @param {string} options.id
 * @param {string} options.what
 * @param {string} options.title
 * @param {string} options.rival
 * @param {boolean} options.isQuick
 * @returns {Workload}
 */
function signals({ id, what, title, rival, isQuick }) {
  const of = (/** @type {"signalbox" | "runtime"} */ who) =>
    RUNTIMES.map((runtime) => ({
      id: `${who}-${runtime}`,
      label: who === "signalbox"
        ? `signalbox, ${RUNTIME_NAMES[runtime]}`
        : `${RUNTIME_NAMES[runtime]}, ${rival}`,
      runtime,
      isOurs: who === "signalbox",
      isPeer: false,
      run: async (/** @type {Settings} */ settings) =>
        rates(
          await runAlone(
            programOn(runtime, "bench/signals.ts", [
              "--what",
              what,
              "--with",
              who,
              "--count",
              String(settings.signals),
            ]),
            2 * TIMEOUT_MS,
          ),
        ),
    }));
  return {
    id,
    title,
    unit: "signals/s",
    better: "higher",
    isQuick,
    contenders: () => [...of("signalbox"), ...of("runtime")],
  };
}

/** Both ends of the heap's counting work best with few collections or none. */
const HEAP_FLAGS = ["--min-semi-space-size=64", "--max-semi-space-size=64"];

/** @type {Workload} */
const allocation = {
  id: "allocation",
  title: "Heap that receiving a 64 B message takes, FramedTcp",
  unit: "bytes",
  better: "lower",
  isQuick: true,
  contenders: () =>
    signalbox().flatMap(({ id, label, runtime, command }) => {
      /** @type {Promise<Record<string, unknown>> | undefined} */
      let result;
      const measure = () =>
        runPair({
          listening: programOn(runtime, "bench/allocation.ts", [], {
            deno: [`--v8-flags=${HEAP_FLAGS.join(",")}`],
            node: HEAP_FLAGS,
          }),
          connecting: (address) =>
            command([
              "source",
              "--transport",
              "framed-tcp",
              "--connect",
              address,
              "--size",
              String(BAR_SIZE),
              "--seconds",
              String(TIMEOUT_MS / 1_000),
            ]),
          result: "listening",
          env: runtime === "bun" ? { BUN_JSC_useGC: "0" } : {},
          timeoutMs: TIMEOUT_MS,
        });
      return [{
        id,
        label,
        runtime,
        isOurs: true,
        isPeer: false,
        run: async () => {
          result = measure();
          return { value: Number((await result).bytesPerMessage) };
        },
      }, {
        id: `view-and-event-${runtime}`,
        label: `${RUNTIME_NAMES[runtime]}, one view and one event`,
        runtime,
        isOurs: false,
        isPeer: false,
        // Both come of one process; whose turn is first starts it.
        run: async () => {
          const { viewAndEvent } = await (result ?? measure());
          return { value: Number(viewAndEvent) };
        },
      }];
    }),
};

/** @type {Workload} */
const importTime = {
  id: "import-time",
  title: "Import of each subpath in a new process",
  unit: "ms",
  better: "lower",
  isQuick: false,
  prepare: compileModules,
  contenders: () =>
    Object.entries(subpaths()).flatMap(([subpath, file]) =>
      RUNTIMES.map((runtime) => ({
        id: `${subpath}-${runtime}`,
        label: subpath,
        runtime,
        isOurs: true,
        isPeer: false,
        run: async () => {
          const { seconds } = await runAlone(
            programOn(runtime, "bench/import_time.mjs", [
              moduleUrl(runtime, file),
            ]),
            TIMEOUT_MS,
          );
          return { value: Number(seconds) * 1_000 };
        },
      }))
    ),
};

/** @type {Workload} */
const bundleSizes = {
  id: "bundle-size",
  title: "Bundle of each subpath, minified and gzipped",
  unit: "KiB",
  better: "lower",
  isQuick: true,
  isFixed: true,
  contenders: () =>
    Object.entries(subpaths()).map(([subpath, file]) => ({
      id: subpath,
      label: subpath,
      runtime: undefined,
      isOurs: true,
      isPeer: false,
      run: async () => {
        const { minified, gzipped } = await bundleSize(file);
        return { value: gzipped / 1_024, minified: minified / 1_024 };
      },
    })),
};

/** @type {readonly Workload[]} */
export const WORKLOADS = Object.freeze([
  ...(/** @type {const} */ (["framed-tcp", "ws", "tcp", "udp"])).flatMap((
    transport,
  ) => SIZES.map((size) => oneWay(transport, size))),
  echo("framed-tcp"),
  echo("ws"),
  pipelined("framed-tcp"),
  pipelined("ws"),
  thousandEcho,
  broadcast,
  bulk,
  signals({
    id: "signals-send",
    what: "send",
    title: "One million signals sent and received",
    rival: "setImmediate",
    isQuick: false,
  }),
  signals({
    id: "signals-priority",
    what: "priority",
    title: "One million signals with priority sent and received",
    rival: "setImmediate",
    isQuick: false,
  }),
  signals({
    id: "timers-fired",
    what: "fired",
    title: "One million timers set and fired",
    rival: "setTimeout",
    isQuick: true,
  }),
  signals({
    id: "timers-cancelled",
    what: "cancelled",
    title: "One million timers set and cancelled",
    rival: "setTimeout, clearTimeout",
    isQuick: true,
  }),
  allocation,
  importTime,
  bundleSizes,
]);
