/**
 * Answers the pings of any number of clients, and counts them.
 *
 *     deno run -A server.ts framed_tcp 3042     (bun server.ts …, node server.ts …)
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type Address, createNode, formatAddress } from "../../mod.ts";
import {
  orEnd,
  readArguments,
  whenAskedToEnd,
  wholeNumber,
} from "../_arguments.ts";
import { LineReader, transportNamed } from "./protocol.ts";

const HELP =
  `Usage: server <tcp|framed_tcp|udp|ws|unix|framed_unix> <port|path> [--host H]

Answers each ping of a client with the number of its pings so far. Port 0 takes
a free one; the Unix transports take a path instead, such as /tmp/ping.sock.

  --host H   the IP address to listen on; default 127.0.0.1`;

const { transport, address } = readArguments(HELP, () => {
  const { values, positionals } = parseArgs({
    options: { host: { type: "string", default: "127.0.0.1" } },
    allowPositionals: true,
  });
  const [name, place] = positionals;
  const transport = transportNamed(name);
  if (place === undefined || positionals.length > 2) {
    throw new Error("the second argument must be a port or a path");
  }
  const address: Address = transport.name.endsWith("Unix") ? { path: place } : {
    hostname: values.host,
    port: wholeNumber("the port", place, 0, 65_535),
  };
  return { transport, address };
});

interface Client {
  readonly lines: LineReader;
  pings: number;
}

const { handler, listener } = createNode();
const { network } = handler;
const clients = new Map<number, Client>();

const listening = await orEnd(network.listen(transport, address));
console.log(
  `${transport.name} server on ${formatAddress(listening.address)}`,
);
whenAskedToEnd(() => void handler.stop({ drain: 1_000 }));

await listener.forEach((event) => {
  switch (event.type) {
    case "accepted":
      clients.set(event.endpoint.resourceId, {
        lines: new LineReader(),
        pings: 0,
      });
      console.log(`${event.endpoint} connected, clients: ${clients.size}`);
      break;
    case "disconnected":
      clients.delete(event.endpoint.resourceId);
      console.log(
        `${event.endpoint} disconnected (${event.reason}), clients: ${clients.size}`,
      );
      break;
    case "message": {
      const { endpoint, data } = event;
      // Over UDP the endpoint is the listener and the sender's address: there is no client to look up.
      const client = clients.get(endpoint.resourceId);
      if (client === undefined) {
        if (new TextDecoder().decode(data) !== "ping\n") break;
        console.log(`ping from ${endpoint}`);
        network.send(endpoint, "unknown pong\n");
        break;
      }
      try {
        for (const line of client.lines.take(data)) {
          if (line !== "ping") throw new Error("it says something else");
          client.pings += 1;
          console.log(`ping ${client.pings} from ${endpoint}`);
          network.send(endpoint, `pong ${client.pings}\n`);
        }
      } catch (error) {
        // Removing it makes no event: the total is told here.
        network.remove(endpoint.resourceId);
        clients.delete(endpoint.resourceId);
        console.log(
          `${endpoint} refused (${error}), clients: ${clients.size}`,
        );
      }
      break;
    }
  }
});
