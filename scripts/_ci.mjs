import process from "node:process";

/** Whether this runs where nobody looks on, and nothing may be skipped. */
export function isCi() {
  return !["", "0", "false", undefined].includes(process.env.CI);
}
