/**
 * Every connection and listener of one node.
 *
 * @module
 */

import type {
  Adapter,
  AdapterHost,
  CloseOptions,
  Connection,
  ConnectionEvents,
} from "../adapters/adapter.ts";
import { faultFrom } from "../runtime/fault.ts";
import { Endpoint } from "./endpoint.ts";
import type { NetworkEvent } from "./events.ts";
import { LocalResource } from "./local_resource.ts";
import { RemoteResource } from "./remote_resource.ts";
import { createResourceId } from "./resource_id.ts";
import type { ResourceId } from "./resource_id.ts";
import { Traffic } from "./traffic.ts";
import type { TrafficTotals } from "./traffic.ts";

/** Where the events of the network go. */
export interface NetworkEventSink {
  /** Takes one event; `bytes` is the size of its message. */
  push(event: NetworkEvent, bytes: number): void;
  /** Whether so much waits that no new peer may add to it: `accepted` and `disconnected` cannot be held back. */
  isOverfull(): boolean;
  /** Forgets the events of a resource that have not been delivered. */
  discard(resourceId: ResourceId): void;
}

/** The resources of one node by id, and those whose sockets are still closing. */
export class Registry {
  readonly host: AdapterHost;
  /** Whether nothing new is taken on. */
  isStopped = false;
  /** Whether new connections start paused: the event queue is full. */
  isPaused = false;
  readonly #sink: NetworkEventSink;
  /** What resources that are gone had counted. */
  readonly #ended = new Traffic();
  readonly #remotes = new Map<number, RemoteResource>();
  readonly #locals = new Map<number, LocalResource>();
  #endedFaults = 0;
  #endedRefusals = 0;
  /** Removed or ended, with a socket that is not yet released. */
  readonly #leaving = new Set<RemoteResource>();
  readonly #closing = new Set<Promise<void>>();
  #holds = 0;
  #whenEmpty: (() => void) | undefined;

  constructor(host: AdapterHost, sink: NetworkEventSink) {
    this.host = host;
    this.#sink = sink;
  }

  /** Whether new peers are refused for now. */
  get isOverfull(): boolean {
    return this.isPaused && this.#sink.isOverfull();
  }

  /** Hands an event to the node. */
  emit(event: NetworkEvent, bytes: number): void {
    this.#sink.push(event, bytes);
  }

  /** The connection of that id. */
  remote(id: ResourceId): RemoteResource | undefined {
    return this.#remotes.get(id);
  }

  /** The listener of that id. */
  local(id: ResourceId): LocalResource | undefined {
    return this.#locals.get(id);
  }

  /** All connections, oldest first. */
  remotes(): Iterable<RemoteResource> {
    return this.#remotes.values();
  }

  /** All listeners, oldest first. */
  locals(): Iterable<LocalResource> {
    return this.#locals.values();
  }

  /** A connection that the node itself asked for, or that was attached. */
  createRemote(adapter: Adapter, isOwn: boolean): RemoteResource {
    return new RemoteResource(
      this,
      createResourceId(adapter.id, "remote"),
      adapter,
      isOwn,
      undefined,
    );
  }

  /** A listener that is about to be bound. */
  createLocal(adapter: Adapter, maxConnections: number): LocalResource {
    return new LocalResource(
      this,
      createResourceId(adapter.id, "local"),
      adapter,
      maxConnections,
    );
  }

  /** Enters a connection. */
  addRemote(resource: RemoteResource): void {
    this.#remotes.set(resource.id, resource);
  }

  /** Enters a listener. */
  addLocal(resource: LocalResource): void {
    this.#locals.set(resource.id, resource);
  }

  /** Enters a connection that a listener accepted. */
  addAccepted(
    listener: LocalResource,
    connection: Connection,
  ): ConnectionEvents {
    const id = createResourceId(listener.adapter.id, "remote");
    const resource = new RemoteResource(
      this,
      id,
      listener.adapter,
      false,
      listener,
    );
    resource.attach(connection, new Endpoint(id, connection.peerAddress));
    this.addRemote(resource);
    return resource;
  }

  /** A connection is over for the user; its socket may still be closing. */
  leave(resource: RemoteResource): void {
    this.#remotes.delete(resource.id);
    this.#leaving.add(resource);
    this.#ended.add(resource.traffic);
  }

  /** Nothing is left of a connection. */
  released(resource: RemoteResource): void {
    this.#leaving.delete(resource);
    this.#checkEmpty();
  }

  /** Ends a connection or listener without an event. False: there is none of that id. */
  remove(id: ResourceId, options: CloseOptions): boolean {
    const remote = this.#remotes.get(id);
    if (remote !== undefined) {
      remote.remove(options);
      this.#sink.discard(id);
      return true;
    }
    const local = this.#locals.get(id);
    if (local === undefined) return false;
    this.#locals.delete(id);
    this.#closeListener(local);
    if (!local.adapter.isConnectionOriented) this.#sink.discard(id);
    return true;
  }

  /** Closes a listener; `removeAll` waits for it. */
  #closeListener(local: LocalResource): void {
    this.#ended.add(local.traffic);
    this.#endedFaults += local.faults;
    this.#endedRefusals += local.connectionsRefused;
    const closing = local.remove().catch((error: unknown) => {
      local.fault(faultFrom(error, "Cannot close a listener"));
    }).then(() => {
      this.#closing.delete(closing);
      this.#checkEmpty();
    });
    this.#closing.add(closing);
  }

  /** What went over all resources, those that have ended included. */
  totals(): TrafficTotals {
    const totals = new Traffic();
    totals.add(this.#ended);
    for (const { traffic } of this.#remotes.values()) totals.add(traffic);
    for (const { traffic } of this.#locals.values()) totals.add(traffic);
    return totals;
  }

  /** Failures of listeners that did not end them. */
  listenerFaults(): number {
    let faults = this.#endedFaults;
    for (const local of this.#locals.values()) faults += local.faults;
    return faults;
  }

  /** Connections that listeners refused for `maxConnections`. */
  connectionsRefused(): number {
    let refused = this.#endedRefusals;
    for (const local of this.#locals.values()) {
      refused += local.connectionsRefused;
    }
    return refused;
  }

  /** Bytes that were accepted and have not yet reached the operating system. */
  queuedBytes(): number {
    let bytes = 0;
    for (const { connection } of this.#remotes.values()) {
      bytes += connection.queuedBytes;
    }
    for (const { listener } of this.#locals.values()) {
      bytes += listener.queuedBytes;
    }
    return bytes;
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
    // What they received and nobody has taken yet may still be taken.
    const locals = [...this.#locals.values()];
    this.#locals.clear();
    for (const local of locals) this.#closeListener(local);
    for (const resource of [...this.#remotes.values(), ...this.#leaving]) {
      resource.remove(options);
    }
    return new Promise((resolve) => {
      this.#whenEmpty = resolve;
      this.#checkEmpty();
    });
  }

  /** Stops reading everywhere: the event queue is full. */
  pauseAll(): void {
    this.isPaused = true;
    for (const resource of this.#remotes.values()) {
      if (resource.isReady) resource.connection.pause();
    }
    for (const resource of this.#locals.values()) resource.listener.pause();
  }

  /** Reads again everywhere. */
  resumeAll(): void {
    this.isPaused = false;
    for (const resource of this.#remotes.values()) {
      if (resource.isReady) resource.connection.resume();
    }
    for (const resource of this.#locals.values()) resource.listener.resume();
  }

  #checkEmpty(): void {
    const left = this.#remotes.size + this.#locals.size + this.#leaving.size +
      this.#closing.size + this.#holds;
    if (left === 0) this.#whenEmpty?.();
  }
}
