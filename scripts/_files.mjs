/** Lists the files of the project, without what is installed or built. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./runtimes.mjs";

const LEFT_OUT = new Set([".git", ".cache", "node_modules", "npm"]);

/**
 * All files under a folder of the project, as sorted paths from the top with "/".
 *
 * @param {string} [folder] from the top; default: everything
 * @returns {string[]}
 */
export function listFiles(folder = "") {
  /** @type {string[]} */
  const files = [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  for (const entry of entries) {
    if (LEFT_OUT.has(entry.name)) continue;
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) files.push(...listFiles(path));
    else files.push(path);
  }
  return files.sort();
}
