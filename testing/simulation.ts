/**
 * A network of hosts in one process, in a time of its own.
 *
 * @module
 */

import { NetworkError } from "../network/errors.ts";
import { SimulatedHost } from "./host.ts";
import type { Kernel } from "./_kernel.ts";
import { SimulatedLink } from "./link.ts";
import { checkDuration } from "./options.ts";
import type { SimulationRandom } from "./random.ts";
import type { SimulationEvent } from "./trace.ts";

/** One host or several, as objects or by the names of hosts that were made. */
export type HostSelection =
  | SimulatedHost
  | string
  | readonly (SimulatedHost | string)[];

/** What `runUntil` may be told. */
export interface RunUntilOptions {
  /** How long at most, in milliseconds of simulated time. Default: the time limit of the simulation. */
  readonly timeoutMs?: number;
  /** What is awaited, for the message of a failure. */
  readonly what?: string;
}

/**
 * A network of hosts in one process, in a time of its own; `simulate` makes it
 * and gives it to the body of the test.
 *
 * Time passes while the body waits: for a promise of a node, for
 * {@linkcode Simulation.runUntil}, for {@linkcode Simulation.advance}. It jumps
 * from one event to the next, and between two events all promises settle.
 */
export class Simulation {
  /** The seed of the run. */
  readonly seed: number;
  /** Lots for the test itself: which host is to crash, and when. */
  readonly random: SimulationRandom;
  readonly #kernel: Kernel;
  readonly #hosts = new Map<string, SimulatedHost>();
  #nextAddress = 1;

  /** `simulate` makes it. */
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.seed = kernel.seed;
    this.random = kernel.random.derive("test");
  }

  /** Milliseconds of simulated time since the start. */
  now(): number {
    return this.#kernel.scheduler.now();
  }

  /** What has happened so far, the oldest first; the same for the same seed. */
  get trace(): readonly SimulationEvent[] {
    return this.#kernel.trace.events;
  }

  /** Adds a line of the test's own to the trace. */
  note(text: string): void {
    this.#kernel.trace.add({ type: "note", detail: text });
  }

  /**
   * A host by its name; made when it is asked for first, and running at once.
   *
   * @param name What other hosts connect to: `"server"` for `"server:3000"`; or an
   * IP address. Names get the addresses 10.0.0.1, 10.0.0.2, … in the order in
   * which they are made.
   * @throws {NetworkError} `invalid-address` for a name that no address can hold.
   */
  host(name: string): SimulatedHost {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      const isAddress = /^\d+(\.\d+){3}$|^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(name);
      const isGood = isAddress ||
        /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(name);
      if (!isGood || name === "localhost") {
        throw new NetworkError(
          "invalid-address",
          `Cannot use the host name ${JSON.stringify(name)}`,
        );
      }
      const address = isAddress ? name : this.#freeAddress();
      this.#kernel.carrier.register(name, address);
      host = new SimulatedHost(this.#kernel, name, address);
      this.#hosts.set(name, host);
    }
    return host;
  }

  /** All hosts, in the order in which they were made. */
  get hosts(): readonly SimulatedHost[] {
    return [...this.#hosts.values()];
  }

  /** The way between hosts, in both directions. */
  link(one: HostSelection, other: HostSelection): SimulatedLink {
    const directions = this.#pairs(one, other).flatMap(([from, to]) => [
      this.#kernel.carrier.direction(from, to),
      this.#kernel.carrier.direction(to, from),
    ]);
    return new SimulatedLink(this.#kernel, directions, false);
  }

  /** The way from hosts to others, in this direction alone. */
  route(from: HostSelection, to: HostSelection): SimulatedLink {
    const directions = this.#pairs(from, to).map(([one, other]) =>
      this.#kernel.carrier.direction(one, other)
    );
    return new SimulatedLink(this.#kernel, directions, true);
  }

  /** Lets nothing through between two groups of hosts; see {@linkcode SimulatedLink.partition}. */
  partition(one: HostSelection, other: HostSelection): void {
    this.link(one, other).partition();
  }

  /** Ends partitions: those between two groups of hosts, or all. */
  heal(one?: HostSelection, other?: HostSelection): void {
    if (one !== undefined && other !== undefined) {
      this.link(one, other).heal();
      return;
    }
    const parted = [...this.#kernel.carrier.directions()].filter((direction) =>
      direction.isBlocked
    );
    new SimulatedLink(this.#kernel, parted, false).heal();
  }

  /**
   * Lets so many milliseconds of simulated time pass.
   *
   * @throws {NetworkError} (as a rejection) `invalid-option` for what is no length of time.
   */
  advance(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      checkDuration("delayMs", delayMs);
      this.#kernel.scheduler.schedule(delayMs, resolve, true);
    });
  }

  /**
   * Lets time pass until a condition holds, or a promise has settled.
   *
   * @param until A condition, which is looked at after each event and must have
   * no effects; or a promise.
   * @returns What the promise resolves with; rejects if it rejects, if the
   * condition throws, or when `timeoutMs` is over.
   */
  runUntil(until: () => boolean, options?: RunUntilOptions): Promise<void>;
  /** Lets time pass until a promise has settled; see above. */
  runUntil<Value>(
    until: PromiseLike<Value>,
    options?: RunUntilOptions,
  ): Promise<Value>;
  async runUntil<Value>(
    until: (() => boolean) | PromiseLike<Value>,
    options: RunUntilOptions = {},
  ): Promise<Value | void> {
    const { timeoutMs, what } = options;
    if (timeoutMs !== undefined) checkDuration("timeoutMs", timeoutMs);
    const waiter = typeof until === "function"
      ? this.#condition(until)
      : undefined;
    const awaited = typeof until === "function" ? waiter?.promise : until;
    if (timeoutMs === undefined) return await awaited;
    const { scheduler } = this.#kernel;
    const limit = new Promise<never>((_, reject) => {
      const subject = what ??
        (typeof until === "function" ? String(until) : "a promise");
      const timer = scheduler.schedule(timeoutMs, () => {
        waiter?.forget();
        reject(
          new Error(
            `In vain waited ${timeoutMs} ms of simulated time for ${subject}`,
          ),
        );
      }, true);
      const stop = () => scheduler.cancel(timer);
      Promise.resolve(awaited).then(stop, stop);
    });
    return await Promise.race([awaited, limit]);
  }

  /**
   * Waits for something real, such as WebCrypto, a file or an import: simulated
   * time stands still until it has settled. Whatever else is awaited and does
   * not belong to the simulation would let its time run on meanwhile, by as much
   * as chance wills.
   */
  async outside<Value>(work: PromiseLike<Value>): Promise<Value> {
    this.#kernel.outside++;
    try {
      return await work;
    } finally {
      this.#kernel.outside--;
    }
  }

  #condition(
    isMet: () => boolean,
  ): { readonly promise: Promise<void>; forget(): void } {
    let forget = () => {};
    const promise = new Promise<void>((resolve, reject) => {
      const waiter = { isMet, resolve, reject };
      this.#kernel.waiters.add(waiter);
      forget = () => this.#kernel.waiters.delete(waiter);
    });
    return { promise, forget: () => forget() };
  }

  #freeAddress(): string {
    for (;;) {
      const at = this.#nextAddress++;
      const address = `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
      if (!this.#hosts.has(address)) return address;
    }
  }

  #pairs(one: HostSelection, other: HostSelection): [string, string][] {
    const pairs: [string, string][] = [];
    for (const from of this.#names(one)) {
      for (const to of this.#names(other)) {
        if (from !== to) pairs.push([from, to]);
      }
    }
    return pairs;
  }

  #names(selection: HostSelection): string[] {
    const all = typeof selection === "string" ||
        selection instanceof SimulatedHost
      ? [selection]
      : selection;
    return all.map((one) => {
      if (typeof one !== "string") return one.name;
      if (this.#hosts.has(one)) return one;
      throw new NetworkError(
        "invalid-address",
        `There is no host ${JSON.stringify(one)} in the simulation`,
      );
    });
  }
}
