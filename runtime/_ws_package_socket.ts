/**
 * The WebSockets of the `ws` package behind the contract of drivers.
 *
 * @module
 */

import type { Duplex } from "node:stream";
import { ABNORMAL, OPEN } from "./_web_socket_protocol.ts";
import { MAX_PENDING_PONGS, wsFault, type WsSocket } from "./_ws_package.ts";
import type {
  SocketAddress,
  WebSocketEvents,
  WebSocketSocket,
} from "./driver.ts";
import { Fault } from "./fault.ts";

const AS_TEXT = { binary: false, compress: false };
const AS_BINARY = { binary: true, compress: false };

/**
 * How long a peer that broke the protocol may take to close, in milliseconds; the
 * package would give it thirty seconds, and tell of the end no earlier.
 */
const LINGER_MS = 1_000;

/** One WebSocket of the `ws` package. */
export class WsPackageSocket implements WebSocketSocket {
  readonly localAddress: SocketAddress;
  readonly peerAddress: SocketAddress;
  readonly #ws: WsSocket;
  /** The stream under it; unknown where the runtime has a `ws` of its own (Bun). */
  readonly #stream: Duplex | undefined;
  #events: WebSocketEvents | undefined;
  #isLocallyClosed = false;
  #isCorked = false;
  #owesDrain = false;
  #fault: Fault | undefined;
  #linger: ReturnType<typeof setTimeout> | undefined;

  /** Wraps a socket that is open and has delivered nothing yet. */
  constructor(
    ws: WsSocket,
    stream: Duplex | undefined,
    localAddress: SocketAddress,
    peerAddress: SocketAddress,
  ) {
    this.#ws = ws;
    this.#stream = stream;
    this.localAddress = localAddress;
    this.peerAddress = peerAddress;
  }

  /** Offers the socket to its listener's owner. */
  offer(
    accept: (socket: WebSocketSocket) => WebSocketEvents | undefined,
  ): void {
    const events = accept(this);
    if (events !== undefined) {
      this.tell(events);
      return;
    }
    this.#ws.on("error", () => {}); // Of a socket that nobody hears of.
    this.abort();
  }

  /** From now on the events are told. */
  tell(events: WebSocketEvents): void {
    const ws = this.#ws;
    this.#events = events;
    ws.on("error", (error) => {
      this.#fault ??= wsFault(error);
      this.#linger ??= setTimeout(() => ws.terminate(), LINGER_MS);
    });
    ws.on("message", this.#onMessage);
    ws.on("ping", this.#onPing);
    ws.on("close", (code, reason) => {
      this.#events = undefined;
      clearTimeout(this.#linger);
      if (this.#isLocallyClosed) this.#fault = undefined;
      else if (code === ABNORMAL) {
        // The package keeps to itself whether it was a reset or a FIN.
        this.#fault ??= new Fault(
          "connection-reset",
          "The connection was cut off",
        );
      }
      events.closed(code, reason.toString(), this.#fault);
    });
  }

  get protocol(): string {
    return this.#ws.protocol;
  }

  get pending(): number {
    return this.#ws.readyState === OPEN ? this.#ws.bufferedAmount : 0;
  }

  // Hot: once per message sent.
  send(data: Uint8Array, isText: boolean): boolean {
    if (this.#isLocallyClosed || this.#ws.readyState !== OPEN) return false;
    // `ws` writes header and payload apart, and each message for itself:
    // without the cork that is two system calls a message.
    if (!this.#isCorked && this.#stream !== undefined) {
      this.#isCorked = true;
      this.#stream.cork();
      queueMicrotask(this.#uncork);
    }
    this.#owesDrain = true;
    this.#ws.send(data, isText ? AS_TEXT : AS_BINARY, this.#onSent);
    return true;
  }

  pause(): boolean {
    this.#ws.pause();
    return true;
  }

  resume(): void {
    this.#ws.resume();
  }

  close(code: number, reason: string): void {
    if (this.#isLocallyClosed) return;
    this.#isLocallyClosed = true;
    // The peer's answer is read even if the socket was paused.
    this.#ws.resume();
    this.#ws.close(code, reason);
  }

  abort(): void {
    this.#isLocallyClosed = true;
    this.#ws.terminate();
  }

  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#stream?.uncork();
  };

  // Hot: once per message received.
  readonly #onMessage = (data: Uint8Array, isBinary: boolean): void => {
    if (this.#isLocallyClosed) return;
    this.#events?.message(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      !isBinary,
    );
  };

  /** The package says nothing but this when it drops a connection for its pings. */
  readonly #onPing = (): void => {
    if (this.#isLocallyClosed || this.#ws.readyState === OPEN) return;
    this.#fault ??= new Fault(
      "overflow",
      `The peer left ${MAX_PENDING_PONGS} pongs unread`,
    );
  };

  // Hot: once per message sent.
  readonly #onSent = (error?: Error | null): void => {
    if (error) {
      this.#fault ??= wsFault(error);
      return;
    }
    if (
      !this.#owesDrain || this.#isLocallyClosed || this.#ws.bufferedAmount !== 0
    ) return;
    this.#owesDrain = false;
    this.#events?.drain();
  };
}
