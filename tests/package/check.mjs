/**
 * Installs the tarball into an empty project outside of this one, and uses it
 * from there as its users will: from every version of Node, from Bun and Deno,
 * and from TypeScript.
 */
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import process from "node:process";
import { execute } from "../../scripts/_command.mjs";
import { failed, passed, sum } from "../../scripts/_outcome.mjs";
import { nodeSuite, runFiles, testFiles } from "../../scripts/_suites.mjs";
import { tarballPath } from "../../scripts/build_npm.mjs";
import { NPM_NAME, readDenoJson } from "../../scripts/npm_package.mjs";
import {
  bunPath,
  denoPath,
  NODE_VERSIONS,
  nodePath,
  npm,
  root,
} from "../../scripts/runtimes.mjs";

const here = join(root, "tests", "package");

/**
 * Runs `use` in a project that has the package and nothing else.
 *
 * @template T
 * @param {(folder: string) => Promise<T>} use
 */
export async function inProject(use) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "sb-consumer-")));
  try {
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ name: "consumer", private: true, type: "module" }),
    );
    npm(["install", "--offline", "--no-audit", tarballPath()], { cwd: folder });
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs the consumer on each runtime.
 *
 * @param {{ onOutput?: (text: string) => void }} context
 */
export function checkUse({ onOutput }) {
  return inProject(async (folder) => {
    copyFileSync(join(here, "consumer.mjs"), join(folder, "consumer.mjs"));
    const { exports } = JSON.parse(
      readFileSync(
        join(folder, "node_modules", "signalbox", "package.json"),
        "utf8",
      ),
    );
    const subpaths = Object.keys(exports)
      .filter((name) => name !== "." && !name.endsWith(".json"))
      .map((name) => name.slice("./".length));
    const args = ["consumer.mjs", ...subpaths];
    /** @type {[string, string, string[]][]} */
    const runs = [
      ...[20, 22, 24, 26].map((major) => [
        `Node ${NODE_VERSIONS[major]}`,
        nodePath(major),
        args,
      ]),
      ["Bun", bunPath(), args],
      ["Deno", denoPath(), [
        "run",
        "--allow-all",
        "--node-modules-dir=manual",
        "--no-lock",
        ...args,
      ]],
    ];
    const outcomes = [];
    for (const [runtime, command, commandArgs] of runs) {
      const ended = await execute(command, commandArgs, {
        cwd: folder,
        timeoutMs: 120_000,
        onOutput,
      });
      outcomes.push(readLines(runtime, ended));
    }
    return sum(outcomes);
  });
}

/**
 * @param {string} runtime
 * @param {import("../../scripts/_command.mjs").Ended} ended
 */
function readLines(runtime, { code, output }) {
  const lines = output.split("\n");
  const good = lines.filter((line) => line.startsWith("ok "));
  const bad = lines.filter((line) => line.startsWith("not ok "));
  const outcome = sum([...good.map(passed), ...bad.map(() => failed())]);
  if (bad.length > 0) outcome.notes.push(`on ${runtime}:`, output);
  if (bad.length === 0 && (code !== 0 || good.length === 0)) {
    return sum([outcome, failed(`on ${runtime}, status ${code}:`, output)]);
  }
  return outcome;
}

/**
 * Compiles the TypeScript consumer, strictly, checking the package's own
 * declarations too, in the two ways in which modules are found today.
 *
 * @param {{ onOutput?: (text: string) => void }} context
 */
export function checkTypes({ onOutput }) {
  return inProject(async (folder) => {
    copyFileSync(join(here, "consumer.ts"), join(folder, "consumer.ts"));
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const outcomes = [];
    for (
      const [module, moduleResolution] of [
        ["nodenext", "nodenext"],
        ["esnext", "bundler"],
      ]
    ) {
      const { code, output } = await execute(process.execPath, [
        tsc,
        "--noEmit",
        "--strict",
        "--exactOptionalPropertyTypes",
        "--noUncheckedIndexedAccess",
        "--verbatimModuleSyntax",
        "--skipLibCheck",
        "false",
        "--target",
        "es2022",
        "--lib",
        "es2022,esnext.disposable,dom",
        "--module",
        module,
        "--moduleResolution",
        moduleResolution,
        "consumer.ts",
      ], { cwd: folder, onOutput });
      outcomes.push(
        code === 0 ? passed() : failed(`with ${moduleResolution}:`, output),
      );
    }
    return sum(outcomes);
  });
}

/**
 * Runs the conformance table on Node 20, which cannot run TypeScript: its tests
 * compiled, and the library they test the installed package.
 *
 * @param {{ onOutput?: (text: string) => void }} context
 */
export function checkConformance({ onOutput }) {
  return inProject(async (folder) => {
    const { build } = await import("esbuild");
    const published = new Map(
      Object.entries(readDenoJson().exports).map(([name, path]) => [
        join(root, path),
        posix.join(NPM_NAME, name),
      ]),
    );
    const entryPoints = testFiles(["tests/conformance/"]);
    await build({
      absWorkingDir: root,
      // The scripts are not imported: tests run them as processes.
      entryPoints: [
        ...entryPoints,
        "tests/conformance/_process.ts",
        "tests/conformance/_throwing_subscriber.ts",
      ].map((path) => join(root, path)),
      outdir: folder,
      outbase: root,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      // Beside the helpers that they are made of, which look for files from there.
      chunkNames: "tests/[name]-[hash]",
      platform: "node",
      format: "esm",
      target: "node20",
      sourcemap: "inline",
      logLevel: "silent",
      plugins: [{
        name: "the published modules come from the package",
        setup({ onResolve }) {
          onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
            const name = published.get(join(resolveDir, path));
            return name === undefined
              ? undefined
              : { path: name, external: true };
          });
        },
      }],
    });
    // The optional peer: Node 20 has no WebSocket client but its.
    const peer = join("node_modules", "ws");
    symlinkSync(join(root, peer), join(folder, peer), "junction");
    const certificates = join("tests", "vectors", "tls");
    cpSync(join(root, certificates), join(folder, certificates), {
      recursive: true,
    });
    const files = entryPoints.map((path) => path.replace(/\.ts$/, ".mjs"));
    return await runFiles({ ...nodeSuite(20), id: "node20-package" }, files, {
      cwd: folder,
      onOutput,
      isRecorded: true,
    });
  });
}
