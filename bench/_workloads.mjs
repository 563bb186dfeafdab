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
 * @property {string | ((settings: Settings) => string)} title a function where it tells how much is done
 * @property {string} unit
 * @property {"higher" | "lower"} better
 * @property {boolean} isQuick whether it is part of `--quick`
 * @property {boolean} [isFixed] whether it comes out the same each time, and is measured once
 * @property {boolean} [isFickle] whether it hangs on where the system puts the processes, and is measured twice as often
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
import {
  broadcast,
  bulk,
  echo,
  oneWay,
  pipelined,
  SIZES,
  thousandEcho,
} from "./_network_workloads.mjs";
import {
  allocation,
  bundleSizes,
  importTime,
  signals,
} from "./_program_workloads.mjs";

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
    title: "signals sent and received",
    rival: "setImmediate",
    isQuick: false,
  }),
  signals({
    id: "signals-priority",
    what: "priority",
    title: "signals with priority sent and received",
    rival: "setImmediate",
    isQuick: false,
  }),
  signals({
    id: "timers-fired",
    what: "fired",
    title: "timers set and fired",
    rival: "setTimeout",
    isQuick: true,
  }),
  signals({
    id: "timers-cancelled",
    what: "cancelled",
    title: "timers set and cancelled",
    rival: "setTimeout, clearTimeout",
    isQuick: true,
  }),
  allocation,
  importTime,
  bundleSizes,
]);
