/**
 * What `diagnostics_test.ts` runs in a process of its own: the runtimes report
 * what a subscriber throws as an uncaught exception, which ends a test run.
 *
 * @module
 */

import { subscribe } from "node:diagnostics_channel";
import process from "node:process";
import { createNode, Transport } from "../../mod.ts";

const uncaught = new Set<string>();
process.on("uncaughtException", (error: Error) => {
  uncaught.add(error.message);
});
for (const name of ["listening", "connected", "accepted", "closed"]) {
  subscribe(`signalbox.${name}`, () => {
    throw new Error(`of the subscriber to ${name}`);
  });
}

const { handler, listener } = createNode();
const { network } = handler;
const seen = new Set<string>();
const task = listener.forEach((event) => {
  seen.add(event.type);
  if (event.type === "accepted") network.send(event.endpoint, "go on");
  if (event.type === "message") void handler.stop();
});
const { address } = await network.listen(Transport.FramedTcp, "127.0.0.1:0");
await network.connectAsync(Transport.FramedTcp, address);
await task;
for (const type of ["connected", "accepted", "message"]) {
  if (seen.has(type)) console.log(`event ${type}`);
}
console.log("stopped");
setTimeout(() => {
  for (const name of ["listening", "connected", "accepted", "closed"]) {
    const message = `of the subscriber to ${name}`;
    if (uncaught.has(message)) console.log(`uncaught ${message}`);
  }
}, 10);
