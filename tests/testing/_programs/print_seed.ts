/**
 * Prints which seeds simulations take: one without, one with a seed, and one with many.
 *
 * @module
 */

import { NetworkError } from "../../../mod.ts";
import { simulate, simulateMany } from "../../../testing/testing.ts";

try {
  const drawn = await simulate(() => {});
  const given = await simulate({ seed: 5 }, () => {});
  const many: number[] = [];
  await simulateMany({ seeds: 2 }, ({ seed }) => many.push(seed));
  console.log(drawn.seed, given.seed, many.join());
} catch (error) {
  console.log(error instanceof NetworkError ? error.code : error);
}
