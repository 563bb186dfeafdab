/**
 * What the npm package says of itself, for both of its builders:
 * `build_npm.ts` (dnt, for the release) and `build_npm.mjs` (deno pack, where
 * dnt cannot be had). deno.json is the source of name, version and exports.
 *
 * Plain JavaScript, because Node 20 runs it and Deno imports it.
 */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { root } from "./runtimes.mjs";

/** The name on npm; on JSR a scope is needed. */
export const NPM_NAME = "signalbox";

const REPOSITORY = "https://github.com/signalbox-js/signalbox";

/** Goes into the package beside the code, as far as it is there. */
const TEXTS = ["README.md", "CHANGELOG.md", "LICENSE"];

/** @returns {{ name: string, version: string, license: string, exports: Record<string, string> }} */
export function readDenoJson() {
  return JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
}

/**
 * The package.json of the package.
 *
 * @param {string} folder where the compiled modules are in the package: "./" or "./esm/"
 */
export function npmPackageJson(folder) {
  const { version, license, exports } = readDenoJson();
  const browser = exports["./browser"];
  return {
    name: NPM_NAME,
    version,
    description:
      "One event-driven message network for Deno, Bun, Node and browsers: TCP, framed TCP, UDP, WebSocket and Unix sockets behind one API.",
    keywords: [
      "network",
      "sockets",
      "tcp",
      "udp",
      "multicast",
      "websocket",
      "unix-socket",
      "framing",
      "messages",
      "event-driven",
      "deno",
      "bun",
      "node",
    ],
    license,
    repository: { type: "git", url: `git+${REPOSITORY}.git` },
    homepage: `${REPOSITORY}#readme`,
    bugs: { url: `${REPOSITORY}/issues` },
    type: "module",
    sideEffects: false,
    engines: { node: ">=20.16" },
    types: targets(folder, exports["."]).types,
    exports: {
      ...Object.fromEntries(
        Object.entries(exports).map(([name, path]) => [
          name,
          name === "." && browser !== undefined
            ? { browser: targets(folder, browser), ...targets(folder, path) }
            : targets(folder, path),
        ]),
      ),
      "./package.json": "./package.json",
    },
    // Asked for by nobody who keeps to the WebSockets of the library's own.
    peerDependencies: { ws: "^8.18.0" },
    peerDependenciesMeta: { ws: { optional: true } },
  };
}

/**
 * The compiled module and its types, the types first as TypeScript wants it.
 *
 * @param {string} folder
 * @param {string} source such as "./mod.ts"
 */
function targets(folder, source) {
  const stem = `${folder}${source.replace(/^\.\//, "").replace(/\.ts$/, "")}`;
  return { types: `${stem}.d.ts`, default: `${stem}.js` };
}

/**
 * Completes a folder of compiled modules into the package: package.json, the
 * texts, and examples that import it by its name on npm.
 *
 * @param {string} outFolder
 * @param {string} modules where the compiled modules are in it: "./" or "./esm/"
 */
export function completePackage(outFolder, modules) {
  writeFileSync(
    join(outFolder, "package.json"),
    `${JSON.stringify(npmPackageJson(modules), null, 2)}\n`,
  );
  for (const name of TEXTS) {
    const path = join(root, name);
    if (existsSync(path)) copyFileSync(path, join(outFolder, name));
  }
  const { name } = readDenoJson();
  for (const path of filesUnder(outFolder)) {
    if (!/\.(?:js|d\.ts|md)$/.test(path)) continue;
    const text = readFileSync(path, "utf8");
    const renamed = text.replaceAll(`from "${name}`, `from "${NPM_NAME}`);
    if (renamed !== text) writeFileSync(path, renamed);
  }
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
export function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules") return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}
