/**
 * The ways from this thread to others, over which ports for connections travel.
 *
 * @module
 */

import { MessagePort, Worker } from "node:worker_threads";
import type { PortConnection } from "./port_connection.ts";

/** What serves the knocks of other threads: `worker_port.ts` does. */
export type KnockHandler = (
  name: string,
  port: MessagePort,
) => PortConnection | undefined;

/** A way to another thread; connections can be made over it from both ends. */
export interface ThreadLink {
  /** Unlinks the threads: no more connections are made; those that are live on. */
  close(): void;
}

/** What travels over a link. */
interface Knock {
  readonly signalboxKnock: string;
  readonly port: MessagePort;
}

const links = new Map<string, Link>();

/** The link of this name. */
export function linkTo(name: string): Link | undefined {
  return links.get(name);
}

/** A link, as the adapter uses it. */
export class Link implements ThreadLink {
  readonly #name: string;
  readonly #thread: Worker | MessagePort;
  readonly #serve: KnockHandler;
  readonly #connections = new Set<PortConnection>();
  readonly #hear = (message: unknown) => {
    // The program may send messages of its own the same way.
    if (isKnock(message)) {
      this.#watch(this.#serve(message.signalboxKnock, message.port));
    }
  };
  readonly #exit = () => {
    this.close();
    for (const connection of this.#connections) connection.threadHasEnded();
  };

  constructor(
    name: string,
    thread: Worker | MessagePort,
    serve: KnockHandler,
  ) {
    this.#name = name;
    this.#thread = thread;
    this.#serve = serve;
    links.set(name, this);
    thread.on("message", this.#hear);
    if (thread instanceof Worker) thread.on("exit", this.#exit);
  }

  /** Asks the other thread to connect a port to who listens there. */
  knock(name: string, port: MessagePort, own: PortConnection): void {
    const message: Knock = { signalboxKnock: name, port };
    this.#thread.postMessage(message, [port]);
    this.#watch(own);
  }

  close(): void {
    if (links.get(this.#name) === this) links.delete(this.#name);
    this.#thread.off("message", this.#hear);
    // What nobody listens to must not keep the thread alive.
    if (!(this.#thread instanceof Worker)) this.#thread.unref();
  }

  #watch(connection: PortConnection | undefined): void {
    if (connection === undefined) return;
    this.#connections.add(connection);
    connection.whenOver = () => this.#connections.delete(connection);
  }
}

function isKnock(message: unknown): message is Knock {
  return typeof message === "object" && message !== null &&
    "signalboxKnock" in message && typeof message.signalboxKnock === "string" &&
    "port" in message && message.port instanceof MessagePort;
}
