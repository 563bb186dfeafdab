/**
 * Runs workloads: in each round every contender has one turn, in an order that
 * changes from round to round.
 */
import { summarize, turns } from "./_statistics.mjs";

/**
 * @typedef {object} RunOptions
 * @property {import("./_workloads.mjs").Settings} settings
 * @property {(entry: import("./_workloads.mjs").Entry) => boolean} takesPart
 * @property {(text: string) => void} onProgress
 */

/**
 * What a workload is called where so much is done.
 *
 * @param {import("./_workloads.mjs").Workload} workload
 * @param {import("./_workloads.mjs").Settings} settings
 */
export function titleOf({ title }, settings) {
  return typeof title === "string" ? title : title(settings);
}

/** One workload under way. */
export class WorkloadRun {
  #workload;
  #options;
  #entries;
  /** @type {Map<string, import("./_report.mjs").ContenderResult>} */
  #results;
  #rounds = 0;

  /**
   * @param {import("./_workloads.mjs").Workload} workload
   * @param {RunOptions} options
   */
  constructor(workload, options) {
    this.#workload = workload;
    this.#options = options;
    this.#entries = workload.contenders().filter(options.takesPart);
    this.#results = new Map(this.#entries.map((entry) => [entry.id, {
      id: entry.id,
      label: entry.label,
      runtime: entry.runtime ?? null,
      isOurs: entry.isOurs,
      runs: [],
      figures: {},
      failures: [],
    }]));
  }

  /** Whether nobody takes part. */
  get isEmpty() {
    return this.#entries.length === 0;
  }

  /** How often each contender is to be measured. */
  get rounds() {
    const { runs } = this.#options.settings;
    return this.#workload.isFickle === true ? 2 * runs : runs;
  }

  /** Gives every contender one turn, unless what it measures never changes and is known. */
  async round() {
    const { id, isFixed, prepare } = this.#workload;
    const { settings, onProgress } = this.#options;
    if (isFixed === true && this.#rounds > 0) return;
    if (this.#rounds === 0) await prepare?.();
    for (const entry of turns(this.#entries, this.#rounds)) {
      const result = this.#results.get(entry.id);
      // Who failed twice has shown that it cannot; a failure may take long.
      if (result === undefined || result.failures.length > 1) continue;
      onProgress(
        `${id}  ${this.#rounds + 1}/${this.rounds}  ${entry.label}`,
      );
      try {
        const figures = await entry.run(settings);
        if (!Number.isFinite(figures.value)) throw new Error("no figure");
        result.runs.push(figures);
      } catch (error) {
        result.failures.push(
          error instanceof Error ? error.message : String(error),
        );
      }
    }
    this.#rounds++;
  }

  /** @returns {import("./_report.mjs").WorkloadResult} */
  result() {
    for (const result of this.#results.values()) {
      for (const name of Object.keys(result.runs[0] ?? {})) {
        const summary = summarize(
          result.runs.flatMap((figures) => figures[name] ?? []),
        );
        if (summary !== undefined) result.figures[name] = summary;
      }
    }
    const { id, unit, better } = this.#workload;
    return {
      id,
      title: titleOf(this.#workload, this.#options.settings),
      unit,
      better,
      contenders: [...this.#results.values()],
    };
  }
}

/**
 * Runs workloads one after the other, all rounds of each: what is compared is
 * measured within a minute or two.
 *
 * @param {readonly import("./_workloads.mjs").Workload[]} workloads
 * @param {RunOptions & { onResult: (result: import("./_report.mjs").WorkloadResult) => void }} options
 */
export async function runAll(workloads, options) {
  for (const workload of workloads) {
    const run = new WorkloadRun(workload, options);
    if (run.isEmpty) continue;
    for (let round = 0; round < run.rounds; round++) await run.round();
    options.onResult(run.result());
  }
}

/**
 * Runs all workloads once, then again, and so on, until the rounds are done or
 * one more would take longer than there is time. One round is always done.
 *
 * @param {readonly import("./_workloads.mjs").Workload[]} workloads
 * @param {RunOptions & {
 *   onResult: (result: import("./_report.mjs").WorkloadResult) => void,
 *   budgetMs: number,
 *   now?: () => number,
 * }} options
 */
export async function runWithin(workloads, options) {
  const { budgetMs, now = () => performance.now() } = options;
  const runs = workloads.map((workload) => new WorkloadRun(workload, options))
    .filter((run) => !run.isEmpty);
  const startedAt = now();
  let longest = 0;
  for (let round = 0; round < options.settings.runs; round++) {
    const began = now();
    if (round > 0 && began - startedAt + longest > budgetMs) break;
    for (const run of runs) await run.round();
    longest = Math.max(longest, now() - began);
  }
  for (const run of runs) options.onResult(run.result());
}
