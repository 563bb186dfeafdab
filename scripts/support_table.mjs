/**
 * Writes the table of transports × runtimes into README.md, from the records of
 * the last `npm test`; `conformance.mjs --summary` counts.
 *
 *     node scripts/support_table.mjs          writes it between the markers
 *     node scripts/support_table.mjs --check  exits with 1 if the README has another
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { execute } from "./_command.mjs";
import { root } from "./runtimes.mjs";

const README = join(root, "README.md");
/** Either name of the markers: `conformance.mjs --readme` writes between the second. */
const MARKED =
  /(<!-- (?:support-table|conformance:)[^>]*-->\n)(.*?)(<!-- (?:\/support-table|conformance: end) -->)/s;

/** @typedef {{ ok: boolean, code: 0 | 1 | 2, note: string }} Verdict */

/** The cells of a Markdown table, without the spaces that a formatter puts between. @param {string} table */
function cells(table) {
  return table.trim().split("\n").map((line) =>
    line.split("|").map((cell) => cell.trim().replace(/^-+$/, "-")).join("|")
  ).join("\n");
}

/**
 * Writes the table, or compares it with what the records say.
 *
 * @param {{ check: boolean }} options
 * @returns {Promise<Verdict>}
 */
export async function supportTable({ check }) {
  const { code, output } = await execute(process.execPath, [
    join(root, "scripts", "conformance.mjs"),
    "--summary",
  ], {});
  if (code !== 0) return { ok: false, code: 2, note: output.trim() };
  const readme = readFileSync(README, "utf8");
  const found = MARKED.exec(readme);
  if (found === null) {
    return {
      ok: false,
      code: 2,
      note: "README.md has no markers for the table",
    };
  }
  const [whole, begin = "", table = "", end = ""] = found;
  if (cells(table) === cells(output)) {
    return { ok: true, code: 0, note: "The table in README.md is up to date." };
  }
  if (check) {
    return {
      ok: false,
      code: 1,
      note:
        "The table in README.md is stale: `npm run docs:support` after `npm test` renews it.",
    };
  }
  const fresh = `${begin}\n${output.trim()}\n\n${end}`;
  writeFileSync(README, readme.replace(whole, () => fresh));
  return { ok: true, code: 0, note: "The table in README.md was renewed." };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({
    options: { check: { type: "boolean", default: false } },
  });
  const { ok, code, note } = await supportTable(values);
  (ok ? console.log : console.error)(note);
  process.exitCode = code;
}
