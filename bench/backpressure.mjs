/**
 * Runs `bench/backpressure.ts` on each runtime, one after the other:
 * `npm run bench:backpressure`. Arguments are handed on (`--quick`).
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import {
  bunPath,
  denoPath,
  ensureDependencies,
  NODE_VERSIONS,
  nodePath,
  root,
} from "../scripts/runtimes.mjs";

ensureDependencies();
const program = join(root, "bench", "backpressure.ts");
const runtimes = [
  ["Deno", denoPath(), ["run", "--allow-all", "--no-check"]],
  ["Bun", bunPath(), []],
  [`Node ${NODE_VERSIONS[26]}`, nodePath(26), []],
];
for (const [name, path, flags] of runtimes) {
  console.log(`\n## ${name}`);
  const { status } = spawnSync(
    path,
    [...flags, program, ...process.argv.slice(2)],
    { stdio: "inherit" },
  );
  // What is wrong for one is wrong for all.
  if (status === 2) process.exit(2);
  if (status !== 0) process.exitCode = 1;
}
