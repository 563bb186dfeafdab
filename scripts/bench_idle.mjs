/**
 * What an idle connection costs on each runtime: `npm run bench:idle`. Options
 * are those of `bench/idle_connections.ts`, and `--runtime NAME` (deno, bun, node).
 */
import { join } from "node:path";
import process from "node:process";
import { execute } from "./_command.mjs";
import { withDescriptors } from "./_descriptors.mjs";
import {
  bunPath,
  denoPath,
  ensureDependencies,
  nodePath,
} from "./runtimes.mjs";

const program = join("bench", "idle_connections.ts");

/** @type {Record<string, () => [string, string[]]>} */
const RUNTIMES = {
  deno: () => [denoPath(), ["run", "--allow-all", "--no-check", program]],
  bun: () => [bunPath(), [program]],
  node: () => [nodePath(26), [program]],
};

const rest = process.argv.slice(2);
const at = rest.indexOf("--runtime");
const names = at < 0 ? Object.keys(RUNTIMES) : [rest.splice(at, 2)[1] ?? ""];
ensureDependencies();
let isGood = true;
for (const name of names) {
  const runtime = Object.hasOwn(RUNTIMES, name) ? RUNTIMES[name] : undefined;
  if (runtime === undefined) {
    console.error(`npm run bench:idle: there is no runtime "${name}"`);
    process.exit(2);
  }
  console.log(`\n${name}`);
  const [command, args] = withDescriptors(...runtime());
  const { code } = await execute(command, [...args, ...rest], {
    onOutput: (text) => process.stdout.write(text),
  });
  // What is wrong for one is wrong for all.
  if (code === 2) process.exit(2);
  if (code !== 0) isGood = false;
}
process.exit(isGood ? 0 : 1);
