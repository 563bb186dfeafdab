/**
 * TCP and Unix sockets on Bun's own API, accepted or connected.
 *
 * @module
 */

import type { BunSocket } from "./_bun_api.ts";
import { addressOf, unixAddress, UNKNOWN_ADDRESS } from "./_socket_address.ts";
import type { SocketAddress, StreamEvents, StreamSocket } from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";

/**
 * How long a closed socket waits for the peer's FIN, in milliseconds. Closing a
 * socket with input unread, or that gets more, sends a reset, and a reset
 * destroys what the peer has not read yet.
 */
const LINGER_MS = 1_000;

/** One connection on Bun's own sockets. */
export class BunStream implements StreamSocket {
  localAddress: SocketAddress = UNKNOWN_ADDRESS;
  peerAddress: SocketAddress;
  /** Bun copies nothing: what `write` takes is the system's. */
  readonly pending = 0;
  #native: BunSocket<BunStream | undefined> | undefined;
  #events: StreamEvents | undefined;
  /** Bun may call back from inside `end`, `terminate` and `write`: `closed` then waits. */
  #isCalling = false;
  #isLocallyClosed = false;
  #isClosed = false;
  #isPaused = false;
  #isEnded = false;
  #isShut = false;
  /** A write has failed: the peer has reset the connection. Bun then tells an end and a close, without an error. */
  #isBroken = false;
  /** Bun calls `drain` at other times too: only a write that was cut short is owed one. */
  #owesDrain = false;
  /** What came in spite of a pause: Bun reads a socket empty when the peer resets it. */
  #held: Uint8Array[] | undefined;
  /** The end of the connection, held behind `#held`. */
  #heldClose: { readonly fault: Fault | undefined } | undefined;
  #linger: ReturnType<typeof setTimeout> | undefined;
  /** Gives up a connect under way, where that can be done; `onClose` follows. */
  #giveUp: (() => void) | undefined;

  /** @param peerAddress What `peerAddress` says until the socket is open. */
  constructor(peerAddress: SocketAddress, events?: StreamEvents) {
    this.peerAddress = peerAddress;
    this.#events = events;
  }

  // Hot: once per flush of an outbox.
  write(bytes: Uint8Array): number {
    const native = this.#native;
    if (native === undefined) {
      this.#owesDrain = true;
      return 0;
    }
    if (
      this.#isLocallyClosed || this.#isClosed || this.#isShut ||
      bytes.byteLength === 0
    ) return 0;
    this.#isCalling = true;
    const count = native.write(bytes);
    this.#isCalling = false;
    if (count < bytes.byteLength) this.#owesDrain = true;
    if (count >= 0) return count;
    this.#isBroken = true;
    return 0;
  }

  pause(): void {
    if (this.#isPaused || this.#isLocallyClosed) return;
    this.#isPaused = true;
    if (!this.#isClosed) this.#native?.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.#isLocallyClosed) return;
    this.#isPaused = false;
    if (!this.#isClosed) this.#native?.resume();
    if (this.#held !== undefined || this.#heldClose !== undefined) {
      queueMicrotask(() => this.#release());
    }
  }

  shutdown(): void {
    if (this.#isLocallyClosed || this.#isClosed || this.#isShut) return;
    this.#isShut = true;
    this.#isCalling = true;
    this.#native?.shutdown();
    this.#isCalling = false;
  }

  close(): void {
    if (!this.#closeLocally()) return;
    const native = this.#native;
    if (native === undefined) {
      this.#giveUp?.();
      return;
    }
    this.#isCalling = true;
    if (this.#isEnded) {
      // All input has been read: this is a FIN, not a reset.
      native.end();
    } else {
      // First, because Bun may tell the end from inside `shutdown`.
      this.#linger = setTimeout(() => native.end(), LINGER_MS);
      native.shutdown();
      native.resume();
    }
    this.#isCalling = false;
  }

  abort(): void {
    if (this.#linger !== undefined) {
      this.#isCalling = true;
      this.#native?.terminate();
      this.#isCalling = false;
      return;
    }
    if (!this.#closeLocally()) return;
    this.#isCalling = true;
    if (this.#native === undefined) this.#giveUp?.();
    else this.#native.terminate();
    this.#isCalling = false;
  }

  /** Whether there is still a native socket to be closed, or to come. */
  #closeLocally(): boolean {
    if (this.#isLocallyClosed) return false;
    this.#isLocallyClosed = true;
    this.#held = undefined;
    if (!this.#isClosed) return true;
    if (this.#heldClose !== undefined) {
      // The socket is gone already, and its owner was not told yet.
      this.#heldClose = undefined;
      queueMicrotask(() => this.#tellClosed(undefined));
    }
    return false;
  }

  /** @internal How to give up the connect that has begun. */
  awaitOpen(giveUp: () => void): void {
    this.#giveUp = giveUp;
  }

  /** @internal The native socket is open. */
  onOpen(
    native: BunSocket<BunStream | undefined>,
    keepAliveMs: number | undefined,
  ): void {
    this.#native = native;
    this.#giveUp = undefined;
    // Bun forgets the addresses when a socket closes, and has none for Unix sockets.
    if (this.peerAddress.family === "unix") this.localAddress = unixAddress("");
    else {
      this.localAddress = addressOf(native.localAddress, native.localPort);
      this.peerAddress = addressOf(native.remoteAddress, native.remotePort);
    }
    if (keepAliveMs !== undefined && this.peerAddress.family !== "unix") {
      native.setKeepAlive(true, keepAliveMs);
    }
    if (this.#isPaused) native.pause();
    if (this.#isLocallyClosed) native.terminate();
    else if (this.#isShut) native.shutdown();
  }

  /** @internal Offers an accepted socket to its listener's owner. */
  offer(accept: (socket: StreamSocket) => StreamEvents | undefined): void {
    const events = accept(this);
    if (events === undefined) this.abort();
    this.#events = events;
  }

  /** @internal A connection that was asked for is there. */
  tellOpen(): void {
    if (this.#isLocallyClosed) return;
    this.#events?.open();
    if (this.#owesDrain) queueMicrotask(() => this.#tellDrain());
  }

  // Hot: once per chunk read.
  /** @internal */
  onData(chunk: Uint8Array): void {
    if (this.#isLocallyClosed) return;
    if (this.#isPaused || this.#held !== undefined) {
      (this.#held ??= []).push(chunk);
      return;
    }
    this.#events?.data(chunk);
  }

  // Hot: once per write that was cut short.
  /** @internal */
  onDrain(): void {
    if (!this.#owesDrain) return;
    if (this.#isCalling) queueMicrotask(() => this.#tellDrain());
    else this.#tellDrain();
  }

  #tellDrain(): void {
    if (!this.#owesDrain || this.#isLocallyClosed || this.#isClosed) return;
    this.#owesDrain = false;
    this.#events?.drain();
  }

  /** @internal */
  onEnd(): void {
    if (this.#isBroken && !this.#isLocallyClosed) {
      this.#native?.terminate();
      return;
    }
    this.#isEnded = true;
    if (this.#isLocallyClosed) {
      // The peer has answered the FIN of `close`.
      if (this.#linger !== undefined) this.#native?.end();
      return;
    }
    if (this.#held === undefined) this.#events?.end();
  }

  /** @internal */
  onClose(error: Error | undefined, doing: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#linger);
    this.#linger = undefined;
    let fault: Fault | undefined;
    if (this.#isLocallyClosed) fault = undefined;
    else if (error !== undefined) fault = faultFrom(error, doing);
    else if (!this.#isShut || this.#isBroken) {
      fault = new Fault("connection-reset", "The connection was cut off");
    }
    if (this.#isCalling) queueMicrotask(() => this.#finish(fault));
    else this.#finish(fault);
  }

  #finish(fault: Fault | undefined): void {
    if (this.#isLocallyClosed) {
      this.#tellClosed(undefined);
    } else if (this.#held !== undefined) {
      this.#heldClose = { fault };
    } else {
      this.#tellEndOf(fault);
      this.#tellClosed(this.#isLocallyClosed ? undefined : fault);
    }
  }

  /**
   * After its own FIN, Bun tells the peer's FIN as a close alone. (It tells a
   * reset in that state the same way: the two cannot be told apart.)
   */
  #tellEndOf(fault: Fault | undefined): void {
    if (fault !== undefined || this.#isEnded) return;
    this.#isEnded = true;
    this.#events?.end();
  }

  #tellClosed(fault: Fault | undefined): void {
    const events = this.#events;
    this.#events = undefined;
    events?.closed(fault);
  }

  /** Hands out what was held, until it is paused again. */
  #release(): void {
    const held = this.#held;
    while (held !== undefined && held.length > 0) {
      if (this.#isPaused || this.#isLocallyClosed) return;
      const chunk = held.shift();
      if (chunk !== undefined) this.#events?.data(chunk);
    }
    if (this.#isPaused || this.#isLocallyClosed) return;
    this.#held = undefined;
    if (this.#isEnded) this.#events?.end();
    const heldClose = this.#heldClose;
    this.#heldClose = undefined;
    if (heldClose !== undefined) this.#finish(heldClose.fault);
  }
}
