/**
 * Runs the table on the running runtime's own driver, and on the driver of the
 * `node:` builtins, which every server runtime can run.
 */

import { detectDriver } from "../../runtime/detect.ts";
import { nodeDriver } from "../../runtime/node.ts";
import { testDriver } from "./driver_contract.ts";

testDriver({ name: "node", driver: nodeDriver(), lacks: new Set() });

const own = detectDriver();
if (own.name !== "node") {
  testDriver({
    name: own.name,
    driver: own,
    lacks: new Set(own.name === "deno" ? ["reset"] as const : []),
  });
}
