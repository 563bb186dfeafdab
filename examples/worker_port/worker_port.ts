/**
 * A transport of one's own: messages between the threads of a process, over MessagePort.
 *
 * It needs nothing but the public module: `connect` and `listen` take it as they
 * take `Transport.Tcp`. A thread becomes reachable with {@linkcode linkThread}:
 *
 *     linkThread("worker", worker)     in the thread that started the worker
 *     linkThread("main", parentPort)   in the worker
 *
 * Addresses are names: `{ path: "jobs" }` listens; `{ path: "main/jobs" }`
 * connects to what listens as `jobs` in the thread linked as `main`, and
 * `{ path: "jobs" }` to what does so in the own thread.
 *
 * @module
 */

import { MessageChannel } from "node:worker_threads";
import type { MessagePort, Worker } from "node:worker_threads";
import {
  type Adapter,
  type AdapterHost,
  Fault,
  type Listener,
  type ListenerEvents,
  SendStatus,
  type SocketAddress,
  type TargetAddress,
} from "../../mod.ts";
import { PortConnection } from "./port_connection.ts";
import { type PortLimits, portLimits } from "./port_limits.ts";
import { Link, linkTo, type ThreadLink } from "./thread_link.ts";

export type { ThreadLink };

/**
 * Makes another thread reachable, and lets it reach what listens in this one.
 * Both threads have to link each other.
 *
 * @param name How this thread calls the other one in addresses.
 * @param thread A Worker; in a worker, its `parentPort`; or any port to a thread.
 */
export function linkThread(
  name: string,
  thread: Worker | MessagePort,
): ThreadLink {
  return new Link(name, thread, knock);
}

// ---- The listener: hands each new connection to the node. ----

const listeners = new Map<string, PortListener>();

class PortListener implements Listener {
  readonly address: SocketAddress;
  // Datagrams are what these two are about: there are none.
  readonly queuedBytes = 0;
  readonly #host: AdapterHost;
  readonly #limits: PortLimits;
  readonly #events: ListenerEvents;

  constructor(
    host: AdapterHost,
    name: string,
    limits: PortLimits,
    events: ListenerEvents,
  ) {
    this.address = { family: "memory", hostname: "", port: 0, path: name };
    this.#host = host;
    this.#limits = limits;
    this.#events = events;
  }

  /** Takes the peer behind a port, unless the node refuses it (`maxConnections`, say). */
  accept(port: MessagePort): PortConnection | undefined {
    const connection = new PortConnection(
      this.#host,
      port,
      this.address.path,
      this.#limits,
    );
    const events = this.#events.accept(connection);
    if (events === undefined) return undefined;
    connection.accept(events);
    return connection;
  }

  sendTo(): SendStatus {
    return SendStatus.ResourceNotFound;
  }

  pause(): void {}

  resume(): void {}

  close(): Promise<void> {
    listeners.delete(this.address.path);
    return Promise.resolve();
  }
}

/** Somebody wants to connect, from this thread or from a linked one. */
function knock(name: string, port: MessagePort): PortConnection | undefined {
  const connection = listeners.get(name)?.accept(port);
  if (connection !== undefined) return connection;
  port.postMessage({ type: "refused" });
  port.close();
  return undefined;
}

// ---- Addresses. ----

interface Place {
  /** `""` for the own thread. */
  readonly thread: string;
  readonly name: string;
}

function placeOf(address: TargetAddress): Place {
  const { path } = address;
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  if (name === "") {
    throw new Fault(
      "invalid-address",
      `Cannot use ${address.text} with WorkerPort: it needs a name, { path: "thread/name" }`,
    );
  }
  return { thread: slash === -1 ? "" : path.slice(0, slash), name };
}

// ---- The adapter: the value that `connect` and `listen` take. ----

/** Messages between threads: whole, in order, with backpressure. */
export const WorkerPort: Adapter = {
  id: 33,
  name: "WorkerPort",
  maxMessageSize: Infinity,
  isConnectionOriented: true,
  isPacketBased: true,
  connect(host, address, options, events) {
    const { thread, name } = placeOf(address);
    const limits = portLimits(options);
    const { port1, port2 } = new MessageChannel();
    const connection = new PortConnection(host, port1, address.path, limits);
    connection.connect(events);
    if (thread === "") {
      // Not at once: no event may come from inside `connect`.
      host.defer(() => void knock(name, port2));
      return connection;
    }
    const link = linkTo(thread);
    if (link === undefined) {
      connection.refuse(
        new Fault("host-not-found", `No thread is linked as ${thread}`),
      );
    } else link.knock(name, port2, connection);
    return connection;
  },
  listen(host, address, options, events) {
    return new Promise((resolve) => {
      const { thread, name } = placeOf(address);
      if (thread !== "") {
        throw new Fault(
          "address-not-available",
          `Cannot listen on ${address.text}: only the own thread can be listened on`,
        );
      }
      if (listeners.has(name)) {
        throw new Fault(
          "address-in-use",
          `Cannot listen on ${name}: somebody does`,
        );
      }
      const listener = new PortListener(
        host,
        name,
        portLimits(options),
        events,
      );
      listeners.set(name, listener);
      resolve(listener);
    });
  },
};
