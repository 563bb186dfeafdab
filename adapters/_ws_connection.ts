/**
 * One WebSocket over one stream, coded by this library.
 *
 * This is what `Ws` uses wherever there are streams, and not the WebSockets of
 * the runtimes: see `framing/web_socket_frame.ts` for why.
 *
 * @module
 */

import { WebSocketDecoder } from "../framing/web_socket_decoder.ts";
import type {
  WebSocketFault,
  WebSocketSink,
} from "../framing/web_socket_decoder.ts";
import { closePayload, WebSocketOpcode } from "../framing/web_socket_frame.ts";
import type { SocketAddress, StreamSocket } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import type { TlsSession } from "../runtime/tls.ts";
import { withoutTls } from "./_tls_asked.ts";
import { closeOutcome, withoutCloseFrame } from "./_ws_close.ts";
import type { CloseOutcome } from "./_ws_close.ts";
import { WsClosing } from "./_ws_closing.ts";
import type { Handshake } from "./_ws_handshake.ts";
import { Heartbeat } from "./_ws_heartbeat.ts";
import type { HeartbeatUser } from "./_ws_heartbeat.ts";
import type { WsLimits } from "./_ws_limits.ts";
import type { WsTimes } from "./_ws_options.ts";
import { Pongs } from "./_ws_pongs.ts";
import { WsSender } from "./_ws_sender.ts";
import { WsStream } from "./_ws_stream.ts";
import type { WsStreamUser } from "./_ws_stream.ts";
import { SendStatus } from "./adapter.ts";
import type {
  AdapterHost,
  CloseOptions,
  Connection,
  ConnectionEvents,
  DisconnectReason,
  HostTimer,
} from "./adapter.ts";

/** How long what was accepted may take to go out after the peer's close frame, in milliseconds. */
const DRAIN_AFTER_CLOSE_MS = 30_000;

/** How long a connection that broke the protocol may take to send what was accepted, in milliseconds. */
const DRAIN_AFTER_FAULT_MS = 5_000;

/** How long the peer is given to end the stream once both close frames are sent, in milliseconds. */
const LINGER_MS = 1_000;

type Phase =
  | "handshake"
  | "open"
  /** Our close frame is sent, the peer's is awaited; messages are dropped. */
  | "closing"
  /** The stream ends by itself. */
  | "over";

/** One WebSocket, of either side. */
export class WsConnection implements Connection, WsStreamUser, HeartbeatUser {
  readonly frameKey: object | undefined;
  /** The stream below, which hears of the socket. */
  readonly stream: WsStream;
  readonly #host: AdapterHost;
  readonly #times: WsTimes;
  readonly #handshake: Handshake;
  readonly #sender: WsSender;
  readonly #decoder: WebSocketDecoder;
  readonly #sink: WebSocketSink;
  readonly #heartbeat: Heartbeat;
  readonly #pongs: Pongs;
  readonly #requestedAddress: SocketAddress | undefined;
  readonly #isSecure: boolean;
  #events: ConnectionEvents | undefined;
  #phase: Phase = "handshake";
  #closing: WsClosing | undefined;
  /** Ends a handshake that takes too long. */
  #timer: HostTimer | undefined;
  /** The node wants no more messages. */
  #isMuted = false;

  /**
   * @param host The node.
   * @param limits The connection's limits.
   * @param times The connection's times.
   * @param handshake The own side of the handshake.
   * @param requestedAddress Where an own connect goes; undefined for an accepted socket.
   * @param isSecure Whether an own connect asked for TLS.
   */
  constructor(
    host: AdapterHost,
    limits: WsLimits,
    times: WsTimes,
    handshake: Handshake,
    requestedAddress: SocketAddress | undefined,
    isSecure: boolean,
  ) {
    const { isServer } = handshake;
    this.#host = host;
    this.#times = times;
    this.#handshake = handshake;
    this.#sender = new WsSender(isServer, limits);
    this.#pongs = new Pongs(this.#sender, limits.highWaterMark);
    this.frameKey = this.#sender.frameKey;
    this.#decoder = new WebSocketDecoder({
      isServer,
      maxMessageSize: limits.maxMessageSize,
      maxFragments: limits.maxFragments,
    });
    this.#sink = {
      message: (data, isText) => this.#message(data, isText),
      ping: (data) => this.#ping(data),
      pong: () => {},
      close: (code, reason) => this.#peerClosed(code, reason),
    };
    this.#heartbeat = new Heartbeat(host, times, this);
    this.#requestedAddress = requestedAddress;
    this.#isSecure = isSecure;
    this.stream = new WsStream(
      host,
      limits,
      this,
      requestedAddress === undefined ? "open" : "connecting",
    );
  }

  /** Gives the connection its socket; to be called once, before anything else. */
  attach(socket: StreamSocket): void {
    this.stream.attach(socket);
    this.#sender.attach(this.stream.outbox);
  }

  /** Says who hears of the connection; to be called before the stream's first event. */
  listen(events: ConnectionEvents): void {
    this.#events = events;
    if (this.#handshake.isServer) this.#limitHandshake();
  }

  get localAddress(): SocketAddress {
    return this.stream.localAddress;
  }

  get peerAddress(): SocketAddress {
    if (this.#requestedAddress !== undefined && !this.stream.isOpen) {
      return this.#requestedAddress;
    }
    return this.stream.peerAddress;
  }

  get protocol(): string {
    return this.#handshake.protocol;
  }

  get path(): string {
    return this.#handshake.path;
  }

  get tls(): TlsSession | undefined {
    return this.stream.tls;
  }

  get queuedBytes(): number {
    return this.stream.outbox.size;
  }

  // Hot: one call a message sent.
  send(data: Uint8Array, isText: boolean, _tag: number): SendStatus {
    return this.#phase === "open"
      ? this.#sender.send(data, isText)
      : this.#unavailable();
  }

  frame(
    data: Uint8Array,
    isText: boolean,
    _tag: number,
  ): Uint8Array | undefined {
    return this.#sender.frame(data, isText);
  }

  sendFrame(frame: Uint8Array, messageSize: number): SendStatus {
    return this.#phase === "open"
      ? this.#sender.sendFrame(frame, messageSize)
      : this.#unavailable();
  }

  pause(): void {
    if (this.#phase !== "open") return;
    this.#heartbeat.setPaused(true);
    this.stream.pause();
  }

  resume(): void {
    if (this.#phase !== "open") return;
    this.#heartbeat.setPaused(false);
    this.stream.resume();
  }

  close(options: CloseOptions): void {
    switch (this.#phase) {
      case "handshake":
        this.#giveUpHandshake();
        break;
      case "open":
        this.#beginClose(options);
        break;
      case "closing":
        if (options.lingerMs === 0 || options.drainMs === 0) {
          this.#finish(this.#closing?.shortened(options) ?? options);
        } else this.#closing?.hurry(options);
        break;
      case "over":
        this.stream.finish(options);
        break;
    }
  }

  opened(): void {
    if (this.#isSecure && this.tls === undefined) {
      this.#end({ reason: "error", fault: withoutTls() });
      this.stream.finish({ drainMs: 0, lingerMs: 0 });
      return;
    }
    this.#limitHandshake();
    const request = this.#handshake.begin();
    if (request !== undefined) this.#sender.write(request);
  }

  // Hot: one call a read.
  received(chunk: Uint8Array): void {
    this.#heartbeat.heard();
    if (this.#phase === "handshake") {
      this.#continueHandshake(chunk);
      return;
    }
    if (this.#phase === "over") return;
    const fault = this.#decoder.push(chunk, this.#sink);
    if (fault !== undefined) this.#peerBrokeProtocol(fault);
  }

  peerEnded(): void {
    const closing = this.#phase === "closing" ? this.#closing : undefined;
    this.#ended(undefined, undefined);
    if (closing !== undefined) {
      this.stream.finish({ drainMs: closing.drainMs, lingerMs: 0 });
    }
  }

  failed(reason: DisconnectReason, fault: Fault | undefined): void {
    this.#ended(reason, fault);
  }

  writable(): void {
    if (this.#phase === "open") this.#listener().writable();
  }

  drained(): void {
    // A queue that shrinks is a peer that takes; an empty one says only that the system took the ping.
    if (this.stream.outbox.size > 0) this.#heartbeat.heard();
    if (this.#phase === "open") {
      this.#pongs.settle(this.stream.outbox);
    } else if (
      this.#phase === "closing" && this.#closing?.isLingering === false &&
      this.stream.outbox.untaken === 0
    ) {
      this.#closing.awaitPeer();
    }
  }

  released(): void {
    this.#stopTimers();
    this.#listener().released();
  }

  sendPing(): void {
    this.#sender.control(WebSocketOpcode.ping, new Uint8Array(0));
  }

  heartbeatFailed(): void {
    this.#timeOut(
      `The peer answered no ping for ${this.#times.pongTimeoutMs} ms`,
    );
  }

  #limitHandshake(): void {
    const { handshakeTimeoutMs } = this.#times;
    if (handshakeTimeoutMs === 0) return;
    this.#stopTimers();
    this.#timer = this.#host.setTimer(
      () =>
        this.#timeOut(
          `The WebSocket handshake took over ${handshakeTimeoutMs} ms`,
        ),
      handshakeTimeoutMs,
    );
  }

  #timeOut(message: string): void {
    this.#end({ reason: "timeout", fault: new Fault("timed-out", message) });
    this.stream.finish({ drainMs: 0, lingerMs: 0 });
  }

  #continueHandshake(chunk: Uint8Array): void {
    const result = this.#handshake.push(chunk);
    if (result === undefined) return;
    if (result.answer !== undefined) this.#sender.write(result.answer);
    if (result.kind === "failed") {
      this.#end({ reason: "protocol", fault: result.fault });
      this.stream.finish({
        drainMs: DRAIN_AFTER_FAULT_MS,
        lingerMs: LINGER_MS,
      });
      return;
    }
    this.#stopTimers();
    this.#phase = "open";
    this.#heartbeat.start();
    this.#listener().ready();
    if (result.rest.length > 0) this.received(result.rest);
  }

  #giveUpHandshake(): void {
    if (this.stream.isOpen) {
      const answer = this.#handshake.giveUp();
      if (answer !== undefined) this.#sender.write(answer);
    }
    this.#finish({ drainMs: 0, lingerMs: 0 });
  }

  // Hot: one call a message received. Always true: the peer's close frame is still to be found.
  #message(data: Uint8Array, isText: boolean): boolean {
    if (this.#phase === "open" && !this.#isMuted) {
      this.#isMuted = !this.#listener().message(data, isText, 0);
    }
    return true;
  }

  #ping(data: Uint8Array): void {
    if (this.#phase === "open") {
      this.#pongs.answer(data, this.stream.outbox);
    }
  }

  #peerClosed(code: number, reason: string): void {
    if (this.#phase === "closing") return this.#finishSoon();
    if (this.#phase !== "open") return;
    this.#sender.control(WebSocketOpcode.close, closePayload(code));
    this.#end(closeOutcome(code, reason));
    this.stream.finish({ drainMs: DRAIN_AFTER_CLOSE_MS, lingerMs: LINGER_MS });
  }

  #peerBrokeProtocol(fault: WebSocketFault): void {
    if (this.#phase === "closing") return this.#finishSoon();
    // A message before it in the chunk may have ended the connection.
    if (this.#phase !== "open") return;
    this.#sender.control(
      WebSocketOpcode.close,
      closePayload(fault.closeCode, fault.message),
    );
    this.#end({
      reason: fault.code,
      fault: new Fault(fault.code, fault.message),
    });
    this.stream.finish({ drainMs: DRAIN_AFTER_FAULT_MS, lingerMs: LINGER_MS });
  }

  #beginClose(options: CloseOptions): void {
    this.#stopTimers();
    this.#phase = "closing";
    const closing = new WsClosing(
      this.#host,
      options,
      this.#times.closeTimeoutMs,
      () => this.#finish({ drainMs: 0, lingerMs: 0 }),
    );
    this.#closing = closing;
    this.#sender.control(
      WebSocketOpcode.close,
      closePayload(options.code ?? 1000, options.reason),
    );
    this.stream.outbox.flush();
    const hasLeft = this.stream.outbox.untaken === 0;
    const { drainMs } = closing;
    if (closing.isHasty || (!hasLeft && drainMs === 0)) {
      this.#finish({ drainMs, lingerMs: 0 });
      return;
    }
    // The peer's close frame is behind whatever it has sent.
    this.stream.resume();
    if (hasLeft) closing.awaitPeer();
    else closing.awaitOutput();
  }

  /** The peer has said its last word in answer to ours. */
  #finishSoon(): void {
    this.#finish({
      drainMs: this.#closing?.drainMs ?? 0,
      lingerMs: LINGER_MS,
    });
  }

  /** Leaves the rest to the stream, without an event. */
  #finish(options: CloseOptions): void {
    this.#stopTimers();
    this.#phase = "over";
    this.stream.finish(options);
  }

  /** The stream ended before the WebSocket did. */
  #ended(
    reason: DisconnectReason | undefined,
    fault: Fault | undefined,
  ): void {
    if (this.#phase === "handshake") {
      const truncated = fault ?? this.#handshake.truncated();
      this.#end({
        reason: reason ?? (truncated === undefined ? "closed" : "protocol"),
        fault: truncated,
      });
    } else if (this.#phase === "open") {
      this.#end(
        reason === undefined || fault === undefined
          ? withoutCloseFrame(this.#decoder.buffered > 0)
          : { reason, fault },
      );
    } else {
      this.#stopTimers();
      this.#phase = "over";
    }
  }

  /** Ends the WebSocket with an event. */
  #end(outcome: CloseOutcome): void {
    this.#stopTimers();
    this.#phase = "over";
    this.#listener().closed(outcome.reason, outcome.fault);
  }

  #unavailable(): SendStatus {
    return this.#phase === "handshake"
      ? SendStatus.ResourceNotAvailable
      : SendStatus.ResourceNotFound;
  }

  #stopTimers(): void {
    this.#heartbeat.stop();
    this.#closing?.stop();
    if (this.#timer !== undefined) this.#host.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #listener(): ConnectionEvents {
    if (this.#events === undefined) {
      throw new TypeError("Cannot report events before there is a listener");
    }
    return this.#events;
  }
}
