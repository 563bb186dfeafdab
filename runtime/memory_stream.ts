/**
 * Streams between sockets of one process.
 *
 * @module
 */

import { UNKNOWN_ADDRESS } from "./_socket_address.ts";
import type {
  SocketAddress,
  StreamEvents,
  StreamSocket,
  TimerHandle,
} from "./driver.ts";
import { Fault } from "./fault.ts";
import type { MemoryHost } from "./memory_host.ts";
import { DirectWay, type StreamEnd, type StreamWay } from "./memory_way.ts";

/** How the streams of one driver are cut, to try what real networks do now and then. */
export interface MemoryStreamLimits {
  /** The most bytes that one `write` takes. */
  readonly maxWriteSize: number;
  /** The most bytes that one `data` brings. */
  readonly maxChunkSize: number;
}

/** What an end of a stream stands on. */
export interface MemoryStreamParts {
  /** Its host. */
  readonly host: MemoryHost;
  /** How many bytes may be under way. */
  readonly capacity: number;
  /** The cuts. */
  readonly limits: MemoryStreamLimits;
  /** Where the other end is. */
  readonly peerAddress: SocketAddress;
  /** The idle time before the peer is asked whether it is there, in milliseconds. */
  readonly keepAliveMs: number | undefined;
}

/** One end of a stream. */
export class MemoryStream implements StreamSocket, StreamEnd {
  localAddress: SocketAddress = UNKNOWN_ADDRESS;
  peerAddress: SocketAddress;
  /** What is taken is copied, and under way at once. */
  readonly pending = 0;
  readonly host: MemoryHost;
  readonly #capacity: number;
  readonly #limits: MemoryStreamLimits;
  readonly #keepAliveMs: number | undefined;
  #way: StreamWay | undefined;
  #events: StreamEvents | undefined;
  /** Bytes sent of which the peer has not said that it consumed them. */
  #unread = 0;
  /** What the peer has sent and was not handed out yet, from `#next` on. */
  #inbox: Uint8Array[] = [];
  #next = 0;
  /** Bytes consumed of which the peer was not told yet. */
  #owedCredit = 0;
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
  #lastHeard = 0;
  #keepAlive: TimerHandle | undefined;

  constructor(parts: MemoryStreamParts, events?: StreamEvents) {
    this.host = parts.host;
    this.#capacity = parts.capacity;
    this.#limits = parts.limits;
    this.#keepAliveMs = parts.keepAliveMs;
    this.peerAddress = parts.peerAddress;
    this.#events = events;
  }

  // Hot: once per flush of an outbox.
  write(bytes: Uint8Array): number {
    const size = bytes.byteLength;
    if (this.isGone || this.#isShut || size === 0) return 0;
    const way = this.#way;
    if (way === undefined) {
      this.#owesDrain = true;
      return 0;
    }
    if (way.isPeerGone) {
      // As TCP has it: the bytes go, and the answer is a reset.
      this.answerReset();
      return size;
    }
    const room = this.#capacity - this.#unread;
    const count = Math.min(size, room, this.#limits.maxWriteSize);
    if (count > 0) {
      // The writer may change its bytes, and the reader keep its chunk: a copy for each.
      const chunk = new Uint8Array(count);
      chunk.set(count === size ? bytes : bytes.subarray(0, count));
      this.#unread += count;
      way.data(chunk);
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
    if (this.isGone || this.#isShut) return;
    this.#isShut = true;
    this.#way?.fin();
    if (this.#isEnded) this.host.tasks.schedule(this.#closeInOrder);
  }

  close(): void {
    if (this.isGone) return;
    const hasUnread = this.#next < this.#inbox.length;
    this.#closeLocally();
    const way = this.#way;
    if (way !== undefined && way.close(hasUnread) && !this.#isShut) way.fin();
  }

  abort(): void {
    if (this.isGone) return;
    this.#closeLocally();
    this.#way?.reset();
  }

  /** Whether a connection that was begun is still wanted. */
  get isWanted(): boolean {
    return !this.#isLocallyClosed;
  }

  get isGone(): boolean {
    return this.#isLocallyClosed || this.#isClosed;
  }

  /** Joins two ends, neither of which has been told yet. */
  static join(client: MemoryStream, server: MemoryStream): void {
    client.use(new DirectWay(server));
    server.use(new DirectWay(client));
    client.peerAddress = server.localAddress;
  }

  /** Gives the end its way to the other; what was shut down before learns it now. */
  use(way: StreamWay): void {
    this.#way = way;
  }

  /** Offers an accepted end to its listener's owner. */
  offer(accept: (socket: StreamSocket) => StreamEvents | undefined): void {
    const events = accept(this);
    if (events === undefined) this.abort();
    this.#events = events;
    this.#keepAsking();
  }

  /** Tells that the connection is there. */
  tellOpen(): void {
    if (this.#isLocallyClosed) return;
    this.#keepAsking();
    this.#events?.open();
    if (this.#isShut && !this.#isLocallyClosed) this.#way?.fin();
    if (this.#owesDrain) this.#scheduleDrain();
  }

  /** Tells that the connection is gone, or never came to be. */
  tellClosed(fault: Fault | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#forgetInbox();
    if (this.#keepAlive !== undefined) {
      this.host.clock.clearTimer(this.#keepAlive);
    }
    this.#way?.release();
    const events = this.#events;
    this.#events = undefined;
    events?.closed(this.#isLocallyClosed ? undefined : fault);
  }

  // Hot: once per write of the peer.
  arriveData(chunk: Uint8Array): void {
    this.#lastHeard = this.host.clock.now();
    this.#inbox.push(chunk);
    this.#scheduleDelivery();
  }

  arriveFin(): void {
    this.#receiveTail("fin");
  }

  arriveReset(): void {
    if (this.isGone) return;
    // A reset overtakes what is under way.
    this.#forgetInbox();
    this.#isPaused = false;
    this.#receiveTail("reset");
  }

  answerReset(): void {
    this.#receiveTail("reset");
  }

  // Hot: once per chunk that the peer consumes, or once for many.
  arriveCredit(size: number): void {
    this.#unread -= size;
    // Half empty: early enough to keep the pipe full, late enough to be worth it.
    if (this.#owesDrain && this.#unread * 2 <= this.#capacity) {
      this.#scheduleDrain();
    }
  }

  readerGone(): void {
    if (this.#owesDrain) this.#scheduleDrain();
  }

  #closeLocally(): void {
    this.#isLocallyClosed = true;
    this.#forgetInbox();
    this.host.tasks.schedule(this.#closeInOrder);
  }

  readonly #closeInOrder = (): void => this.tellClosed(undefined);

  #forgetInbox(): void {
    this.#inbox = [];
    this.#next = 0;
  }

  #receiveTail(tail: "fin" | "reset"): void {
    if (this.isGone || this.#tail === "reset") return;
    this.#lastHeard = this.host.clock.now();
    this.#tail = tail;
    this.#scheduleDelivery();
  }

  #scheduleDelivery(): void {
    if (this.#isDelivering || this.#isClosed) return;
    this.#isDelivering = true;
    this.host.tasks.schedule(this.#deliver);
  }

  // Hot: once per turn in which something came.
  readonly #deliver = (): void => {
    this.#isDelivering = false;
    // The owner may pause or close from inside `data`.
    while (this.#next < this.#inbox.length) {
      if (this.#isPaused || this.#isLocallyClosed) return;
      const chunk = this.#take();
      this.#events?.data(chunk);
      this.#consumed(chunk.byteLength);
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
        this.host.tasks.schedule(this.#closeInOrder);
      }
    }
  };

  // Hot: once per chunk.
  #consumed(size: number): void {
    const way = this.#way;
    if (way === undefined || this.isGone) return;
    this.#owedCredit += size;
    if (this.#owedCredit < way.creditStep) return;
    const credit = this.#owedCredit;
    this.#owedCredit = 0;
    way.credit(credit);
  }

  /** The next chunk of the inbox, or as much of it as one `data` may bring. */
  #take(): Uint8Array {
    const chunk = this.#inbox[this.#next] ?? new Uint8Array(0);
    const { maxChunkSize } = this.#limits;
    if (chunk.byteLength > maxChunkSize) {
      this.#inbox[this.#next] = chunk.subarray(maxChunkSize);
      return chunk.subarray(0, maxChunkSize);
    }
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
    this.host.tasks.schedule(this.#drain);
  }

  readonly #drain = (): void => {
    this.#isDraining = false;
    if (!this.#owesDrain || this.isGone) return;
    this.#owesDrain = false;
    this.#events?.drain();
  };

  /** Asks a silent peer, again and again, whether it is there (RFC 9293, 3.8.4). */
  #keepAsking(): void {
    const idleMs = this.#keepAliveMs;
    if (idleMs === undefined || this.isGone) return;
    this.#keepAlive = this.host.clock.setTimer(() => {
      if (this.isGone) return;
      if (this.host.clock.now() - this.#lastHeard >= idleMs) this.#way?.probe();
      this.#keepAsking();
    }, idleMs);
  }
}
