/**
 * Time outside of a simulation.
 *
 * @module
 */

function isFunction(value: unknown): value is (callback: () => void) => void {
  return typeof value === "function";
}

// Kept from the start: a test may replace the global ones meanwhile.
const immediate: unknown = Reflect.get(globalThis, "setImmediate");
const { setTimeout } = globalThis;
const now = performance.now.bind(performance);

/** Milliseconds on the real clock. */
export function realNow(): number {
  return now();
}

/** Resolves when everything is done that was waiting for promises alone. */
export function nextRealTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (isFunction(immediate)) immediate(resolve);
    else setTimeout(resolve, 0);
  });
}

/** Resolves after a time of the real clock, in milliseconds. */
export function realDelay(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}
