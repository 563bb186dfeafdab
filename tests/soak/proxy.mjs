/**
 * A network that misbehaves, in a process of its own: a proxy on bare sockets.
 *
 * It reads lines of JSON, each an array of routes `{ target, manner, path? }`,
 * and answers each line with an array of where it listens for them. It ends with
 * its input.
 *
 * Manners that lose nothing: `cut` (some writes go in single bytes), `delay`,
 * `stall` (reading stops for a while). Manners that end a connection at a random
 * time: `reset`, `half` (one direction ends in order), `close` (both do).
 */
import { rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";

/**
 * @typedef {object} Route
 * @property {number | string} target a port of 127.0.0.1, or a path
 * @property {string} manner
 * @property {string} [path] where to listen; default: any port
 *
 * @typedef {import("node:net").Socket} Socket
 */

/** How much of a direction may wait here before reading stops, in bytes. */
const ROOM = 64 * 1024;
/** How many bytes of one chunk go one by one. */
const SINGLES = 40;

/** @param {number} limit */
const below = (limit) => Math.floor(Math.random() * limit);

/** One direction. */
class Lane {
  /** @type {Uint8Array[]} */
  #queue = [];
  #queued = 0;
  /** Whether its FIN has come. */
  isEnded = false;
  #isOver = false;
  #isResting = false;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /**
   * @param {Socket} from
   * @param {Socket} to
   * @param {string} manner
   */
  constructor(from, to, manner) {
    this.from = from;
    this.to = to;
    this.manner = manner;
    from.on("data", (chunk) => {
      if (this.#isOver) return;
      this.#queue.push(chunk);
      this.#queued += chunk.length;
      if (this.#queued > ROOM) from.pause();
      this.#pump();
    });
    from.on("end", () => {
      this.isEnded = true;
      this.#pump();
    });
    to.on("drain", () => this.#pump());
    if (manner === "stall") this.#stallSoon();
  }

  /** Ends the direction in order; what waits is dropped. */
  finish() {
    if (this.#isOver) return;
    this.drop();
    this.to.end();
    this.from.resume();
  }

  drop() {
    this.#isOver = true;
    this.#queue = [];
    this.#queued = 0;
    clearTimeout(this.#timer);
  }

  #stallSoon() {
    this.#timer = setTimeout(() => {
      if (this.#isOver) return;
      this.#rest(100 + below(1_400));
    }, below(6_000));
  }

  /** @param {number} ms */
  #rest(ms) {
    this.#isResting = true;
    this.#timer = setTimeout(() => {
      this.#isResting = false;
      if (this.manner === "stall") this.#stallSoon();
      this.#pump();
    }, ms);
  }

  #pump() {
    while (!this.#isOver && !this.#isResting) {
      const chunk = this.#queue[0];
      if (chunk === undefined) {
        if (this.isEnded) {
          this.drop();
          this.to.end();
        }
        return;
      }
      if (this.to.writableLength > ROOM) return;
      this.#queue.shift();
      this.#queued -= chunk.length;
      if (this.manner === "cut" && below(4) === 0) this.#writeSingly(chunk);
      else this.to.write(chunk);
      if (this.#queued <= ROOM) this.from.resume();
      if (this.manner === "delay") this.#rest(1 + below(40));
    }
  }

  /** @param {Uint8Array} chunk */
  #writeSingly(chunk) {
    const start = below(Math.max(1, chunk.length - SINGLES));
    if (start > 0) this.to.write(chunk.subarray(0, start));
    let at = start;
    this.#isResting = true;
    const step = () => {
      if (this.#isOver) return;
      if (at < Math.min(chunk.length, start + SINGLES)) {
        this.to.write(chunk.subarray(at, at + 1));
        at += 1;
        setImmediate(step);
        return;
      }
      if (at < chunk.length) this.to.write(chunk.subarray(at));
      this.#isResting = false;
      this.#pump();
    };
    step();
  }
}

/**
 * @param {Socket} client
 * @param {Route} route
 */
function link(client, { target, manner }) {
  const server = typeof target === "string"
    ? connect({ path: target, allowHalfOpen: true })
    : connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
  const up = new Lane(client, server, manner);
  const down = new Lane(server, client, manner);
  const cut = (/** @type {boolean} */ isReset) => {
    up.drop();
    down.drop();
    for (const socket of [client, server]) {
      // A path has no reset.
      if (isReset && typeof target === "number") socket.resetAndDestroy();
      else socket.destroy();
    }
  };
  // What came in order before a reset still arrives; the rest is cut off.
  const failed = (/** @type {Lane} */ from, /** @type {Lane} */ to) => {
    to.drop();
    if (!from.isEnded) cut(true);
  };
  client.setNoDelay(true).on("error", () => failed(up, down));
  server.setNoDelay(true).on("error", () => failed(down, up));
  let left = 2;
  const closed = () => {
    left -= 1;
    if (left === 0) clearTimeout(timer);
  };
  client.on("close", closed);
  server.on("close", closed);
  // A lucky one is hit before its handshake is done.
  const delay = below(8) === 0 ? below(20) : 500 + below(12_000);
  const timer = setTimeout(() => {
    if (manner === "reset") cut(true);
    else if (manner === "close") cut(false);
    else if (manner === "half") (below(2) === 0 ? up : down).finish();
  }, delay);
}

/**
 * @param {Route} route
 * @returns {Promise<number | string>}
 */
function open(route) {
  return new Promise((resolve, reject) => {
    const server = createServer(
      { allowHalfOpen: true },
      (client) => link(client, route),
    );
    server.on("error", reject);
    if (route.path !== undefined) {
      const { path } = route;
      server.listen(path, () => resolve(path));
      paths.push(path);
      return;
    }
    server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () => {
      const address = server.address();
      if (address === null || typeof address === "string") {
        reject(new Error("A proxy has no port"));
      } else resolve(address.port);
    });
  });
}

/** @type {string[]} */
const paths = [];
process.on("exit", () => {
  for (const path of paths) rmSync(path, { force: true });
});

for await (const line of createInterface({ input: process.stdin })) {
  /** @type {Route[]} */
  const routes = JSON.parse(line);
  console.log(JSON.stringify(await Promise.all(routes.map(open))));
}
process.exit();
