/**
 * The life of one stream under an adapter: opening, output, and every way of ending.
 *
 * The adapter above sees bytes and one end; the socket below sees `write`,
 * `shutdown`, `close` and `abort` in an order that loses nothing that was accepted.
 *
 * @module
 */

import type {
  SocketAddress,
  StreamEvents,
  StreamSocket,
} from "../runtime/driver.ts";
import type { Fault } from "../runtime/fault.ts";
import type { TlsSession } from "../runtime/tls.ts";
import { Deadline, lingerLeft } from "./_deadline.ts";
import type {
  AdapterHost,
  CloseOptions,
  DisconnectReason,
  Outbox,
  OutboxControl,
  OutboxLimits,
} from "./adapter.ts";

/** What the adapter makes of its stream. */
export interface StreamUser {
  /** The stream is there (not called for accepted sockets). */
  opened(): void;
  /** Bytes came, before any local or peer end. */
  received(chunk: Uint8Array): void;
  /** The peer sent FIN in order. The stream drains what was accepted and closes by itself after this call. */
  peerEnded(): void;
  /** A fault, or a close of both directions without FIN, ended the stream; not called after a local `finish`. */
  failed(reason: DisconnectReason, fault: Fault | undefined): void;
  /** The outbox has fallen to half its mark. */
  writable(): void;
  /** Nothing is left: the last call. */
  released(): void;
}

/** How long output may take to leave after the peer's FIN or its fault, in milliseconds. */
const DRAIN_AFTER_END_MS = 30_000;

/** How long a socket may take to close what it had taken, before it is aborted, in milliseconds. */
const CLOSE_GRACE_MS = 1_000;

type State =
  | "connecting"
  | "open"
  /** What was accepted is going out; what comes in is dropped. */
  | "draining"
  /** FIN is sent; the peer's is awaited so that a reset cannot overtake our last bytes. */
  | "lingering"
  /** The socket was told to close. */
  | "closing"
  | "gone";

/** The reason that a fault of the stream stands for. */
export function reasonOf(fault: Fault | undefined): DisconnectReason {
  switch (fault?.code) {
    case undefined:
      return "closed";
    case "connection-reset":
      return "reset";
    case "timed-out":
      return "timeout";
    case "protocol":
    case "tls":
    case "message-too-big":
    case "overflow":
      return fault.code;
    default:
      return "error";
  }
}

/** One stream, its outbox and its endings. */
export class StreamConnection implements StreamEvents {
  readonly #host: AdapterHost;
  readonly #user: StreamUser;
  readonly #limits: OutboxLimits;
  readonly #deadline: Deadline;
  #socket: StreamSocket | undefined;
  #outbox: (Outbox & OutboxControl) | undefined;
  #state: State;
  #peerEnded = false;
  #lingerMs = 0;
  /** When `finish` was called. */
  #finishedAt = 0;

  /**
   * @param host The node.
   * @param limits The marks of the outbox.
   * @param user The adapter's side.
   * @param state `"connecting"` for an own connect, `"open"` for an accepted socket.
   */
  constructor(
    host: AdapterHost,
    limits: OutboxLimits,
    user: StreamUser,
    state: "connecting" | "open",
  ) {
    this.#host = host;
    this.#limits = limits;
    this.#user = user;
    this.#deadline = new Deadline(host);
    this.#state = state;
  }

  /** Gives the stream its socket; to be called once, before anything else. */
  attach(socket: StreamSocket): void {
    this.#socket = socket;
    this.#outbox = this.#host.createOutbox(socket, this.#limits, () => {
      if (this.#state === "open") this.#user.writable();
    });
  }

  /** The queue of what is sent. */
  get outbox(): Outbox {
    return this.#attachedOutbox();
  }

  /** Known once open. */
  get localAddress(): SocketAddress {
    return this.#attachedSocket().localAddress;
  }

  /** Known once open. */
  get peerAddress(): SocketAddress {
    return this.#attachedSocket().peerAddress;
  }

  /** What the TLS handshake agreed on, once open. */
  get tls(): TlsSession | undefined {
    return this.#attachedSocket().tls;
  }

  /** Whether bytes may be sent: open, and neither side has ended it. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  open(): void {
    if (this.#state !== "connecting") return;
    this.#state = "open";
    this.#user.opened();
  }

  // Hot: one call a read.
  data(chunk: Uint8Array): void {
    if (this.#state !== "open") return;
    // An answer leaves now: by a microtask it would wait for the other reads
    // of this turn, and on Deno for the next read of this stream.
    const outbox = this.#attachedOutbox();
    outbox.hold();
    try {
      this.#user.received(chunk);
    } finally {
      outbox.flush();
    }
  }

  drain(): void {
    const outbox = this.#attachedOutbox();
    outbox.drained();
    if (this.#state === "draining" && outbox.size === 0) this.#shutdown();
  }

  end(): void {
    this.#peerEnded = true;
    if (this.#state === "open") {
      this.#user.peerEnded();
      this.finish({ drainMs: DRAIN_AFTER_END_MS, lingerMs: 0 });
    } else if (this.#state === "lingering") {
      this.#close();
    }
  }

  closed(fault: Fault | undefined): void {
    const before = this.#state;
    if (before === "gone") return;
    this.#state = "gone";
    this.#deadline.stop();
    this.#outbox?.clear();
    if (before === "connecting" || before === "open") {
      this.#user.failed(reasonOf(fault), fault);
    }
    this.#user.released();
  }

  /** Stops reading. */
  pause(): void {
    if (this.#state === "open") this.#attachedSocket().pause();
  }

  /** Reads again. */
  resume(): void {
    if (this.#state === "open") this.#attachedSocket().resume();
  }

  /**
   * Ends the stream in order: what was accepted goes out within `drainMs`, then
   * FIN, then the peer's FIN is awaited until `lingerMs` have passed since the
   * call, and for a second at least if `lingerMs` is as much. Called again, it can
   * only hurry: shorter times count from then on, and 0 ends the waiting at once.
   */
  finish(options: CloseOptions): void {
    const { drainMs, lingerMs } = options;
    switch (this.#state) {
      case "connecting":
        this.#state = "closing";
        this.#attachedSocket().abort();
        return;
      case "open":
        break;
      case "draining":
        if (drainMs === 0) this.#dropAndClose();
        else this.#hurry(lingerMs, drainMs);
        return;
      case "lingering":
        if (lingerMs === 0) this.#close();
        else this.#hurry(lingerMs, lingerMs);
        return;
      case "closing":
      case "gone":
        return;
    }
    const outbox = this.#attachedOutbox();
    this.#lingerMs = lingerMs;
    this.#finishedAt = this.#host.driver.now();
    this.#state = "draining";
    outbox.flush();
    if (outbox.size === 0) return this.#shutdown();
    if (drainMs === 0) {
      // What the driver has taken goes out before its FIN.
      return outbox.untaken === 0 ? this.#shutdown() : this.#dropAndClose();
    }
    // The peer may wait for us to read before it reads on: what it sends is dropped.
    this.#attachedSocket().resume();
    this.#deadline.set(() => this.#abort(), drainMs);
  }

  #shutdown(): void {
    this.#deadline.stop();
    if (this.#peerEnded || this.#lingerMs === 0) return this.#close();
    this.#state = "lingering";
    const socket = this.#attachedSocket();
    socket.shutdown();
    // Unread input would turn the close into a reset, which may destroy our last bytes on their way.
    socket.resume();
    const drainedMs = this.#host.driver.now() - this.#finishedAt;
    this.#deadline.set(
      () => this.#close(),
      lingerLeft(this.#lingerMs, drainedMs),
    );
  }

  /** What the driver has taken may still go out; the rest is given up. */
  #dropAndClose(): void {
    this.#attachedOutbox().clear();
    this.#close();
  }

  #close(): void {
    this.#deadline.stop();
    this.#state = "closing";
    this.#attachedSocket().close();
    this.#deadline.set(() => this.#abort(), CLOSE_GRACE_MS);
  }

  #abort(): void {
    this.#deadline.stop();
    this.#state = "closing";
    this.#attachedSocket().abort();
  }

  #hurry(lingerMs: number, waitMs: number): void {
    this.#lingerMs = Math.min(this.#lingerMs, lingerMs);
    this.#deadline.hasten(waitMs);
  }

  #attachedSocket(): StreamSocket {
    if (this.#socket === undefined) {
      throw new TypeError("Cannot use a stream before it has a socket");
    }
    return this.#socket;
  }

  #attachedOutbox(): Outbox & OutboxControl {
    if (this.#outbox === undefined) {
      throw new TypeError("Cannot use a stream before it has a socket");
    }
    return this.#outbox;
  }
}
