/**
 * Runs the table on the running runtime's own driver, and on the driver of the
 * `node:` builtins, which every server runtime can run.
 */

import { detectDriver } from "../../runtime/detect.ts";
import { nodeDriver } from "../../runtime/node.ts";
import type { Ability } from "./_probe.ts";
import { testDriver } from "./driver_contract.ts";

const own = detectDriver();

testDriver({ name: "node", driver: nodeDriver(), lacks: new Set<Ability>() });

if (own.name !== "node") {
  testDriver({
    name: own.name,
    driver: own,
    lacks: new Set<Ability>(
      own.name === "deno" ? ["reset", "web-socket-abort"] : [],
    ),
  });
}
