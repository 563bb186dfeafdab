import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { currentRuntimeCommand, runtimeName } from "../_support.ts";
import { eventually, type World } from "../conformance/_nodes.ts";
import { seededOn } from "./_random.ts";
import { type FaultRow, transportRows } from "./_rows.ts";

/** The descriptors of the server's process. */
const FEW = 64;

/** What the server tells of itself. */
interface Look {
  readonly listenerFaults: number;
  readonly connections: number;
  readonly codes: readonly string[];
  readonly busy: number;
}

/** How long a rest is that is looked at, in milliseconds, and how many of them. */
const REST_MS = 600;
const MOST_RESTS = 6;

/** The share of its time that a server at rest may be busy: one that tries again and again is busy all the time. */
const MOST_BUSY = 0.7;

/** Node's libuv closes what it has no descriptor for, and tells nobody. */
const isSilent = runtimeName === "node";

function isAtRest({ busy, listenerFaults }: Look): boolean {
  return busy < MOST_BUSY && (isSilent || listenerFaults > 0);
}

/** The server, in a process of its own. */
class Server {
  readonly ports: readonly number[];
  readonly #say: (line: string) => void;
  readonly #lines: AsyncIterator<string>;

  private constructor(
    ports: readonly number[],
    say: (line: string) => void,
    lines: AsyncIterator<string>,
  ) {
    this.ports = ports;
    this.#say = say;
    this.#lines = lines;
  }

  static async start(world: World): Promise<Server> {
    const { command, args } = currentRuntimeCommand(
      new URL("./descriptors_fixture.ts", import.meta.url),
    );
    const child = spawn("sh", [
      "-c",
      `ulimit -n ${FEW}; exec "$0" "$@"`,
      command,
      ...args,
    ], {
      stdio: ["pipe", "pipe", "inherit"],
      // Deno's own search for updates would take descriptors at a time of its choice.
      env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" },
    });
    const gone = new Promise((resolve) => child.once("close", resolve));
    world.defer(async () => {
      child.stdin.end();
      child.kill("SIGKILL");
      await gone;
    });
    const lines = createInterface({ input: child.stdout })
      [Symbol.asyncIterator]();
    const first = await lines.next();
    assert(first.done !== true, "the server did not start");
    const { ports } = JSON.parse(first.value);
    return new Server(
      ports,
      (line) => void child.stdin.write(`${line}\n`),
      lines,
    );
  }

  /** Lets it drop every connection. */
  async free(): Promise<void> {
    await this.#ask("free");
  }

  look(): Promise<Look> {
    return this.#ask("look");
  }

  /** What it tells of so many milliseconds. */
  async restFor(ms: number): Promise<Look> {
    await new Promise<void>((resolve) => setTimeout(resolve, ms));
    return await this.look();
  }

  async #ask<Answer>(order: string): Promise<Answer> {
    this.#say(order);
    const { value, done } = await this.#lines.next();
    assert(done !== true, "the server died");
    return JSON.parse(value);
  }
}

/** More connections than the server has descriptors for. */
async function crowd(world: World, port: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  world.defer(async () => {
    await Promise.all(sockets.map((socket) => {
      if (socket.closed) return;
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.destroy();
      return closed;
    }));
  });
  let settled = 0;
  for (let n = 0; n < FEW + 20; n += 1) {
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("connect", () => settled += 1);
    socket.resume();
  }
  await eventually("the crowd", () => settled === sockets.length);
  return sockets;
}

/** Whether a new connection is served. */
async function isServed(
  world: World,
  row: FaultRow,
  port: number,
): Promise<boolean> {
  const client = world.node("a client");
  client.network.connect(row.adapter, { hostname: "127.0.0.1", port }, {
    connectTimeoutMs: 4_000,
  });
  const { ok, endpoint } = await client.event("connected");
  if (ok) {
    client.network.send(endpoint, "anybody there?");
    await client.until(
      "an answer or an end",
      () => client.count("message") + client.count("disconnected") > 0,
    );
  }
  await client.handler.stop();
  return client.count("message") === 1;
}

const rows = process.platform === "win32"
  ? []
  : transportRows.filter(({ name }) => name === "FramedTcp" || name === "Ws");

seededOn(
  rows,
  "a listener without descriptors rests, goes on once there are some, and the process lives",
  async (world, row) => {
    const server = await Server.start(world);
    const port = server.ports[row.name === "Ws" ? 1 : 0];
    assert(port !== undefined);
    assert(await isServed(world, row, port));
    const sockets = await crowd(world, port);
    await server.look();
    // A slow machine may need a while until all have come: it rests in the end, or never.
    let starved = await server.restFor(REST_MS);
    for (let n = 1; n < MOST_RESTS && !isAtRest(starved); n += 1) {
      starved = await server.restFor(REST_MS);
    }
    for (const code of starved.codes) {
      // A connection that ends within its WebSocket handshake is told here too.
      assert(code === "too-many-open-files" || row.name === "Ws", code);
    }
    if (!isSilent) assert(starved.listenerFaults > 0, "nothing was told");
    assert(starved.busy < MOST_BUSY, `busy for ${starved.busy} of the time`);
    await server.free();
    for (const socket of sockets) socket.destroy();
    // Those that are left in the queue come first, and leave again.
    const end = performance.now() + 15_000;
    while (!await isServed(world, row, port)) {
      assert(performance.now() < end, "nobody is served any more");
    }
    // And as often as you like.
    for (let n = 0; n < 3; n += 1) assert(await isServed(world, row, port));
  },
);
