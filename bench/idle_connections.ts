/**
 * What an idle connection costs the server in memory, over FramedTcp and Ws,
 * beside one on the runtime's bare sockets.
 *
 *     npm run bench:idle                    (all runtimes, more descriptors)
 *     deno run -A bench/idle_connections.ts (bun …, node …)
 *
 * Each measurement has a server process, which alone is measured, and a process
 * of clients. What counts is the growth from the tenth part of the connections
 * to all of them, each time after collections of garbage: so the fixed cost of
 * a program that is warm is in neither. The kinds take turns for `--rounds`
 * (default 3); the medians are shown.
 *
 * The exit status is 1 when a FramedTcp connection takes over `--limit` KiB
 * (default 4) more than a bare one, by resident memory or by the heap. With
 * `--heap-only` the heap alone is judged: of few connections, resident memory
 * tells more about the runtime's garbage than about them.
 *
 * @module
 */

import net from "node:net";
import process from "node:process";
import { parseArgs } from "node:util";
import { createNode, FramedTcp, Ws } from "../mod.ts";
import { bareServer } from "./_bare_idle.ts";
import type { BareServer } from "./_bare_idle.ts";
import { type Memory, memoryKept, pause } from "./_memory.ts";
import { numberOf, oneOf, readOptions } from "./_options.ts";
import { orders, OwnProcess } from "./_own_process.ts";
import { median } from "./_statistics.mjs";

const KINDS = ["bare", "FramedTcp", "Ws"] as const;
type Kind = (typeof KINDS)[number];

const options = readOptions(() => {
  const { values } = parseArgs({
    options: {
      connections: { type: "string", default: "10000" },
      rounds: { type: "string", default: "3" },
      limit: { type: "string", default: "4" },
      "heap-only": { type: "boolean", default: false },
      serve: { type: "string" },
      connect: { type: "string" },
    },
  });
  const kind = (name: string, text: string | undefined) =>
    text === undefined ? undefined : oneOf(name, text, KINDS);
  return {
    // A tenth of them is there before any is counted.
    connections: numberOf("connections", values.connections, 10),
    rounds: numberOf("rounds", values.rounds, 1),
    limit: numberOf("limit", values.limit, 0),
    isHeapOnly: values["heap-only"],
    serve: kind("serve", values.serve),
    connect: kind("connect", values.connect),
  };
});

/** Measures itself when a line asks for it: first the count of connections to wait for. */
async function serve(kind: Kind): Promise<void> {
  const server = kind === "bare" ? await bareServer() : await nodeServer(kind);
  console.log(server.port);
  for await (const line of orders()) {
    const end = performance.now() + 60_000;
    while (server.count() < Number(line)) {
      if (performance.now() > end) {
        throw new Error(`${server.count()} of ${line} connections came`);
      }
      await pause(20);
    }
    const kept = await memoryKept({ collections: 6, pauseMs: 50 });
    console.log(JSON.stringify(kept));
  }
}

async function nodeServer(kind: "FramedTcp" | "Ws"): Promise<BareServer> {
  const { handler, listener } = createNode();
  let count = 0;
  listener.forEach((event) => {
    if (event.type === "accepted") count += 1;
    else if (event.type === "disconnected") count -= 1;
  });
  const { address } = await handler.network.listen(
    kind === "Ws" ? Ws : FramedTcp,
    "127.0.0.1:0",
  );
  return { port: address.port, count: () => count };
}

/** Keeps connections: each line asks for so many at the port that came first. */
async function connect(kind: Kind): Promise<void> {
  const sockets: net.Socket[] = [];
  let port = 0;
  for await (const line of orders()) {
    if (port === 0) {
      port = Number(line);
      continue;
    }
    const wanted = Number(line);
    while (sockets.length < wanted) {
      const batch = Math.min(100, wanted - sockets.length);
      sockets.push(
        ...await Promise.all(
          Array.from({ length: batch }, () => connectOne(kind, port)),
        ),
      );
    }
    console.log("connected");
  }
}

function connectOne(kind: Kind, port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", reject);
    socket.on("connect", () => {
      if (kind !== "Ws") return resolve(socket);
      socket.once("data", () => resolve(socket));
      socket.write(
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n" +
          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      );
    });
  });
}

/** Bytes for each connection. */
async function measure(kind: Kind, connections: number): Promise<Memory> {
  const server = new OwnProcess("server", ["--serve", kind]);
  const clients = new OwnProcess("clients", ["--connect", kind]);
  try {
    clients.say(await server.line());
    const reach = async (count: number): Promise<Memory> => {
      clients.say(String(count));
      await clients.line();
      server.say(String(count));
      return JSON.parse(await server.line());
    };
    const few = Math.floor(connections / 10);
    const before = await reach(few);
    const after = await reach(connections);
    const added = connections - few;
    return {
      rss: (after.rss - before.rss) / added,
      used: (after.used - before.used) / added,
    };
  } finally {
    await Promise.all([server.end(), clients.end()]);
  }
}

async function compare(): Promise<void> {
  const { connections, rounds, limit } = options;
  const samples: Record<Kind, Memory[]> = { bare: [], FramedTcp: [], Ws: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of KINDS) {
      samples[kind].push(await measure(kind, connections));
    }
  }
  const medians = (kind: Kind, measure: keyof Memory) =>
    median(samples[kind].map((each) => each[measure])) / 1024;
  console.log(
    `${connections} idle connections: KiB each, median of ${rounds} (all)`,
  );
  let isOver = false;
  for (const measure of ["rss", "used"] as const) {
    const bare = medians("bare", measure);
    for (const kind of KINDS) {
      const own = medians(kind, measure);
      const all = samples[kind].map((each) =>
        (each[measure] / 1024).toFixed(2)
      );
      const more = kind === "bare" ? "" : `${(own - bare).toFixed(2)} more`;
      console.log(
        `${measure === "rss" ? "resident" : "heap    "}  ${kind.padEnd(9)} ${
          own.toFixed(2).padStart(6)
        }  ${more.padStart(10)}   (${all.join(", ")})`,
      );
      const isJudged = kind === "FramedTcp" &&
        (measure === "used" || !options.isHeapOnly);
      if (isJudged && !(own - bare <= limit)) isOver = true;
    }
  }
  console.log(
    isOver
      ? `FramedTcp takes over ${limit} KiB more than bare sockets`
      : `FramedTcp takes at most ${limit} KiB more than bare sockets`,
  );
  if (isOver) process.exitCode = 1;
}

if (options.serve !== undefined) await serve(options.serve);
else if (options.connect !== undefined) await connect(options.connect);
else await compare();
