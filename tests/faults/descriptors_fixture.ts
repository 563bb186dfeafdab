/**
 * A program for `descriptors_test.ts`, run with few file descriptors: it echoes
 * over FramedTcp and Ws. Prints its ports. On "free" it removes every
 * connection; on "look" it tells what its listeners have met and how busy the
 * process was since the last look. Ends with its input.
 */

import process from "node:process";
import { createNode, Transport } from "../../mod.ts";
import { openSignals } from "../_deno_signals.ts";

const { handler, listener } = createNode();
const { network } = handler;
listener.forEach((event) => {
  if (event.type === "message") network.send(event.endpoint, event.data);
});
const ports = [];
for (const transport of [Transport.FramedTcp, Transport.Ws]) {
  const { address } = await network.listen(transport, "127.0.0.1:0");
  ports.push(address.port);
}
openSignals();
console.log(JSON.stringify({ ports }));

let cpu = process.cpuUsage();
let lookedAt = performance.now();

function busyShare(): number {
  const { user, system } = process.cpuUsage(cpu);
  const share = (user + system) / 1_000 / (performance.now() - lookedAt);
  cpu = process.cpuUsage();
  lookedAt = performance.now();
  return share;
}

process.stdin.on("data", (text) => {
  if (String(text) === "free\n") {
    for (const { kind, resourceId } of network.resources()) {
      if (kind === "connection") network.remove(resourceId);
    }
    console.log("{}");
    return;
  }
  const { listenerFaults, connections } = handler.stats();
  const codes = network.resources().flatMap(({ lastFault }) =>
    lastFault === undefined ? [] : [lastFault.code]
  );
  console.log(
    JSON.stringify({ listenerFaults, connections, codes, busy: busyShare() }),
  );
});
process.stdin.on("end", () => process.exit());
