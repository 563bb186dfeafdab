/**
 * What came of a check.
 *
 * @typedef {object} Outcome
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string[]} notes why something failed or was skipped
 */

/** @returns {Outcome} */
export function passed() {
  return { passed: 1, failed: 0, skipped: 0, notes: [] };
}

/**
 * @param {string[]} notes
 * @returns {Outcome}
 */
export function failed(...notes) {
  return { passed: 0, failed: 1, skipped: 0, notes };
}

/**
 * @param {string} reason
 * @returns {Outcome}
 */
export function skipped(reason) {
  return { passed: 0, failed: 0, skipped: 1, notes: [`skipped: ${reason}`] };
}

/**
 * @param {Outcome[]} outcomes
 * @returns {Outcome}
 */
export function sum(outcomes) {
  const total = { passed: 0, failed: 0, skipped: 0, notes: [] };
  for (const { passed, failed, skipped, notes } of outcomes) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    total.notes.push(...notes);
  }
  return total;
}
