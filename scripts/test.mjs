/**
 * Runs every check of the project: `npm test`. Up to three at a time, because
 * they wait more than they work, but for those that measure something.
 *
 * The last line counts all tests and checks: `N passed, N failed, N skipped`.
 * The exit status is 1 if anything failed; where `CI` is set, also if anything
 * was skipped.
 */
import { availableParallelism } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { CHECKS } from "./_checks.mjs";
import { isCi } from "./_ci.mjs";
import { failed, sum } from "./_outcome.mjs";
import { ensureDependencies } from "./runtimes.mjs";

const HELP = `npm test -- [options] [part of a test file's path …]

  --only NAMES     run these checks or groups, separated by commas
  --filter PATTERN run the tests whose names match, and no other checks
  --built          check the npm package that is in npm/, instead of building it
  --list           print the names of the checks and groups
  --verbose        print what the checks print, as they run
  --help           print this

With parts of paths, only the tests in those files are run.`;

const MEASURING = ["fuzz", "soak", "bench", "browser", "demo"];
const BUILT_FIRST = ["peers", "build"];
const ON_WHAT_WAS_BUILT = ["interop", "package"];

/** What needs the result of another check comes after it; what measures comes last, and alone. */
const STAGES = [
  {
    ids: ({ id, group }) =>
      BUILT_FIRST.includes(id) ||
      !isMeasuring({ id, group }) && !ON_WHAT_WAS_BUILT.includes(group),
    isMeasured: false,
  },
  {
    ids: ({ id, group }) =>
      !BUILT_FIRST.includes(id) && !isMeasuring({ id, group }) &&
      ON_WHAT_WAS_BUILT.includes(group),
    isMeasured: false,
  },
  { ids: isMeasuring, isMeasured: true },
];

const options = readOptions();
process.exit(await main());

async function main() {
  const checks = selected();
  if (options.list) {
    for (const { id, group, title } of CHECKS) {
      console.log(`${id.padEnd(20)}${group.padEnd(10)}${title}`);
    }
    return 0;
  }
  ensureDependencies();
  const start = performance.now();
  /** @type {Map<string, import("./_outcome.mjs").Outcome>} */
  const results = new Map();
  for (const { ids, isMeasured } of STAGES) {
    const waiting = checks.filter((check) => ids(check));
    const worker = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        results.set(next.id, await run(next));
      }
    };
    // What is shown as it comes must not be mixed.
    const workers = isMeasured || options.verbose
      ? 1
      : Math.min(3, availableParallelism() + 1);
    await Promise.all(Array.from({ length: workers }, worker));
  }
  const outcomes = [...results.values()];
  const total = sum(outcomes);
  console.log(`\n${checks.length} checks in ${seconds(start)}`);
  const broken = checks.filter(({ id }) => !isGood(results.get(id)));
  if (broken.length > 0) {
    console.log(`not good: ${broken.map(({ id }) => id).join(", ")}`);
  }
  console.log(
    `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`,
  );
  return outcomes.every(isGood) ? 0 : 1;
}

/** @param {import("./_checks.mjs").Check} check */
async function run(check) {
  const heading = `\n── ${check.title} (${check.id})`;
  if (options.verbose) console.log(heading);
  const start = performance.now();
  let outcome;
  try {
    outcome = await check.run({
      filter: options.filter,
      paths: options.paths,
      built: options.built,
      onOutput: options.verbose
        ? (text) => process.stdout.write(text)
        : undefined,
    });
  } catch (error) {
    outcome = failed(error instanceof Error ? `${error.stack}` : String(error));
  }
  if (!options.verbose) console.log(heading);
  for (const note of outcome.notes) console.log(indent(shorten(note)));
  const parts = [`${outcome.passed} passed`];
  if (outcome.failed > 0) parts.push(`${outcome.failed} failed`);
  if (outcome.skipped > 0) parts.push(`${outcome.skipped} skipped`);
  console.log(
    `   ${isGood(outcome) ? "ok" : "NOT OK"}: ${parts.join(", ")} (${
      seconds(start)
    })`,
  );
  return outcome;
}

/** @param {{ id: string, group: string }} check */
function isMeasuring({ id, group }) {
  return MEASURING.includes(id) || MEASURING.includes(group);
}

/** @param {import("./_outcome.mjs").Outcome | undefined} outcome */
function isGood(outcome) {
  return outcome !== undefined && outcome.failed === 0 &&
    (outcome.skipped === 0 || !isCi());
}

function selected() {
  const testsOnly = options.filter !== undefined || options.paths.length > 0;
  const candidates = testsOnly
    ? CHECKS.filter(({ group }) => group === "tests" || group === "node")
    : CHECKS;
  if (options.only === undefined) return candidates;
  const known = CHECKS.flatMap(({ id, group }) => [id, group]);
  for (const name of options.only) {
    if (!known.includes(name)) {
      fail(`there is no check "${name}"; --list prints their names`);
    }
  }
  return candidates.filter(({ id, group }) =>
    options.only.includes(id) || options.only.includes(group) ||
    (group === "node" && options.only.includes("tests"))
  );
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        only: { type: "string" },
        filter: { type: "string" },
        built: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        verbose: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    return {
      ...values,
      only: values.only?.split(",").map((name) => name.trim()),
      paths: positionals,
    };
  } catch (error) {
    fail(error.message);
  }
}

/** @param {string} message */
function fail(message) {
  console.error(`npm test: ${message}\n\n${HELP}`);
  process.exit(2);
}

/** @param {number} start */
function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

/** @param {string} text */
function indent(text) {
  return text.replace(/^(?=.)/gm, "   ");
}

/** The end of a long text, where tools tell what is wrong. @param {string} text */
function shorten(text) {
  const lines = text.trimEnd().split("\n");
  if (lines.length <= 120) return lines.join("\n");
  return ["…", ...lines.slice(-120)].join("\n");
}
