/**
 * The charts of the benchmark, as SVG that stands on its own.
 *
 * @typedef {import("./_report.mjs").Results} Results
 * @typedef {import("./_report.mjs").WorkloadResult} WorkloadResult
 * @typedef {import("./_report.mjs").ContenderResult} ContenderResult
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { format } from "./_report.mjs";
import { RUNTIME_NAMES, RUNTIMES } from "./_runtimes.mjs";
import { SIZES } from "./_network_workloads.mjs";

const WIDTH = 760;
const BAR_HEIGHT = 22;
const LABEL_WIDTH = 190;

/** Signalbox strong, its rival on the same runtime in the same colour but pale, all others grey. */
const COLORS = Object.freeze({
  deno: "#1f6feb",
  bun: "#d9730d",
  node: "#2da44e",
  other: "#8c959f",
});

/** Marks of the lines, so that they can be told apart without colour. */
const DASHES = Object.freeze({ ours: "", others: "4 3" });

const TRANSPORTS = Object.freeze({
  "framed-tcp": "FramedTcp",
  "ws": "Ws",
  "tcp": "Tcp",
  "udp": "Udp",
});

/**
 * @typedef {object} Chart
 * @property {string} file
 * @property {string} alt what it shows, in words
 * @property {string} svg
 */

/**
 * All charts that the results have figures for.
 *
 * @param {Results} results
 * @returns {Chart[]}
 */
export function charts({ workloads, verdicts }) {
  const by = (/** @type {string} */ id) =>
    workloads.find((workload) => workload.id === id);
  /** @type {(Chart | undefined)[]} */
  const drawn = [
    barsChart(verdicts),
    ...Object.entries(TRANSPORTS).map(([transport, name]) =>
      sizesChart(transport, name, workloads)
    ),
    ...[
      "framed-tcp-64",
      "ws-64",
      "udp-64",
      "framed-tcp-echo",
      "ws-echo",
      "framed-tcp-pipelined",
      "ws-pipelined",
      "thousand-echo",
      "broadcast",
      "bulk",
      "timers-fired",
      "timers-cancelled",
    ].map((id) => {
      const workload = by(id);
      return workload && rankChart(workload);
    }),
  ];
  return drawn.filter((chart) => chart !== undefined);
}

/**
 * One line a contender: messages a second by their size.
 *
 * @param {string} transport
 * @param {string} name
 * @param {readonly WorkloadResult[]} workloads
 * @returns {Chart | undefined}
 */
function sizesChart(transport, name, workloads) {
  const points = SIZES.flatMap((size) =>
    (workloads.find(({ id }) => id === `${transport}-${size}`)?.contenders ??
      []).flatMap((contender) => {
        const value = contender.figures.value;
        return value === undefined ? [] : [{
          size,
          label: contender.label,
          ...value,
          color: colorOf(contender),
          isOurs: contender.isOurs,
        }];
      })
  );
  // Who was measured at one size alone has no line.
  const labels = new Set(
    points.map(({ label }) => label).filter((label) =>
      points.filter((point) => point.label === label).length > 1
    ),
  );
  const data = points.filter(({ label }) => labels.has(label));
  if (data.length === 0) return undefined;
  const lines = [...labels].map((label) =>
    data.filter((point) => point.label === label)
  );
  return {
    file: `one_way_${transport.replace("-", "_")}.svg`,
    alt: `${name}: messages a second, one way, by size`,
    svg: plot({
      title: `${name}, one way: messages a second by their size`,
      height: 420,
      marginLeft: 60,
      marginRight: LABEL_WIDTH,
      x: {
        type: "log",
        base: 2,
        label: "bytes a message",
        ticks: [...SIZES],
        tickFormat: (/** @type {number} */ size) => size.toLocaleString("en"),
      },
      y: {
        type: "log",
        grid: true,
        label: null,
        tickFormat: "~s",
      },
      marks: [
        ...lines.flatMap((line) => [
          Plot.lineY(line, {
            x: "size",
            y: "median",
            stroke: line[0]?.color,
            strokeWidth: line[0]?.isOurs ? 2.5 : 1.5,
            strokeDasharray: line[0]?.isOurs ? DASHES.ours : DASHES.others,
            marker: "dot",
          }),
          Plot.ruleX(line, {
            x: "size",
            y1: "min",
            y2: "max",
            stroke: line[0]?.color,
          }),
        ]),
        Plot.text(
          apart(lines.map((line) => line[line.length - 1])),
          {
            x: "size",
            y: "at",
            text: "label",
            fill: "color",
            textAnchor: "start",
            dx: 10,
          },
        ),
      ],
    }),
  };
}

/**
 * Moves labels on a logarithmic axis so far apart that none covers another.
 *
 * @template {{ median: number }} Point
 * @param {(Point | undefined)[]} points
 * @returns {(Point & { at: number })[]}
 */
function apart(points) {
  const sorted = points.filter((point) => point !== undefined)
    .sort((a, b) => a.median - b.median);
  let least = 0;
  return sorted.map((point) => {
    const at = Math.max(point.median, least);
    least = at * 1.28;
    return { ...point, at };
  });
}

/**
 * One bar a contender, the best first, with the spread of its runs.
 *
 * @param {WorkloadResult} workload
 * @returns {Chart | undefined}
 */
function rankChart({ id, title, unit, better, contenders }) {
  const data = contenders.flatMap((contender) => {
    const value = contender.figures.value;
    return value === undefined ? [] : [{
      label: contender.label,
      ...value,
      text: format(value.median, unit),
      color: colorOf(contender),
      opacity: contender.isOurs ? 1 : 0.45,
    }];
  }).sort((a, b) =>
    better === "higher" ? b.median - a.median : a.median - b.median
  );
  if (data.length === 0) return undefined;
  const largest = Math.max(...data.map(({ max }) => max));
  const least = Math.min(...data.map(({ median }) => median));
  // Where a bar would be too short to be seen, its logarithm is drawn.
  const isWide = largest / least > 200;
  return {
    file: `${id.replaceAll("-", "_")}.svg`,
    alt: `${title}, in ${unit}`,
    svg: plot({
      title: `${title} (${unit}; ${better} is better)`,
      height: 70 + BAR_HEIGHT * data.length,
      marginLeft: LABEL_WIDTH,
      marginRight: 70,
      x: {
        label: null,
        tickFormat: "~s",
        ...(isWide && { type: "log", domain: [least / 2, largest] }),
      },
      y: { label: null, domain: data.map(({ label }) => label) },
      marks: [
        Plot.barX(data, {
          x1: isWide ? least / 2 : 0,
          x2: "median",
          y: "label",
          fill: "color",
          fillOpacity: "opacity",
          insetTop: 3,
          insetBottom: 3,
        }),
        Plot.ruleY(data, {
          y: "label",
          x1: "min",
          x2: "max",
          stroke: "#24292f",
        }),
        Plot.text(data, {
          x: "max",
          y: "label",
          text: "text",
          textAnchor: "start",
          dx: 6,
        }),
      ],
    }),
  };
}

/**
 * How far each bar was passed or missed: 1 is the bar.
 *
 * @param {Results["verdicts"]} verdicts
 * @returns {Chart | undefined}
 */
function barsChart(verdicts) {
  const data = verdicts.flatMap(
    ({ short, subject, sense, limit, ratio, verdict }) =>
      ratio === undefined ? [] : [{
        label: short,
        margin: sense === "atLeast" ? ratio / limit : limit / ratio,
        name: RUNTIME_NAMES[subject] ??
          "",
        color: COLORS[/** @type {keyof typeof COLORS} */ (subject)] ??
          COLORS.other,
        symbol: verdict === "met" ? "circle" : "times",
      }],
  );
  if (data.length === 0) return undefined;
  const labels = [...new Set(data.map(({ label }) => label))];
  return {
    file: "bars.svg",
    alt: "How far each bar was passed or missed, on each runtime",
    svg: plot({
      title:
        "Bars: right of the line is met. Blue Deno, orange Bun, green Node, grey any",
      height: 90 + 24 * labels.length,
      marginLeft: 230,
      marginRight: 30,
      x: { type: "log", label: "times the bar", grid: true, tickFormat: "~g" },
      y: { label: null, domain: labels, grid: true },
      symbol: { domain: ["circle", "times"], range: ["circle", "times"] },
      marks: [
        Plot.ruleX([1], { stroke: "#24292f", strokeWidth: 1.5 }),
        Plot.dot(data, {
          x: "margin",
          y: "label",
          stroke: "color",
          symbol: "symbol",
          r: 5,
          strokeWidth: 2,
        }),
      ],
    }),
  };
}

/** @param {Pick<ContenderResult, "runtime" | "isOurs" | "id">} contender */
function colorOf({ runtime, isOurs, id }) {
  const isRuntimes = isOurs || /^(bare|native-ws|runtime)-/.test(id);
  return isRuntimes && RUNTIMES.some((name) => name === runtime)
    ? COLORS[/** @type {keyof typeof COLORS} */ (runtime)]
    : COLORS.other;
}

/**
 * @param {Record<string, unknown> & { title: string, height: number, marks: unknown[] }} options
 * @returns {string}
 */
function plot({ title, marks, ...options }) {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const element = Plot.plot({
    ...options,
    document,
    width: WIDTH,
    marginTop: 44,
    style: { background: "white", color: "#24292f", fontSize: "12px" },
    marks: [
      ...marks,
      Plot.text([title], {
        frameAnchor: "top-left",
        dx: 10 - Number(options.marginLeft ?? 40),
        dy: -32,
        fontWeight: "bold",
        fontSize: 14,
        textAnchor: "start",
      }),
    ],
  });
  return `${
    element.outerHTML.replace(
      "<svg ",
      '<svg xmlns="http://www.w3.org/2000/svg" ',
    )
  }\n`;
}
