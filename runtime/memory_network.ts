/**
 * The space that memory drivers reach each other in.
 *
 * @module
 */

import { AddressTable } from "./_memory_address.ts";
import type { MemoryDatagram } from "./memory_datagram.ts";
import type { MemoryListener } from "./memory_stream_listener.ts";
import type { TimerHandle } from "./driver.ts";
import { Fault } from "./fault.ts";

/** The clock of a {@linkcode MemoryNetwork}: the four members of a `Driver` that deal with time. */
export interface MemoryClock {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Calls back once, after `delayMs`. */
  setTimer(callback: () => void, delayMs: number): TimerHandle;
  /** Forgets a timer; one that has fired is ignored. */
  clearTimer(timer: TimerHandle): void;
  /** Calls back soon, never before the current callback has returned. */
  defer(callback: () => void): void;
}

/** How a {@linkcode MemoryNetwork} behaves. */
export interface MemoryNetworkOptions {
  /** What moves its time. Default: the runtime's clock and timers. */
  readonly clock?: MemoryClock;
  /** How many bytes may be under way in one direction of a stream, at least 1. Default: 256 KiB. */
  readonly capacity?: number;
}

/** The memory drivers of one host name: they share its ports, as the processes of a machine do. */
export interface MemoryHost {
  /** The address that other hosts reach it by; undefined for the host of drivers without one. */
  readonly hostname: string | undefined;
  /** Who listens for streams. */
  readonly streams: AddressTable<MemoryListener>;
  /** Who receives datagrams. */
  readonly datagrams: AddressTable<MemoryDatagram>;
}

/** What {@linkcode createMemoryNetwork} makes; opaque. */
export interface MemoryNetwork {
  /** Tells the type apart; always `"memory-network"`. */
  readonly kind: "memory-network";
}

/** The inside of a network: what drivers and sockets use. */
export class MemorySpace implements MemoryNetwork {
  readonly kind = "memory-network";
  readonly clock: MemoryClock;
  readonly capacity: number;
  /** Names (`memory:` and `unix:` addresses) belong to the whole space. */
  readonly names: Map<string, MemoryListener> = new Map();
  readonly hosts: Map<string | undefined, MemoryHost> = new Map();
  /** All datagram sockets, for multicast and broadcast. */
  readonly datagrams: Set<MemoryDatagram> = new Set();
  #tasks: (() => void)[] = [];
  #isScheduled = false;
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock ?? realClock();
    this.capacity = options.capacity ?? 256 * 1024;
    if (!(this.capacity >= 1)) {
      throw new Fault(
        "invalid-option",
        `Cannot use the capacity ${this.capacity}: it is below 1`,
      );
    }
  }

  host(hostname: string | undefined): MemoryHost {
    let host = this.hosts.get(hostname);
    if (host === undefined) {
      host = {
        hostname,
        streams: new AddressTable(),
        datagrams: new AddressTable(),
      };
      this.hosts.set(hostname, host);
    }
    return host;
  }

  /**
   * Everything that one socket does to another goes through here: in order, and
   * never from inside a call. One turn of the clock runs all tasks that were
   * there when it began, so what they cause waits for the next, as with real sockets.
   */
  schedule(task: () => void): void {
    this.#tasks.push(task);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.clock.defer(this.#run);
  }

  /** The next ephemeral port: counted, not drawn, so that runs are alike. */
  nextPort(isTaken: (port: number) => boolean): number {
    for (let tries = FIRST_EPHEMERAL_PORT; tries <= LAST_PORT; tries++) {
      const port = this.#nextPort;
      this.#nextPort = port === LAST_PORT ? FIRST_EPHEMERAL_PORT : port + 1;
      if (!isTaken(port)) return port;
    }
    return 0;
  }

  readonly #run = (): void => {
    const tasks = this.#tasks;
    this.#tasks = [];
    this.#isScheduled = false;
    let done = 0;
    try {
      for (const task of tasks) {
        done++;
        task();
      }
    } finally {
      // A task threw: its error goes to the runtime, the others still have their turn.
      if (done < tasks.length) {
        const later = this.#tasks;
        this.#tasks = tasks.slice(done);
        for (const task of later) this.#tasks.push(task);
        if (!this.#isScheduled) {
          this.#isScheduled = true;
          this.clock.defer(this.#run);
        }
      }
    }
  };
}

const FIRST_EPHEMERAL_PORT = 32_768;
const LAST_PORT = 65_535;

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
