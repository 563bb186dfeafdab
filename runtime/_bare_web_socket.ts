/**
 * A WebSocket of the WHATWG standard behind the contract of drivers, as browsers
 * have it: it does not tell why it failed.
 *
 * @module
 */

import { UNKNOWN_ADDRESS } from "./_socket_address.ts";
import { ABNORMAL, bytesOf, OPEN, textOf } from "./_web_socket_protocol.ts";
import type {
  SocketAddress,
  WebSocketEvents,
  WebSocketSocket,
} from "./driver.ts";
import { Fault } from "./fault.ts";

/** The longest wait between two looks at what is pending, in milliseconds. */
const MAX_POLL_MS = 50;
/** How long an abort waits for the runtime to let go, in milliseconds. */
const ABORT_MS = 1_000;

/** What is known of a socket beside the socket. */
export interface BareWebSocketOptions {
  /** Default: unknown. */
  readonly localAddress?: SocketAddress;
  /** Default: unknown. */
  readonly peerAddress?: SocketAddress;
  /** The subprotocol, for sockets that do not tell. Default: what the socket tells. */
  readonly protocol?: string;
}

/** Wraps a WebSocket that is connecting, or has just opened. */
export class BareWebSocket implements WebSocketSocket {
  readonly localAddress: SocketAddress;
  readonly peerAddress: SocketAddress;
  readonly #socket: WebSocket;
  readonly #protocol: string | undefined;
  #events: WebSocketEvents | undefined;
  #opened = false;
  #closing = false;
  #reported = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pollMs = 0;

  constructor(socket: WebSocket, options: BareWebSocketOptions = {}) {
    this.#socket = socket;
    this.#protocol = options.protocol;
    this.localAddress = options.localAddress ?? UNKNOWN_ADDRESS;
    this.peerAddress = options.peerAddress ?? UNKNOWN_ADDRESS;
    socket.binaryType = "arraybuffer";
  }

  /** Tells from now on what happens. */
  start(events: WebSocketEvents): this {
    this.#events = events;
    const socket = this.#socket;
    this.#opened = socket.readyState === OPEN;
    socket.onopen = (): void => {
      this.#opened = true;
      if (!this.#closing) events.open();
    };
    // Hot: once per message.
    socket.onmessage = (event: MessageEvent<unknown>): void => {
      if (this.#closing) return;
      const data = event.data;
      if (typeof data === "string") events.message(bytesOf(data), true);
      else if (data instanceof ArrayBuffer) {
        events.message(new Uint8Array(data), false);
      }
    };
    socket.onclose = (event: CloseEvent): void => {
      // Deno says 0 where the standard says 1006.
      this.#report(event.code === 0 ? ABNORMAL : event.code, event.reason);
    };
    return this;
  }

  get protocol(): string {
    return this.#protocol ?? this.#socket.protocol;
  }

  get pending(): number {
    return this.#reported ? 0 : this.#socket.bufferedAmount;
  }

  // Hot: once per message.
  send(data: Uint8Array, isText: boolean): boolean {
    const socket = this.#socket;
    if (this.#closing || socket.readyState !== OPEN) return false;
    if (isText) {
      const text = textOf(data);
      if (text === undefined) return false;
      socket.send(text);
    } else if (isUnshared(data)) socket.send(data);
    // The standard refuses shared memory; the copy is ours.
    else socket.send(new Uint8Array(data));
    if (this.#timer === undefined && socket.bufferedAmount > 0) {
      this.#pollMs = 1;
      this.#timer = setTimeout(this.#poll, 0);
    }
    return true;
  }

  /** The standard has no way to stop reading. */
  pause(): boolean {
    return false;
  }

  resume(): void {}

  /** The standard lets a program send 1000 and 3000 to 4999; for any other code none is sent. */
  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    if (code === 1000 || (code >= 3000 && code <= 4999)) {
      this.#socket.close(code, reason);
    } else this.#socket.close();
  }

  /**
   * The standard knows no abort: this closes without a code, which the peer
   * takes for 1005, and waits a second at most for its answer.
   */
  abort(): void {
    if (this.#reported) return;
    this.close(1005, "");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.lost, ABORT_MS);
  }

  readonly #poll = (): void => {
    this.#timer = undefined;
    if (this.#closing || this.#reported) return;
    if (this.#socket.bufferedAmount === 0) {
      this.#events?.drain();
      return;
    }
    this.#timer = setTimeout(this.#poll, this.#pollMs);
    this.#pollMs = Math.min(MAX_POLL_MS, this.#pollMs * 2);
  };

  /** The connection is over without a close frame. */
  protected readonly lost = (): void => this.#report(ABNORMAL, "");

  #report(code: number, reason: string): void {
    if (this.#reported) return;
    this.#reported = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    this.#events?.closed(code, reason, this.#faultOf(code));
  }

  #faultOf(code: number): Fault | undefined {
    if (this.#closing || (this.#opened && code !== ABNORMAL)) return undefined;
    return this.failure(this.#opened);
  }

  /** What is known of a connection that was cut off, or never came to be. */
  protected failure(wasOpen: boolean): Fault {
    return wasOpen
      ? new Fault("connection-reset", "The connection was cut off")
      : new Fault("connection-refused", "Cannot connect: no reason given");
  }
}

function isUnshared(data: Uint8Array): data is Uint8Array<ArrayBuffer> {
  return data.buffer instanceof ArrayBuffer;
}

/**
 * Makes a native WebSocket.
 *
 * @throws {Fault} `invalid-address` for a URL or subprotocols that cannot be.
 */
export function openWebSocket(url: string, open: () => WebSocket): WebSocket {
  try {
    return open();
  } catch (error) {
    throw new Fault(
      "invalid-address",
      `Cannot connect to ${url}: ${String(error)}`,
      { cause: error },
    );
  }
}
