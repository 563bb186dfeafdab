/**
 * The hosts of a memory network: who holds which port, and what is called there.
 *
 * @module
 */

import { AddressTable } from "./_memory_address.ts";
import type { TimerHandle } from "./driver.ts";
import type { MemoryDatagram } from "./memory_datagram.ts";
import type { MemoryListener } from "./memory_stream_listener.ts";

/** The clock of a memory network: the four members of a `Driver` that deal with time. */
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

/**
 * What waits to be called back: in order, and never from inside a call. One turn
 * of the clock runs all tasks that were there when it began, so what they cause
 * waits for the next, as with real sockets.
 */
export class TaskQueue {
  readonly #clock: MemoryClock;
  #tasks: (() => void)[] = [];
  #isScheduled = false;

  constructor(clock: MemoryClock) {
    this.#clock = clock;
  }

  /** Adds one. */
  schedule(task: () => void): void {
    this.#tasks.push(task);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.defer(this.#run);
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
          this.#clock.defer(this.#run);
        }
      }
    }
  };
}

/** What {@linkcode MemoryHost} is made of. */
export interface MemoryHostParts {
  /** The address that other hosts reach it by; undefined for the host of drivers without one. */
  readonly hostname: string | undefined;
  /** What moves its time. */
  readonly clock: MemoryClock;
  /** What waits to be called back on it. */
  readonly tasks: TaskQueue;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
}

/** The memory drivers of one host name: they share its ports, as the processes of a machine do. */
export class MemoryHost implements MemoryHostParts {
  readonly hostname: string | undefined;
  readonly clock: MemoryClock;
  readonly tasks: TaskQueue;
  readonly random: () => number;
  /** Who listens for streams. */
  readonly streams: AddressTable<MemoryListener> = new AddressTable();
  /** Who receives datagrams. */
  readonly datagrams: AddressTable<MemoryDatagram> = new AddressTable();
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(parts: MemoryHostParts) {
    this.hostname = parts.hostname;
    this.clock = parts.clock;
    this.tasks = parts.tasks;
    this.random = parts.random;
  }

  /** The next ephemeral port: counted, not drawn, so that runs are alike; 0 if none is free. */
  nextPort(isTaken: (port: number) => boolean): number {
    for (let tries = FIRST_EPHEMERAL_PORT; tries <= LAST_PORT; tries++) {
      const port = this.#nextPort;
      this.#nextPort = port === LAST_PORT ? FIRST_EPHEMERAL_PORT : port + 1;
      if (!isTaken(port)) return port;
    }
    return 0;
  }
}

const FIRST_EPHEMERAL_PORT = 32_768;
const LAST_PORT = 65_535;
