/**
 * What a program's result comes to.
 *
 * @param {Record<string, unknown>} result a line of the command line of the peers
 * @returns {import("./_workloads.mjs").Figures}
 */
export function rates({ messages, bytes, seconds }) {
  return {
    value: Number(messages) / Number(seconds),
    ...(bytes !== undefined &&
      { bytesPerSecond: Number(bytes) / Number(seconds) }),
  };
}
