/**
 * The main job, on real sockets: an echo server on each runtime, clients on each
 * runtime against it, over three transports, every one in a process of its own.
 *
 * Plain JavaScript, because Node 20 runs it.
 */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import {
  bunPath,
  cache,
  denoPath,
  ensureDependencies,
  root,
} from "./runtimes.mjs";

const MESSAGES = 2_000;
const TIME_LIMIT_MS = 30_000;
const TRANSPORTS = ["FramedTcp", "Udp", "Ws"];

ensureDependencies();

/** Node 20 cannot run TypeScript: the running Node gets the programs bundled. */
async function bundleForNode() {
  const { build } = await import("esbuild");
  const outdir = join(cache, "demo");
  mkdirSync(outdir, { recursive: true });
  await build({
    entryPoints: ["server", "client"].map((name) =>
      join(root, "examples", "triple_echo", `${name}.ts`)
    ),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["ws"],
    logLevel: "error",
  });
  return (name) => [process.execPath, [join(outdir, `${name}.mjs`)]];
}

const example = (name) => join(root, "examples", "triple_echo", `${name}.ts`);
const nodeCommand = await bundleForNode();
const RUNTIMES = {
  Deno: (
    name,
  ) => [denoPath(), [
    "run",
    "--quiet",
    "--allow-net",
    "--allow-env",
    example(name),
  ]],
  Bun: (name) => [bunPath(), [example(name)]],
  Node: nodeCommand,
};

/** Starts one of the programs; its output comes line by line. */
function start(runtime, name, args) {
  const [command, before] = RUNTIMES[runtime](name);
  const child = spawn(command, [...before, ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.on("error", () => {});
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: 1, error }));
    child.once("close", (code, signal) => resolve({ code: code ?? 1, signal }));
  });
  return {
    child,
    ended,
    lines: createInterface({ input: child.stdout }),
    errors: createInterface({ input: child.stderr }),
  };
}

/** The addresses that a server prints when it is ready, by transport. */
function addressesOf(server, runtime) {
  return new Promise((resolve, reject) => {
    const addresses = {};
    const complaints = [];
    server.errors.on("line", (line) => complaints.push(line));
    server.lines.on("line", (line) => {
      const [transport, address] = line.split(" ");
      addresses[transport] = address;
      if (TRANSPORTS.every((name) => name in addresses)) resolve(addresses);
    });
    server.ended.then(({ code }) =>
      reject(
        new Error(
          `the server on ${runtime} ended with ${code}: ${
            complaints.join("\n")
          }`,
        ),
      )
    );
  });
}

const isTerminal = process.stdout.isTTY === true;
function status(text) {
  if (isTerminal) process.stdout.write(`\r\x1b[K${text}`);
}
function report(text) {
  status("");
  console.log(text);
}

async function runCell(server, client, transport, address) {
  const run = start(client, "client", [
    transport,
    address,
    "--count",
    String(MESSAGES),
  ]);
  const timer = setTimeout(() => run.child.kill("SIGKILL"), TIME_LIMIT_MS);
  let result = "";
  const complaints = [];
  run.lines.on("line", (line) => result = line);
  run.errors.on("line", (line) => {
    if (line.startsWith(`${transport} `)) {
      status(`  ${server} server, ${client} client: ${line}`);
    } else complaints.push(line);
  });
  const { code } = await run.ended;
  clearTimeout(timer);
  const match = /^\w+ (\d+) echoed, median round trip ([\d.]+) us$/.exec(
    result,
  );
  const ok = code === 0 && match !== null && Number(match[1]) === MESSAGES;
  const text = ok
    ? `${Number(match[1]).toLocaleString("en")} echoed, ${
      Number(match[2]).toFixed(0)
    } µs`
    : "FAILED";
  report(
    `  ${server.padEnd(4)} server  ${client.padEnd(4)} client  ${
      transport.padEnd(9)
    }  ${text}`,
  );
  if (!ok) { for (const line of complaints) console.error(`    ${line}`); }
  return { ok, text };
}

const startedAt = Date.now();
const names = Object.keys(RUNTIMES);
const cells = new Map();
let allPassed = true;

console.log(
  `An echo server on each of ${names.join(", ")}; from each of them, ${
    MESSAGES.toLocaleString("en")
  } messages over each transport.\n`,
);
for (const server of names) {
  const running = start(server, "server", ["0"]);
  try {
    const addresses = await addressesOf(running, server);
    for (const client of names) {
      for (const transport of TRANSPORTS) {
        const cell = await runCell(
          server,
          client,
          transport,
          addresses[transport],
        );
        cells.set(`${server} ${client} ${transport}`, cell.text);
        allPassed &&= cell.ok;
      }
    }
  } catch (error) {
    allPassed = false;
    report(`  ${error instanceof Error ? error.message : error}`);
  } finally {
    running.child.kill("SIGTERM");
    const timer = setTimeout(() => running.child.kill("SIGKILL"), 5_000);
    await running.ended;
    clearTimeout(timer);
  }
}

const width = 26;
console.log(
  `\n${"server ← client".padEnd(18)}${
    TRANSPORTS.map((name) => name.padEnd(width)).join("")
  }`,
);
for (const server of names) {
  for (const client of names) {
    const row = TRANSPORTS.map((name) =>
      (cells.get(`${server} ${client} ${name}`) ?? "FAILED").padEnd(width)
    ).join("");
    console.log(`${`${server} ← ${client}`.padEnd(18)}${row.trimEnd()}`);
  }
}
console.log(
  `\n${allPassed ? "Every cell passed" : "Some cells FAILED"}, in ${
    ((Date.now() - startedAt) / 1000).toFixed(1)
  } s. Times are the median round trip of one message.`,
);
process.exitCode = allPassed ? 0 : 1;
