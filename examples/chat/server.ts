/**
 * A chat: one node that terminals reach over framed TCP and browsers over WebSocket.
 *
 *     deno run -A server.ts     (bun server.ts, node server.ts)
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { parseArgs } from "node:util";
import {
  createNode,
  type Endpoint,
  formatAddress,
  SendStatus,
  Transport,
  type WebSocketHandshake,
} from "../../mod.ts";
import {
  orEnd,
  readArguments,
  whenAskedToEnd,
  wholeNumber,
} from "../_arguments.ts";
import {
  decodeFromChatter,
  type FromServer,
  MAX_MESSAGE_SIZE,
} from "./protocol.ts";

const HELP = `Usage: server [options]

A chat for terminals, over framed TCP, and for browsers, over WebSocket.

  --host H        the IP address to listen on; default 127.0.0.1
  --port P        the port for terminals; default 3050
  --ws-port P     the port for WebSockets; default 3051
  --page-port P   the port of the page, over HTTP; default 3052

A port 0 takes a free one.`;

const { host, port, wsPort, pagePort } = readArguments(HELP, () => {
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "3050" },
      "ws-port": { type: "string", default: "3051" },
      "page-port": { type: "string", default: "3052" },
    },
  });
  return {
    host: values.host,
    port: wholeNumber("--port", values.port, 0, 65_535),
    wsPort: wholeNumber("--ws-port", values["ws-port"], 0, 65_535),
    pagePort: wholeNumber("--page-port", values["page-port"], 0, 65_535),
  };
});

interface Chatter {
  readonly name: string;
  readonly endpoint: Endpoint;
}

const { handler, listener } = createNode();
const { network } = handler;
const chatters = new Map<number, Chatter>();

/** Who does not read gets no more than this queued, and is then left behind. */
const limits = { maxMessageSize: MAX_MESSAGE_SIZE, outboxLimit: 1 << 20 };

const terminals = await orEnd(
  network.listen(Transport.FramedTcp, { hostname: host, port }, limits),
);
const page = createServer();
const browsers = await orEnd(
  network.listen(Transport.Ws, { hostname: host, port: wsPort }, {
    ...limits,
    admit: isOwnPage,
    // A browser that is gone without a word is noticed.
    pingIntervalMs: 30_000,
  }),
);
const pageAt = await orEnd(servePage(page, browsers.address.port));
console.log(`terminals on ${formatAddress(terminals.address)}`);
console.log(`browsers on ws://${formatAddress(browsers.address)}`);
console.log(`page on http://${host}:${pageAt}/`);
whenAskedToEnd(() => {
  page.close();
  page.closeAllConnections();
  void handler.stop({ drain: 1_000 });
});

/**
 * A browser says which page opens the WebSocket: only the page of this server
 * may, under the name by which the browser reaches it. Other programs say nothing.
 */
function isOwnPage(request: WebSocketHandshake): boolean {
  if (request.origin === undefined) return true;
  try {
    const origin = new URL(request.origin);
    const self = new URL(`http://${request.header("host")}`);
    return origin.hostname === self.hostname &&
      Number(origin.port || 80) === pageAt;
  } catch {
    return false;
  }
}

/** Serves the page and its script, and resolves with the port. */
async function servePage(server: Server, wsPort: number): Promise<number> {
  const html = await readFile(new URL("page.html", import.meta.url), "utf8");
  const script = await readFile(new URL("page.js", import.meta.url), "utf8");
  const files = new Map([
    ["/", { type: "text/html", body: html.replace("%WS_PORT%", `${wsPort}`) }],
    ["/page.js", { type: "text/javascript", body: script }],
  ]);
  server.on("request", (request, response) => {
    const file = files.get(request.url ?? "");
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "Content-Type": `${file.type}; charset=utf-8`,
      "Content-Security-Policy":
        "default-src 'self'; connect-src ws:; style-src 'unsafe-inline'",
      "X-Content-Type-Options": "nosniff",
    }).end(file.body);
  });
  return await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(pagePort, host, () => {
      const address = server.address();
      resolve(typeof address === "object" ? address?.port ?? 0 : 0);
    });
  });
}

/** To one. A string goes over WebSocket as text, as browsers like it. */
function tell(endpoint: Endpoint, message: FromServer): void {
  network.send(endpoint, JSON.stringify(message));
}

/** To all, over both transports: framed once for each. */
function tellAll(message: FromServer): void {
  const everybody = [...chatters.values()];
  const statuses = network.sendAll(
    everybody.map((chatter) => chatter.endpoint),
    JSON.stringify(message),
  );
  for (const [index, status] of statuses.entries()) {
    const chatter = everybody[index];
    if (status === SendStatus.QueueFull && chatter !== undefined) {
      network.remove(chatter.endpoint.resourceId);
      leave(chatter.endpoint, "does not read");
    }
  }
}

function join(endpoint: Endpoint, name: string): void {
  const names = [...chatters.values()].map((chatter) => chatter.name);
  if (chatters.has(endpoint.resourceId)) {
    return tell(endpoint, { type: "refused", reason: "You are in already" });
  }
  if (names.includes(name)) {
    return tell(endpoint, {
      type: "refused",
      reason: `The name ${name} is taken`,
    });
  }
  tell(endpoint, { type: "welcome", names });
  tellAll({ type: "joined", name });
  chatters.set(endpoint.resourceId, { name, endpoint });
  console.log(`${name} joined from ${endpoint}: ${chatters.size}`);
}

function leave(endpoint: Endpoint, why: string): void {
  const chatter = chatters.get(endpoint.resourceId);
  // Deleted first: `tellAll` may find that the next one has to leave.
  if (chatter === undefined || !chatters.delete(endpoint.resourceId)) return;
  console.log(`${chatter.name} left (${why}): ${chatters.size}`);
  tellAll({ type: "left", name: chatter.name });
}

await listener.forEach((event) => {
  switch (event.type) {
    case "message": {
      const { endpoint, data } = event;
      try {
        const message = decodeFromChatter(data);
        if (message.type === "join") return join(endpoint, message.name);
        const chatter = chatters.get(endpoint.resourceId);
        if (chatter === undefined) throw new Error("You are not in");
        tellAll({ type: "said", name: chatter.name, text: message.text });
      } catch (error) {
        const reason = error instanceof SyntaxError || !(error instanceof Error)
          ? "this is no message of a chatter"
          : error.message;
        tell(endpoint, { type: "refused", reason });
      }
      break;
    }
    case "disconnected":
      leave(event.endpoint, event.reason);
      break;
  }
});
