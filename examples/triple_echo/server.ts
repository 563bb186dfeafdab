/**
 * An echo server on three transports at once.
 *
 *     deno run --allow-net server.ts [port]     (bun server.ts, node server.ts)
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { createNode, formatAddress, Transport } from "../../mod.ts";

const HELP = `Usage: server [port]

Echoes every message. Framed TCP listens on the port, UDP on the next one and
WebSocket on the one after that. Default: 3042, 3043 and 3044. Port 0 takes free ones.`;

function readPort(): number {
  const { values, positionals } = parseArgs({
    options: { help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help === true) {
    console.log(HELP);
    process.exit(0);
  }
  const port = Number(positionals[0] ?? 3042);
  if (
    positionals.length > 1 || !Number.isInteger(port) || port < 0 ||
    port > 65_533
  ) {
    throw new Error("the port must be a number from 0 to 65533");
  }
  return port;
}

let port: number;
try {
  port = readPort();
} catch (error) {
  console.error(
    `server: ${error instanceof Error ? error.message : error}\n\n${HELP}`,
  );
  process.exit(2);
}

const { handler, listener } = createNode();

const transports = [Transport.FramedTcp, Transport.Udp, Transport.Ws];
for (const [index, transport] of transports.entries()) {
  const { address } = await handler.network.listen(
    transport,
    `127.0.0.1:${port === 0 ? 0 : port + index}`,
  );
  console.log(`${transport.name} ${formatAddress(address)}`);
}

process.on("SIGTERM", () => void handler.stop({ drain: 1_000 }));
process.on("SIGINT", () => void handler.stop({ drain: 1_000 }));

await listener.forEach((event) => {
  if (event.type === "message") {
    handler.network.send(event.endpoint, event.data);
  }
});
