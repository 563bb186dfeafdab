/**
 * A program for `descriptors_test.ts`: a listener with TLS that is run with few
 * file descriptors. Prints its port, and the code of each new fault.
 */

import process from "node:process";
import { createNode, Transport } from "../../mod.ts";
import { openSignals } from "../_deno_signals.ts";
import { identity } from "./_certificates.ts";

openSignals();
const { handler, listener } = createNode();
const { address, resourceId } = await handler.network.listen(
  Transport.FramedTcp,
  "127.0.0.1:0",
  { tls: identity("server") },
);
console.log(`port ${address.port}`);
let told: unknown;
setInterval(() => {
  const fault = handler.network.resource(resourceId)?.lastFault;
  if (fault === told) return;
  told = fault;
  console.log(`fault ${fault?.code}`);
}, 10);
process.stdin.on("data", () => {});
process.stdin.on("end", () => process.exit());
await listener.forEach((event) => {
  if (event.type === "message") {
    handler.network.send(event.endpoint, event.data);
  }
});
