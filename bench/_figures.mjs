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

/**
 * Throws if a sink that counts everything received less than its source sent.
 *
 * @param {Record<string, unknown>} sink
 * @param {Record<string, unknown>} source
 */
export function checkNothingIsLost({ total }, { messages }) {
  if (total === undefined || total === messages) return;
  throw new Error(`${messages} messages were sent and ${total} received`);
}
