/**
 * The WebSockets of a `Bun.serve` behind the contract of drivers.
 *
 * @module
 */

import {
  type BunServerWebSocket,
  type BunWebSocketHandlers,
  throwLater,
} from "./_bun_api.ts";
import { ABNORMAL, bytesOf, OPEN, textOf } from "./_web_socket_protocol.ts";
import type {
  SocketAddress,
  WebSocketEvents,
  WebSocketSocket,
} from "./driver.ts";
import { Fault } from "./fault.ts";

/** The most that Bun's limit can be: what may be queued is the network's to judge. */
const MAX_QUEUED = 2 ** 32 - 1;

/** What a server knows of a WebSocket beside the socket. */
export interface BunHandshake {
  readonly localAddress: SocketAddress;
  readonly peerAddress: SocketAddress;
  readonly protocol: string;
}

/** One WebSocket of a `Bun.serve`. */
class BunWebSocket implements WebSocketSocket {
  readonly localAddress: SocketAddress;
  readonly peerAddress: SocketAddress;
  readonly protocol: string;
  readonly #native: BunServerWebSocket;
  #events: WebSocketEvents | undefined;
  /** Bun calls `close` from inside `close` and `terminate`: `closed` then waits. */
  #isCalling = false;
  #isClosing = false;
  #isClosed = false;
  #owesDrain = false;

  constructor(native: BunServerWebSocket, handshake: BunHandshake) {
    this.#native = native;
    this.localAddress = handshake.localAddress;
    this.peerAddress = handshake.peerAddress;
    this.protocol = handshake.protocol;
    native.binaryType = "uint8array";
  }

  get pending(): number {
    return this.#isClosed ? 0 : this.#native.getBufferedAmount();
  }

  // Hot: once per message sent.
  send(data: Uint8Array, isText: boolean): boolean {
    const native = this.#native;
    if (this.#isClosing || native.readyState !== OPEN) return false;
    const text = isText ? textOf(data) : "";
    if (text === undefined) return false;
    this.#isCalling = true;
    const count = isText ? native.sendText(text) : native.sendBinary(data);
    this.#isCalling = false;
    // 0 means dropped, or that there was nothing to count.
    if (count === 0 && data.byteLength > 0) return false;
    if (count < 0) this.#owesDrain = true;
    return true;
  }

  pause(): boolean {
    if (!this.#isClosing && !this.#isClosed) this.#native.pause();
    return true;
  }

  resume(): void {
    if (!this.#isClosing && !this.#isClosed) this.#native.resume();
  }

  close(code: number, reason: string): void {
    if (this.#isClosing || this.#isClosed) return;
    this.#isClosing = true;
    this.#isCalling = true;
    if (isSendable(code)) this.#native.close(code, reason);
    else this.#native.close();
    this.#isCalling = false;
  }

  abort(): void {
    if (this.#isClosed) return;
    this.#isClosing = true;
    this.#isCalling = true;
    this.#native.terminate();
    this.#isCalling = false;
  }

  /** Takes the events; without any the socket is refused. */
  start(events: WebSocketEvents | undefined): void {
    if (events === undefined) this.abort();
    this.#events = events;
  }

  // Hot: once per message received.
  onMessage(message: string | Uint8Array): void {
    if (this.#isClosing) return;
    if (typeof message === "string") {
      this.#events?.message(bytesOf(message), true);
    } else this.#events?.message(message, false);
  }

  onDrain(): void {
    // Bun tells each step on the way down.
    if (!this.#owesDrain || this.#native.getBufferedAmount() > 0) return;
    if (this.#isCalling) queueMicrotask(this.#tellDrain);
    else this.#tellDrain();
  }

  readonly #tellDrain = (): void => {
    if (!this.#owesDrain || this.#isClosing || this.#isClosed) return;
    this.#owesDrain = false;
    this.#events?.drain();
  };

  onClose(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const end = this.#isClosing
      ? { code, reason, fault: undefined }
      : endOf(code, reason);
    const tell = (): void => {
      const events = this.#events;
      this.#events = undefined;
      events?.closed(end.code, end.reason, end.fault);
    };
    if (this.#isCalling) queueMicrotask(tell);
    else tell();
  }
}

/** Whether a close frame may carry a code (RFC 6455, 7.4). */
function isSendable(code: number): boolean {
  return (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 &&
    code !== ABNORMAL) || (code >= 3000 && code <= 4999);
}

/** What a close was that the own side did not ask for. Bun tells what it closed itself as 1006 with a text. */
function endOf(
  code: number,
  reason: string,
): { code: number; reason: string; fault: Fault | undefined } {
  if (code !== ABNORMAL) return { code, reason, fault: undefined };
  if (reason === "") {
    const fault = new Fault("connection-reset", "The connection was cut off");
    return { code, reason, fault };
  }
  const isTooBig = /too big/i.test(reason);
  const fault = new Fault(
    isTooBig ? "message-too-big" : "protocol",
    `The WebSocket was closed: ${reason}`,
  );
  if (isTooBig) return { code: 1009, reason, fault };
  return { code: /utf-8/i.test(reason) ? 1007 : 1002, reason, fault };
}

/** The callbacks of all sockets of one server. */
export function handlersFor<Native extends BunServerWebSocket>(
  describe: (native: Native) => BunHandshake,
  attach: (
    socket: WebSocketSocket,
    native: Native,
  ) => WebSocketEvents | undefined,
): BunWebSocketHandlers<Native> {
  // Not in `native.data`: that is the user's.
  const sockets = new WeakMap<Native, BunWebSocket>();
  return {
    open(native): void {
      const socket = new BunWebSocket(native, describe(native));
      sockets.set(native, socket);
      socket.start(attach(socket, native));
    },
    message(native, message): void {
      sockets.get(native)?.onMessage(message);
    },
    drain(native): void {
      sockets.get(native)?.onDrain();
    },
    close(native, code, reason): void {
      sockets.get(native)?.onClose(code, reason);
    },
    error: throwLater,
    backpressureLimit: MAX_QUEUED,
    closeOnBackpressureLimit: true,
  };
}
