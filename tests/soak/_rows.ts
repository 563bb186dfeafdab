/**
 * The transports of a soak, where they listen, and the faulty ways to get there.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  type Adapter,
  type Address,
  type ConnectOptions,
  framedTcp,
  type ListenOptions,
  messagePackFraming,
  newlineFraming,
  type SocketAddress,
  taggedFraming,
  type TcpConnectOptions,
  type TcpListenOptions,
  Transport,
} from "../../mod.ts";
import { CA, identity } from "../tls/_certificates.ts";

/** One transport. */
export interface Row {
  readonly name: string;
  readonly adapter: Adapter<ConnectOptions, ListenOptions>;
  /** Messages keep their boundaries. */
  readonly isPacket: boolean;
  /** Nothing is lost. */
  readonly isReliable: boolean;
  /** Messages go as hexadecimal digits, because the framing cannot carry all bytes. */
  readonly isText: boolean;
  /** How a proxy reaches it. */
  readonly through: "port" | "path" | undefined;
  /** How often it is chosen. */
  readonly weight: number;
}

const tcp: Row = {
  name: "Tcp",
  adapter: Transport.Tcp,
  isPacket: false,
  isReliable: true,
  isText: false,
  through: "port",
  weight: 3,
};
const framed: Row = { ...tcp, isPacket: true };

/** Small, so that bursts pass the marks. */
export const MARKS = { highWaterMark: 32 * 1024, outboxLimit: 256 * 1024 };

/** Long, so that a machine that is too slow for so many connections fails none. */
export const TIMES = { connectTimeoutMs: 90_000, handshakeTimeoutMs: 90_000 };

/** The transport with TLS under it. */
function withTls(
  adapter: Adapter<TcpConnectOptions, TcpListenOptions>,
  weight: number,
): Row {
  const name = `${adapter.name} with TLS`;
  const { handshakeTimeoutMs } = TIMES;
  const listenTls = { ...identity("server"), handshakeTimeoutMs };
  const connectTls = { ca: CA, serverName: "server.test", handshakeTimeoutMs };
  return {
    ...tcp,
    name,
    isPacket: adapter.isPacketBased,
    weight,
    adapter: {
      ...adapter,
      name,
      connect: (host, address, options, events) =>
        adapter.connect(host, address, { ...options, tls: connectTls }, events),
      listen: (host, address, options, events) =>
        adapter.listen(host, address, { ...options, tls: listenTls }, events),
    },
  };
}

/** All of them. */
export const ROWS: readonly Row[] = [
  tcp,
  { ...framed, name: "FramedTcp", adapter: Transport.FramedTcp, weight: 5 },
  {
    ...framed,
    name: "FramedTcp tagged",
    adapter: framedTcp({ framing: taggedFraming }),
    weight: 1,
  },
  {
    ...framed,
    name: "FramedTcp newline",
    adapter: framedTcp({ framing: newlineFraming }),
    isText: true,
    weight: 1,
  },
  {
    ...framed,
    name: "FramedTcp MessagePack",
    adapter: framedTcp({ framing: messagePackFraming }),
    weight: 1,
  },
  { ...framed, name: "Ws", adapter: Transport.Ws, weight: 4 },
  { ...tcp, name: "Unix", adapter: Transport.Unix, through: "path", weight: 1 },
  {
    ...framed,
    name: "FramedUnix",
    adapter: Transport.FramedUnix,
    through: "path",
    weight: 2,
  },
  withTls(Transport.Tcp, 1),
  withTls(Transport.FramedTcp, 2),
  withTls(Transport.Ws, 1),
  {
    ...framed,
    name: "Memory",
    adapter: Transport.Memory,
    through: undefined,
    weight: 1,
  },
  {
    ...framed,
    name: "Udp",
    adapter: Transport.Udp,
    isReliable: false,
    through: undefined,
    weight: 2,
  },
];

/** What the way to a listener does to connections; `direct` is no proxy. */
export type Manner =
  | "direct"
  | "cut"
  | "delay"
  | "stall"
  | "reset"
  | "half"
  | "close";

/** Those that proxies have. */
export const MANNERS: readonly Manner[] = [
  "cut",
  "delay",
  "stall",
  "reset",
  "half",
  "close",
];

/** Whether connections by that way are ended by it. */
export function isDamaging(manner: Manner): boolean {
  return manner === "reset" || manner === "half" || manner === "close";
}

/** One way to one listener. */
export interface Way {
  readonly row: Row;
  readonly manner: Manner;
  readonly address: Address;
}

/** Paths that nobody else uses, until `remove`. */
export class Paths {
  readonly #folder = mkdtempSync(join(tmpdir(), "soak-"));
  #count = 0;

  next(): string {
    return join(this.#folder, `${this.#count += 1}`);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The proxies, in a process of their own. */
export class Proxies {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #exit: Promise<unknown>;

  /** @param program The Node that runs them. */
  constructor(program: string) {
    const script = fileURLToPath(new URL("proxy.mjs", import.meta.url));
    const child = spawn(program, [script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (child.stdout === null) throw new TypeError("A process has no output");
    this.#child = child;
    this.#exit = new Promise((resolve) => child.once("exit", resolve));
    this.#lines = createInterface({ input: child.stdout })
      [Symbol.asyncIterator]();
  }

  /** Puts every kind of proxy before a listener. */
  async before(
    row: Row,
    address: SocketAddress,
    paths: Paths,
  ): Promise<Way[]> {
    const target = row.through === "path" ? address.path : address.port;
    if (row.through === undefined) return [];
    const routes = MANNERS.map((manner) => ({
      target,
      manner,
      ...(row.through === "path" && { path: paths.next() }),
    }));
    this.#child.stdin?.write(`${JSON.stringify(routes)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("The proxies have ended");
    const places: (string | number)[] = JSON.parse(value);
    return places.map((place, at) => ({
      row,
      manner: MANNERS[at] ?? "direct",
      address: typeof place === "string"
        ? { path: place }
        : { hostname: "127.0.0.1", port: place },
    }));
  }

  /** Ends them. */
  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.#exit;
  }
}
