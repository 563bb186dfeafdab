/**
 * The peers, and how to start them; `README.md` has their command line.
 *
 * Plain JavaScript, because Node 20 runs it.
 */
import { cargoProblem, peerPath, RUST_PEERS } from "../../scripts/peers.mjs";
import { programOn } from "../_processes.mjs";

/**
 * @typedef {import("../_processes.mjs").Runtime} Runtime
 *
 * @typedef {object} Peer
 * @property {string} name
 * @property {string | undefined} program from the top folder; undefined for those in Rust
 * @property {readonly Runtime[]} runtimes that run the program
 * @property {readonly string[]} transports
 */

/** @type {readonly Peer[]} */
const PEERS = Object.freeze([
  rust("message-io", ["tcp", "framed-tcp", "udp", "ws"]),
  rust("protosocket", ["framed-tcp", "prost", "message-pack"]),
  rust("connect", ["tagged"]),
  script("bare", "bare.ts", ["deno", "bun", "node"], [
    "tcp",
    "framed-tcp",
    "udp",
  ]),
  // Node connects only.
  script("native-ws", "native_ws.ts", ["deno", "bun", "node"], ["ws"]),
  script("ws", "ws.ts", ["deno", "bun", "node"], ["ws"]),
  // Bun lacks functions that its native part asks for, and on Deno a sink hears of no end.
  script("zeromq", "zeromq.ts", ["node"], ["zmtp"]),
  script("socket.io", "socket_io.ts", ["deno", "bun", "node"], ["socket.io"]),
]);

/** All peers. */
export function peers() {
  return PEERS;
}

/**
 * The command that starts a peer; the arguments of its command line go behind it.
 * A peer in Rust is built if need be, which takes minutes.
 *
 * @param {string} name
 * @param {Runtime} [runtime] on which to run one in TypeScript
 * @returns {string[]}
 */
export function peerCommand(name, runtime) {
  const peer = PEERS.find((peer) => peer.name === name);
  if (peer === undefined) throw new Error(`There is no peer ${name}`);
  if (peer.program === undefined) {
    const known = RUST_PEERS.find((known) => known === name);
    if (known === undefined) throw new Error(`${name} is not built`);
    return [peerPath(known)];
  }
  if (runtime === undefined || !peer.runtimes.includes(runtime)) {
    throw new Error(`${name} does not run on ${runtime ?? "no runtime"}`);
  }
  return programOn(runtime, peer.program, []);
}

/**
 * Why a peer cannot be started on this machine; undefined if it can.
 *
 * @param {string} name
 * @returns {string | undefined}
 */
export function peerProblem(name) {
  const peer = PEERS.find((peer) => peer.name === name);
  return peer?.program === undefined ? cargoProblem() : undefined;
}

/**
 * @param {string} name
 * @param {readonly string[]} transports
 * @returns {Peer}
 */
function rust(name, transports) {
  return { name, program: undefined, runtimes: [], transports };
}

/**
 * @param {string} name
 * @param {string} file
 * @param {readonly Runtime[]} runtimes
 * @param {readonly string[]} transports
 * @returns {Peer}
 */
function script(name, file, runtimes, transports) {
  return { name, program: `bench/peers/${file}`, runtimes, transports };
}
