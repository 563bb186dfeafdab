/**
 * Pings a server every second.
 *
 *     deno run -A client.ts framed_tcp 127.0.0.1:3042     (bun client.ts …, node client.ts …)
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { type Address, createNode } from "../../mod.ts";
import {
  orEnd,
  readArguments,
  whenAskedToEnd,
  wholeNumber,
} from "../_arguments.ts";
import { LineReader, transportNamed } from "./protocol.ts";

const HELP =
  `Usage: client <tcp|framed_tcp|udp|ws|unix|framed_unix> <address> [options]

Pings the server again and again, and prints its answers. The address is
host:port, a ws:// URL, or the path of a Unix socket.

  --interval-ms MS   the time between two pings; default 1000
  --count N          ends after N answers; default: never`;

const { transport, address, intervalMs, count } = readArguments(HELP, () => {
  const { values, positionals } = parseArgs({
    options: {
      "interval-ms": { type: "string", default: "1000" },
      count: { type: "string" },
    },
    allowPositionals: true,
  });
  const [name, place] = positionals;
  const transport = transportNamed(name);
  if (place === undefined || positionals.length > 2) {
    throw new Error("the second argument must be an address");
  }
  const address: Address = transport.name.endsWith("Unix")
    ? { path: place }
    : place;
  return {
    transport,
    address,
    intervalMs: wholeNumber("--interval-ms", values["interval-ms"], 1, 1e9),
    count: values.count === undefined
      ? Infinity
      : wholeNumber("--count", values.count, 1, 1e9),
  };
});

const { handler, listener } = createNode<"ping">();
const { network, signals } = handler;
const lines = new LineReader();
let answers = 0;

// `connect` throws only for an address that nobody could use; all else is an event.
const server = await orEnd(
  Promise.resolve().then(() => network.connect(transport, address)),
);
whenAskedToEnd(() => void handler.stop({ drain: 1_000 }));

await listener.forEach((event) => {
  switch (event.type) {
    case "connected":
      if (event.ok) {
        console.log(`connected to ${server}`);
        signals.send("ping");
      } else {
        console.error(event.error.message);
        process.exitCode = 1;
        void handler.stop();
      }
      break;
    case "signal":
      // Over UDP a ping or its answer may be lost: the next one does not wait for it.
      network.send(server, "ping\n");
      signals.sendWithTimer("ping", intervalMs);
      break;
    case "message":
      for (const line of lines.take(event.data)) {
        console.log(`the server says: ${line}`);
        answers += 1;
        if (answers === count) {
          void handler.stop({ drain: 1_000 });
          // An answer behind it, to a ping that was already on its way, is not printed.
          break;
        }
      }
      break;
    case "disconnected":
      console.error(`the server left: ${event.reason}`);
      process.exitCode = 1;
      void handler.stop();
      break;
  }
});
