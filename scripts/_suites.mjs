/** Runs the tests of `tests/` on each runtime, from the same files. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { execute } from "./_command.mjs";
import { listFiles } from "./_files.mjs";
import { readJUnit } from "./_junit.mjs";
import { failed, sum } from "./_outcome.mjs";
import { isLibrary } from "./layers.mjs";
import {
  bunPath,
  cache,
  denoPath,
  NODE_VERSIONS,
  nodePath,
} from "./runtimes.mjs";

/**
 * @typedef {object} Suite
 * @property {string} id also the name of its record
 * @property {string} title
 * @property {(files: string[], report: string, filter: string | undefined) => [string, string[]]} command
 * @property {() => string[]} [files] what it runs instead of the tests; there is no record of these
 * @property {Record<string, string>} [env] what is set for it
 * @property {string} [only] a pattern for the names of the tests that it runs, for a runtime set up differently
 */

/** The runtimes on which every test runs. @type {Suite[]} */
export const SUITES = [
  {
    id: "deno",
    title: "tests on Deno",
    command: (files, report, filter) => denoCommand(files, report, filter, []),
  },
  {
    id: "deno-unstable-net",
    title: "datagram tests on Deno with --unstable-net",
    // The flag adds Deno's own datagram sockets, which the driver then uses.
    only: "[Dd]atagram|[Uu]dp|UDP|[Mm]ulticast",
    command: (files, report, filter) =>
      denoCommand(files, report, filter, ["--unstable-net"]),
  },
  {
    id: "bun",
    title: "tests on Bun",
    command: (files, report, filter) => [bunPath(), [
      "test",
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...(filter === undefined ? [] : ["--test-name-pattern", filter]),
      ...files.map((file) => `./${file}`),
    ]],
  },
  nodeSuite(26),
  nodeSuite(24),
  nodeSuite(22),
];

const INTEROP = "tests/interop/";

/** The tests with the Rust peers, which these runtimes run. @type {Suite[]} */
export const INTEROP_SUITES = SUITES
  .filter(({ id }) => ["deno", "bun", "node26"].includes(id))
  .map((suite) => ({
    ...suite,
    id: `interop-${suite.id}`,
    title: `interop with the Rust peers: ${suite.title}`,
    files: () => testFiles([INTEROP]),
  }));

/** The examples in the documentation of the library. @type {Suite} */
export const EXAMPLES_IN_DOCS = {
  id: "doc-examples",
  title: "the examples in the documentation",
  files: () => listFiles().filter(isLibrary),
  command: (files, report, filter) =>
    denoCommand(files, report, filter, ["--doc"]),
};

/**
 * @param {string[]} files
 * @param {string} report
 * @param {string | undefined} filter
 * @param {string[]} flags
 * @returns {[string, string[]]}
 */
function denoCommand(files, report, filter, flags) {
  return [denoPath(), [
    "test",
    "--allow-all",
    // `deno check` has looked at the types.
    "--no-check",
    "--sanitize-ops",
    "--sanitize-resources",
    "--hide-stacktraces",
    ...flags,
    `--junit-path=${report}`,
    ...(filter === undefined ? [] : [`--filter=/${filter}/`]),
    ...files,
  ]];
}

/**
 * @param {20 | 22 | 24 | 26} major
 * @returns {Suite}
 */
export function nodeSuite(major) {
  return {
    id: `node${major}`,
    title: `tests on Node ${NODE_VERSIONS[major]}`,
    // Each file is a process that loads the library: a third of the work, if done anew.
    env: { NODE_COMPILE_CACHE: join(cache, "compiled") },
    command: (files, report, filter) => [nodePath(major), [
      "--test",
      "--test-reporter=junit",
      `--test-reporter-destination=${report}`,
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      ...(filter === undefined ? [] : [`--test-name-pattern=/${filter}/`]),
      ...files,
    ]],
  };
}

/**
 * The test files whose path contains one of the given texts; without texts all
 * but those that need the Rust peers.
 *
 * @param {string[]} parts
 */
export function testFiles(parts) {
  return listFiles("tests").filter((path) =>
    path.endsWith("_test.ts") && !path.endsWith("/_test.ts") &&
    (parts.length === 0
      ? !path.startsWith(INTEROP)
      : parts.some((part) => path.includes(part)))
  );
}

/**
 * Runs one suite and writes down what became of each test.
 *
 * @param {Suite} suite
 * @param {object} options
 * @param {string} [options.filter] a pattern for the names of the tests
 * @param {string[]} options.paths parts of the paths of the test files; none means all
 * @param {(text: string) => void} [options.onOutput]
 * @returns {Promise<import("./_outcome.mjs").Outcome>}
 */
export function runSuite(suite, { filter, paths, onOutput }) {
  const isWhole = filter === undefined && paths.length === 0 &&
    suite.files === undefined;
  return runFiles(suite, suite.files?.() ?? testFiles(paths), {
    filter,
    onOutput,
    isRecorded: isWhole,
  });
}

/**
 * Runs the tests of the given files.
 *
 * @param {Suite} suite
 * @param {string[]} files
 * @param {object} options
 * @param {string} [options.cwd] where the paths of the files begin; default: the top folder
 * @param {string | undefined} [options.filter] a pattern for the names of the tests
 * @param {((text: string) => void) | undefined} [options.onOutput]
 * @param {boolean} options.isRecorded whether to write `.cache/conformance/<id>.json`
 * @returns {Promise<import("./_outcome.mjs").Outcome>}
 */
export async function runFiles(
  suite,
  files,
  { cwd, filter, onOutput, isRecorded },
) {
  if (files.length === 0) return failed("no test file found");
  const folder = join(cache, "conformance");
  mkdirSync(folder, { recursive: true });
  // One of its own: whoever tests beside this must not take it for theirs.
  const report = join(folder, `${suite.id}.${process.pid}.xml`);
  const [command, args] = suite.command(files, report, filter ?? suite.only);
  const { code, output } = await execute(command, args, {
    cwd,
    // Outside of this suite the variable would make Node believe that it is a test's child.
    env: { NODE_TEST_CONTEXT: undefined, ...suite.env },
    onOutput,
  });
  // Deno reports what it filtered out as skipped.
  const wanted = new RegExp(filter ?? suite.only ?? "");
  const all = readReport(report);
  const tests = (all ?? []).filter(({ name }) => wanted.test(name));
  const count = (outcome) =>
    tests.filter((test) => test.outcome === outcome).length;
  const outcome = {
    passed: count("passed"),
    failed: count("failed"),
    skipped: count("skipped"),
    notes: tests
      .filter((test) => test.outcome !== "passed")
      .map(({ name, outcome, message }) => `${outcome}: ${name}\n${message}`),
  };
  // Node tells of a file that does not load as of a test that failed, without saying why.
  if (
    tests.some(({ name, outcome }) =>
      outcome === "failed" && name.endsWith("_test.ts")
    )
  ) {
    outcome.notes.push(output);
  }
  if (isRecorded) writeRecord(suite.id, tests);
  // A file that does not load, or a runner that crashed: no test tells of it.
  if (code !== 0 && outcome.failed === 0) {
    return sum([
      outcome,
      failed(`the runner failed with status ${code}`, output),
    ]);
  }
  if (all === undefined || tests.length === 0 && filter === undefined) {
    return failed("no test was run", output);
  }
  return outcome;
}

/**
 * @param {string} id
 * @param {import("./_junit.mjs").TestResult[]} tests
 */
function writeRecord(id, tests) {
  const record = {
    runtime: id,
    tests: tests.map(({ name, file, outcome, ms }) => ({
      name,
      file,
      outcome,
      ms,
    })),
  };
  writeFileSync(
    join(cache, "conformance", `${id}.json`),
    `${JSON.stringify(record, null, 2)}\n`,
  );
}

/**
 * Takes the report of a runner; undefined if it ended before it wrote one.
 *
 * @param {string} path
 */
function readReport(path) {
  if (!existsSync(path)) return undefined;
  const xml = readFileSync(path, "utf8");
  rmSync(path);
  return readJUnit(xml);
}
