/**
 * Runs the soak on each runtime, one after the other: `npm run soak`.
 *
 * A connection takes four descriptors here, half of them in the process of the
 * proxies: their limit is raised as far as the system lets it be.
 */
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { execute } from "./_command.mjs";
import { withDescriptors } from "./_descriptors.mjs";
import {
  bunPath,
  denoPath,
  ensureDependencies,
  nodePath,
} from "./runtimes.mjs";

const HELP = `npm run soak -- [options]

  --seconds N      how long on each runtime (120)
  --connections N  how many at once (2000)
  --runtime NAME   deno, bun, node, node24, node22, or all (deno, bun and node)
  --seed N         what chance begins with; a run prints its own`;

const program = join("tests", "soak", "soak.ts");

/** @type {Record<string, () => [string, string[]]>} */
const RUNTIMES = {
  deno: () => [denoPath(), [
    "run",
    "--allow-all",
    "--no-check",
    "--no-lock",
    "--v8-flags=--expose-gc",
    program,
  ]],
  bun: () => [bunPath(), [program]],
  node: () => [nodePath(26), ["--expose-gc", program]],
  node24: () => [nodePath(24), ["--expose-gc", program]],
  node22: () => [nodePath(22), ["--expose-gc", program]],
};

const options = readOptions();
ensureDependencies();
let isGood = true;
for (const name of options.runtimes) {
  const [command, args] = withDescriptors(...RUNTIMES[name]());
  const { code } = await execute(command, [...args, ...options.rest], {
    timeoutMs: (Number(options.seconds) * 2 + 300) * 1_000,
    onOutput: (text) => process.stdout.write(text),
  });
  if (code !== 0) isGood = false;
}
process.exit(isGood ? 0 : 1);

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: "string", default: "120" },
        connections: { type: "string", default: "2000" },
        runtime: { type: "string", default: "all" },
        seed: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const runtimes = values.runtime === "all"
      ? ["deno", "bun", "node"]
      : values.runtime.split(",");
    for (const name of runtimes) {
      if (!Object.hasOwn(RUNTIMES, name)) fail(`there is no runtime "${name}"`);
    }
    const { seconds, connections, seed } = values;
    const rest = ["--seconds", seconds, "--connections", connections];
    if (seed !== undefined) rest.push("--seed", seed);
    rest.push("--node", process.execPath);
    return { runtimes, seconds, rest };
  } catch (error) {
    return fail(error.message);
  }
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(`npm run soak: ${message}\n\n${HELP}`);
  process.exit(2);
}
