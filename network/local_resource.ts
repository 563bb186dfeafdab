/**
 * One listener, as the registry holds it.
 *
 * @module
 */

import type {
  Adapter,
  Connection,
  ConnectionEvents,
  Listener,
  ListenerEvents,
  SendStatus,
} from "../adapters/adapter.ts";
import type { SocketAddress } from "../runtime/driver.ts";
import { Endpoint } from "./endpoint.ts";
import type { NetworkError } from "./errors.ts";
import type { ListenLimits, ResourceInfo } from "./options.ts";
import type { Registry } from "./registry.ts";
import type { ResourceId } from "./resource_id.ts";
import type { ResourceStats } from "./statistics.ts";
import { Traffic } from "./traffic.ts";

/** How many peers of a datagram listener are remembered by their endpoint object, unless it says how many. */
const MAX_KNOWN_PEERS = 4_096;

/** A listener: it names what is accepted, and the peers of its datagrams. */
export class LocalResource implements ListenerEvents {
  readonly id: ResourceId;
  readonly adapter: Adapter;
  readonly traffic: Traffic = new Traffic();
  connectionsRefused = 0;
  faults = 0;
  lastFault: NetworkError | undefined;
  /** Of what is accepted; 0 for never. */
  readonly idleTimeoutMs: number;
  readonly #registry: Registry;
  readonly #maxConnections: number;
  readonly #peers = new Map<string, Endpoint>();
  /** Who sent the last datagram, and mostly the next: comparing is cheaper than making a key. */
  #latest: Endpoint | undefined;
  #listener: Listener | undefined;
  #connections = 0;
  #isRemoved = false;
  #boundAt = 0;

  constructor(
    registry: Registry,
    id: ResourceId,
    adapter: Adapter,
    limits: ListenLimits,
  ) {
    this.#registry = registry;
    this.id = id;
    this.adapter = adapter;
    this.#maxConnections = limits.maxConnections;
    this.idleTimeoutMs = limits.idleTimeoutMs;
  }

  /** Gives the resource its listener once it is bound. */
  attach(listener: Listener): void {
    this.#listener = listener;
    this.#boundAt = this.#registry.host.driver.now();
  }

  get listener(): Listener {
    if (this.#listener === undefined) {
      throw new TypeError("Cannot use a resource before it is bound");
    }
    return this.#listener;
  }

  get address(): SocketAddress {
    return this.listener.address;
  }

  /** What is told of the listener. */
  info(): ResourceInfo {
    return {
      resourceId: this.id,
      kind: "listener",
      transport: this.adapter.name,
      isReady: true,
      endpoint: undefined,
      listener: undefined,
      lastFault: this.lastFault,
      protocol: "",
      path: "",
      tls: undefined,
    };
  }

  /** What went over it: datagrams, for a connection-less transport. */
  stats(): ResourceStats {
    return {
      ...this.traffic.totals(),
      transport: this.adapter.name,
      queuedBytes: this.#listener?.queuedBytes ?? 0,
      pauses: this.traffic.pauses,
      reconnects: 0,
      // A tool may be told of a peer that came before `attach`.
      upMs: this.#listener === undefined
        ? 0
        : this.#registry.host.driver.now() - this.#boundAt,
    };
  }

  /** Stops delivery of datagrams. */
  pause(): void {
    this.traffic.pauses += 1;
    this.listener.pause();
  }

  accept(connection: Connection): ConnectionEvents | undefined {
    const isClosed = this.#isRemoved || this.#registry.isStopped ||
      this.#registry.isOverfull;
    if (isClosed || this.#connections >= this.#maxConnections) {
      this.connectionsRefused += 1;
      this.#registry.tell("refused", this);
      return undefined;
    }
    this.#connections += 1;
    const resource = this.#registry.createRemote(
      this.adapter,
      this.idleTimeoutMs,
      this,
    );
    resource.attach(connection);
    this.#registry.addRemote(resource);
    return resource;
  }

  /** A connection that was accepted here has ended. */
  left(): void {
    this.#connections -= 1;
  }

  // Hot: one call a datagram received.
  message(data: Uint8Array, hostname: string, port: number): boolean {
    if (this.#isRemoved) return false;
    this.traffic.countMessage(data.length);
    let endpoint = this.#latest;
    if (
      endpoint === undefined || endpoint.address.port !== port ||
      endpoint.address.hostname !== hostname
    ) {
      endpoint = this.#peers.get(`${hostname} ${port}`) ??
        this.#meet(hostname, port);
      this.#latest = endpoint;
    }
    this.#registry.emit({
      type: "message",
      endpoint,
      data,
      isText: false,
      tag: 0,
    }, data.length);
    return !this.#isRemoved;
  }

  writable(): void {
    this.traffic.writable();
  }

  /** Notes a fault, or whatever was thrown. */
  fault(fault: unknown): void {
    this.faults += 1;
    this.lastFault = this.#registry.errorFrom(
      fault,
      "The listener reported a fault",
    );
  }

  // Hot: one call a datagram sent.
  sendTo(data: Uint8Array, address: SocketAddress): SendStatus {
    return this.traffic.countSend(
      this.listener.sendTo(data, address.hostname, address.port),
      data.length,
    );
  }

  /** Resolves with true when a datagram can be taken; with false when the listener is removed first. */
  whenWritable(signal: AbortSignal | undefined): Promise<boolean> {
    return this.#isRemoved
      ? Promise.resolve(false)
      : this.traffic.whenWritable(true, signal);
  }

  /** Takes nobody in any more: it is not wanted, and will be removed once it is bound. */
  abandon(): void {
    this.#isRemoved = true;
  }

  /** Stops listening; what was accepted lives on. */
  remove(): Promise<void> {
    this.#isRemoved = true;
    this.traffic.ended();
    return this.listener.close();
  }

  /** A peer not heard from lately. The map is bounded: senders' addresses can be forged. */
  #meet(hostname: string, port: number): Endpoint {
    if (this.#peers.size >= (this.listener.maxKnownPeers ?? MAX_KNOWN_PEERS)) {
      for (const oldest of this.#peers.keys()) {
        this.#peers.delete(oldest);
        break;
      }
    }
    const family = hostname.includes(":") ? "ipv6" : "ipv4";
    const endpoint = new Endpoint(this.id, {
      family,
      hostname,
      port,
      path: "",
    });
    this.#peers.set(`${hostname} ${port}`, endpoint);
    return endpoint;
  }
}
