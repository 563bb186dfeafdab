/**
 * Checks that the rooms of the house keep to their places:
 *
 * - imports point only down the house, and never in a circle;
 * - no code outside `runtime/` names a runtime;
 * - the library imports nothing from `node:` or from npm but types, so that a
 *   browser can load it;
 * - `examples/` and `bench/` use what is published and nothing else.
 *
 * `node scripts/layers.mjs` prints what it found, one problem a line.
 */
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { listFiles } from "./_files.mjs";
import { root } from "./runtimes.mjs";

/**
 * What each room may import from, beside itself. The two at the top are built
 * on what every user can import: so also on the timers and the varint.
 */
const ROOMS = {
  runtime: [],
  signals: [],
  framing: [],
  adapters: ["framing", "runtime"],
  network: ["adapters", "framing", "signals", "runtime"],
  node: ["network", "adapters", "framing", "signals", "runtime"],
  codec: ["node", "network"],
  rpc: ["node", "network", "codec", "framing", "signals"],
  testing: ["node", "network", "adapters", "signals", "runtime"],
};

/** The modules at the top, which may import from every room. */
const TOP = ["mod.ts", "browser.ts"];

/** Rooms that use the library as its users do. */
const USERS = ["examples", "bench"];

/** @returns {string[]} one line for each problem; empty if all is well */
export function checkLayers() {
  const published = new Set(
    Object.values(
      JSON.parse(readFileSync(join(root, "deno.json"), "utf8")).exports,
    ).map((path) => posix.normalize(path)),
  );
  const sources = listFiles().filter((path) => path.endsWith(".ts"));
  const library = sources.filter((path) => isLibrary(path));
  return [
    ...library.flatMap(checkLibraryFile),
    ...sources.filter((path) => USERS.includes(roomOf(path))).flatMap((path) =>
      checkUserFile(path, published)
    ),
    ...circles(library),
  ];
}

/** Whether a file is one of those that are published. @param {string} path */
export function isLibrary(path) {
  return path.endsWith(".ts") && (TOP.includes(path) || roomOf(path) in ROOMS);
}

/** @param {string} path */
function roomOf(path) {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : "";
}

/** @param {string} path */
function checkLibraryFile(path) {
  const problems = [];
  const code = codeOf(path);
  const room = roomOf(path);
  for (const { specifier, typesOnly } of importsOf(path)) {
    const target = resolve(path, specifier);
    if (target === undefined) {
      if (!typesOnly) problems.push(`${path}: imports ${specifier}`);
      continue;
    }
    const targetRoom = roomOf(target);
    if (targetRoom === room || room === "") continue;
    if (!ROOMS[room].includes(targetRoom)) {
      problems.push(`${path}: ${room}/ may not import ${target}`);
    }
  }
  if (room !== "runtime") {
    for (
      const [name] of code.matchAll(/\b(?:Deno|Bun|process)\b(?=\s*[.?["'])/g)
    ) {
      problems.push(`${path}: names ${name}, which only runtime/ may`);
    }
  }
  for (
    const [found] of code.matchAll(/\bdeclare global\b|^\s*export default\b/gm)
  ) {
    problems.push(`${path}: has "${found.trim()}"`);
  }
  return problems;
}

/**
 * @param {string} path
 * @param {Set<string>} published
 */
function checkUserFile(path, published) {
  const problems = [];
  for (const { specifier } of importsOf(path)) {
    const target = resolve(path, specifier);
    if (target === undefined || !isLibrary(target)) continue;
    if (!published.has(target)) {
      problems.push(`${path}: imports ${target}, which is not published`);
    }
  }
  return problems;
}

/**
 * Circles of imports that exist when the code runs; types may refer to each other.
 *
 * @param {string[]} files
 */
function circles(files) {
  const problems = [];
  /** @type {Map<string, string[]>} */
  const graph = new Map(files.map((path) => [
    path,
    importsOf(path)
      .filter(({ typesOnly }) => !typesOnly)
      .map(({ specifier }) => resolve(path, specifier) ?? ""),
  ]));
  const done = new Set();
  /** @type {(path: string, trail: string[]) => void} */
  const visit = (path, trail) => {
    if (trail.includes(path)) {
      problems.push(
        `a circle of imports: ${
          [...trail.slice(trail.indexOf(path)), path].join(" → ")
        }`,
      );
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of files) visit(path, []);
  return problems;
}

/**
 * @param {string} path
 * @returns {{ specifier: string, typesOnly: boolean }[]}
 */
function importsOf(path) {
  const found = [];
  const statement =
    /^\s*(?:import|export)\b(\s+type\b)?((?:[^;"'`(]|\n)*?)\bfrom\s+["']([^"']+)["']/gm;
  const code = codeOf(path);
  for (const [, type, names = "", specifier = ""] of code.matchAll(statement)) {
    const list = /\{([^}]*)\}/.exec(names)?.[1];
    const allTypes = list !== undefined && !/^[^{]*\w/.test(names) &&
      list.split(",").every((name) => /^\s*(type\s|$)/.test(name));
    found.push({ specifier, typesOnly: type !== undefined || allTypes });
  }
  for (
    const [, specifier = ""] of code.matchAll(/^\s*import\s+["']([^"']+)["']/gm)
  ) {
    found.push({ specifier, typesOnly: false });
  }
  return found;
}

/**
 * @param {string} path
 * @param {string} specifier
 */
function resolve(path, specifier) {
  if (!specifier.startsWith(".")) return undefined;
  return posix.join(posix.dirname(path), specifier);
}

/**
 * The text of a file without its comments.
 *
 * @param {string} path
 */
function codeOf(path) {
  const text = readFileSync(join(root, path), "utf8");
  // Strings and templates are matched first, so that a "//" inside them stays.
  return text.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_, string) => string ?? "",
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkLayers();
  for (const problem of problems) console.error(problem);
  process.exit(problems.length === 0 ? 0 : 1);
}
