/**
 * Who takes part in the benchmark: signalbox on each runtime, the runtimes' own
 * means, and the peers of `bench/peers/`.
 *
 * @typedef {import("./_runtimes.mjs").Runtime} Runtime
 *
 * @typedef {object} Contender
 * @property {string} id
 * @property {string} label
 * @property {Runtime | undefined} runtime
 * @property {boolean} isOurs
 * @property {boolean} isPeer whether it needs Rust or packages of npm, and so `--peers`
 * @property {() => string | undefined} problem why it cannot take part on this machine; undefined if it can
 * @property {string | undefined} transport what it speaks in place of the workload's
 * @property {(args: readonly string[]) => string[]} command keeps to the command line of the peers
 */
import { programOn } from "./_processes.mjs";
import { RUNTIME_NAMES, RUNTIMES } from "./_runtimes.mjs";
import { peerCommand, peerProblem } from "./peers/catalog.mjs";

const SIGNALBOX = "bench/signalbox_peer.ts";

/** signalbox on each runtime. @returns {Contender[]} */
export function signalbox() {
  return RUNTIMES.map((runtime) => ({
    id: `signalbox-${runtime}`,
    label: `signalbox, ${RUNTIME_NAMES[runtime]}`,
    runtime,
    isOurs: true,
    isPeer: false,
    problem: () => undefined,
    transport: undefined,
    command: (args) => programOn(runtime, SIGNALBOX, args),
  }));
}

/** The sockets of each runtime. @returns {Contender[]} */
export function bare() {
  return RUNTIMES.map((runtime) =>
    peer("bare", `${RUNTIME_NAMES[runtime]}, bare sockets`, {
      runtime,
      isPeer: false,
    })
  );
}

/** The WebSocket servers of the runtimes that have one. @returns {Contender[]} */
export function nativeWebSockets() {
  return /** @type {const} */ (["deno", "bun"]).map((runtime) =>
    peer("native-ws", `${RUNTIME_NAMES[runtime]}, own WebSockets`, {
      runtime,
      isPeer: false,
    })
  );
}

/**
 * The package `ws`.
 *
 * @param {readonly Runtime[]} [runtimes]
 * @returns {Contender[]}
 */
export function ws(runtimes = RUNTIMES) {
  return runtimes.map((runtime) =>
    peer("ws", `ws, ${RUNTIME_NAMES[runtime]}`, { runtime })
  );
}

/**
 * A program of `bench/peers/`.
 *
 * @param {import("./peers/catalog.mjs").PeerName} name
 * @param {string} label
 * @param {{ runtime?: Runtime, isPeer?: boolean, transport?: string }} [options]
 * @returns {Contender}
 */
export function peer(name, label, { runtime, isPeer = true, transport } = {}) {
  return {
    id: runtime === undefined ? name : `${name}-${runtime}`,
    label,
    runtime,
    isOurs: false,
    isPeer,
    problem: () => problemOf(name),
    transport,
    command: (args) => [...peerCommand(name, runtime), ...args],
  };
}

/** Those of the peers in Rust that are measured. */
const RUST = /** @type {const} */ (["message-io", "protosocket"]);

/** Builds the peers that have to be built, where they can be: not while anything is measured. */
export function preparePeers() {
  for (const name of RUST) {
    if (problemOf(name) === undefined) peerCommand(name);
  }
}

/** @type {Map<string, string | undefined>} */
const problems = new Map();

/** @param {import("./peers/catalog.mjs").PeerName} name */
function problemOf(name) {
  if (!problems.has(name)) problems.set(name, peerProblem(name));
  return problems.get(name);
}
