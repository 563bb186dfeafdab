/**
 * Builds the peers on the Rust crates, `bench/peers/rust/`, on first use and
 * whenever their sources have changed.
 *
 *     node scripts/peers.mjs           builds them and prints where they are
 *     node scripts/peers.mjs --tests   the same for the tests: sooner built, slower
 *     node scripts/peers.mjs --lock    takes the newest crates, and writes crates.lock anew
 *
 * `crates.lock` is cargo's lock file without the addresses of the registry, so
 * that it is the same behind any mirror, as the lock files of npm and Bun here.
 * Cargo wants them: they are filled in from a lock file that it makes itself.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { listFiles } from "./_files.mjs";
import { cache, root } from "./runtimes.mjs";

/**
 * @typedef {"message-io" | "protosocket" | "connect"} RustPeer
 * @typedef {"release" | "tests"} Profile how they are built: to be measured, or sooner
 */

/** The peers that are built here. @type {readonly RustPeer[]} */
export const RUST_PEERS = Object.freeze([
  "message-io",
  "protosocket",
  "connect",
]);

const SOURCES = "bench/peers/rust";
const folder = join(root, SOURCES);
const lockFile = join(folder, "Cargo.lock");
const cratesFile = join(folder, "crates.lock");
const target = join(cache, "peers");

const LOCK_NOTE =
  "# Cargo.lock without the addresses of the registry; see scripts/peers.mjs.\n";

/**
 * Why the peers cannot be built on this machine; undefined if they can.
 *
 * @returns {string | undefined}
 */
export function cargoProblem() {
  const { status, stdout } = spawnSync("cargo", ["--version"], {
    encoding: "utf8",
  });
  if (status !== 0) return "there is no cargo on this machine";
  const wanted = /^rust-version = "(\d+)\.(\d+)"/m.exec(
    readFileSync(join(folder, "Cargo.toml"), "utf8"),
  );
  const found = /(\d+)\.(\d+)/.exec(stdout);
  if (wanted === null || found === null) return undefined;
  const [needed, has] = [wanted, found].map(([, major, minor]) =>
    1_000 * Number(major) + Number(minor)
  );
  return needed !== undefined && has !== undefined && has < needed
    ? `cargo ${found[0]} is too old, ${wanted[1]}.${wanted[2]} is needed`
    : undefined;
}

/**
 * Where a peer is, built if need be.
 *
 * @param {RustPeer} name
 * @param {Profile} profile
 * @returns {string}
 */
export function peerPath(name, profile) {
  const hash = sourcesHash();
  if (!isBuilt(hash, profile)) build(hash, profile);
  return pathOf(name, profile);
}

/**
 * @param {RustPeer} name
 * @param {Profile} profile
 */
function pathOf(name, profile) {
  const exe = process.platform === "win32" ? ".exe" : "";
  return join(target, profile, `${name}-peer${exe}`);
}

/** Says what the peers were built from. @param {Profile} profile */
function stampOf(profile) {
  return join(target, profile, "built-from");
}

/**
 * @param {string} hash
 * @param {Profile} profile
 */
function isBuilt(hash, profile) {
  const stamp = stampOf(profile);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === hash &&
    RUST_PEERS.every((name) => existsSync(pathOf(name, profile)));
}

function sourcesHash() {
  const hash = createHash("sha256");
  for (const path of listFiles(SOURCES)) {
    if (path.endsWith("/Cargo.lock")) continue;
    hash.update(`${path}\n`).update(readFileSync(join(root, path)));
  }
  return hash.digest("hex");
}

/**
 * @param {string} hash
 * @param {Profile} profile
 */
function build(hash, profile) {
  const problem = cargoProblem();
  if (problem !== undefined) {
    throw new Error(`The Rust peers are not built: ${problem}`);
  }
  console.log(`Building the Rust peers (cargo build --profile ${profile}) …`);
  const start = performance.now();
  mkdirSync(target, { recursive: true });
  rmSync(stampOf(profile), { force: true });
  writeFileSync(lockFile, withAddresses(readFileSync(cratesFile, "utf8")));
  cargo(["build", "--profile", profile, "--locked"]);
  writeFileSync(stampOf(profile), hash);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`Built in ${seconds} s.`);
}

/** Fills in where the crates come from: what cargo writes of one, it means of all. @param {string} lock */
function withAddresses(lock) {
  const scratch = join(target, "scratch");
  mkdirSync(join(scratch, "src"), { recursive: true });
  writeFileSync(join(scratch, "src", "lib.rs"), "");
  writeFileSync(
    join(scratch, "Cargo.toml"),
    '[workspace]\n[package]\nname = "scratch"\nversion = "0.0.0"\nedition = "2021"\n' +
      '[dependencies]\ncfg-if = "1"\n',
  );
  cargo(["generate-lockfile"], scratch);
  const made = readFileSync(join(scratch, "Cargo.lock"), "utf8");
  const source = /^source = .*$/m.exec(made)?.[0];
  if (source === undefined) throw new Error("cargo's lock names no source");
  return lock.replace(/^checksum = /gm, `${source}\nchecksum = `);
}

/** Takes the newest crates that the manifests allow, and notes which. */
function lockNewest() {
  rmSync(lockFile, { force: true });
  cargo(["generate-lockfile"]);
  const lock = readFileSync(lockFile, "utf8").replace(/^source = .*\n/gm, "");
  writeFileSync(cratesFile, LOCK_NOTE + lock.replace(/^(#.*\n)+/, ""));
}

/**
 * @param {string[]} args
 * @param {string} [cwd]
 */
function cargo(args, cwd = folder) {
  const { status, stderr, error } = spawnSync("cargo", args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      ...process.env,
      CARGO_TARGET_DIR: target,
      CARGO_TERM_COLOR: "never",
    },
    maxBuffer: 1 << 26,
  });
  if (error !== undefined) throw error;
  if (status !== 0) {
    throw new Error(`cargo ${args.join(" ")} failed:\n${stderr}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    if (process.argv.includes("--lock")) lockNewest();
    const profile = process.argv.includes("--tests") ? "tests" : "release";
    for (const name of RUST_PEERS) console.log(peerPath(name, profile));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
