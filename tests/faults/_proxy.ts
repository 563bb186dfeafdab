/**
 * A network that misbehaves: a proxy on bare sockets between two nodes, which
 * cuts, delays, stalls, resets and closes what goes through it.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Address, Listening } from "../../mod.ts";
import { eventually, type World } from "../conformance/_nodes.ts";
import type { TransportRow } from "../conformance/_transports.ts";
import { tempSocketPath } from "../_support.ts";

/** How much of a direction may wait in the proxy before it stops reading. */
const ROOM = 64 * 1024;

/** What is done to the bytes of one direction. */
export interface Manners {
  /** The most bytes of the next write. Default: all that is there. */
  readonly cut?: () => number;
  /** How long to wait before each write, in milliseconds. Default: until the next turn of the loop where `cut` is given, else not at all. */
  readonly delayMs?: () => number;
}

/** One direction through the proxy. */
export class Lane {
  /** Bytes handed on. */
  passed = 0;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #manners: Manners;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #isStalled = false;
  #isEnded = false;
  #isOver = false;
  #stopAt = Infinity;
  #hasStopped = false;
  #unwritten = 0;
  #whenStopped: (() => void) | undefined;
  #isWaiting = false;
  #cancel: (() => void) | undefined;

  constructor(from: Socket, to: Socket, manners: Manners) {
    this.#from = from;
    this.#to = to;
    this.#manners = manners;
    from.on("data", (chunk: Buffer) => {
      this.#queue.push(Uint8Array.from(chunk));
      this.#queued += chunk.length;
      this.#steer();
      this.#pump();
    });
    from.on("end", () => {
      this.#isEnded = true;
      this.#pump();
    });
    to.on("drain", () => this.#pump());
  }

  /** Hands nothing on, and soon reads no more either. */
  stall(): void {
    this.#isStalled = true;
    this.#steer();
  }

  /** Hands on again. */
  goOn(): void {
    this.#isStalled = false;
    this.#steer();
    this.#pump();
  }

  /** Hands on exactly `size` bytes more, then stalls and calls back. */
  stopAfter(size: number, then: () => void): void {
    this.#stopAt = this.passed + size;
    this.#whenStopped = then;
  }

  /** Drops what is under way. */
  destroy(): void {
    this.#isOver = true;
    this.#cancel?.();
    this.#queue = [];
  }

  #steer(): void {
    if (this.#isStalled || this.#queued > ROOM) this.#from.pause();
    else this.#from.resume();
  }

  #pump(): void {
    while (!this.#isOver && !this.#isStalled && !this.#isWaiting) {
      const chunk = this.#queue[0];
      if (chunk === undefined) {
        if (this.#isEnded) {
          this.#isOver = true;
          this.#to.end();
        }
        return;
      }
      if (this.#to.writableLength > ROOM) return;
      const { cut, delayMs } = this.#manners;
      const size = Math.min(
        chunk.length,
        cut?.() ?? chunk.length,
        this.#stopAt - this.passed,
      );
      if (size > 0) {
        if (size < chunk.length) this.#queue[0] = chunk.subarray(size);
        else this.#queue.shift();
        this.#queued -= size;
        this.passed += size;
        this.#unwritten += 1;
        this.#to.write(chunk.subarray(0, size), this.#written);
      }
      if (this.passed === this.#stopAt) {
        this.#stopAt = Infinity;
        this.stall();
        this.#hasStopped = true;
        if (this.#unwritten === 0) this.#tellStopped();
        return;
      }
      this.#steer();
      if (delayMs !== undefined) this.#rest(delayMs());
      else if (cut !== undefined) this.#turn();
    }
  }

  readonly #written = (): void => {
    this.#unwritten -= 1;
    if (this.#hasStopped && this.#unwritten === 0) this.#tellStopped();
  };

  /** Once all is out: Deno's node:net makes a FIN of a reset that overtakes a write. */
  #tellStopped(): void {
    this.#hasStopped = false;
    if (!this.#isOver) this.#whenStopped?.();
  }

  #rest(delayMs: number): void {
    this.#isWaiting = true;
    const timer = setTimeout(() => this.#rested(), delayMs);
    this.#cancel = () => clearTimeout(timer);
  }

  #turn(): void {
    this.#isWaiting = true;
    const immediate = setImmediate(() => this.#rested());
    this.#cancel = () => clearImmediate(immediate);
  }

  #rested(): void {
    this.#isWaiting = false;
    this.#cancel = undefined;
    this.#pump();
  }
}

/** One connection through the proxy. */
export class Link {
  /** The client's socket, as the proxy accepted it. */
  readonly client: Socket;
  /** The proxy's own connection to the server. */
  readonly server: Socket;
  /** From the client to the server. */
  readonly up: Lane;
  /** From the server to the client. */
  readonly down: Lane;

  constructor(client: Socket, server: Socket, manners: ProxyManners) {
    this.client = client;
    this.server = server;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      // The tests look at the nodes: what the proxy itself meets is of no interest.
      socket.on("error", () => {});
    }
    this.up = new Lane(client, server, manners.up ?? {});
    this.down = new Lane(server, client, manners.down ?? {});
  }

  /** Resets both connections. */
  reset(): void {
    this.#drop();
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  /** Ends the direction to the client in order; the other goes on. */
  endToClient(): void {
    this.down.destroy();
    this.client.end();
  }

  /** Ends the direction to the server in order; the other goes on. */
  endToServer(): void {
    this.up.destroy();
    this.server.end();
  }

  /** Closes both connections at once, without a word of the protocol inside. */
  cut(): void {
    this.#drop();
    this.client.destroy();
    this.server.destroy();
  }

  #drop(): void {
    this.up.destroy();
    this.down.destroy();
  }
}

/** What is done to each direction. */
export interface ProxyManners {
  readonly up?: Manners;
  readonly down?: Manners;
  /** Called for each link, before anything goes through it. */
  readonly greet?: (link: Link) => void;
}

/** A proxy in front of a listener. */
export class Proxy {
  /** The links, oldest first. */
  readonly links: Link[] = [];
  /** How a node reaches the proxy. */
  readonly address: Address;

  constructor(address: Address) {
    this.address = address;
  }

  /** The link of that number, once it is there. */
  async link(index = 0): Promise<Link> {
    await eventually("a link", () => this.links.length > index);
    const link = this.links[index];
    if (link === undefined) throw new TypeError("There is no such link");
    return link;
  }
}

/** Puts a proxy before a listener, until the end of the test. */
export async function openProxy(
  world: World,
  row: TransportRow,
  { address: target }: Listening,
  manners: ProxyManners = {},
): Promise<Proxy> {
  const sockets: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    const onward = row.raw === "path"
      ? connect({ path: target.path, allowHalfOpen: true })
      : connect({ host: "127.0.0.1", port: target.port, allowHalfOpen: true });
    sockets.push(client, onward);
    const link = new Link(client, onward, manners);
    manners.greet?.(link);
    proxy.links.push(link);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    if (row.raw === "path") server.listen(tempSocketPath(), resolve);
    else server.listen(0, "127.0.0.1", resolve);
  });
  const bound = server.address();
  if (bound === null) throw new TypeError("A proxy has no address");
  const proxy = new Proxy(
    typeof bound === "string"
      ? { path: bound }
      : { hostname: "127.0.0.1", port: bound.port },
  );
  world.defer(async () => {
    for (const { up, down } of proxy.links) {
      up.destroy();
      down.destroy();
    }
    const closed = new Promise<void>((resolve) =>
      server.close(() => resolve())
    );
    await Promise.all(sockets.map(gone));
    await closed;
  });
  return proxy;
}

function gone(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    socket.destroy();
  });
}
