/**
 * The checks of `npm test`, in their order.
 *
 * @typedef {object} Context
 * @property {string | undefined} filter a pattern for the names of tests
 * @property {string[]} paths parts of the paths of test files
 * @property {boolean} built whether the npm package is there already, and not to be built
 * @property {((text: string) => void) | undefined} onOutput
 *
 * @typedef {object} Check
 * @property {string} id
 * @property {string} group
 * @property {string} title
 * @property {(context: Context) => Promise<import("./_outcome.mjs").Outcome>} run
 */
import { join } from "node:path";
import process from "node:process";
import { execute } from "./_command.mjs";
import { listFiles } from "./_files.mjs";
import { fuzz } from "./fuzz.mjs";
import { failed, passed, skipped } from "./_outcome.mjs";
import { checkBrowser } from "../tests/browser/check.mjs";
import {
  checkConformance,
  checkTypes,
  checkUse,
} from "../tests/package/check.mjs";
import {
  EXAMPLES_IN_DOCS,
  INTEROP_SUITES,
  runSuite,
  SUITES,
} from "./_suites.mjs";
import {
  buildPackage,
  packageFolder,
  packTarball,
  tarballPath,
} from "./build_npm.mjs";
import { checkBundleSizes } from "./bundle_sizes.mjs";
import { checkDocs } from "./check_docs.mjs";
import { checkLayers } from "./layers.mjs";
import { readDenoJson } from "./npm_package.mjs";
import { cargoProblem } from "./peers.mjs";
import {
  bunPath,
  denoPath,
  NODE_VERSIONS,
  nodePath,
  root,
} from "./runtimes.mjs";

/** What cannot be checked in place. */
const ELSEWHERE = [
  // Imports dnt, from a registry that not every machine reaches.
  "scripts/build_npm.ts",
  // Brings in the global types of one runtime, which would change what all others mean.
  "tests/types/",
  // Import the built package, by its name.
  "tests/package/consumer.ts",
  "tests/browser/page.ts",
];

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
    "--quiet",
    ...listFiles().filter((path) =>
      path.endsWith(".ts") &&
      !ELSEWHERE.some((place) => path.startsWith(place))
    ),
  ]]),
  command(
    "tsc",
    "static",
    "types of the library, by TypeScript's own compiler",
    () => tsc("tsconfig.json"),
  ),
  command(
    "tsc-runtimes",
    "static",
    "what the drivers say of a runtime's API, against its own types",
    () => tsc("tests/types"),
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
  {
    id: "sizes",
    group: "static",
    title: "what pages download has not grown",
    run: async () => {
      const { problems } = await checkBundleSizes();
      return problems.length === 0 ? passed() : failed(...problems);
    },
  },
  command("doc", "static", "documentation of every export", () => [denoPath(), [
    "doc",
    "--lint",
    "--quiet",
    ...Object.values(readDenoJson().exports),
  ]]),
  command("publish", "static", "deno publish --dry-run", () => [denoPath(), [
    "publish",
    "--dry-run",
    "--allow-dirty",
  ]]),
  {
    id: EXAMPLES_IN_DOCS.id,
    group: "docs",
    title: EXAMPLES_IN_DOCS.title,
    run: (context) => runSuite(EXAMPLES_IN_DOCS, context),
  },
  {
    id: "docs",
    group: "docs",
    title: "snippets and links of README.md and docs/",
    run: async () => {
      const { ok, notes } = await checkDocs();
      return ok ? passed() : failed(...notes);
    },
  },
  ...SUITES.map((suite) => ({
    id: suite.id,
    group: suite.id.startsWith("node") ? "node" : "tests",
    title: suite.title,
    run: (/** @type {Context} */ context) => runSuite(suite, context),
  })),
  ...interop(),
  ...shortFuzz(),
  ...soak(),
  ...echoLatency(),
  ...backpressure(),
  ...idleConnections(),
  command(
    "bench-run",
    "bench",
    "one short workload of the benchmark",
    () => [process.execPath, [
      join(root, "scripts", "bench.mjs"),
      "--quick",
      "--only=framed-tcp-64",
      "--runtime=node",
      "--runs=1",
    ]],
  ),
  {
    id: "build",
    group: "package",
    title: "build of the npm package",
    run: async ({ built }) => {
      if (built) packTarball();
      else await buildPackage();
      return passed();
    },
  },
  command("publint", "package", "publint", () => [process.execPath, [
    join(root, "node_modules", "publint", "src", "cli.js"),
    packageFolder,
    "--strict",
    "--pack",
    "npm",
  ]]),
  command("attw", "package", "are the types wrong?", () => [process.execPath, [
    join(root, "node_modules", "@arethetypeswrong", "cli", "dist", "index.js"),
    tarballPath(),
    "--profile",
    "esm-only",
    "--no-color",
    "--no-emoji",
  ]]),
  {
    id: "consumer",
    group: "package",
    title: "the package, installed and used on every runtime",
    run: checkUse,
  },
  {
    id: "consumer-types",
    group: "package",
    title: "the package, installed and used from TypeScript",
    run: checkTypes,
  },
  {
    id: "node20-package",
    group: "package",
    title: `the conformance table on the package, on Node ${NODE_VERSIONS[20]}`,
    run: checkConformance,
  },
  {
    id: "browser",
    group: "package",
    title: "the package in a page in Chromium, with a node on each runtime",
    run: checkBrowser,
  },
  command(
    "demo",
    "demo",
    "the demo: every runtime with every other, over every transport",
    () => [process.execPath, [join(root, "scripts", "demo.mjs")]],
  ),
];

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

/**
 * @param {string} project
 * @returns {[string, string[]]}
 */
function tsc(project) {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  return [process.execPath, [compiler, "-p", project]];
}

/** What needs the peers in Rust: nothing of it can be done without cargo. */
function interop() {
  /** @type {(run: Check["run"]) => Check["run"]} */
  const withPeers = (run) => async (context) => {
    const problem = cargoProblem();
    if (problem !== undefined) return skipped(problem);
    // Before the tests, and in a process of its own: it takes minutes, in which
    // this one has to read what other checks print.
    const { code, output } = await execute(process.execPath, [
      "scripts/peers.mjs",
      "--tests",
    ]);
    return code === 0 ? await run(context) : failed(output);
  };
  return [
    {
      id: "peers",
      group: "interop",
      title: "build of the Rust peers",
      run: withPeers(() => Promise.resolve(passed())),
    },
    ...INTEROP_SUITES.map((suite) => ({
      id: suite.id,
      group: "interop",
      title: suite.title,
      run: withPeers((context) => runSuite(suite, context)),
    })),
  ];
}

/** A few seconds of the fuzzer on each runtime, with the same inputs each time. */
function shortFuzz() {
  return ["deno", "bun", "node"].map((runtime) => ({
    id: `fuzz-${runtime}`,
    group: "fuzz",
    title: `the fuzzer on ${runtime}, for six seconds`,
    run: async (/** @type {Context} */ { onOutput }) => {
      let output = "";
      const status = await fuzz(runtime, {
        args: ["--seconds=6", "--seed=20260726"],
        timeoutMs: 120_000,
        onOutput: (text) => {
          output += text;
          onOutput?.(text);
        },
      });
      return status === 0 ? passed() : failed(output);
    },
  }));
}

/** The round trip of one message beside that of bare sockets, on each runtime. */
function echoLatency() {
  const bench = join("bench", "echo_latency.ts");
  return [
    command(
      "echo-deno",
      "bench",
      "round trip beside Deno's bare sockets",
      () => [denoPath(), ["run", "--allow-net", bench]],
    ),
    command(
      "echo-bun",
      "bench",
      "round trip beside Bun's bare sockets",
      () => [bunPath(), [bench]],
    ),
    command(
      "echo-node",
      "bench",
      "round trip beside Node's bare sockets",
      () => [nodePath(26), [bench]],
    ),
  ];
}

/** The soak on each runtime, for a few seconds and with few connections. */
function soak() {
  return ["deno", "bun", "node", "node24", "node22"].map((name) =>
    command(
      `soak-${name}`,
      "soak",
      `a short soak on ${name}`,
      () => [process.execPath, [
        join(root, "scripts", "soak.mjs"),
        ...["--runtime", name, "--seconds", "4", "--connections", "100"],
      ]],
    )
  );
}

/** Few idle connections on each runtime. */
function idleConnections() {
  return ["deno", "bun", "node"].map((name) =>
    command(
      `idle-${name}`,
      "bench",
      `memory of idle connections beside bare sockets on ${name}`,
      () => [process.execPath, [
        join(root, "scripts", "bench_idle.mjs"),
        ...["--runtime", name, "--connections", "500"],
        ...["--rounds", "1", "--heap-only"],
      ]],
    )
  );
}

/** What a stalled peer and a slow consumer cost, within its bounds, on each runtime. */
function backpressure() {
  const bench = join("bench", "backpressure.ts");
  return [
    command(
      "backpressure-deno",
      "bench",
      "memory and speed under backpressure on Deno",
      () => [denoPath(), [
        "run",
        "--allow-all",
        "--no-check",
        bench,
        "--quick",
      ]],
    ),
    command(
      "backpressure-bun",
      "bench",
      "memory and speed under backpressure on Bun",
      () => [bunPath(), [bench, "--quick"]],
    ),
    command(
      "backpressure-node",
      "bench",
      "memory and speed under backpressure on Node",
      () => [nodePath(26), [bench, "--quick"]],
    ),
  ];
}
