/**
 * Runs workloads: in each round every contender has one turn, in an order that
 * changes from round to round.
 */
import { summarize, turns } from "./_statistics.mjs";

/**
 * @param {import("./_workloads.mjs").Workload} workload
 * @param {object} options
 * @param {import("./_workloads.mjs").Settings} options.settings
 * @param {(entry: import("./_workloads.mjs").Entry) => boolean} options.takesPart
 * @param {(text: string) => void} options.onProgress
 * @returns {Promise<import("./_report.mjs").WorkloadResult>}
 */
export async function runWorkload(workload, options) {
  const { settings, takesPart, onProgress } = options;
  const entries = workload.contenders().filter(takesPart);
  const results = new Map(entries.map((entry) => [entry.id, {
    id: entry.id,
    label: entry.label,
    runtime: entry.runtime ?? null,
    isOurs: entry.isOurs,
    runs: /** @type {Record<string, number>[]} */ ([]),
    figures:
      /** @type {Record<string, import("./_statistics.mjs").Summary>} */ ({}),
    failures: /** @type {string[]} */ ([]),
  }]));
  await workload.prepare?.();
  const rounds = workload.isFixed === true ? 1 : settings.runs;
  for (let round = 0; round < rounds; round++) {
    for (const entry of turns(entries, round)) {
      const result = results.get(entry.id);
      // Who failed twice has shown that it cannot; a failure may take long.
      if (result === undefined || result.failures.length > 1) continue;
      onProgress(`${workload.id}  ${round + 1}/${rounds}  ${entry.label}`);
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
  }
  for (const result of results.values()) {
    for (const name of Object.keys(result.runs[0] ?? {})) {
      const summary = summarize(
        result.runs.flatMap((figures) => figures[name] ?? []),
      );
      if (summary !== undefined) result.figures[name] = summary;
    }
  }
  const { id, title, unit, better } = workload;
  return { id, title, unit, better, contenders: [...results.values()] };
}
