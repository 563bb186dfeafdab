/**
 * An adapter to start from: copy it, and replace the part marked "the medium".
 *
 * It works as it stands: it carries messages between the nodes of one process,
 * by name, and each of its functions does all that the contract in `adapter.ts`
 * asks for, with the least machinery. `docs/writing_an_adapter.md` walks
 * through it; `examples/worker_port` is one that grew out of it.
 *
 * If your transport is messages cut out of a byte stream, you need none of
 * this: write a `Framing` and give it to `framedTcp` or `framedUnix`.
 *
 * @module
 */

import type { SocketAddress } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import { SendStatus } from "./adapter.ts";
import type {
  Adapter,
  AdapterHost,
  CloseOptions,
  Connection,
  ConnectionEvents,
  ConnectOptions,
  DisconnectReason,
  HostTimer,
  Listener,
  ListenerEvents,
  ListenOptions,
  TargetAddress,
} from "./adapter.ts";

// ---- The medium: what carries the messages. Here, a table of who listens. ----

const listeners = new Map<string, TemplateListener>();

// ---- The connection: one end of a pair. ----

class TemplateConnection implements Connection {
  readonly localAddress: SocketAddress;
  readonly peerAddress: SocketAddress;
  // Frames are not shared between connections: there are none.
  readonly frameKey = undefined;
  readonly #host: AdapterHost;
  readonly #limits: Limits;
  #events: ConnectionEvents | undefined;
  #peer: TemplateConnection | undefined;
  /** What the peer has sent and this side has not delivered, oldest first. */
  #inbox: {
    readonly data: Uint8Array;
    readonly isText: boolean;
    readonly tag: number;
  }[] = [];
  #inboxBytes = 0;
  #isScheduled = false;
  #isPaused = false;
  #isReady = false;
  /** This side is closed: nothing is delivered any more. */
  #isClosed = false;
  /** Ends a drain that takes too long. */
  #drainTimer: HostTimer | undefined;
  #drainsUntil = Infinity;
  /** The peer closed: what it sent is still delivered, then `closed`. */
  #hasPeerClosed = false;
  #wasCongested = false;

  constructor(
    host: AdapterHost,
    name: string,
    limits: Limits,
  ) {
    this.#host = host;
    this.localAddress = { family: "memory", hostname: "", port: 0, path: name };
    this.peerAddress = this.localAddress;
    this.#limits = limits;
  }

  /** Looks for the listener, once the node has everything in place: duty 2 forbids events from inside `connect`. */
  connect(name: string, events: ConnectionEvents): void {
    this.#events = events;
    this.#host.defer(() => {
      if (this.#isClosed) return;
      if (listeners.get(name)?.accept(this) === true) return this.schedule();
      // Duty 1: a connection that never became ready calls `closed` alone, then `released`.
      this.#end(
        "error",
        new Fault(
          "connection-refused",
          `Cannot connect to ${name}: nobody listens`,
        ),
      );
    });
  }

  /** Tells an end of the other one. */
  meet(peer: TemplateConnection): void {
    this.#peer = peer;
  }

  /** Makes this the accepted end. */
  accept(peer: TemplateConnection, events: ConnectionEvents): void {
    this.#peer = peer;
    this.#events = events;
    this.schedule();
  }

  /** Bytes that we accepted and the peer has not taken. */
  get queuedBytes(): number {
    return this.#peer === undefined ? 0 : this.#peer.#inboxBytes;
  }

  send(data: Uint8Array, isText: boolean, tag: number): SendStatus {
    const peer = this.#peer;
    // The peer is gone, and `closed` is on its way here: a message may still be lost then, as on any network.
    if (peer === undefined || peer.#isClosed) return SendStatus.Sent;
    // Duty 4: sizes are judged before anything is kept.
    if (data.length > this.#limits.maxMessageSize) {
      return SendStatus.MaxPacketSizeExceeded;
    }
    if (peer.#inboxBytes + data.length > this.#limits.outboxLimit) {
      this.#wasCongested = true;
      return SendStatus.QueueFull;
    }
    // A copy: the receiver may keep its bytes, and the sender may reuse them with `copy`.
    peer.#inbox.push({ data: data.slice(), isText, tag });
    peer.#inboxBytes += data.length;
    peer.schedule();
    if (peer.#inboxBytes <= this.#limits.highWaterMark) return SendStatus.Sent;
    this.#wasCongested = true;
    return SendStatus.Congested;
  }

  frame(): undefined {
    return undefined;
  }

  sendFrame(frame: Uint8Array): SendStatus {
    return this.send(frame, false, 0);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.schedule();
  }

  close({ drainMs }: CloseOptions): void {
    if (!this.#isClosed) this.#leave();
    if (this.#events === undefined) return;
    if (drainMs === 0 || this.queuedBytes === 0) return this.#release();
    // The peer still takes what was accepted: `#relieve` hears when it has.
    const until = this.#host.driver.now() + drainMs;
    // Called again, it may only shorten the wait.
    if (until >= this.#drainsUntil) return;
    this.#drainsUntil = until;
    if (this.#drainTimer !== undefined) this.#host.clearTimer(this.#drainTimer);
    this.#drainTimer = this.#host.setTimer(() => this.#release(), drainMs);
  }

  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#host.defer(() => this.#deliver());
  }

  #deliver(): void {
    this.#isScheduled = false;
    const events = this.#events;
    if (events === undefined) return;
    // While it drains: a peer that is gone takes nothing more.
    if (this.#isClosed) {
      return this.#hasPeerClosed ? this.#release() : undefined;
    }
    if (!this.#isReady) {
      this.#isReady = true;
      events.ready();
    }
    let delivered = 0;
    while (
      !this.#isPaused && !this.#isClosed && delivered < this.#inbox.length
    ) {
      const message = this.#inbox[delivered];
      if (message === undefined) break;
      if (message.data.length > this.#limits.maxMessageSize) {
        return this.#end(
          "message-too-big",
          new Fault(
            "message-too-big",
            `A message of ${message.data.length} bytes came`,
          ),
        );
      }
      delivered += 1;
      this.#inboxBytes -= message.data.length;
      // Duty 3: false means that the node wants no more.
      if (!events.message(message.data, message.isText, message.tag)) break;
    }
    if (this.#isClosed) return;
    this.#inbox.splice(0, delivered);
    if (this.#peer !== undefined) this.#peer.#relieve();
    if (this.#hasPeerClosed && this.#inbox.length === 0) {
      this.#end("closed", undefined);
    }
  }

  /** The peer took messages: who waits for room hears of it at half the mark. */
  #relieve(): void {
    if (this.#isClosed) {
      if (this.queuedBytes === 0) this.#release();
      return;
    }
    if (
      !this.#wasCongested ||
      this.queuedBytes > this.#limits.highWaterMark / 2
    ) return;
    this.#wasCongested = false;
    this.#events?.writable();
  }

  /** Delivers nothing more, and lets the peer know. */
  #leave(): void {
    this.#isClosed = true;
    this.#inbox = [];
    this.#inboxBytes = 0;
    if (this.#peer === undefined) return;
    this.#peer.#hasPeerClosed = true;
    this.#peer.schedule();
  }

  /** The peer or a fault ends the connection. */
  #end(reason: DisconnectReason, fault: Fault | undefined): void {
    this.#leave();
    const events = this.#events;
    this.#events = undefined;
    events?.closed(reason, fault);
    events?.released();
  }

  /** Ends what this side closed. The last call is always made, and never from inside `close`. */
  #release(): void {
    if (this.#drainTimer !== undefined) this.#host.clearTimer(this.#drainTimer);
    const events = this.#events;
    this.#events = undefined;
    if (events !== undefined) this.#host.defer(() => events.released());
  }
}

// ---- The listener: hands each new connection to the node. ----

class TemplateListener implements Listener {
  readonly address: SocketAddress;
  readonly queuedBytes = 0;
  readonly #host: AdapterHost;
  readonly #limits: Limits;
  readonly #events: ListenerEvents;

  constructor(
    host: AdapterHost,
    name: string,
    limits: Limits,
    events: ListenerEvents,
  ) {
    this.address = { family: "memory", hostname: "", port: 0, path: name };
    this.#host = host;
    this.#limits = limits;
    this.#events = events;
  }

  /** A peer knocks. False: the node refused it (`maxConnections`, say). */
  accept(peer: TemplateConnection): boolean {
    const connection = new TemplateConnection(
      this.#host,
      this.address.path,
      this.#limits,
    );
    const events = this.#events.accept(connection);
    if (events === undefined) return false;
    connection.accept(peer, events);
    peer.meet(connection);
    return true;
  }

  sendTo(): SendStatus {
    return SendStatus.ResourceNotFound;
  }

  pause(): void {}

  resume(): void {}

  close(): Promise<void> {
    listeners.delete(this.address.path);
    return Promise.resolve();
  }
}

// ---- Addresses and options: what cannot be used is a Fault with the right code. ----

interface Limits {
  readonly maxMessageSize: number;
  readonly highWaterMark: number;
  readonly outboxLimit: number;
}

const MIB = 1 << 20;

function checkLimits(options: ConnectOptions | ListenOptions): Limits {
  const outboxLimit = checkSize(
    "outboxLimit",
    options.outboxLimit,
    64 * MIB,
    Number.MAX_SAFE_INTEGER,
  );
  return {
    outboxLimit,
    highWaterMark: checkSize(
      "highWaterMark",
      options.highWaterMark,
      Math.min(MIB, outboxLimit),
      outboxLimit,
    ),
    // What can never be queued is too large, not for another time.
    maxMessageSize: checkSize(
      "maxMessageSize",
      options.maxMessageSize,
      Math.min(16 * MIB, outboxLimit),
      outboxLimit,
    ),
  };
}

function checkSize(
  name: string,
  value: number | undefined,
  byDefault: number,
  most: number,
): number {
  if (value === undefined) return byDefault;
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  // Duty 5: a Fault, so that the user meets a NetworkError.
  throw new Fault(
    "invalid-option",
    `Cannot use ${name} ${value}: it must be an integer from 1 to ${most}`,
  );
}

function nameOf(address: TargetAddress): string {
  if (address.path === "") {
    throw new Fault(
      "invalid-address",
      `Cannot use ${address.text} with Template: it needs a name, { path: "name" }`,
    );
  }
  return address.path;
}

// ---- The adapter: the value that users hand to `connect` and `listen`. ----

/** A transport between the nodes of one process, by name: the example of this file. */
export const Template: Adapter = {
  id: 32,
  name: "Template",
  maxMessageSize: Infinity,
  isConnectionOriented: true,
  isPacketBased: true,
  connect(host, address, options, events) {
    const name = nameOf(address);
    const connection = new TemplateConnection(host, name, checkLimits(options));
    connection.connect(name, events);
    return connection;
  },
  listen(host, address, options, events) {
    return new Promise((resolve) => {
      const name = nameOf(address);
      if (listeners.has(name)) {
        throw new Fault(
          "address-in-use",
          `Cannot listen on ${name}: somebody does`,
        );
      }
      const listener = new TemplateListener(
        host,
        name,
        checkLimits(options),
        events,
      );
      listeners.set(name, listener);
      resolve(listener);
    });
  },
};
