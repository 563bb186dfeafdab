/**
 * Measures signalbox beside the runtimes' own means and its peers: `npm run bench`.
 *
 * Plain JavaScript, because Node 20 runs it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { judge } from "../bench/_bars.mjs";
import { preparePeers } from "../bench/_contenders.mjs";
import { load, machine, versions } from "../bench/_machine.mjs";
import { RUNTIMES } from "../bench/_runtimes.mjs";
import { barTable, textTable, workloadTable } from "../bench/_report.mjs";
import { runAll, runWithin, titleOf } from "../bench/_run.mjs";
import { WORKLOADS } from "../bench/_workloads.mjs";
import { ensureDependencies } from "./runtimes.mjs";

const HELP = `npm run bench -- [options]

  --peers          also measure what needs Rust or packages of npm
  --quick          the workloads of most bars, in under two minutes: a quarter of
                   the bulk, a tenth of the timers, and on a busy machine fewer
                   runs than five
  --only NAMES     these workloads, separated by commas; the beginning of a name is enough
  --runtime NAMES  deno, bun, node, separated by commas; default: all
  --runs N         how often each contender is measured; default 5, and round
                   trips twice as often
  --json FILE      write everything down
  --charts         draw the charts and the page of docs/benchmarks/ from it, which
                   takes a whole run
  --list           print the workloads and contenders
  --help           print this

Each figure is the median of its runs, between the least and the greatest. The
contenders of a workload take turns. The exit status is 1 if one of signalbox's
own runs failed; a bar that is missed does not change it. Where there is no
Cargo, what needs it is left out of --peers.`;

/** @type {import("../bench/_workloads.mjs").Settings} */
const FULL = {
  runs: 5,
  warmupSeconds: 0.15,
  seconds: 0.4,
  longSeconds: 0.8,
  bulkMessages: 16_384,
  signals: 1_000_000,
  connections: 1_000,
};

/** @type {import("../bench/_workloads.mjs").Settings} */
const QUICK = {
  ...FULL,
  warmupSeconds: 0.1,
  seconds: 0.15,
  longSeconds: 0.15,
  bulkMessages: 4_096,
  signals: 100_000,
};

/** With what comes before and after, under two minutes. */
const QUICK_BUDGET_MS = 105_000;

/** Who is left out for want of something, each told once. @type {Set<string>} */
const leftOut = new Set();
const isTerminal = process.stderr.isTTY === true;
const options = readOptions();
main().then((code) => process.exit(code), (error) => {
  progress("");
  console.error(`npm run bench: ${error.message}`);
  process.exit(1);
});

async function main() {
  const workloads = selected();
  if (options.list) return list(workloads);
  ensureDependencies();
  if (options.peers) preparePeers();
  const startedAt = performance.now();
  /** @type {import("../bench/_report.mjs").Results} */
  const results = {
    format: 1,
    date: new Date().toISOString(),
    options: {
      runs: options.settings.runs,
      quick: options.quick,
      peers: options.peers,
      settings: options.settings,
    },
    machine: { ...machine(), loadBefore: load() },
    versions: versions(options.peers),
    workloads:
      /** @type {import("../bench/_report.mjs").WorkloadResult[]} */ ([]),
    verdicts: /** @type {import("../bench/_bars.mjs").Verdict[]} */ ([]),
  };
  // Before anything is measured: a file that cannot be written would lose it.
  write(results);
  for (const [name, value] of Object.entries(results.versions)) {
    console.log(`${name.padEnd(14)}${value}`);
  }
  const run = {
    settings: options.settings,
    takesPart,
    onProgress: progress,
    onResult(
      /** @type {import("../bench/_report.mjs").WorkloadResult} */ result,
    ) {
      progress("");
      results.workloads.push(result);
      console.log(
        `\n── ${result.title} (${result.id})\n${
          textTable(workloadTable(result))
        }`,
      );
      complain(result);
      // At once: a long run that is broken off has still measured something.
      write(results);
    },
  };
  if (options.quick) {
    await runWithin(workloads, { ...run, budgetMs: QUICK_BUDGET_MS });
  } else await runAll(workloads, run);
  Object.assign(results.machine, {
    loadAfter: load(),
    minutes: Math.round((performance.now() - startedAt) / 6_000) / 10,
  });
  results.verdicts = judge(results.workloads);
  write(results);
  printBars(results);
  if (options.charts) {
    const { drawCharts } = await import("./bench_charts.mjs");
    await drawCharts(results);
  }
  const isBroken = results.workloads.some(({ contenders }) =>
    contenders.some(({ isOurs, failures }) => isOurs && failures.length > 0)
  );
  return isBroken ? 1 : 0;
}

/** @param {import("../bench/_report.mjs").Results} results */
function printBars(results) {
  if (options.quick) {
    const counts = results.workloads.flatMap(({ contenders }) =>
      contenders.map(({ runs }) => runs.length)
    );
    console.log(
      `\nA look: short runs, ${
        Math.max(0, ...counts)
      } of each contender, and less than a million timers and 1 GiB.`,
    );
  }
  const judged = results.verdicts.filter(({ subject, workload }) =>
    (subject.startsWith("./") || options.runtimes.includes(subject)) &&
    (options.only === undefined ||
      results.workloads.some(({ id }) => id === workload))
  );
  if (judged.length === 0) return;
  const count = (/** @type {string} */ verdict) =>
    judged.filter((one) => one.verdict === verdict).length;
  console.log(`\n── The bars\n${textTable(barTable(judged))}`);
  console.log(
    `\n${count("met")} bars met, ${count("missed")} missed, ${
      count("not measured")
    } not measured; ${results.machine.minutes} minutes`,
  );
}

/** The workloads that were asked for. */
function selected() {
  const { only, quick } = options;
  if (only === undefined) {
    return WORKLOADS.filter(({ isQuick }) => isQuick || !quick);
  }
  const ids = only.flatMap((name) => {
    const all = WORKLOADS.map(({ id }) => id);
    // A whole name is no beginning: `udp-64` does not mean `udp-64…` too.
    const meant = all.includes(name)
      ? [name]
      : all.filter((id) => name !== "" && id.startsWith(name));
    if (meant.length === 0) fail(`there is no workload "${name}"`);
    return meant;
  });
  return WORKLOADS.filter(({ id }) => ids.includes(id));
}

/** @param {import("../bench/_workloads.mjs").Entry} entry */
function takesPart({ runtime, label, isPeer, problem }) {
  if (isPeer && !options.peers) return false;
  const reason = problem?.();
  if (reason !== undefined) {
    if (!leftOut.has(label)) console.log(`skipped: ${label}: ${reason}`);
    leftOut.add(label);
    return false;
  }
  return runtime === undefined || isPeer || options.runtimes.includes(runtime);
}

/** @param {readonly import("../bench/_workloads.mjs").Workload[]} workloads */
function list(workloads) {
  for (const workload of workloads) {
    const labels = [
      ...new Set(
        workload.contenders().filter(takesPart).map(({ label }) => label),
      ),
    ];
    console.log(
      `${workload.id.padEnd(22)}${titleOf(workload, options.settings)}\n${
        " ".repeat(22)
      }${labels.join("; ")}`,
    );
  }
  return 0;
}

/** @param {import("../bench/_report.mjs").WorkloadResult} result */
function complain({ contenders }) {
  for (const { label, failures } of contenders) {
    for (const failure of failures) console.log(`   ${label}: ${failure}`);
  }
}

/** @param {object} results */
function write(results) {
  if (options.json === undefined) return;
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
}

/** @param {string} text */
function progress(text) {
  if (isTerminal) process.stderr.write(`\r\x1b[K${text}`);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        peers: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        runtime: { type: "string" },
        runs: { type: "string" },
        json: { type: "string" },
        charts: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const runtimes = values.runtime?.split(",") ?? [...RUNTIMES];
    for (const runtime of runtimes) {
      if (!RUNTIMES.some((known) => known === runtime)) {
        throw new Error(`there is no runtime "${runtime}"`);
      }
    }
    if (
      values.charts &&
      (values.quick || values.only !== undefined ||
        values.runtime !== undefined)
    ) {
      throw new Error(
        "--charts goes with none of --quick, --only and --runtime: the page has all figures",
      );
    }
    const settings = values.quick ? QUICK : FULL;
    const runs = Number(values.runs ?? settings.runs);
    if (!Number.isInteger(runs) || runs < 1) {
      throw new Error("--runs must be a whole number from 1");
    }
    return {
      ...values,
      only: values.only?.split(","),
      runtimes,
      settings: { ...settings, runs },
      json: values.json === undefined ? undefined : resolve(values.json),
    };
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(`npm run bench: ${message}\n\n${HELP}`);
  process.exit(2);
}
