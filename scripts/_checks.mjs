/**
 * The checks of `npm test`, in their order.
 *
 * @typedef {object} Context
 * @property {string | undefined} filter a pattern for the names of tests
 * @property {string[]} paths parts of the paths of test files
 * @property {((text: string) => void) | undefined} onOutput
 *
 * @typedef {object} Check
 * @property {string} id
 * @property {string} group
 * @property {string} title
 * @property {(context: Context) => Promise<import("./_outcome.mjs").Outcome>} run
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { execute } from "./_command.mjs";
import { listFiles } from "./_files.mjs";
import { failed, passed } from "./_outcome.mjs";
import { runSuite, SUITES } from "./_suites.mjs";
import { checkLayers } from "./layers.mjs";
import { denoPath, root } from "./runtimes.mjs";

/** Loaded only where dnt runs: it comes from a registry that not every machine reaches. */
const RELEASE_ONLY = ["scripts/build_npm.ts"];

/** @type {Check[]} */
export const CHECKS = [
  command(
    "fmt",
    "static",
    "formatting",
    () => [denoPath(), ["fmt", "--check"]],
  ),
  command("lint", "static", "lint", () => [denoPath(), ["lint"]]),
  command("check", "static", "types, by Deno", () => [denoPath(), [
    "check",
    ...listFiles().filter((path) =>
      path.endsWith(".ts") && !RELEASE_ONLY.includes(path)
    ),
  ]]),
  command(
    "tsc",
    "static",
    "types of the library, by TypeScript's own compiler",
    () => [
      process.execPath,
      [
        join(root, "node_modules", "typescript", "bin", "tsc"),
        "-p",
        "tsconfig.json",
      ],
    ],
  ),
  {
    id: "layers",
    group: "static",
    title: "imports keep to their rooms",
    run: () => {
      const problems = checkLayers();
      return Promise.resolve(
        problems.length === 0 ? passed() : failed(...problems),
      );
    },
  },
  command("doc", "static", "documentation of every export", () => [denoPath(), [
    "doc",
    "--lint",
    ...Object.values(readDenoJson().exports),
  ]]),
  command("publish", "static", "deno publish --dry-run", () => [denoPath(), [
    "publish",
    "--dry-run",
    "--allow-dirty",
  ]]),
  ...SUITES.map((suite) => ({
    id: suite.id,
    group: suite.id.startsWith("node") ? "node" : "tests",
    title: suite.title,
    run: (/** @type {Context} */ context) => runSuite(suite, context),
  })),
];

/** @returns {{ exports: Record<string, string> }} */
function readDenoJson() {
  return JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
}

/**
 * A check that is one program: it passes if that exits with 0.
 *
 * @param {string} id
 * @param {string} group
 * @param {string} title
 * @param {() => [string, string[]]} make
 * @returns {Check}
 */
function command(id, group, title, make) {
  return {
    id,
    group,
    title,
    run: async ({ onOutput }) => {
      const [program, args] = make();
      const { code, output } = await execute(program, args, { onOutput });
      return code === 0 ? passed() : failed(output);
    },
  };
}
