/**
 * The program around {@linkcode createParticipant}.
 *
 *     deno run -A participant.ts alice     (bun …, node …)
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { createNode, formatAddress } from "../../mod.ts";
import { orEnd, readArguments, whenAskedToEnd } from "../_arguments.ts";
import { createParticipant } from "./create_participant.ts";
import { isName } from "./protocol.ts";

const HELP = `Usage: participant <name> [--discovery H:P] [--host H]

Joins a network: meets everybody who is in it or comes later, and greets them.
Ctrl-C leaves it.

  --discovery H:P   where the discovery server is; default 127.0.0.1:5000
  --host H          the own IP address, under which the others reach this one;
                    default 127.0.0.1`;

const { name, discovery, host } = readArguments(HELP, () => {
  const { values, positionals } = parseArgs({
    options: {
      discovery: { type: "string", default: "127.0.0.1:5000" },
      host: { type: "string", default: "127.0.0.1" },
    },
    allowPositionals: true,
  });
  const [name] = positionals;
  if (positionals.length !== 1 || !isName(name)) {
    throw new Error("the first argument must be a name of 1 to 32 letters");
  }
  return { name, discovery: values.discovery, host: values.host };
});

const { handler, listener } = createNode();
const participant = await orEnd(
  createParticipant(handler, listener, name, {
    discovery,
    listenOn: { hostname: host, port: 0 },
    say: console.log,
  }),
);
console.log(`${name} is at ${formatAddress(participant.address)}`);
whenAskedToEnd(() => void participant.leave());
if (await participant.ended !== "left") process.exitCode = 1;
