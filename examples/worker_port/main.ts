/**
 * Counts primes with worker threads, which get their work as messages.
 *
 *     deno run -A main.ts     (bun main.ts, node main.ts)
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { createNode, type Endpoint } from "../../mod.ts";
import { readArguments, wholeNumber } from "../_arguments.ts";
import type { Job, Result } from "./worker.ts";
import { linkThread, WorkerPort } from "./worker_port.ts";

const HELP = `Usage: main [--workers N] [--limit M]

Counts the primes below M in N worker threads.

  --workers N   default: as many as there are processors, at most 4
  --limit M     default 1000000`;

const { workers, limit } = readArguments(HELP, () => {
  const { values } = parseArgs({
    options: {
      workers: {
        type: "string",
        default: String(Math.min(availableParallelism(), 4)),
      },
      limit: { type: "string", default: "1000000" },
    },
  });
  return {
    workers: wholeNumber("--workers", values.workers, 1, 64),
    limit: wholeNumber("--limit", values.limit, 2, 1e9),
  };
});

const STEP = 50_000;

/** The work that is left; a worker that is done with its part takes the next. */
const jobs: Job[] = [];
for (let from = 0; from < limit; from += STEP) {
  jobs.push({ from, to: Math.min(from + STEP, limit) });
}

const { handler, listener } = createNode();
const { network } = handler;
await network.listen(WorkerPort, { path: "jobs" });
for (let index = 1; index <= workers; index += 1) {
  linkThread(
    `worker ${index}`,
    new Worker(new URL("worker.ts", import.meta.url)),
  );
}

let connected = 0;
let running = 0;
let primes = 0;

function handOut(worker: Endpoint): void {
  const job = jobs.pop();
  if (job !== undefined) {
    running += 1;
    network.send(worker, JSON.stringify(job));
  } else if (running === 0 && connected === workers) {
    console.log(`${primes} primes below ${limit}`);
    // The workers see their connections end, and end too.
    void handler.stop();
  }
}

await listener.forEach((event) => {
  switch (event.type) {
    case "accepted":
      connected += 1;
      console.log(`worker ${connected} of ${workers} is there`);
      handOut(event.endpoint);
      break;
    case "message": {
      const result: Result = JSON.parse(new TextDecoder().decode(event.data));
      primes += result.primes;
      running -= 1;
      handOut(event.endpoint);
      break;
    }
    case "disconnected":
      throw new Error(`a worker has gone: ${event.reason}`);
  }
});
