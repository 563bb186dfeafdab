/**
 * One connection, as the registry holds it.
 *
 * @module
 */

import { SendStatus } from "../adapters/adapter.ts";
import type {
  Adapter,
  CloseOptions,
  Connection,
  ConnectionEvents,
  DisconnectReason,
  HostTimer,
} from "../adapters/adapter.ts";
import { Fault } from "../runtime/fault.ts";
import type { Endpoint } from "./endpoint.ts";
import { NetworkError, networkErrorFrom } from "./errors.ts";
import type { LocalResource } from "./local_resource.ts";
import type { ResourceInfo } from "./options.ts";
import type { Registry } from "./registry.ts";
import type { ResourceId } from "./resource_id.ts";
import { Traffic } from "./traffic.ts";

/** The outcome that somebody awaits. */
export interface ConnectWaiter {
  /** The connection is ready. */
  resolve(endpoint: Endpoint): void;
  /** It failed. */
  reject(error: NetworkError): void;
}

/** A connection from its first step to the release of its socket. */
export class RemoteResource implements ConnectionEvents {
  readonly id: ResourceId;
  readonly adapter: Adapter;
  /** Set once, before the first event. */
  endpoint!: Endpoint;
  /** What gives an own connect up when it takes too long. */
  connectTimer: HostTimer | undefined;
  /** Who awaits an own connect. */
  waiter: ConnectWaiter | undefined;
  /** Undoes the subscription to an AbortSignal. */
  stopWatchingSignal: (() => void) | undefined;
  readonly traffic: Traffic = new Traffic();
  readonly #registry: Registry;
  /** Whose `connected` or `accepted` it is: undefined listener and not own means attached. */
  readonly #isOwn: boolean;
  readonly #listener: LocalResource | undefined;
  #connection: Connection | undefined;
  #state: "pending" | "ready" | "gone" = "pending";
  /** Why an own connect is about to be given up: nothing that happens meanwhile may change the outcome. */
  #aborted: NetworkError | undefined;

  constructor(
    registry: Registry,
    id: ResourceId,
    adapter: Adapter,
    isOwn: boolean,
    listener: LocalResource | undefined,
  ) {
    this.#registry = registry;
    this.id = id;
    this.adapter = adapter;
    this.#isOwn = isOwn;
    this.#listener = listener;
  }

  /** Gives the resource its connection; to be called once, before the first event. */
  attach(connection: Connection, endpoint: Endpoint): void {
    this.#connection = connection;
    this.endpoint = endpoint;
  }

  get connection(): Connection {
    if (this.#connection === undefined) {
      throw new TypeError("Cannot use a resource before it has a connection");
    }
    return this.#connection;
  }

  get isReady(): boolean {
    return this.#state === "ready";
  }

  // Hot: one call a message sent.
  send(data: Uint8Array, isText: boolean, tag: number): SendStatus {
    if (this.#state !== "ready") return this.#unavailable();
    return this.traffic.countSend(
      this.connection.send(data, isText, tag),
      data.length,
    );
  }

  sendFrame(frame: Uint8Array, messageSize: number): SendStatus {
    if (this.#state !== "ready") return this.#unavailable();
    return this.traffic.countSend(
      this.connection.sendFrame(frame, messageSize),
      messageSize,
    );
  }

  /** What is told of the connection. */
  info(): ResourceInfo {
    const { protocol = "", path = "" } = this.connection;
    return {
      resourceId: this.id,
      kind: "connection",
      transport: this.adapter.name,
      isReady: this.isReady,
      endpoint: this.endpoint,
      listener: this.#listener?.id,
      lastFault: undefined,
      protocol,
      path,
    };
  }

  /** Resolves with true when `send` will take messages; with false when the connection ends first. */
  whenWritable(signal: AbortSignal | undefined): Promise<boolean> {
    return this.#state === "gone"
      ? Promise.resolve(false)
      : this.traffic.whenWritable(this.isReady, signal);
  }

  ready(): void {
    if (this.#state !== "pending" || this.#aborted !== undefined) return;
    this.#state = "ready";
    this.#stopWaiting();
    if (this.#registry.isPaused) this.connection.pause();
    // Before the event, in which the program may already send too much.
    this.traffic.writable();
    const { endpoint, waiter } = this;
    const { tls } = this.connection;
    this.waiter = undefined;
    this.#registry.emit(
      this.#isOwn
        ? { type: "connected", endpoint, ok: true, error: undefined, tls }
        : { type: "accepted", endpoint, listener: this.#listener?.id, tls },
      0,
    );
    waiter?.resolve(endpoint);
  }

  // Hot: one call a message received.
  message(data: Uint8Array, isText: boolean, tag: number): boolean {
    if (this.#state !== "ready") return false;
    this.traffic.countMessage(data.length);
    this.#registry.emit({
      type: "message",
      endpoint: this.endpoint,
      data,
      isText,
      tag,
    }, data.length);
    return this.isReady;
  }

  writable(): void {
    this.traffic.writable();
  }

  closed(reason: DisconnectReason, fault: Fault | undefined): void {
    const before = this.#state;
    if (before === "gone") return;
    this.#leave();
    if (before === "ready") {
      const error = fault === undefined
        ? undefined
        : networkErrorFrom(fault, "The connection ended");
      this.#registry.emit({
        type: "disconnected",
        endpoint: this.endpoint,
        reason,
        error,
        willReconnect: false,
      }, 0);
    } else if (this.#isOwn) {
      const cause = this.#aborted ?? fault ??
        new Fault(
          "connection-reset",
          `Cannot connect to ${this.endpoint}: the peer closed`,
        );
      this.#failConnect(
        networkErrorFrom(cause, `Cannot connect to ${this.endpoint}`),
      );
    } else if (fault !== undefined) {
      this.#listener?.fault(fault);
    }
  }

  released(): void {
    // An adapter that forgets `closed` must not leave a resource behind.
    if (this.#state !== "gone") this.closed("error", undefined);
    this.#registry.released(this);
  }

  /** Gives an own connect up soon: the event must not come from inside the user's call to `abort()`. */
  abort(error: NetworkError): void {
    if (this.#state !== "pending") return;
    this.#aborted = error;
    this.#registry.host.defer(() => this.abandon(error));
  }

  /** Gives an own connect up, with an event. */
  abandon(error: NetworkError): void {
    if (this.#state !== "pending") return;
    this.#leave();
    this.connection.close({ drainMs: 0, lingerMs: 0 });
    this.#failConnect(error);
  }

  /** Closes without an event. */
  remove(options: CloseOptions): void {
    if (this.#state === "gone") {
      // A `stop` may shorten what an earlier `remove` or the peer's end still drains.
      this.connection.close(options);
      return;
    }
    const { waiter } = this;
    this.waiter = undefined;
    this.#leave();
    this.connection.close(options);
    waiter?.reject(
      new NetworkError(
        "aborted",
        `Cannot connect to ${this.endpoint}: it was removed`,
      ),
    );
  }

  #unavailable(): SendStatus {
    return this.#state === "pending"
      ? SendStatus.ResourceNotAvailable
      : SendStatus.ResourceNotFound;
  }

  #failConnect(error: NetworkError): void {
    const { endpoint, waiter } = this;
    this.waiter = undefined;
    this.#registry.emit({
      type: "connected",
      endpoint,
      ok: false,
      error,
      tls: undefined,
    }, 0);
    waiter?.reject(error);
  }

  #leave(): void {
    this.#state = "gone";
    this.#stopWaiting();
    this.traffic.ended();
    this.#listener?.left();
    this.#registry.leave(this);
  }

  #stopWaiting(): void {
    if (this.connectTimer !== undefined) {
      this.#registry.host.clearTimer(this.connectTimer);
    }
    this.connectTimer = undefined;
    this.stopWatchingSignal?.();
    this.stopWatchingSignal = undefined;
  }
}
