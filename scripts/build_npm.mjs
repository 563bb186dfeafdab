/**
 * Builds the npm package into `npm/` and its tarball into `.cache/`, with what
 * npm alone provides: `npm run build:npm`.
 *
 * `deno pack` compiles and makes the declarations; it knows nothing of engines,
 * conditions and the like, so package.json is written anew.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { execute } from "./_command.mjs";
import {
  completePackage,
  filesUnder,
  NPM_NAME,
  readDenoJson,
} from "./npm_package.mjs";
import { cache, denoPath, ensureDependencies, npm, root } from "./runtimes.mjs";

/** Where the package is built. */
export const packageFolder = join(root, "npm");

/** Where its tarball is, once it is built. */
export function tarballPath() {
  return join(cache, `${NPM_NAME}-${readDenoJson().version}.tgz`);
}

/** Builds both; rejects with what the tool that failed printed. */
export async function buildPackage() {
  const work = mkdtempSync(join(tmpdir(), "sb-pack-"));
  try {
    const packed = join(work, "packed.tgz");
    await must(denoPath(), [
      "pack",
      "--allow-dirty",
      "--no-source-maps",
      "--quiet",
      "--output",
      packed,
    ], root);
    await must("tar", ["-xzf", "packed.tgz"], work);
    rmSync(packageFolder, { recursive: true, force: true });
    cpSync(join(work, "package"), packageFolder, { recursive: true });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  // Whatever was not reached by an import was packed as it is.
  for (const path of filesUnder(packageFolder)) {
    if (!/\.(?:js|d\.ts)$/.test(path)) removeWithEmptyFolders(path);
  }
  completePackage(packageFolder, "./");
  packTarball();
}

/** Makes the tarball of what is in the folder, whoever built it. */
export function packTarball() {
  mkdirSync(cache, { recursive: true });
  rmSync(tarballPath(), { force: true });
  npm(["pack", "--ignore-scripts", `--pack-destination=${cache}`], {
    cwd: packageFolder,
  });
  if (!existsSync(tarballPath())) throw new Error("npm pack made no tarball");
}

/** @param {string} path */
function removeWithEmptyFolders(path) {
  rmSync(path);
  const folder = dirname(path);
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 */
async function must(command, args, cwd) {
  const { code, output } = await execute(command, args, { cwd });
  if (code !== 0) throw new Error(`${command} ${args[0]} failed:\n${output}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureDependencies();
  await buildPackage();
  console.log(`Built ${packageFolder} and ${tarballPath()}`);
}
