/**
 * What the benchmark makes of its runs: medians, spreads, ratios and turns.
 */

/**
 * The middle of the values; of an even number the mean of the two in the middle.
 *
 * @param {Iterable<number>} values
 * @returns {number} NaN of none
 */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * A quantile, between two values in proportion (type 7 of Hyndman and Fan, 1996).
 *
 * @param {Iterable<number>} values
 * @param {number} at 0 to 1
 * @returns {number} NaN of none
 */
export function quantile(values, at) {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  const position = (sorted.length - 1) * at;
  const below = Math.floor(position);
  const low = sorted[below] ?? NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? NaN;
  return low + (high - low) * (position - below);
}

/**
 * @typedef {object} Summary
 * @property {number} median
 * @property {number} min
 * @property {number} max
 * @property {number} count
 */

/**
 * @param {readonly number[]} values
 * @returns {Summary | undefined} undefined of none
 */
export function summarize(values) {
  if (values.length === 0) return undefined;
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    count: values.length,
  };
}

/**
 * The order in which contenders take their turns in a round: each begins once,
 * and none always follows the same other through a change of the machine's mood.
 *
 * @template Item
 * @param {readonly Item[]} items
 * @param {number} round from 0
 * @returns {Item[]}
 */
export function turns(items, round) {
  if (items.length === 0) return [];
  const { length } = items;
  // Backwards in every other round: else one would always come after the same one.
  const step = round % 2 === 0 ? 1 : length - 1;
  return items.map((
    _,
    index,
  ) => /** @type {Item} */ (items[(round + index * step) % length]));
}
