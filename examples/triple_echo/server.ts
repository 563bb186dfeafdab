/**
 * An echo server on three transports at once.
 *
 *     deno run --allow-net server.ts [port]     (bun server.ts, node server.ts)
 *
 * @module
 */

import { parseArgs } from "node:util";
import { createNode, formatAddress, Transport } from "../../mod.ts";
import {
  orEnd,
  readArguments,
  whenAskedToEnd,
  wholeNumber,
} from "../_arguments.ts";

const HELP = `Usage: server [port]

Echoes every message. Framed TCP listens on the port, UDP on the next one and
WebSocket on the one after that. Default: 3042, 3043 and 3044. Port 0 takes free ones.`;

const port = readArguments(HELP, () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  if (positionals.length > 1) {
    throw new Error("there is one argument, the port");
  }
  return wholeNumber("the port", positionals[0] ?? "3042", 0, 65_533);
});

const { handler, listener } = createNode();

const transports = [Transport.FramedTcp, Transport.Udp, Transport.Ws];
for (const [index, transport] of transports.entries()) {
  const { address } = await orEnd(
    handler.network.listen(
      transport,
      `127.0.0.1:${port === 0 ? 0 : port + index}`,
    ),
  );
  console.log(`${transport.name} ${formatAddress(address)}`);
}

whenAskedToEnd(() => void handler.stop({ drain: 1_000 }));

await listener.forEach((event) => {
  if (event.type === "message") {
    handler.network.send(event.endpoint, event.data);
  }
});
