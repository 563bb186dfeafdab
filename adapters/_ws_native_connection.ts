/**
 * One WebSocket of the runtime's own making, as a connection.
 *
 * What it cannot keep, because the runtimes give no means to: output that waits
 * cannot be dropped, only the whole connection; pings are the runtime's; where
 * reading cannot be paused (browsers, Deno) a connection that goes on sending
 * to a node whose queue is full ends with `overflow`.
 *
 * @module
 */

import type {
  SocketAddress,
  WebSocketEvents,
  WebSocketSocket,
} from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import { Deadline } from "./_deadline.ts";
import type { ConnectionLimits } from "./_framed_connection.ts";
import { reasonOf } from "./_stream_connection.ts";
import { closeOutcome } from "./_ws_close.ts";
import type { CloseOutcome } from "./_ws_close.ts";
import { SendStatus } from "./adapter.ts";
import type {
  AdapterHost,
  CloseOptions,
  Connection,
  ConnectionEvents,
} from "./adapter.ts";

/** How long the runtime may take to close after a fault, in milliseconds. */
const CLOSE_AFTER_FAULT_MS = 1_000;

/** What a frame may have before its payload, in bytes: the runtimes do not tell what they add. */
const MAX_HEAD_SIZE = 14;

/** How many bytes are taken from a peer that cannot be paused, while the node wants none. */
const MAX_UNPAUSED_BYTES = 64 * (1 << 20);

/** One native WebSocket. */
export class NativeWsConnection implements Connection, WebSocketEvents {
  readonly frameKey = undefined;
  readonly #limits: ConnectionLimits;
  readonly #requestedAddress: SocketAddress | undefined;
  readonly #closeTimeoutMs: number | undefined;
  readonly #deadline: Deadline;
  /** From `attach` and `listen`, which come before all else. */
  #socket!: WebSocketSocket;
  #events!: ConnectionEvents;
  #phase: "connecting" | "open" | "over" = "connecting";
  #isCongested = false;
  /** Bytes that came although the node had paused; undefined while it has not. */
  #unpaused: number | undefined;

  /**
   * @param host The node.
   * @param limits The connection's limits.
   * @param closeTimeoutMs How long the peer's close frame is awaited; undefined for what the node says.
   * @param requestedAddress Where an own connect goes; undefined for others.
   */
  constructor(
    host: AdapterHost,
    limits: ConnectionLimits,
    closeTimeoutMs: number | undefined,
    requestedAddress: SocketAddress | undefined,
  ) {
    this.#deadline = new Deadline(host);
    this.#limits = limits;
    this.#closeTimeoutMs = closeTimeoutMs;
    this.#requestedAddress = requestedAddress;
  }

  /** Gives the connection its socket; to be called once, before anything else. */
  attach(socket: WebSocketSocket): void {
    this.#socket = socket;
  }

  /** Says who hears of the connection; to be called before the first event. */
  listen(events: ConnectionEvents): void {
    this.#events = events;
  }

  get localAddress(): SocketAddress {
    return this.#socket.localAddress;
  }

  get peerAddress(): SocketAddress {
    const { peerAddress } = this.#socket;
    // Clients are not told whom they reached; what was asked for is nearer than nothing.
    return this.#requestedAddress !== undefined &&
        (this.#phase !== "open" || peerAddress.family === "unknown")
      ? this.#requestedAddress
      : peerAddress;
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  get queuedBytes(): number {
    return this.#socket.pending;
  }

  // Hot: one call a message sent.
  send(data: Uint8Array, isText: boolean, _tag: number): SendStatus {
    if (this.#phase !== "open") {
      return this.#phase === "connecting"
        ? SendStatus.ResourceNotAvailable
        : SendStatus.ResourceNotFound;
    }
    const { maxMessageSize, limit } = this.#limits;
    const frameSize = data.length + MAX_HEAD_SIZE;
    if (data.length > maxMessageSize || frameSize > limit) {
      return SendStatus.MaxPacketSizeExceeded;
    }
    const socket = this.#socket;
    const before = socket.pending;
    if (before + frameSize > limit) return this.#queueFull();
    if (!socket.send(data, isText)) {
      // With something pending there is a drain to wait for; without, the socket is going.
      return before > 0 ? this.#queueFull() : SendStatus.ResourceNotFound;
    }
    if (socket.pending <= this.#limits.highWaterMark) return SendStatus.Sent;
    this.#isCongested = true;
    return SendStatus.Congested;
  }

  frame(): undefined {
    return undefined;
  }

  sendFrame(): SendStatus {
    return SendStatus.ResourceNotFound;
  }

  pause(): void {
    if (this.#phase !== "open") return;
    if (!this.#socket.pause()) this.#unpaused ??= 0;
  }

  resume(): void {
    if (this.#phase !== "open") return;
    this.#unpaused = undefined;
    this.#socket.resume();
  }

  close(options: CloseOptions): void {
    const socket = this.#socket;
    const { code = 1000, reason = "", drainMs } = options;
    const before = this.#phase;
    this.#phase = "over";
    if (before === "connecting") {
      socket.abort();
      return;
    }
    if (before === "open") socket.close(code, reason);
    const waitMs = this.#closeTimeoutMs === undefined || options.lingerMs === 0
      ? Math.max(drainMs, options.lingerMs)
      : drainMs + this.#closeTimeoutMs;
    if (waitMs === 0) {
      this.#deadline.stop();
      socket.abort();
    } else if (before === "open") this.#abortAfter(waitMs);
    else this.#deadline.hasten(waitMs);
  }

  open(): void {
    if (this.#phase !== "connecting") return;
    this.#phase = "open";
    this.#events.ready();
  }

  // Hot: one call a message received.
  message(data: Uint8Array, isText: boolean): void {
    // An attached socket may be faster than the deferred `open`.
    if (this.#phase === "connecting") this.open();
    if (this.#phase !== "open") return;
    const { maxMessageSize } = this.#limits;
    if (data.length > maxMessageSize) {
      this.#fail(
        "message-too-big",
        `A message of ${data.length} bytes is larger than the limit of ${maxMessageSize}`,
        4009,
      );
      return;
    }
    if (this.#unpaused !== undefined && !this.#mayTake(data.length)) return;
    // After false the node calls `close`; what comes until then is dropped there.
    this.#events.message(data, isText, 0);
  }

  drain(): void {
    if (this.#phase !== "open" || !this.#isCongested) return;
    this.#isCongested = false;
    this.#events.writable();
  }

  closed(code: number, reason: string, fault: Fault | undefined): void {
    const before = this.#phase;
    this.#phase = "over";
    this.#deadline.stop();
    if (before === "connecting") {
      this.#events.closed(
        fault === undefined ? "protocol" : reasonOf(fault),
        fault ??
          new Fault("protocol", `The WebSocket handshake failed (${code})`),
      );
    } else if (before === "open") {
      const outcome: CloseOutcome = fault === undefined
        ? closeOutcome(code, reason)
        : { reason: reasonOf(fault), fault };
      this.#events.closed(outcome.reason, outcome.fault);
    }
    this.#events.released();
  }

  #queueFull(): SendStatus {
    this.#isCongested = true;
    return SendStatus.QueueFull;
  }

  #mayTake(size: number): boolean {
    this.#unpaused = (this.#unpaused ?? 0) + size;
    if (this.#unpaused <= MAX_UNPAUSED_BYTES) return true;
    this.#fail(
      "overflow",
      `The node's queue is full, this runtime cannot stop reading, and the peer sent ${MAX_UNPAUSED_BYTES} bytes more`,
      4008,
    );
    return false;
  }

  /** `closeCode`: programs may not send 1009 and 1008 (WHATWG WebSockets); 3000 more, in the private range, says the same. */
  #fail(
    code: "message-too-big" | "overflow",
    message: string,
    closeCode: number,
  ): void {
    this.#phase = "over";
    this.#events.closed(code, new Fault(code, message));
    this.#socket.close(closeCode, "");
    this.#abortAfter(CLOSE_AFTER_FAULT_MS);
  }

  #abortAfter(delayMs: number): void {
    this.#deadline.set(() => this.#socket.abort(), delayMs);
  }
}
