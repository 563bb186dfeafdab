/**
 * The space that memory drivers reach each other in.
 *
 * @module
 */

import { isNumeric } from "./_memory_address.ts";
import { Fault } from "./fault.ts";
import type { MemoryCarrier } from "./memory_carrier.ts";
import type { MemoryDatagram } from "./memory_datagram.ts";
import { type MemoryClock, MemoryHost, TaskQueue } from "./memory_host.ts";
import type { MemoryListener } from "./memory_stream_listener.ts";

export type { MemoryClock } from "./memory_host.ts";

/** How a {@linkcode MemoryNetwork} behaves. */
export interface MemoryNetworkOptions {
  /** What moves its time. Default: the runtime's clock and timers. */
  readonly clock?: MemoryClock;
  /** How many bytes may be under way in one direction of a stream, at least 1. Default: 256 KiB. */
  readonly capacity?: number;
  /** What its drivers draw lots with: numbers from 0 to below 1. Default: `Math.random`. */
  readonly random?: () => number;
}

/** What {@linkcode createMemoryNetwork} makes; opaque. */
export interface MemoryNetwork {
  /** Tells the type apart; always `"memory-network"`. */
  readonly kind: "memory-network";
}

/** The inside of a network: what drivers and sockets use. */
export class MemorySpace implements MemoryNetwork {
  readonly kind = "memory-network";
  readonly capacity: number;
  /** What carries things between hosts; without one they arrive at once. */
  readonly carrier: MemoryCarrier | undefined;
  /** Names (`memory:` and `unix:` addresses) belong to the whole space. */
  readonly names: Map<string, MemoryListener> = new Map();
  readonly hosts: Map<string | undefined, MemoryHost> = new Map();
  /** All datagram sockets, for multicast and broadcast. */
  readonly datagrams: Set<MemoryDatagram> = new Set();
  readonly #clock: MemoryClock;
  readonly #tasks: TaskQueue;
  readonly #random: () => number;

  constructor(options: MemoryNetworkOptions, carrier?: MemoryCarrier) {
    this.carrier = carrier;
    this.#clock = options.clock ?? realClock();
    this.#tasks = new TaskQueue(this.#clock);
    // Looked up at each call, so that a test's replacement is seen.
    this.#random = options.random ?? (() => Math.random());
    this.capacity = options.capacity ?? 256 * 1024;
    if (!(this.capacity >= 1)) {
      throw new Fault(
        "invalid-option",
        `Cannot use the capacity ${this.capacity}: it is below 1`,
      );
    }
  }

  /** The host of an address, made when it is asked for first. */
  host(hostname: string | undefined): MemoryHost {
    let host = this.hosts.get(hostname);
    if (host === undefined) {
      host = new MemoryHost({
        hostname,
        clock: this.#clock,
        tasks: this.#tasks,
        random: this.#random,
      });
      this.hosts.set(hostname, host);
    }
    return host;
  }

  /**
   * Takes a host out with all that is bound on it, as a crash does: nobody is
   * told, and what arrives for it meets nobody.
   */
  removeHost(host: MemoryHost): void {
    if (this.hosts.get(host.hostname) !== host) return;
    this.hosts.delete(host.hostname);
    for (const [name, listener] of this.names) {
      if (listener.host === host) this.names.delete(name);
    }
    for (const socket of this.datagrams) {
      if (socket.host === host) this.datagrams.delete(socket);
    }
  }

  /** The IP address that a name stands for, as a name service would tell. */
  readonly lookup = (name: string): string | undefined => {
    if (isNumeric(name)) return name;
    return name === "localhost" ? "127.0.0.1" : this.carrier?.lookup(name);
  };
}

/** The one space of all drivers that are not given another. */
export const SHARED_SPACE: MemorySpace = new MemorySpace({});

/**
 * Makes a space of its own: drivers in it reach each other, and nobody else.
 *
 * @param options What moves its time, and how much its streams hold.
 * @throws {Fault} `invalid-option` for a capacity below 1.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { createMemoryNetwork, memoryDriver } from "./memory.ts";
 *
 * const network = createMemoryNetwork();
 * const server = memoryDriver({ network, hostname: "10.0.0.1" });
 * const client = memoryDriver({ network, hostname: "10.0.0.2" });
 * const address = { family: "ipv4", hostname: "10.0.0.1", port: 80, path: "" } as const;
 * const peer = await new Promise<string>((resolve) => {
 *   server.listenStream({ address }, {
 *     accept: (socket) => {
 *       resolve(socket.peerAddress.hostname);
 *       return undefined;
 *     },
 *     fault: console.error,
 *   });
 *   client.connectStream({ address }, {
 *     open() {},
 *     data() {},
 *     drain() {},
 *     end() {},
 *     closed() {},
 *   });
 * });
 * assert.equal(peer, "10.0.0.2");
 * ```
 */
export function createMemoryNetwork(
  options: MemoryNetworkOptions = {},
): MemoryNetwork {
  return new MemorySpace(options);
}

/** A timer in a class of its own: the types of the runtimes differ on what `setTimeout` returns. */
class RealTimer {
  readonly handle: ReturnType<typeof setTimeout>;

  constructor(callback: () => void, delayMs: number) {
    this.handle = setTimeout(callback, delayMs);
  }
}

function realClock(): MemoryClock {
  return {
    now: () => performance.now(),
    setTimer: (callback, delayMs) => new RealTimer(callback, delayMs),
    clearTimer: (timer) => {
      if (timer instanceof RealTimer) clearTimeout(timer.handle);
    },
    defer: realDefer(),
  };
}

function isFunction(value: unknown): value is (callback: () => void) => void {
  return typeof value === "function";
}

function realDefer(): (callback: () => void) => void {
  // Looked up at each call, so that a test's fake timers are seen.
  return (callback) => {
    const immediate: unknown = Reflect.get(globalThis, "setImmediate");
    if (isFunction(immediate)) immediate(callback);
    else setTimeout(callback, 0);
  };
}
