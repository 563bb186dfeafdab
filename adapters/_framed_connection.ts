/**
 * A connection of messages over one stream and one framing; raw TCP is the framing that cuts nothing.
 *
 * @module
 */

import type { FrameDecoder, Framing, MessageSink } from "../framing/framing.ts";
import type { SocketAddress } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import type { TlsSession } from "../runtime/tls.ts";
import { StreamConnection } from "./_stream_connection.ts";
import type { StreamUser } from "./_stream_connection.ts";
import { withoutTls } from "./_tls_asked.ts";
import { SendStatus } from "./adapter.ts";
import type {
  AdapterHost,
  CloseOptions,
  Connection,
  ConnectionEvents,
  DisconnectReason,
  OutboxLimits,
} from "./adapter.ts";

/** The limits of one connection, in bytes. */
export interface ConnectionLimits extends OutboxLimits {
  /** The largest message sent or received. */
  readonly maxMessageSize: number;
}

/** How long a connection that broke the protocol may take to send what was accepted, in milliseconds. */
const DRAIN_AFTER_FAULT_MS = 5_000;

/** How long the peer is given to close after its fault, in milliseconds. */
const LINGER_AFTER_FAULT_MS = 1_000;

/** One connection of a framed or raw stream transport. */
export class FramedConnection implements Connection, StreamUser, MessageSink {
  readonly frameKey: object;
  readonly #framing: Framing;
  readonly #decoder: FrameDecoder;
  readonly #stream: StreamConnection;
  readonly #maxMessageSize: number;
  readonly #requestedAddress: SocketAddress | undefined;
  readonly #isSecure: boolean;
  #events: ConnectionEvents | undefined;

  /**
   * @param host The node.
   * @param framing Cuts the messages.
   * @param limits The connection's limits.
   * @param requestedAddress Where an own connect goes; undefined for an accepted socket.
   * @param isSecure Whether an own connect asked for TLS.
   */
  constructor(
    host: AdapterHost,
    framing: Framing,
    limits: ConnectionLimits,
    requestedAddress: SocketAddress | undefined,
    isSecure: boolean,
  ) {
    this.#framing = framing;
    this.frameKey = framing;
    this.#maxMessageSize = Math.min(
      limits.maxMessageSize,
      framing.maxPayloadSize,
    );
    this.#decoder = framing.createDecoder(this.#maxMessageSize);
    this.#requestedAddress = requestedAddress;
    this.#isSecure = isSecure;
    this.#stream = new StreamConnection(
      host,
      limits,
      this,
      requestedAddress === undefined ? "open" : "connecting",
    );
  }

  /** The stream below, to be given its socket and to hear of it. */
  get stream(): StreamConnection {
    return this.#stream;
  }

  /** Says who hears of the connection; to be called before the stream's first event. */
  listen(events: ConnectionEvents): void {
    this.#events = events;
  }

  get localAddress(): SocketAddress {
    return this.#stream.localAddress;
  }

  get peerAddress(): SocketAddress {
    if (this.#requestedAddress !== undefined && !this.#stream.isOpen) {
      return this.#requestedAddress;
    }
    return this.#stream.peerAddress;
  }

  get tls(): TlsSession | undefined {
    return this.#stream.tls;
  }

  get queuedBytes(): number {
    return this.#stream.outbox.size;
  }

  // Hot: one call a message sent.
  send(data: Uint8Array, _isText: boolean, tag: number): SendStatus {
    const framing = this.#framing;
    const size = data.length;
    if (size > this.#maxMessageSize) return SendStatus.MaxPacketSizeExceeded;
    const refusal = framing.refuses(data, tag);
    if (refusal !== undefined) throw new Fault("invalid-message", refusal);
    const outbox = this.#stream.outbox;
    const headSize = framing.headSize(size);
    const tailSize = framing.tailSize;
    const total = headSize + size + tailSize;
    if (!outbox.hasRoom(total)) return outbox.refusal(total);
    if (size <= outbox.copyLimit) {
      const offset = outbox.reserve(total);
      const slab = outbox.slab;
      if (headSize !== 0) framing.writeHead(slab, offset, size, tag);
      slab.set(data, offset + headSize);
      if (tailSize !== 0) framing.writeTail(slab, offset + headSize + size);
    } else {
      if (headSize !== 0) {
        const offset = outbox.reserve(headSize);
        framing.writeHead(outbox.slab, offset, size, tag);
      }
      outbox.append(data);
      if (tailSize !== 0) {
        const offset = outbox.reserve(tailSize);
        framing.writeTail(outbox.slab, offset);
      }
    }
    return outbox.status();
  }

  frame(
    data: Uint8Array,
    _isText: boolean,
    tag: number,
  ): Uint8Array | undefined {
    const framing = this.#framing;
    const refusal = framing.refuses(data, tag);
    if (refusal !== undefined) throw new Fault("invalid-message", refusal);
    const headSize = framing.headSize(data.length);
    const frame = new Uint8Array(headSize + data.length + framing.tailSize);
    framing.writeHead(frame, 0, data.length, tag);
    frame.set(data, headSize);
    framing.writeTail(frame, headSize + data.length);
    return frame;
  }

  sendFrame(frame: Uint8Array, messageSize: number): SendStatus {
    if (messageSize > this.#maxMessageSize) {
      return SendStatus.MaxPacketSizeExceeded;
    }
    const outbox = this.#stream.outbox;
    if (!outbox.hasRoom(frame.length)) return outbox.refusal(frame.length);
    outbox.put(frame);
    return outbox.status();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  close(options: CloseOptions): void {
    this.#stream.finish(options);
  }

  opened(): void {
    if (this.#isSecure && this.tls === undefined) {
      this.#listener().closed("error", withoutTls());
      this.#stream.finish({ drainMs: 0, lingerMs: 0 });
      return;
    }
    this.#listener().ready();
  }

  // Hot: one call a read.
  received(chunk: Uint8Array): void {
    const fault = this.#decoder.push(chunk, this);
    if (fault === undefined) return;
    this.#listener().closed(fault.code, new Fault(fault.code, fault.message));
    this.#stream.finish({
      drainMs: DRAIN_AFTER_FAULT_MS,
      lingerMs: LINGER_AFTER_FAULT_MS,
    });
  }

  // Hot: one call a message received.
  message(data: Uint8Array, tag: number): boolean {
    return this.#listener().message(data, false, tag);
  }

  peerEnded(): void {
    if (this.#decoder.buffered === 0) {
      this.#listener().closed("closed", undefined);
    } else {
      this.#listener().closed(
        "protocol",
        new Fault("protocol", "The stream ended inside a message"),
      );
    }
  }

  failed(reason: DisconnectReason, fault: Fault | undefined): void {
    this.#listener().closed(reason, fault);
  }

  writable(): void {
    this.#listener().writable();
  }

  released(): void {
    this.#listener().released();
  }

  #listener(): ConnectionEvents {
    if (this.#events === undefined) {
      throw new TypeError("Cannot report events before there is a listener");
    }
    return this.#events;
  }
}
