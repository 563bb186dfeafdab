/** What a figure depends on besides the code: the machine and the versions. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { readDenoJson } from "../scripts/npm_package.mjs";
import { cargoProblem } from "../scripts/peers.mjs";
import { bunPath, denoPath, nodePath, root } from "../scripts/runtimes.mjs";

/** @returns {Record<string, unknown>} */
export function machine() {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? "unknown",
    cores: cpus.length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
  };
}

/** How busy the machine is: processes that want to run, over the last minute. */
export function load() {
  return Math.round((os.loadavg()[0] ?? NaN) * 100) / 100;
}

/**
 * The versions of everything that takes part.
 *
 * @param {boolean} withPeers
 * @returns {Record<string, string>}
 */
export function versions(withPeers) {
  return {
    signalbox: `${readDenoJson().version}${commit()}`,
    Deno: version(denoPath()),
    Bun: version(bunPath()),
    Node: version(nodePath(26)),
    ...npmVersions(withPeers ? ["ws", "zeromq", "socket.io"] : []),
    // Without cargo they take no part.
    ...(withPeers && cargoProblem() === undefined ? crateVersions() : {}),
  };
}

function commit() {
  const { status, stdout } = spawnSync("git", [
    "describe",
    "--always",
    "--dirty",
  ], { cwd: root, encoding: "utf8" });
  return status === 0 ? ` (${stdout.trim()})` : "";
}

/** @param {string} program */
function version(program) {
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return /\d+\.\d+\.\d+\S*/.exec(stdout ?? "")?.[0] ?? "unknown";
}

/** @param {string[]} names */
function npmVersions(names) {
  const { packages } = JSON.parse(
    readFileSync(join(root, "package-lock.json"), "utf8"),
  );
  return Object.fromEntries(
    names.map((
      name,
    ) => [name, packages[`node_modules/${name}`]?.version ?? "not installed"]),
  );
}

function crateVersions() {
  const lock = readFileSync(
    join(root, "bench", "peers", "rust", "crates.lock"),
    "utf8",
  );
  return Object.fromEntries(
    [...lock.matchAll(/name = "([^"]+)"\nversion = "([^"]+)"/g)]
      .filter(([, name = ""]) => /^(message-io|protosocket)$/.test(name))
      .map(([, name, version]) => [name, version]),
  );
}
