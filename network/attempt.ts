/**
 * One connection of an endpoint that has several in its life.
 *
 * @module
 */

import type {
  CloseOptions,
  Connection,
  ConnectionEvents,
  DisconnectReason,
} from "../adapters/adapter.ts";
import type { Fault } from "../runtime/fault.ts";
import type { Closing, Registry } from "./registry.ts";

/** Passes the events of one connection on for as long as it is the endpoint's: what comes later is of the past. */
export class Attempt implements ConnectionEvents, Closing {
  readonly #registry: Registry;
  readonly #resource: ConnectionEvents;
  #connection: Connection | undefined;
  #isOver = false;

  constructor(registry: Registry, resource: ConnectionEvents) {
    this.#registry = registry;
    this.#resource = resource;
  }

  /** Starts to connect. Throws what the adapter throws. */
  dial(dial: (events: ConnectionEvents) => Connection): Connection {
    const connection = dial(this);
    this.#connection = connection;
    this.#registry.track(this);
    return connection;
  }

  /** Passes nothing on from now: the connection has ended, or another takes its place. */
  finish(): void {
    this.#isOver = true;
  }

  hurry(options: CloseOptions): void {
    this.#isOver = true;
    this.#connection?.close(options);
  }

  ready(): void {
    if (!this.#isOver) this.#resource.ready();
  }

  // Hot: one call a message received.
  message(data: Uint8Array, isText: boolean, tag: number): boolean {
    return !this.#isOver && this.#resource.message(data, isText, tag);
  }

  writable(): void {
    if (!this.#isOver) this.#resource.writable();
  }

  closed(reason: DisconnectReason, fault: Fault | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#resource.closed(reason, fault);
  }

  released(): void {
    // An adapter that forgets `closed` must not leave the endpoint waiting.
    this.closed("error", undefined);
    this.#registry.released(this);
  }
}
