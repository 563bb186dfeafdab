/**
 * The program around {@linkcode createDiscoveryServer}.
 *
 *     deno run -A discovery_server.ts     (bun …, node …)
 *
 * @module
 */

import { parseArgs } from "node:util";
import { createNode, formatAddress } from "../../mod.ts";
import {
  orEnd,
  readArguments,
  whenAskedToEnd,
  wholeNumber,
} from "../_arguments.ts";
import { createDiscoveryServer } from "./create_discovery_server.ts";

const HELP = `Usage: discovery_server [--host H] [--port P]

Tells the participants of a network of each other.

  --host H   the IP address to listen on; default 127.0.0.1
  --port P   the port; default 5000; 0 takes a free one`;

const address = readArguments(HELP, () => {
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "5000" },
    },
  });
  return {
    hostname: values.host,
    port: wholeNumber("--port", values.port, 0, 65_535),
  };
});

const { handler, listener } = createNode();
const server = await orEnd(
  createDiscoveryServer(handler, listener, address, console.log),
);
console.log(`discovery server on ${formatAddress(server.address)}`);
whenAskedToEnd(() => void handler.stop());
await server.task;
