/**
 * Every connection and listener of one node.
 *
 * @module
 */

import type {
  Adapter,
  AdapterHost,
  CloseOptions,
} from "../adapters/adapter.ts";
import type { DiagnosticName } from "../runtime/driver.ts";
import type { DiagnosticDetail, DiagnosticMessage } from "./diagnostics.ts";
import { NetworkError, networkErrorFrom } from "./errors.ts";
import type { NetworkEvent } from "./events.ts";
import type { LocalResource } from "./local_resource.ts";
import type { Listeners, NetworkParts } from "./network_parts.ts";
import { RemoteResource } from "./remote_resource.ts";
import { createResourceId } from "./resource_id.ts";
import type { ResourceId } from "./resource_id.ts";
import { Statistics } from "./statistics.ts";
import type { TransportStats } from "./statistics.ts";

/** Where the events of the network go. */
export interface NetworkEventSink {
  /** Takes one event; `bytes` is the size of its message. */
  push(event: NetworkEvent, bytes: number): void;
  /** Whether so much waits that no new peer may add to it: `accepted` and `disconnected` cannot be held back. */
  isOverfull(): boolean;
  /** Forgets the events of a resource that have not been delivered. */
  discard(resourceId: ResourceId): void;
  /** The program's own code threw, in a function that the network called. */
  failed(error: unknown): void;
  /** Who the network belongs to, as diagnostics tell of it. */
  owner(): object;
}

/** A connection with a socket that may still be closing. */
export interface Closing {
  /** Ends what is left; a later call may only shorten the time limits. */
  hurry(options: CloseOptions): void;
}

/** The resources of one node by id, and those whose sockets are still closing. */
export class Registry {
  readonly host: AdapterHost;
  /** Whether nothing new is taken on. */
  isStopped = false;
  /** Whether new connections start paused: the event queue is full. */
  isPaused = false;
  /** How often reading was stopped everywhere. */
  pauses = 0;
  readonly statistics: Statistics = new Statistics();
  readonly listeners: Listeners;
  readonly #sink: NetworkEventSink;
  readonly #parts: NetworkParts;
  readonly #remotes = new Map<number, RemoteResource>();
  /** What is not yet released: of the connections that are gone, and of all that reconnect. */
  readonly #tracked = new Set<Closing>();
  #holds = 0;
  #whenEmpty: (() => void) | undefined;

  constructor(host: AdapterHost, sink: NetworkEventSink, parts: NetworkParts) {
    this.host = host;
    this.#sink = sink;
    this.#parts = parts;
    this.listeners = parts.createListeners(this);
  }

  /** The error that users see for whatever was thrown; `doing` opens its message. */
  errorFrom(error: unknown, doing: string): NetworkError {
    if (error instanceof NetworkError) return error;
    return networkErrorFrom(this.#parts.faultFrom(error, doing));
  }

  /** Whether new peers are refused for now. */
  get isOverfull(): boolean {
    return this.isPaused && this.#sink.isOverfull();
  }

  /** Hands an event to the node. */
  emit(event: NetworkEvent, bytes: number): void {
    this.#sink.push(event, bytes);
  }

  /** The program's own code threw: ends the node. */
  failed(error: unknown): void {
    this.#sink.failed(error);
  }

  /** Tells tools that listen; without them it is one look. */
  tell(
    name: DiagnosticName,
    resource?: RemoteResource | LocalResource,
    detail?: DiagnosticDetail,
  ): void {
    const channel = this.host.driver.diagnostics?.[name];
    if (channel?.hasSubscribers !== true) return;
    const info = resource?.info();
    const message: DiagnosticMessage = {
      node: this.#sink.owner(),
      resourceId: info?.resourceId,
      transport: info?.transport,
      endpoint: info?.endpoint,
      stats: resource?.stats(),
      ...detail,
    };
    channel.publish(message);
  }

  /** The connection of that id. */
  remote(id: ResourceId): RemoteResource | undefined {
    return this.#remotes.get(id);
  }

  /** All connections, oldest first. */
  remotes(): Iterable<RemoteResource> {
    return this.#remotes.values();
  }

  /** A connection that the node itself asked for, that was attached, or that `listener` accepted. */
  createRemote(
    adapter: Adapter,
    idleTimeoutMs: number,
    listener?: LocalResource,
  ): RemoteResource {
    return new RemoteResource(
      this,
      createResourceId(adapter.id, "remote"),
      adapter,
      listener,
      idleTimeoutMs,
    );
  }

  /** Enters a connection. */
  addRemote(resource: RemoteResource): void {
    this.#remotes.set(resource.id, resource);
  }

  /** A connection is over for the user; its socket may still be closing. */
  leave(resource: RemoteResource): void {
    this.#remotes.delete(resource.id);
    this.statistics.left(resource);
  }

  /** `removeAll` has to wait for this. */
  track(closing: Closing): void {
    this.#tracked.add(closing);
  }

  /** Nothing is left of a connection. */
  released(closing: Closing): void {
    this.#tracked.delete(closing);
    this.#checkEmpty();
  }

  /** A connection was made again. */
  reconnected(resource: RemoteResource): void {
    this.statistics.reconnected(resource);
  }

  /** Ends a connection or listener without an event. False: there is none of that id. */
  remove(id: ResourceId, options: CloseOptions): boolean {
    const remote = this.#remotes.get(id);
    if (remote !== undefined) {
      remote.remove(options);
      this.discard(id);
      return true;
    }
    return this.listeners.remove(id);
  }

  /** Forgets the events of a resource that have not been delivered. */
  discard(id: ResourceId): void {
    this.#sink.discard(id);
  }

  /** What each transport has done, by its name. */
  transports(): Map<string, TransportStats> {
    return this.statistics.transports(
      this.#remotes.values(),
      this.listeners.all(),
    );
  }

  /** Keeps `removeAll` from being done until the function it returns is called. */
  hold(): () => void {
    this.#holds += 1;
    return () => {
      this.#holds -= 1;
      this.#checkEmpty();
    };
  }

  /** Ends everything; resolves when no socket is left. */
  removeAll(options: CloseOptions): Promise<void> {
    this.isStopped = true;
    this.listeners.removeAll();
    const closing = [...this.#tracked];
    for (const resource of [...this.#remotes.values()]) {
      resource.remove(options);
    }
    for (const each of closing) each.hurry(options);
    return new Promise((resolve) => {
      this.#whenEmpty = resolve;
      this.#checkEmpty();
    });
  }

  /** Stops reading everywhere: the event queue is full. */
  pauseAll(): void {
    this.isPaused = true;
    this.pauses += 1;
    for (const resource of this.#remotes.values()) {
      if (resource.isReady) resource.pause();
    }
    for (const resource of this.listeners.all()) resource.pause();
    this.tell("paused");
  }

  /** Reads again everywhere. */
  resumeAll(): void {
    this.isPaused = false;
    for (const resource of this.#remotes.values()) {
      if (resource.isReady) resource.connection.resume();
    }
    for (const resource of this.listeners.all()) resource.listener.resume();
    this.tell("resumed");
  }

  #checkEmpty(): void {
    const left = this.#remotes.size + this.listeners.size +
      this.#tracked.size + this.#holds;
    if (left === 0) this.#whenEmpty?.();
  }
}
