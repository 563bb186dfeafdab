/**
 * The peer on npm's `zeromq`: push and pull one way, dealer and router for
 * echoes. `README.md` has its command line.
 *
 * @module
 */

import { Dealer, Pull, Push, Router, type Socket } from "zeromq";
import {
  endWithInput,
  fail,
  readPeerCommand,
  refuse,
  report,
} from "../_peer_command.ts";
import type { Flight } from "../_ping.ts";
import { createRole, type Link } from "./_roles.ts";

/** Messages that wait for the one that is being sent, after which a source waits. */
const MAX_QUEUED = 1_000;
/** After the last connection has gone, what had come is still handed out. */
const LINGER_MS = 200;

const command = readPeerCommand();
endWithInput();
if (command.transport !== "zmtp") {
  refuse(`there is no transport ${command.transport}`);
}
const role = createRole(command);

/** A socket that sends: `zeromq` takes the next message when it has the one before. */
class ZmqLink implements Link {
  readonly #write: (payload: Uint8Array) => Promise<void>;
  readonly #end: () => Promise<void>;
  #queue: Uint8Array[] = [];
  #running: Promise<void> | undefined;
  flight: Flight | undefined;

  constructor(
    write: (payload: Uint8Array) => Promise<void>,
    end: () => Promise<void>,
  ) {
    this.#write = write;
    this.#end = end;
  }

  send(payload: Uint8Array): boolean {
    this.#queue.push(payload);
    this.#running ??= this.#run();
    return this.#queue.length < MAX_QUEUED;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      for (const payload of batch) await this.#write(payload);
    }
    this.#running = undefined;
  }

  flush(): void {}

  async writable(): Promise<void> {
    await this.#running;
  }

  async close(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    await this.#end();
  }
}

async function attach(
  socket: Socket & { readonly lastEndpoint: string | null },
): Promise<void> {
  if (!command.isListening) socket.connect(`tcp://${command.address}`);
  else {
    await socket.bind(`tcp://${command.address}`);
    report({
      ready: true,
      address: socket.lastEndpoint?.replace("tcp://", ""),
    });
  }
}

/** What is sent is gone when it is in a queue: the other side closes when it has all of it. */
async function end(socket: Socket): Promise<void> {
  socket.close();
  // The thread of the library still sends what the socket had queued.
  await new Promise<void>((resolve) => setTimeout(resolve, LINGER_MS));
}

async function source(): Promise<void> {
  const socket = new Push({ linger: 10_000 });
  const link = new ZmqLink(
    (payload) => socket.send(payload),
    () => end(socket),
  );
  await attach(socket);
  role.opened(link);
}

async function ping(): Promise<void> {
  const socket = new Dealer();
  const link = new ZmqLink(
    (payload) => socket.send(payload),
    () => end(socket),
  );
  await attach(socket);
  role.opened(link);
  for await (const [payload] of socket) {
    if (payload !== undefined) role.message(link, payload);
  }
}

async function sink(): Promise<void> {
  const socket = new Pull();
  const link = new ZmqLink(() => Promise.resolve(), () => Promise.resolve());
  let open = 0;
  let seen = 0;
  let came = 0;
  const opened = () => {
    open += 1;
    role.opened(link);
  };
  const closed = () => {
    const wait = () => {
      if (came !== seen) {
        seen = came;
        setTimeout(wait, LINGER_MS);
        return;
      }
      open -= 1;
      role.closed(link);
    };
    if (open > 0) wait();
  };
  socket.events.on("accept", opened);
  socket.events.on("connect", opened);
  socket.events.on("disconnect", closed);
  await attach(socket);
  for await (const [payload] of socket) {
    came += 1;
    if (payload !== undefined) role.message(link, payload);
  }
}

async function echo(): Promise<void> {
  if (!command.isListening) {
    const socket = new Dealer();
    await attach(socket);
    for await (const [payload = ""] of socket) await socket.send(payload);
    return;
  }
  const socket = new Router();
  await attach(socket);
  for await (const parts of socket) await socket.send(parts);
}

async function run(): Promise<void> {
  const work = { echo, sink, source, ping }[command.mode];
  if (command.isListening) return work();
  const all = Promise.all(Array.from({ length: command.connections }, work));
  report({ ready: true, address: command.address });
  await all;
}

run().catch(fail);
