/**
 * A program for `_descriptor_contract.ts`: an echo server that is run with few
 * file descriptors. Prints its port; on a line from its input it drops what it
 * accepted; ends with its input.
 */

import process from "node:process";
import type { StreamSocket } from "../../runtime/driver.ts";
import { detectDriver } from "../../runtime/detect.ts";
import { nodeDriver } from "../../runtime/node.ts";
import { openSignals } from "../_deno_signals.ts";

openSignals();
const driver = process.argv.includes("node") ? nodeDriver() : detectDriver();
const sockets = new Set<StreamSocket>();
const listener = await driver.listenStream({
  address: { family: "ipv4", hostname: "127.0.0.1", port: 0, path: "" },
}, {
  accept(socket) {
    sockets.add(socket);
    return {
      open: () => {},
      data: (chunk) => void socket.write(chunk),
      drain: () => {},
      end: () => socket.shutdown(),
      closed: () => void sockets.delete(socket),
    };
  },
  fault: (fault) => console.log(`fault ${fault.code}`),
});
process.stdin.on("data", () => {
  for (const socket of sockets) socket.abort();
  console.log("freed");
});
process.stdin.on("end", () => process.exit());
console.log(`port ${listener.address.port}`);
