/**
 * What the tests draw their lots by.
 *
 * @module
 */

import process from "node:process";
import { isCi } from "../scripts/_ci.mjs";

/** In CI a change is judged by what it changes: all lots fall as they fell before it. */
const CI_SEED = 20_260_726;

/** A seed of 32 bits, never 0: that of `SIGNALBOX_SEED`, the same each time in CI, else any. */
export function chooseSeed(): number {
  const given = process.env.SIGNALBOX_SEED;
  if (given !== undefined) return Number(given) >>> 0 || 1;
  return isCi() ? CI_SEED : Math.floor(Math.random() * 0xffff_fffe) + 1;
}
