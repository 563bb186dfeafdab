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
} from "../adapters/adapter.ts";
import { Fault } from "../runtime/fault.ts";
import { Endpoint } from "./endpoint.ts";
import { failureOf, NetworkError } from "./errors.ts";
import { IdleWatch } from "./idle_watch.ts";
import type { IdleUser } from "./idle_watch.ts";
import type { LocalResource } from "./local_resource.ts";
import { LINGER_MS } from "./options.ts";
import type { ResourceInfo } from "./options.ts";
import type { OwnConnect } from "./own_connect.ts";
import type { Closing, Registry } from "./registry.ts";
import type { ResourceId } from "./resource_id.ts";
import type { ResourceStats } from "./statistics.ts";
import { Traffic } from "./traffic.ts";

type State =
  /** Without a connection: not yet, or between two. */
  | "down"
  | "ready"
  /** Ready too, but messages of the outage wait before all others. */
  | "catching-up"
  | "gone";

/** An endpoint from the first step of its connection to the release of the socket. */
export class RemoteResource implements ConnectionEvents, Closing, IdleUser {
  // The hot ones first: with many connections each line of the cache that is touched is a wait.
  #state: State = "down";
  readonly #registry: Registry;
  readonly traffic: Traffic = new Traffic();
  /** Both from `attach`, which comes before all else; the connection changes when it is made again. */
  connection!: Connection;
  endpoint!: Endpoint;
  readonly id: ResourceId;
  readonly adapter: Adapter;
  readonly #listener: LocalResource | undefined;
  /** Of a connect that waits for its outcome, or is made again. Neither this nor a listener: attached. */
  #own: OwnConnect | undefined;
  readonly #idleTimeoutMs: number;
  #idleWatch: IdleWatch | undefined;
  #readyAt = 0;

  constructor(
    registry: Registry,
    id: ResourceId,
    adapter: Adapter,
    listener: LocalResource | undefined,
    idleTimeoutMs: number,
  ) {
    this.#registry = registry;
    this.id = id;
    this.adapter = adapter;
    this.#listener = listener;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  /** Connects by itself. Throws what the adapter throws. */
  start(own: OwnConnect): void {
    this.#own = own;
    own.start();
  }

  /** Gives the resource its connection, or its next one. */
  attach(connection: Connection): void {
    this.connection = connection;
    this.endpoint ??= new Endpoint(this.id, connection.peerAddress);
  }

  get isReady(): boolean {
    return this.#state === "ready" || this.#state === "catching-up";
  }

  /** Whether a frame that was made for several connections can be sent now. */
  get takesFrames(): boolean {
    return this.#state === "ready";
  }

  get isGone(): boolean {
    return this.#state === "gone";
  }

  /** Bytes that were accepted and have not yet reached the operating system. */
  get queuedBytes(): number {
    return this.connection.queuedBytes + (this.#own?.held?.bytes ?? 0);
  }

  // Hot: one call a message sent.
  send(data: Uint8Array, isText: boolean, tag: number): SendStatus {
    if (this.#state !== "ready") return this.#hold(data, isText, tag);
    return this.traffic.countSend(
      this.connection.send(data, isText, tag),
      data.length,
    );
  }

  sendFrame(frame: Uint8Array, messageSize: number): SendStatus {
    return this.traffic.countSend(
      this.connection.sendFrame(frame, messageSize),
      messageSize,
    );
  }

  /** What is told of the connection. */
  info(): ResourceInfo {
    const { protocol = "", path = "", tls } = this.connection;
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
      tls,
    };
  }

  /** What went over it. */
  stats(): ResourceStats {
    return {
      ...this.traffic.totals(),
      transport: this.adapter.name,
      queuedBytes: this.queuedBytes,
      pauses: this.traffic.pauses,
      reconnects: this.#own?.reconnects ?? 0,
      upMs: this.#upMs(),
    };
  }

  /** Resolves with true when `send` will take messages; with false when the connection ends first. */
  whenWritable(signal: AbortSignal | undefined): Promise<boolean> {
    return this.isGone
      ? Promise.resolve(false)
      : this.traffic.whenWritable(this.#state === "ready", signal);
  }

  ready(): void {
    if (this.#state !== "down" || this.#own?.aborted !== undefined) return;
    const isOwn = this.#own !== undefined;
    const waiter = this.#own?.waiter;
    this.#state = "catching-up";
    this.#readyAt = this.#registry.host.driver.now();
    this.#own = this.#own?.settled();
    if (this.#registry.isPaused) this.pause();
    // Before the event, in which the program may already send more, or too much.
    const unsendable = this.#catchUp();
    if (this.#idleTimeoutMs > 0) {
      const { host } = this.#registry;
      this.#idleWatch = new IdleWatch(host, this, this.#idleTimeoutMs);
    }
    const { endpoint } = this;
    const { tls } = this.connection;
    if (isOwn) {
      this.#registry.tell("connected", this, { ok: true });
      this.#registry.emit(
        { type: "connected", endpoint, ok: true, error: undefined, tls },
        0,
      );
    } else {
      const listener = this.#listener?.id;
      this.#registry.tell("accepted", this, { listener });
      this.#registry.emit({ type: "accepted", endpoint, listener, tls }, 0);
    }
    waiter?.resolve(endpoint);
    if (unsendable !== undefined) this.#fail("error", unsendable);
  }

  // Hot: one call a message received.
  message(data: Uint8Array, isText: boolean, tag: number): boolean {
    if (this.#state !== "ready" && !this.isReady) return false;
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
    if (this.#state !== "catching-up") return this.traffic.writable();
    const unsendable = this.#catchUp();
    if (unsendable !== undefined) this.#fail("error", unsendable);
  }

  closed(reason: DisconnectReason, fault: Fault | undefined): void {
    if (this.isGone) return;
    if (this.isReady) return this.#lost(reason, fault);
    if (this.#own !== undefined) {
      const { endpoint } = this;
      this.attemptFailed(this.#registry.errorFrom(
        fault ??
          new Fault(
            "connection-reset",
            `Cannot connect to ${endpoint}: the peer closed`,
          ),
        `Cannot connect to ${endpoint}`,
      ));
      return;
    }
    this.#leave();
    if (fault !== undefined) this.#listener?.fault(fault);
  }

  released(): void {
    // An adapter that forgets `closed` must not leave a resource behind.
    if (!this.isGone) this.closed("error", undefined);
    this.#registry.released(this);
  }

  /** An attempt of an own connect failed: another follows, or it is given up. */
  attemptFailed(error: NetworkError): void {
    const own = this.#own;
    if (own?.failed(error) !== true) this.abandon(own?.aborted ?? error);
  }

  /** Gives an own connect up, with an event. */
  abandon(error: NetworkError): void {
    const own = this.#own;
    if (this.#state !== "down" || own === undefined) return;
    const { waiter } = own;
    own.waiter = undefined;
    this.#leave();
    own.hangUp({ drainMs: 0, lingerMs: 0 });
    const { endpoint } = this;
    this.#registry.tell("connected", this, { ok: false, error });
    this.#registry.emit(
      { type: "connected", endpoint, ok: false, error, tls: undefined },
      0,
    );
    waiter?.reject(error);
  }

  /** Closes without an event. */
  remove(options: CloseOptions): void {
    if (this.isGone) return this.hurry(options);
    const own = this.#own;
    this.#leave();
    if (own === undefined) this.connection.close(options);
    else own.hangUp(options);
    this.#registry.tell("closed", this);
    const waiter = own?.waiter;
    waiter?.reject(
      new NetworkError(
        "aborted",
        `Cannot connect to ${this.endpoint}: it was removed`,
      ),
    );
  }

  hurry(options: CloseOptions): void {
    this.connection.close(options);
  }

  /** Stops reading. */
  pause(): void {
    this.traffic.pauses += 1;
    this.connection.pause();
  }

  isHeldBack(): boolean {
    return this.#registry.isPaused;
  }

  idle(): void {
    this.#fail(
      "timeout",
      new Fault(
        "timed-out",
        `No message went either way for ${this.#idleTimeoutMs} ms`,
      ),
    );
  }

  /** Without a connection, or behind messages that wait already. */
  #hold(data: Uint8Array, isText: boolean, tag: number): SendStatus {
    if (this.isGone) return SendStatus.ResourceNotFound;
    const held = this.#own?.held;
    if (held === undefined) return SendStatus.ResourceNotAvailable;
    // Throws for what the framing cannot carry, now that the program can still be told.
    this.connection.frame(data, isText, tag);
    return this.traffic.countSend(held.push(data, isText, tag), data.length);
  }

  /** Sends what waits since the outage; returns what is wrong with a message that cannot be sent. */
  #catchUp(): Fault | undefined {
    const handedOver = this.#own?.held?.handOver(this.connection) ?? true;
    if (handedOver === true) {
      this.#state = "ready";
      this.traffic.writable();
      return undefined;
    }
    this.#state = "catching-up";
    return handedOver === false ? undefined : handedOver;
  }

  /** Ends a connection that is up, for a reason of our own. */
  #fail(reason: DisconnectReason, fault: Fault): void {
    if (!this.isReady) return;
    const { connection } = this;
    this.#lost(reason, fault);
    connection.close({ drainMs: 0, lingerMs: LINGER_MS });
  }

  #lost(reason: DisconnectReason, fault: Fault | undefined): void {
    const error = fault &&
      this.#registry.errorFrom(fault, "The connection ended");
    this.#idleWatch?.stop();
    this.#idleWatch = undefined;
    const upMs = this.#upMs();
    this.#state = "down";
    const willReconnect = this.#own?.lost(
      error ?? failureOf(reason, this.endpoint),
      upMs,
    ) ?? false;
    // Gone meanwhile: the program removed it when it was asked whether to try again.
    if (this.isGone) return;
    if (!willReconnect) this.#leave();
    const { endpoint } = this;
    this.#registry.tell("disconnected", this, { reason, error, willReconnect });
    this.#registry.emit(
      { type: "disconnected", endpoint, reason, error, willReconnect },
      0,
    );
  }

  #upMs(): number {
    if (!this.isReady) return 0;
    return this.#registry.host.driver.now() - this.#readyAt;
  }

  #leave(): void {
    this.#state = "gone";
    this.#idleWatch?.stop();
    this.#idleWatch = undefined;
    this.#own?.ended();
    this.traffic.ended();
    this.#listener?.left();
    this.#registry.leave(this);
    if (this.#own?.tracksConnections !== true) this.#registry.track(this);
  }
}
