/**
 * The driver of the memory network: sockets that reach each other inside one
 * process, without the operating system and without any API of a runtime but
 * timers. For tests, simulations, and parts of a
 * program that speak as if they were apart.
 *
 * @module
 */

import { isNumeric } from "./_memory_address.ts";
import type { Driver } from "./driver.ts";
import { Fault } from "./fault.ts";
import { createMemoryDriver } from "./memory_driver.ts";
import {
  type MemoryNetwork,
  MemorySpace,
  SHARED_SPACE,
} from "./memory_network.ts";

export {
  createMemoryNetwork,
  type MemoryClock,
  type MemoryNetwork,
  type MemoryNetworkOptions,
} from "./memory_network.ts";

/** How a memory driver behaves. */
export interface MemoryDriverOptions {
  /** The space to be in. Default: the one that all drivers of the process share. */
  readonly network?: MemoryNetwork;
  /**
   * The IP address of the driver's host. Drivers with the same one share its
   * ports; loopback addresses always mean the own host. Default: a host that has
   * loopback addresses alone, which all drivers without this option share.
   */
  readonly hostname?: string;
  /** The most bytes that one `write` takes, at least 1: to try partial writes. Default: no limit of its own. */
  readonly maxWriteSize?: number;
  /** The most bytes that one `data` brings, at least 1: to try cuts of the stream. Default: what one `write` took. */
  readonly maxChunkSize?: number;
}

/**
 * Makes a driver whose sockets live in memory.
 *
 * - Streams are bound to names (`{ family: "memory", path }`, and `"unix"`
 *   likewise), which belong to the whole network, or to hosts and ports, so that
 *   every transport over TCP runs on it unchanged. 256 KiB may be under way in
 *   one direction; then `write` takes less, and `drain` follows.
 * - Half-close, reset, refusal and addresses in use are as with TCP.
 * - Datagrams up to 65,507 bytes, with multicast and broadcast. What a receiver
 *   has no room for is lost, as with UDP; nothing else is, and the order is kept.
 * - Nothing is called from inside a call, and the same calls give the same
 *   events in the same order: ports are counted, not drawn.
 * - Sockets do not keep the process alive; timers do.
 * - `random` draws from the network's option `random`.
 * - `connectWebSocket` and `listenWebSocket` are `not-supported`: WebSockets run
 *   over its streams. So is TLS: nobody listens in.
 *
 * @param options Where the driver is, and how its streams are cut.
 * @throws {Fault} `invalid-option` for a limit below 1, a host that is no IP
 * address, or a network that `createMemoryNetwork` did not make.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { memoryDriver } from "./memory.ts";
 *
 * const driver = memoryDriver();
 * const address = { family: "memory", hostname: "", port: 0, path: "greeter" } as const;
 * const listener = await driver.listenStream({ address }, {
 *   accept(socket) {
 *     socket.write(new TextEncoder().encode("hello"));
 *     socket.close();
 *     return { open() {}, data() {}, drain() {}, end() {}, closed() {} };
 *   },
 *   fault: console.error,
 * });
 * const text = await new Promise<string>((resolve) => {
 *   const socket = driver.connectStream({ address }, {
 *     open() {},
 *     data: (chunk) => resolve(new TextDecoder().decode(chunk)),
 *     drain() {},
 *     end: () => socket.close(),
 *     closed() {},
 *   });
 * });
 * assert.equal(text, "hello");
 * await listener.close();
 * ```
 */
export function memoryDriver(options: MemoryDriverOptions = {}): Driver {
  const { network = SHARED_SPACE, hostname } = options;
  if (!(network instanceof MemorySpace)) {
    throw new Fault(
      "invalid-option",
      "Cannot use the network: it was not made by createMemoryNetwork",
    );
  }
  if (hostname !== undefined && !isNumeric(hostname)) {
    throw new Fault(
      "invalid-option",
      `Cannot use the host ${hostname}: it is no IP address`,
    );
  }
  return createMemoryDriver({
    space: network,
    host: network.host(hostname),
    limits: {
      maxWriteSize: limit("maxWriteSize", options.maxWriteSize),
      maxChunkSize: limit("maxChunkSize", options.maxChunkSize),
    },
  });
}

function limit(name: string, given: number | undefined): number {
  if (given === undefined) return Infinity;
  if (given >= 1) return Math.floor(given);
  throw new Fault(
    "invalid-option",
    `Cannot use ${name} ${given}: it is below 1`,
  );
}
