/**
 * What belongs to a `connect` of the node's own, beside the connection.
 *
 * @module
 */

import type {
  CloseOptions,
  Connection,
  ConnectionEvents,
  HostTimer,
} from "../adapters/adapter.ts";
import type { Endpoint } from "./endpoint.ts";
import { abortError, NetworkError } from "./errors.ts";
import type { HeldMessages } from "./held_messages.ts";
import type { Registry } from "./registry.ts";
import type { RemoteResource } from "./remote_resource.ts";

/** The outcome that somebody awaits. */
export interface ConnectWaiter {
  /** The connection is ready. */
  resolve(endpoint: Endpoint): void;
  /** It failed. */
  reject(error: NetworkError): void;
}

/** What a `connect` asked for, checked. */
export interface ConnectPlan {
  /** Starts one connection. Throws what the adapter throws. */
  readonly dial: (events: ConnectionEvents) => Connection;
  /** How long one attempt may take; 0 for no limit. */
  readonly timeoutMs: number;
  /** Gives the connect up until it is ready. */
  readonly signal: AbortSignal | undefined;
}

/** The time limit, the AbortSignal and the waiter of one `connect`. */
export class OwnConnect {
  /** Who awaits the outcome. */
  waiter: ConnectWaiter | undefined;
  /** Why it is about to be given up: nothing that happens meanwhile may change the outcome. */
  aborted: NetworkError | undefined;
  /** Messages that wait for the connection; undefined when none may. */
  readonly held: HeldMessages | undefined;
  /** Whether each connection is tracked by itself, until nothing is left of it. */
  readonly tracksConnections: boolean = false;
  readonly resource: RemoteResource;
  protected readonly plan: ConnectPlan;
  readonly #registry: Registry;
  #timer: HostTimer | undefined;
  #unwatch: (() => void) | undefined;

  constructor(
    registry: Registry,
    resource: RemoteResource,
    plan: ConnectPlan,
    held?: HeldMessages,
  ) {
    this.#registry = registry;
    this.resource = resource;
    this.plan = plan;
    this.held = held;
  }

  /** How often the connection was made again. */
  get reconnects(): number {
    return 0;
  }

  /** Starts the connection. Throws what the adapter throws. */
  start(): void {
    this.resource.attach(this.plan.dial(this.resource));
    this.limitTime();
    this.watchStart();
  }

  /** The connection is ready. Returns what the resource has to keep from now on. */
  settled(): OwnConnect | undefined {
    this.stopWaiting();
    return undefined;
  }

  /** An attempt failed. True: another follows. */
  failed(_error: NetworkError): boolean {
    return false;
  }

  /** The connection ended that had been up for so many milliseconds. True: it is made again. */
  lost(_error: NetworkError, _upMs: number): boolean {
    return false;
  }

  /** Nothing of the endpoint is wanted any more: leaves no timer and no subscription. */
  ended(): void {
    this.stopWaiting();
  }

  /** Closes the connection that is there or on its way, if there is one. */
  hangUp(options: CloseOptions): void {
    this.resource.connection.close(options);
  }

  /** Gives the attempt up that takes too long. */
  protected timedOut(error: NetworkError): void {
    this.resource.abandon(error);
  }

  /** Gives the connect up when its signal fires, until it is ready. */
  protected watchStart(): void {
    this.#unwatch = this.watch(this.plan.signal);
  }

  /** Begins the time limit of one attempt. */
  protected limitTime(): void {
    const { timeoutMs } = this.plan;
    if (timeoutMs === 0) return;
    this.#timer = this.#registry.host.setTimer(() => {
      this.#timer = undefined;
      this.timedOut(
        new NetworkError(
          "timed-out",
          `Cannot connect to ${this.resource.endpoint}: it took over ${timeoutMs} ms`,
        ),
      );
    }, timeoutMs);
  }

  protected stopTimeLimit(): void {
    if (this.#timer !== undefined) this.#registry.host.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  /** Ends the wait for the outcome of `connect`. */
  protected stopWaiting(): void {
    this.stopTimeLimit();
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  /** Gives up when the signal fires; returns what ends the watching. */
  protected watch(signal: AbortSignal | undefined): (() => void) | undefined {
    if (signal === undefined) return undefined;
    const abort = () => {
      const error = abortError(
        `Cannot connect to ${this.resource.endpoint}`,
        signal,
      );
      this.aborted ??= error;
      // The event must not come from inside the user's call to `abort()`.
      this.#registry.host.defer(() => this.resource.abandon(error));
    };
    signal.addEventListener("abort", abort, { once: true });
    return () => signal.removeEventListener("abort", abort);
  }
}
