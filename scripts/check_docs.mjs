/**
 * Checks README.md and docs/: every TypeScript block has the right types, those
 * of docs/ run, and every link leads somewhere.
 *
 *     node scripts/check_docs.mjs
 *
 * Blocks marked `ts ignore` are left alone: those for another runtime than Deno,
 * and fragments. The blocks of README.md are servers and are not run.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { execute } from "./_command.mjs";
import { listFiles } from "./_files.mjs";
import { denoPath, root } from "./runtimes.mjs";

/** @returns {string[]} */
export function documentationPages() {
  return [
    "README.md",
    ...listFiles("docs").filter((path) => path.endsWith(".md")),
  ];
}

/** The heading of a page as GitHub names it in a link. @param {string} heading */
function anchorOf(heading) {
  return heading.trim().toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

/** The text without its code blocks, where "#" and "](" mean something else. @param {string} path */
function prose(path) {
  return readFileSync(join(root, path), "utf8").replace(
    /^ *```.*?^ *```/gms,
    "",
  );
}

/**
 * Links that lead nowhere, as lines for a person.
 *
 * @param {string[]} pages
 * @returns {string[]}
 */
export function brokenLinks(pages) {
  /** @type {string[]} */
  const broken = [];
  for (const page of pages) {
    for (const [, target = ""] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/i.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? page : posix.join(dirname(page), file);
      if (!existsSync(join(root, path))) {
        broken.push(`${page}: there is no ${path}`);
      } else if (anchor !== undefined) {
        const headings = [...prose(path).matchAll(/^#+ (.+)$/gm)];
        if (!headings.some(([, text = ""]) => anchorOf(text) === anchor)) {
          broken.push(`${page}: ${path} has no heading #${anchor}`);
        }
      }
    }
  }
  return broken;
}

/**
 * Runs all checks.
 *
 * @returns {Promise<{ ok: boolean, notes: string[] }>}
 */
export async function checkDocs() {
  const pages = documentationPages();
  const notes = brokenLinks(pages);
  const types = await execute(
    denoPath(),
    ["check", "--quiet", "--doc-only", ...pages],
    {},
  );
  if (types.code !== 0) notes.push(types.output);
  const runs = await execute(denoPath(), [
    "test",
    "--quiet",
    "--allow-all",
    "--no-check",
    "--doc",
    ...pages.filter((page) => page !== "README.md"),
  ], {});
  if (runs.code !== 0) notes.push(runs.output);
  return { ok: notes.length === 0, notes };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { ok, notes } = await checkDocs();
  for (const note of notes) console.error(note);
  console.log(ok ? "The documentation is sound." : "The documentation is not.");
  process.exitCode = ok ? 0 : 1;
}
