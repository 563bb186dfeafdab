/**
 * The peers, and how to start them; `README.md` has their command line.
 *
 * Plain JavaScript, because Node 20 runs it.
 */
import { cargoProblem, peerPath, RUST_PEERS } from "../../scripts/peers.mjs";
import { programOn } from "../_processes.mjs";

/**
 * @typedef {import("../_processes.mjs").Runtime} Runtime
 * @typedef {import("../../scripts/peers.mjs").RustPeer} RustPeer
 */

/** Those in TypeScript: their file here, and the runtimes that run it. */
const SCRIPTS = Object.freeze({
  "bare": script("bare.ts", ["deno", "bun", "node"]),
  // Node connects only.
  "native-ws": script("native_ws.ts", ["deno", "bun", "node"]),
  "ws": script("ws.ts", ["deno", "bun", "node"]),
  // Bun lacks functions that its native part asks for, and on Deno a sink hears of no end.
  "zeromq": script("zeromq.ts", ["node"]),
  "socket.io": script("socket_io.ts", ["deno", "bun", "node"]),
});

/** @typedef {keyof typeof SCRIPTS | RustPeer} PeerName */

/**
 * The command that starts a peer; the arguments of its command line go behind it.
 * A peer in Rust is built if need be, which takes minutes.
 *
 * @param {PeerName} name
 * @param {Runtime} [runtime] on which to run one in TypeScript
 * @returns {string[]}
 */
export function peerCommand(name, runtime) {
  if (isRust(name)) return [peerPath(name, "release")];
  const { file, runtimes } = SCRIPTS[name];
  if (runtime === undefined || !runtimes.includes(runtime)) {
    throw new Error(`${name} does not run on ${runtime ?? "no runtime"}`);
  }
  return programOn(runtime, file, []);
}

/**
 * Why a peer cannot be started on this machine; undefined if it can.
 *
 * @param {PeerName} name
 * @returns {string | undefined}
 */
export function peerProblem(name) {
  return isRust(name) ? cargoProblem() : undefined;
}

/**
 * @param {PeerName} name
 * @returns {name is RustPeer}
 */
function isRust(name) {
  return RUST_PEERS.some((known) => known === name);
}

/**
 * @param {string} file
 * @param {readonly Runtime[]} runtimes
 */
function script(file, runtimes) {
  return { file: `bench/peers/${file}`, runtimes };
}
