/**
 * One end of a connection over a MessagePort.
 *
 * @module
 */

import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import {
  type AdapterHost,
  type CloseOptions,
  type Connection,
  type ConnectionEvents,
  type DisconnectReason,
  Fault,
  type HostTimer,
  SendStatus,
  type SocketAddress,
} from "../../mod.ts";
import type { PortLimits } from "./port_limits.ts";

/** What travels over the port. */
type PortMessage =
  /** The other end has accepted: messages may flow. */
  | { readonly type: "ready" }
  /** Nobody listens there, or not to you. */
  | { readonly type: "refused" }
  | {
    readonly type: "data";
    readonly data: Uint8Array;
    readonly isText: boolean;
    readonly tag: number;
  }
  /** So many bytes of data were taken: a port has no backpressure of its own. */
  | { readonly type: "taken"; readonly bytes: number }
  /** Nothing follows. */
  | { readonly type: "bye" };

/** A connection, from its first step to the release of its port. */
export class PortConnection implements Connection {
  readonly localAddress: SocketAddress;
  readonly peerAddress: SocketAddress;
  // Frames are not shared between connections: there are none.
  readonly frameKey = undefined;
  /** Called once when the port is closed. */
  whenOver: () => void = () => {};
  readonly #host: AdapterHost;
  readonly #port: MessagePort;
  readonly #limits: PortLimits;
  #events: ConnectionEvents | undefined;
  /**
   * `waiting` for the other end to be `ready`; `closing` while it still takes
   * what we sent before our goodbye; `over` when the port is closed.
   */
  #state: "waiting" | "ready" | "closing" | "over" = "waiting";
  /** Bytes that we accepted and the peer has not taken. */
  #untaken = 0;
  #wasCongested = false;
  /** What has come and is not delivered, because the node has paused us. */
  #inbox: Extract<PortMessage, { type: "data" }>[] = [];
  /** Bytes delivered that the peer has not been told of. */
  #taken = 0;
  #isPaused = false;
  /** The peer said goodbye: what it sent before is still delivered, then `closed`. */
  #hasPeerClosed = false;
  /** Ends a drain that takes too long. */
  #drainTimer: HostTimer | undefined;
  #drainDeadline = Infinity;

  constructor(
    host: AdapterHost,
    port: MessagePort,
    path: string,
    limits: PortLimits,
  ) {
    this.#host = host;
    this.#port = port;
    this.#limits = limits;
    this.localAddress = { family: "memory", hostname: "", port: 0, path };
    this.peerAddress = this.localAddress;
    port.addEventListener("message", (event) => this.#hear(messageOf(event)));
    // Node and Bun tell, after all that came, that the other end is gone: by its
    // thread's death if not by a goodbye. On Deno the link alone notices.
    port.addEventListener("close", () => this.#peerIsGone());
    port.start();
  }

  get queuedBytes(): number {
    return this.#untaken;
  }

  /** Makes this the end that asked: it is ready when the other one says so. */
  connect(events: ConnectionEvents): void {
    this.#events = events;
  }

  /** Makes this the end that was asked. */
  accept(events: ConnectionEvents): void {
    this.#events = events;
    this.#post({ type: "ready" });
    // Not at once: the node has not yet put everything in place.
    this.#host.defer(() => this.#becomeReady());
  }

  /** The connection cannot be made. */
  refuse(fault: Fault): void {
    // Duty 2: no event from inside `connect`.
    this.#host.defer(() => this.#end("error", fault));
  }

  /** The thread at the other end is gone: what it sent before is still delivered. */
  threadHasEnded(): void {
    // Its end may be told before its last messages are. (Never ask a port that
    // has told its own `close`: Node crashes.)
    while (this.#state !== "over") {
      const next = receiveMessageOnPort(this.#port);
      if (next === undefined) break;
      this.#hear(next.message);
    }
    this.#peerIsGone();
  }

  send(data: Uint8Array, isText: boolean, tag: number): SendStatus {
    // Duty 4: sizes are judged before anything is kept.
    if (data.length > this.#limits.maxMessageSize) {
      return SendStatus.MaxPacketSizeExceeded;
    }
    if (this.#untaken + data.length > this.#limits.outboxLimit) {
      this.#wasCongested = true;
      return SendStatus.QueueFull;
    }
    // A copy of its own, that is moved: posting a view would clone the whole buffer behind it.
    const copy = data.slice();
    this.#port.postMessage(
      { type: "data", data: copy, isText, tag } satisfies PortMessage,
      [copy.buffer],
    );
    this.#untaken += data.length;
    if (this.#untaken <= this.#limits.highWaterMark) return SendStatus.Sent;
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
    // A port cannot be paused: what comes is kept, and the peer, who hears of
    // nothing taken, stops at its limit.
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#host.defer(() => this.#deliver());
  }

  close({ drainMs }: CloseOptions): void {
    if (this.#state === "over") return;
    if (this.#state !== "closing") {
      this.#post({ type: "bye" });
      this.#state = "closing";
      this.#inbox = [];
    }
    if (drainMs === 0 || this.#untaken === 0) return this.#release();
    // A later call may only shorten the drain.
    const deadline = this.#host.driver.now() + drainMs;
    if (deadline >= this.#drainDeadline) return;
    this.#stopDrainTimer();
    this.#drainDeadline = deadline;
    this.#drainTimer = this.#host.setTimer(() => this.#release(), drainMs);
  }

  // The port's own callback: events may be called from here.
  #hear(message: PortMessage): void {
    if (this.#state === "over") return;
    if (this.#state === "closing") return this.#hearWhileClosing(message);
    switch (message.type) {
      case "ready":
        this.#becomeReady();
        break;
      case "refused":
        this.#end(
          "error",
          new Fault(
            "connection-refused",
            `Cannot connect to ${this.peerAddress.path}: nobody listens`,
          ),
        );
        break;
      case "data":
        this.#inbox.push(message);
        this.#deliver();
        break;
      case "taken":
        this.#untaken -= message.bytes;
        this.#relieve();
        break;
      case "bye":
        this.#hasPeerClosed = true;
        this.#deliver();
        break;
    }
  }

  #hearWhileClosing(message: PortMessage): void {
    if (message.type === "taken") this.#untaken -= message.bytes;
    // The peer's own goodbye says that it has taken all that it ever will.
    if (this.#untaken === 0 || message.type === "bye") this.#release();
  }

  #peerIsGone(): void {
    if (this.#state === "closing") return this.#release();
    // What it sent before its goodbye may still wait for the node.
    if (this.#state === "over" || this.#hasPeerClosed) return;
    this.#end(
      "reset",
      new Fault("connection-reset", "The thread of the peer has ended"),
    );
  }

  #becomeReady(): void {
    if (this.#state !== "waiting") return;
    this.#state = "ready";
    this.#events?.ready();
    this.#deliver();
  }

  #deliver(): void {
    // A peer that leaves before we are ready: duty 1 wants `closed` alone.
    if (this.#state === "waiting" && !this.#hasPeerClosed) return;
    while (this.#state === "ready" && !this.#isPaused) {
      const message = this.#inbox.shift();
      if (message === undefined) break;
      const { data, isText, tag } = message;
      if (data.length > this.#limits.maxMessageSize) {
        return this.#end(
          "message-too-big",
          new Fault(
            "message-too-big",
            `A message of ${data.length} bytes came`,
          ),
        );
      }
      this.#noteTaken(data.length);
      // Duty 3: false means that the node wants no more.
      if (this.#events?.message(data, isText, tag) !== true) return;
    }
    if (this.#hasPeerClosed && this.#inbox.length === 0) {
      this.#end("closed", undefined);
    }
  }

  /** Tells the peer, once for all that was taken in the same turn. */
  #noteTaken(bytes: number): void {
    if (bytes === 0) return;
    if (this.#taken === 0) {
      this.#host.defer(() => {
        this.#post({ type: "taken", bytes: this.#taken });
        this.#taken = 0;
      });
    }
    this.#taken += bytes;
  }

  /** The peer took messages: who waits for room hears of it at half the mark. */
  #relieve(): void {
    if (!this.#wasCongested || this.#untaken > this.#limits.highWaterMark / 2) {
      return;
    }
    this.#wasCongested = false;
    this.#events?.writable();
  }

  #post(message: PortMessage): void {
    if (this.#state !== "over") this.#port.postMessage(message);
  }

  /** The peer or a fault ends the connection. */
  #end(reason: DisconnectReason, fault: Fault | undefined): void {
    // Not every runtime tells the other end of a port that it was closed.
    this.#post({ type: "bye" });
    const events = this.#closePort();
    events?.closed(reason, fault);
    events?.released();
  }

  /** Ends what this side closed. The last call is always made, and never from inside `close`. */
  #release(): void {
    const events = this.#closePort();
    if (events !== undefined) this.#host.defer(() => events.released());
  }

  /** Closes the port, and gives away who is to hear the last calls: once. */
  #closePort(): ConnectionEvents | undefined {
    if (this.#state === "over") return undefined;
    this.#state = "over";
    this.#inbox = [];
    this.#untaken = 0;
    this.#stopDrainTimer();
    // What was posted before is still delivered.
    this.#port.close();
    this.whenOver();
    const events = this.#events;
    this.#events = undefined;
    return events;
  }

  #stopDrainTimer(): void {
    if (this.#drainTimer !== undefined) {
      this.#host.clearTimer(this.#drainTimer);
    }
    this.#drainTimer = undefined;
  }
}

/** Runtimes type the events of ports differently. The other end is this very module. */
function messageOf(event: object): PortMessage {
  return (event as { readonly data: PortMessage }).data;
}
