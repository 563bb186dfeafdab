/**
 * Draws the charts of a run of the benchmark and writes its tables into the page
 * of `docs/benchmarks/`: `node scripts/bench_charts.mjs FILE`.
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { charts } from "../bench/_charts.mjs";
import {
  barTable,
  format,
  lossTable,
  markdownTable,
  standingTable,
  workloadTable,
} from "../bench/_report.mjs";
import { judge } from "../bench/_bars.mjs";
import { RUNTIME_NAMES, RUNTIMES } from "../bench/_runtimes.mjs";
import { execute } from "./_command.mjs";
import { denoPath, root } from "./runtimes.mjs";

const folder = join(root, "docs", "benchmarks");
const page = join(folder, "README.md");
/** The project's own page, which shows the same in short. */
const overview = join(root, "README.md");
/** The page's own results, from which everything in it can be made again. */
const RESULTS = "results.json";
/** Columns of the table of bars that are text. */
const TEXT_COLUMNS_OF_BARS = 3;

/**
 * Draws all charts and writes the tables.
 *
 * @param {import("../bench/_report.mjs").Results} measured
 */
export async function drawCharts(measured) {
  if (measured.options?.quick !== false) {
    throw new Error("the page shows whole runs, and this is none");
  }
  // Of the figures that are kept, so that they make the same page again.
  const results = rounded(measured);
  // By the bars as they are now, also when the run was broken off.
  results.verdicts = judge(results.workloads);
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) {
    if (file.endsWith(".svg")) rmSync(join(folder, file));
  }
  const drawn = charts(results);
  for (const { file, svg } of drawn) writeFileSync(join(folder, file), svg);
  writeFileSync(
    join(folder, RESULTS),
    `${JSON.stringify(rounded(results), null, 2)}\n`,
  );
  let text = readFileSync(page, "utf8");
  text = fill(text, "machine", machineText(results));
  text = fill(text, "bars", barsText(results, drawn));
  text = fill(text, "losses", lossesText(results));
  text = fill(text, "workloads", workloadsText(results, drawn));
  writeFileSync(page, text);
  writeFileSync(
    overview,
    fill(readFileSync(overview, "utf8"), "speed", speedText(results)),
  );
  // All of it, drawings too: the folder is checked like every other.
  const { code, output } = await execute(denoPath(), [
    "fmt",
    "--quiet",
    folder,
    overview,
  ]);
  if (code !== 0) throw new Error(`deno fmt failed: ${output}`);
  console.log(`Drew ${drawn.length} charts into docs/benchmarks/.`);
}

/**
 * Puts text between two markers of the page.
 *
 * @param {string} page
 * @param {string} name
 * @param {string} text
 */
function fill(page, name, text) {
  const [begin, end] = [`<!-- ${name}: generated -->`, `<!-- /${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page has no ${begin}`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${
    page.slice(to)
  }`;
}

/** @param {import("../bench/_report.mjs").Results} results */
function machineText({ date, machine, versions, options }) {
  const rows = [
    ["Date", date.slice(0, 10)],
    ["Processor", `${machine.cpu}, ${machine.cores} cores`],
    ["Memory", `${machine.memoryGiB} GiB`],
    ["System", String(machine.system)],
    [
      "Load before and after",
      `${machine.loadBefore} and ${machine.loadAfter ?? "?"}`,
    ],
    ["Minutes", String(machine.minutes ?? "broken off")],
    [
      "Runs of each contender",
      `${options.runs}; of round trips ${2 * options.runs}`,
    ],
    ...Object.entries(versions),
  ];
  const table = markdownTable({ head: ["", ""], rows }, 2);
  return isBusy(machine) ? `${BUSY}\n\n${table}` : table;
}

const BUSY =
  "**The machine was busy with other work during this run.** The spreads are wide,\n" +
  "and the figures are to be measured again on a quiet one.";

/**
 * Whether others wanted the processors too: the benchmark itself keeps two of them at work.
 *
 * @param {Record<string, unknown>} machine
 */
function isBusy({ cores, loadBefore, loadAfter }) {
  return Number(loadBefore) > 1 || Number(loadAfter ?? 0) > Number(cores) + 1;
}

/** @param {import("../bench/_report.mjs").Results} results */
function speedText({ date, machine, workloads, verdicts }) {
  const one = workloads.find(({ id }) => id === "framed-tcp-64")?.contenders ??
    [];
  const speeds = RUNTIMES.flatMap((runtime) => {
    const speed = one.find(({ id }) => id === `signalbox-${runtime}`)?.figures
      .value?.median;
    return speed === undefined
      ? []
      : [`${format(speed, "messages/s")} on ${RUNTIME_NAMES[runtime]}`];
  });
  return [
    isBusy(machine) ? BUSY : "",
    `On ${
      date.slice(0, 10)
    }, with ${machine.cores} cores, one connection over \`FramedTcp\` carried so many messages of 64 bytes a second: ${
      speeds.join(", ")
    }. How many times the figure of others signalbox has:`,
    markdownTable(standingTable(verdicts), 2),
  ].filter((part) => part !== "").join("\n\n");
}

/**
 * @param {import("../bench/_report.mjs").Results} results
 * @param {readonly import("../bench/_charts.mjs").Chart[]} drawn
 */
function barsText({ verdicts }, drawn) {
  const counts = ["met", "missed", "not measured"].map((verdict) =>
    `${verdicts.filter((one) => one.verdict === verdict).length} ${verdict}`
  );
  return [
    `Of ${verdicts.length}: ${counts.join(", ")}.`,
    picture(drawn, "bars.svg"),
    markdownTable(barTable(verdicts), TEXT_COLUMNS_OF_BARS),
  ].filter((part) => part !== "").join("\n\n");
}

/** @param {import("../bench/_report.mjs").Results} results */
function lossesText({ workloads }) {
  const table = lossTable(workloads);
  return table.rows.length === 0
    ? "Nobody, by more than 5 %."
    : markdownTable(table, 2);
}

/**
 * @param {import("../bench/_report.mjs").Results} results
 * @param {readonly import("../bench/_charts.mjs").Chart[]} drawn
 */
function workloadsText({ workloads }, drawn) {
  return workloads.map((workload) => {
    const { id, title, better } = workload;
    const size = /^(.*)-16$/.exec(id)?.[1];
    return [
      `### ${title}`,
      size === undefined
        ? ""
        : picture(drawn, `one_way_${size.replace("-", "_")}.svg`),
      picture(drawn, `${id.replaceAll("-", "_")}.svg`),
      `${better === "higher" ? "Higher" : "Lower"} is better.`,
      markdownTable(workloadTable(workload)),
    ].filter((part) => part !== "").join("\n\n");
  }).join("\n\n");
}

/**
 * @param {readonly import("../bench/_charts.mjs").Chart[]} drawn
 * @param {string} name
 */
function picture(drawn, name) {
  const chart = drawn.find(({ file }) => file === name);
  return chart === undefined ? "" : `![${chart.alt}](${name})`;
}

/**
 * Numbers with no more digits than mean something: the file is kept.
 *
 * @template Value
 * @param {Value} value
 * @returns {Value}
 */
function rounded(value) {
  return JSON.parse(
    JSON.stringify(
      value,
      (_, part) =>
        typeof part === "number" && !Number.isInteger(part)
          ? Number(part.toPrecision(5))
          : part,
    ),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file, ...others] = process.argv.slice(2);
  if (file === undefined || others.length > 0) {
    console.error(
      "node scripts/bench_charts.mjs FILE (of npm run bench -- --json FILE)",
    );
    process.exit(2);
  }
  try {
    await drawCharts(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`${file}: ${reason}`);
    process.exitCode = 1;
  }
}
