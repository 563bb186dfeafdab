/**
 * Streams between sockets of one process.
 *
 * @module
 */

import { UNKNOWN_ADDRESS } from "./_socket_address.ts";
import type { SocketAddress, StreamEvents, StreamSocket } from "./driver.ts";
import { Fault } from "./fault.ts";
import type { MemorySpace } from "./memory_network.ts";

/** How the streams of one driver are cut, to try what real networks do now and then. */
export interface MemoryStreamLimits {
  /** The most bytes that one `write` takes. */
  readonly maxWriteSize: number;
  /** The most bytes that one `data` brings. */
  readonly maxChunkSize: number;
}

/** One end of a stream. */
export class MemoryStream implements StreamSocket {
  localAddress: SocketAddress = UNKNOWN_ADDRESS;
  peerAddress: SocketAddress;
  /** What is taken is copied, and the peer's at once. */
  readonly pending = 0;
  readonly #space: MemorySpace;
  readonly #limits: MemoryStreamLimits;
  #peer: MemoryStream | undefined;
  #events: StreamEvents | undefined;
  /** What the peer has sent and was not handed out yet, from `#next` on. */
  #inbox: Uint8Array[] = [];
  #next = 0;
  #inboxSize = 0;
  /** What comes after the inbox: nothing yet, FIN, or a reset. */
  #tail: "open" | "fin" | "reset" = "open";
  #isDelivering = false;
  #isPaused = false;
  #isEnded = false;
  #isShut = false;
  #isLocallyClosed = false;
  #isClosed = false;
  #owesDrain = false;
  #isDraining = false;

  constructor(
    space: MemorySpace,
    limits: MemoryStreamLimits,
    peerAddress: SocketAddress,
    events?: StreamEvents,
  ) {
    this.#space = space;
    this.#limits = limits;
    this.peerAddress = peerAddress;
    this.#events = events;
  }

  // Hot: once per flush of an outbox.
  write(bytes: Uint8Array): number {
    const size = bytes.byteLength;
    if (this.#isLocallyClosed || this.#isClosed || this.#isShut || size === 0) {
      return 0;
    }
    const peer = this.#peer;
    if (peer === undefined) {
      this.#owesDrain = true;
      return 0;
    }
    if (peer.#isLocallyClosed || peer.#isClosed) {
      // As TCP has it: the bytes go, and the answer is a reset.
      this.#receiveTail("reset");
      return size;
    }
    const room = this.#space.capacity - peer.#inboxSize;
    const count = Math.min(size, room, this.#limits.maxWriteSize);
    if (count > 0) {
      // The writer may change its bytes, and the reader keep its chunk: a copy for each.
      const chunk = new Uint8Array(count);
      chunk.set(count === size ? bytes : bytes.subarray(0, count));
      peer.#receive(chunk);
    }
    if (count < size) {
      this.#owesDrain = true;
      if (count < room) this.#scheduleDrain();
    }
    return Math.max(count, 0);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#scheduleDelivery();
  }

  shutdown(): void {
    if (this.#isLocallyClosed || this.#isClosed || this.#isShut) return;
    this.#isShut = true;
    this.#sendFin();
    if (this.#isEnded) this.#space.schedule(this.#closeInOrder);
  }

  close(): void {
    if (!this.#closeLocally()) return;
    if (!this.#isShut) this.#sendFin();
  }

  abort(): void {
    if (!this.#closeLocally()) return;
    const peer = this.#peer;
    if (peer === undefined) return;
    // A reset overtakes what is under way.
    peer.#forgetInbox();
    peer.#isPaused = false;
    peer.#receiveTail("reset");
  }

  /** Whether a connection that was begun is still wanted. */
  get isWanted(): boolean {
    return !this.#isLocallyClosed;
  }

  /** Joins two ends, neither of which has been told yet. */
  static join(client: MemoryStream, server: MemoryStream): void {
    client.#peer = server;
    server.#peer = client;
    client.peerAddress = server.localAddress;
  }

  /** Offers an accepted end to its listener's owner. */
  offer(accept: (socket: StreamSocket) => StreamEvents | undefined): void {
    const events = accept(this);
    if (events === undefined) this.abort();
    this.#events = events;
  }

  /** Tells that the connection is there. */
  tellOpen(): void {
    if (this.#isLocallyClosed) return;
    this.#events?.open();
    if (this.#isShut) this.#sendFin();
    if (this.#owesDrain) this.#scheduleDrain();
  }

  /** Tells that the connection is gone, or never came to be. */
  tellClosed(fault: Fault | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#forgetInbox();
    const events = this.#events;
    this.#events = undefined;
    events?.closed(this.#isLocallyClosed ? undefined : fault);
  }

  #closeLocally(): boolean {
    if (this.#isLocallyClosed || this.#isClosed) return false;
    this.#isLocallyClosed = true;
    this.#forgetInbox();
    // Whoever waits for room here learns by its next write that there is no reader.
    const peer = this.#peer;
    if (peer !== undefined && peer.#owesDrain) peer.#scheduleDrain();
    this.#space.schedule(this.#closeInOrder);
    return true;
  }

  readonly #closeInOrder = (): void => this.tellClosed(undefined);

  #forgetInbox(): void {
    this.#inbox = [];
    this.#next = 0;
    this.#inboxSize = 0;
  }

  // Hot: once per write.
  #receive(chunk: Uint8Array): void {
    this.#inbox.push(chunk);
    this.#inboxSize += chunk.byteLength;
    this.#scheduleDelivery();
  }

  #sendFin(): void {
    const peer = this.#peer;
    if (peer !== undefined) peer.#receiveTail("fin");
  }

  #receiveTail(tail: "fin" | "reset"): void {
    if (this.#isLocallyClosed || this.#isClosed) return;
    this.#tail = tail;
    this.#scheduleDelivery();
  }

  #scheduleDelivery(): void {
    if (this.#isDelivering || this.#isClosed) return;
    this.#isDelivering = true;
    this.#space.schedule(this.#deliver);
  }

  // Hot: once per turn in which something came.
  readonly #deliver = (): void => {
    this.#isDelivering = false;
    // The owner may pause or close from inside `data`.
    while (this.#next < this.#inbox.length) {
      if (this.#isPaused || this.#isLocallyClosed) return;
      this.#events?.data(this.#take());
      const peer = this.#peer;
      // Half empty: early enough to keep the pipe full, late enough to be worth it.
      if (
        peer !== undefined && peer.#owesDrain &&
        this.#inboxSize * 2 <= this.#space.capacity
      ) peer.#scheduleDrain();
    }
    if (this.#isPaused || this.#isLocallyClosed || this.#isClosed) return;
    if (this.#tail === "reset") {
      this.tellClosed(
        new Fault("connection-reset", "The peer reset the connection"),
      );
    } else if (this.#tail === "fin" && !this.#isEnded) {
      this.#isEnded = true;
      this.#events?.end();
      if (this.#isShut && !this.#isLocallyClosed) {
        this.#space.schedule(this.#closeInOrder);
      }
    }
  };

  /** The next chunk of the inbox, or as much of it as one `data` may bring. */
  #take(): Uint8Array {
    const chunk = this.#inbox[this.#next] ?? new Uint8Array(0);
    const { maxChunkSize } = this.#limits;
    if (chunk.byteLength > maxChunkSize) {
      this.#inbox[this.#next] = chunk.subarray(maxChunkSize);
      this.#inboxSize -= maxChunkSize;
      return chunk.subarray(0, maxChunkSize);
    }
    this.#inboxSize -= chunk.byteLength;
    this.#next++;
    if (this.#next * 2 >= this.#inbox.length) {
      // Half of it is gone: moving the rest costs less than it saves.
      this.#inbox = this.#inbox.slice(this.#next);
      this.#next = 0;
    }
    return chunk;
  }

  #scheduleDrain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#space.schedule(this.#drain);
  }

  readonly #drain = (): void => {
    this.#isDraining = false;
    if (!this.#owesDrain || this.#isLocallyClosed || this.#isClosed) return;
    this.#owesDrain = false;
    this.#events?.drain();
  };
}
