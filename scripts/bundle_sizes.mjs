/**
 * Holds the sizes of what pages download: each entry minified and gzipped, as the
 * benchmark measures it.
 *
 * `node scripts/bundle_sizes.mjs` prints them.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bundleSize, subpaths } from "../bench/_modules.mjs";

/**
 * The most that each may have, in bytes: what it has, and room for a few lines
 * more. A change that needs more than that has to say so here.
 */
const LIMITS = Object.freeze({
  "./browser": 15_000,
  "./framed_tcp": 5_800,
});

/** @returns {Promise<{ problems: string[], notes: string[] }>} one line for each entry that is too large, and for each */
export async function checkBundleSizes() {
  const files = subpaths();
  /** @type {string[]} */
  const problems = [];
  /** @type {string[]} */
  const notes = [];
  for (const [subpath, limit] of Object.entries(LIMITS)) {
    const file = files[subpath];
    if (file === undefined) throw new Error(`There is no export ${subpath}`);
    const { minified, gzipped } = await bundleSize([file]);
    const note =
      `${subpath}: ${minified} bytes minified, ${gzipped} gzipped, at most ${limit}`;
    notes.push(note);
    if (gzipped > limit) problems.push(note);
  }
  return { problems, notes };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { problems, notes } = await checkBundleSizes();
  console.log(notes.join("\n"));
  process.exitCode = problems.length === 0 ? 0 : 1;
}
