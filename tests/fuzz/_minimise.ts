/**
 * Makes a failing input small.
 *
 * @module
 */

/**
 * Leaves out and simplifies parts of an input as long as it still fails.
 *
 * @param fails Whether an input fails in the same way.
 * @param tries How often it may be asked.
 */
export async function minimise(
  input: Uint8Array,
  fails: (candidate: Uint8Array) => boolean | Promise<boolean>,
  tries: number,
): Promise<Uint8Array> {
  let best = input;
  let left = tries;
  const better = async (candidate: Uint8Array): Promise<boolean> => {
    if (left <= 0) return false;
    left -= 1;
    if (!await fails(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let size = best.length; size >= 1 && left > 0; size >>= 1) {
    for (let at = 0; at < best.length && left > 0;) {
      const rest = best.subarray(Math.min(best.length, at + size));
      const candidate = new Uint8Array(at + rest.length);
      candidate.set(best.subarray(0, at));
      candidate.set(rest, at);
      // The same place again: another part stands there now.
      if (!await better(candidate)) at += size;
    }
  }
  for (let at = 0; at < best.length && left > 0; at++) {
    if (best[at] === 0) continue;
    const candidate = best.slice();
    candidate[at] = 0;
    await better(candidate);
  }
  return best;
}
