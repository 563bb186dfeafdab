/**
 * A worker of `main.ts`: it asks the main thread for work, over the transport of `worker_port.ts`.
 *
 * @module
 */

import { parentPort } from "node:worker_threads";
import { createNode } from "../../mod.ts";
import { linkThread, WorkerPort } from "./worker_port.ts";

/** Main thread to worker: count the primes of this range. */
export interface Job {
  readonly from: number;
  /** The first number that is not of the range. */
  readonly to: number;
}

/** Worker to main thread. */
export interface Result {
  readonly primes: number;
}

if (parentPort === null) throw new Error("main.ts starts this program");
const link = linkThread("main", parentPort);
const { handler, listener } = createNode();
const { network } = handler;
const main = network.connect(WorkerPort, { path: "main/jobs" });

function isPrime(number: number): boolean {
  if (number < 2) return false;
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) {
    if (number % divisor === 0) return false;
  }
  return true;
}

await listener.forEach((event) => {
  switch (event.type) {
    case "connected":
      if (!event.ok) throw event.error;
      break;
    case "message": {
      const { from, to }: Job = JSON.parse(
        new TextDecoder().decode(event.data),
      );
      let primes = 0;
      for (let number = from; number < to; number += 1) {
        if (isPrime(number)) primes += 1;
      }
      const result: Result = { primes };
      network.send(main, JSON.stringify(result));
      break;
    }
    case "disconnected":
      void handler.stop();
      break;
  }
});
// What is not linked any more lets the thread end.
link.close();
