/**
 * The tables of the benchmark, for the terminal and for the page.
 *
 * @typedef {import("./_statistics.mjs").Summary} Summary
 *
 * @typedef {object} ContenderResult
 * @property {string} id
 * @property {string} label
 * @property {string | null} runtime
 * @property {boolean} isOurs
 * @property {Record<string, number>[]} runs
 * @property {Record<string, Summary>} figures
 * @property {string[]} failures
 *
 * @typedef {object} WorkloadResult
 * @property {string} id
 * @property {string} title
 * @property {string} unit
 * @property {"higher" | "lower"} better
 * @property {ContenderResult[]} contenders
 *
 * @typedef {object} Results
 * @property {1} format
 * @property {string} date
 * @property {Record<string, unknown>} options
 * @property {Record<string, unknown>} machine
 * @property {Record<string, string>} versions
 * @property {WorkloadResult[]} workloads
 * @property {import("./_bars.mjs").Verdict[]} verdicts
 *
 * @typedef {object} Table
 * @property {string[]} head
 * @property {string[][]} rows
 */
import { RUNTIME_NAMES, RUNTIMES } from "./_runtimes.mjs";

const PREFIXES = /** @type {const} */ ([[1e9, "G"], [1e6, "M"], [1e3, "k"]]);

/**
 * A number with three digits that mean something.
 *
 * @param {number} value
 * @param {string} unit
 */
export function format(value, unit) {
  if (/\/s/.test(unit)) {
    for (const [factor, prefix] of PREFIXES) {
      if (value >= factor) return `${digits(value / factor)} ${prefix}`;
    }
  }
  return digits(value);
}

/** @param {number} value */
function digits(value) {
  if (!Number.isFinite(value)) return "–";
  if (value > 0 && value < 0.1) return value.toPrecision(2);
  if (value >= 1_000) {
    return Math.round(value).toLocaleString("en", { useGrouping: true });
  }
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

/**
 * @param {Summary} summary
 * @param {string} unit
 */
function spread({ min, max, count }, unit) {
  return count === 1 ? "" : `${format(min, unit)} – ${format(max, unit)}`;
}

/**
 * The table of one workload: every contender, and how many times its figure
 * signalbox has on each runtime. A contender that is a runtime's own is compared
 * with signalbox on that runtime alone.
 *
 * @param {WorkloadResult} workload
 * @returns {Table}
 */
export function workloadTable(workload) {
  if (workload.id === "import-time") return pivot(workload);
  const { unit, contenders } = workload;
  const p99 = contenders.some(({ figures }) => "p99" in figures);
  const minified = contenders.some(({ figures }) => "minified" in figures);
  const rivals = contenders.filter(({ isOurs }) => !isOurs);
  const ours = new Map(
    contenders.filter(({ isOurs }) => isOurs).map((
      { runtime, figures },
    ) => [runtime, figures.value?.median]),
  );
  const columns = rivals.length === 0
    ? []
    : RUNTIMES.filter((runtime) => ours.has(runtime));
  const rows = contenders.map((contender) => {
    const { label, figures, failures, isOurs } = contender;
    const { value } = figures;
    if (value === undefined) {
      return [label, failures.length > 0 ? "failed" : "–"];
    }
    return [
      label,
      format(value.median, unit),
      spread(value, unit),
      ...(p99 ? [format(figures.p99?.median ?? NaN, unit)] : []),
      ...(minified ? [format(figures.minified?.median ?? NaN, unit)] : []),
      ...columns.map((runtime) => {
        const own = ours.get(runtime);
        const applies = !isOurs && own !== undefined &&
          isComparable(contender, runtime, rivals);
        return applies ? `${digits(own / value.median)} ×` : "";
      }),
    ];
  });
  return {
    head: [
      "",
      unit,
      "min – max",
      ...(p99 ? ["p99"] : []),
      ...(minified ? ["minified"] : []),
      ...columns.map((runtime) => `signalbox, ${RUNTIME_NAMES[runtime]}`),
    ],
    rows,
  };
}

/**
 * Whether a contender says something about signalbox on a runtime: one of that
 * runtime does, and one that is there in a single form.
 *
 * @param {ContenderResult} contender
 * @param {string} runtime
 * @param {readonly ContenderResult[]} rivals
 */
function isComparable(contender, runtime, rivals) {
  if (contender.runtime === null || contender.runtime === runtime) return true;
  // `ws` on Node is what the others are held against, where it runs as well.
  if (contender.id === "ws-node") return true;
  const family = contender.id.slice(0, -contender.runtime.length);
  return rivals.filter(({ id }) => id.startsWith(family)).length === 1;
}

/** A rival that is ahead by less than this part is neither ahead nor behind. */
const TIE = 0.05;

/**
 * Every rival that is ahead of signalbox on some runtime: how many times its
 * figure signalbox has there.
 *
 * @param {readonly WorkloadResult[]} workloads
 * @returns {Table}
 */
export function lossTable(workloads) {
  const rows = workloads.flatMap(({ title, better, contenders }) => {
    const rivals = contenders.filter(({ isOurs }) => !isOurs);
    return rivals.flatMap((rival) => {
      const cells = RUNTIMES.map((runtime) => {
        const own = contenders.find((contender) =>
          contender.isOurs && contender.runtime === runtime
        )?.figures.value?.median;
        const other = rival.figures.value?.median;
        if (own === undefined || other === undefined) return "";
        if (!isComparable(rival, runtime, rivals)) return "";
        const ratio = own / other;
        const isBehind = better === "higher"
          ? ratio < 1 - TIE
          : ratio > 1 + TIE;
        return isBehind ? `${digits(ratio)} ×` : "";
      });
      return cells.some((cell) => cell !== "")
        ? [[title, rival.label, ...cells]]
        : [];
    });
  });
  return {
    head: [
      "workload",
      "who is ahead",
      ...RUNTIMES.map((runtime) =>
        `signalbox, ${RUNTIME_NAMES[runtime] ?? runtime}`
      ),
    ],
    rows,
  };
}

/**
 * Subpaths down, runtimes across.
 *
 * @param {WorkloadResult} workload
 * @returns {Table}
 */
function pivot({ unit, contenders }) {
  const labels = [...new Set(contenders.map(({ label }) => label))];
  const runtimes = RUNTIMES.filter((name) =>
    contenders.some(({ runtime }) => runtime === name)
  );
  return {
    head: [unit, ...runtimes.map((runtime) => RUNTIME_NAMES[runtime])],
    rows: labels.map((label) => [
      label,
      ...runtimes.map((name) => {
        const value = contenders.find((contender) =>
          contender.label === label && contender.runtime === name
        )?.figures.value;
        return value === undefined
          ? "–"
          : `${format(value.median, unit)} (${spread(value, unit)})`;
      }),
    ]),
  };
}

/**
 * The table of bars: each a row, with what came of it on each runtime.
 *
 * @param {readonly import("./_bars.mjs").Verdict[]} verdicts
 * @returns {Table}
 */
export function barTable(verdicts) {
  const { runtimes, bars } = barsOf(verdicts);
  return {
    head: [
      "workload",
      "against",
      "bar",
      ...runtimes.map((runtime) => RUNTIME_NAMES[runtime] ?? runtime),
      "any",
    ],
    rows: bars.map((own) => {
      const [first] = own;
      const cell = (/** @type {(subject: string) => boolean} */ matches) => {
        const verdict = own.find(({ subject }) => matches(subject));
        return verdict === undefined ? "" : verdictText(verdict);
      };
      return [
        first?.title ?? "",
        first?.against ?? "",
        limitText(own),
        ...runtimes.map((runtime) => cell((subject) => subject === runtime)),
        cell((subject) => !(subject in RUNTIME_NAMES)),
      ];
    }),
  };
}

/**
 * How signalbox stands beside others, in short: the ratios of the bars that have a rival.
 *
 * @param {readonly import("./_bars.mjs").Verdict[]} verdicts
 * @returns {Table}
 */
export function standingTable(verdicts) {
  const { runtimes, bars } = barsOf(
    verdicts.filter(({ rival }) => rival !== undefined),
  );
  return {
    head: [
      "",
      "beside",
      ...runtimes.map((runtime) => RUNTIME_NAMES[runtime] ?? runtime),
    ],
    rows: bars.map((own) => [
      own[0]?.title ?? "",
      own[0]?.against ?? "",
      ...runtimes.map((runtime) => {
        const ratio = own.find(({ subject }) => subject === runtime)?.ratio;
        return ratio === undefined ? "" : `${digits(ratio)} ×`;
      }),
    ]),
  };
}

/**
 * The verdicts of each bar, and the runtimes that they are about.
 *
 * @param {readonly import("./_bars.mjs").Verdict[]} verdicts
 */
function barsOf(verdicts) {
  const ids = [...new Set(verdicts.map(({ bar }) => bar))];
  return {
    runtimes: RUNTIMES.filter((runtime) =>
      verdicts.some(({ subject }) => subject === runtime)
    ),
    bars: ids.map((id) => verdicts.filter(({ bar }) => bar === id)),
  };
}

/** @param {readonly import("./_bars.mjs").Verdict[]} verdicts of one bar */
function limitText(verdicts) {
  const [first] = verdicts;
  if (first === undefined) return "";
  const isOne = verdicts.every(({ limit }) => limit === first.limit);
  const limits = isOne ? String(first.limit) : verdicts
    .map(({ limit, subject }) => `${limit} on ${RUNTIME_NAMES[subject]}`)
    .join(", ");
  return `${first.sense === "atLeast" ? "≥" : "≤"} ${limits}${
    first.aim === undefined ? "" : ` (aim ${first.aim})`
  }`;
}

/** @param {import("./_bars.mjs").Verdict} verdict */
function verdictText({ ratio, verdict }) {
  return ratio === undefined ? verdict : `${digits(ratio)} ${verdict}`;
}

/** @param {Table} table */
export function textTable({ head, rows }) {
  const all = [head, ...rows];
  const widths = head.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? "").length))
  );
  return all.map((row) =>
    row.map((cell, column) =>
      column === 0
        ? cell.padEnd(widths[column] ?? 0)
        : cell.padStart(widths[column] ?? 0)
    ).join("  ").trimEnd()
  ).join("\n");
}

/**
 * @param {Table} table
 * @param {number} [left] how many columns are text
 */
export function markdownTable({ head, rows }, left = 1) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
  return [
    line(head),
    line(head.map((_, column) => column < left ? "---" : "---:")),
    ...rows.map((row) =>
      line(head.map((_, column) => (row[column] ?? "").replaceAll("|", "\\|")))
    ),
  ].join("\n");
}
