/**
 * How one end of a memory stream reaches the other.
 *
 * @module
 */

import type {
  MemoryCarrier,
  MemoryPipe,
  MemoryRoute,
} from "./memory_carrier.ts";
import type { MemoryHost } from "./memory_host.ts";

/** What one end of a stream does when something arrives. */
export interface StreamEnd {
  /** The host that the end lives on. */
  readonly host: MemoryHost;
  /** Whether nothing can arrive any more: closed, here or by a fault. */
  readonly isGone: boolean;
  /** Bytes came. */
  arriveData(chunk: Uint8Array): void;
  /** The other end will send no more. */
  arriveFin(): void;
  /** The other end was aborted: what is under way is lost. */
  arriveReset(): void;
  /** What was sent met nobody; what came before is still to be had. */
  answerReset(): void;
  /** The other end has consumed bytes. */
  arriveCredit(size: number): void;
  /** The other end was closed without having read all: this one finds out by writing. */
  readerGone(): void;
}

/** The way from one end of a stream to the other. */
export interface StreamWay {
  /** How many bytes are consumed before the other end is told. */
  readonly creditStep: number;
  /** Whether the other end is known to be gone. */
  readonly isPeerGone: boolean;
  data(chunk: Uint8Array): void;
  fin(): void;
  reset(): void;
  credit(size: number): void;
  probe(): void;
  /** This end was closed locally, with bytes unread or not; whether an orderly end (FIN) is to follow. */
  close(hasUnread: boolean): boolean;
  /** Nothing is left of this end. */
  release(): void;
}

/** Both ends in one process and nothing between: all arrives at once. */
export class DirectWay implements StreamWay {
  readonly creditStep = 1;
  readonly #peer: StreamEnd;

  constructor(peer: StreamEnd) {
    this.#peer = peer;
  }

  get isPeerGone(): boolean {
    return this.#peer.isGone;
  }

  // Hot: once per write.
  data(chunk: Uint8Array): void {
    this.#peer.arriveData(chunk);
  }

  fin(): void {
    this.#peer.arriveFin();
  }

  reset(): void {
    this.#peer.arriveReset();
  }

  // Hot: once per chunk consumed.
  credit(size: number): void {
    this.#peer.arriveCredit(size);
  }

  probe(): void {}

  close(): boolean {
    this.#peer.readerGone();
    return true;
  }

  release(): void {}
}

/** Over a carrier: all takes its time, and meets whatever is there by then. */
export class CarriedWay implements StreamWay {
  readonly creditStep: number;
  /** Only what comes back tells. */
  readonly isPeerGone = false;
  readonly #own: StreamEnd;
  readonly #peer: StreamEnd;
  readonly #carrier: MemoryCarrier;
  readonly #route: MemoryRoute;
  readonly #pipe: MemoryPipe;

  constructor(
    own: StreamEnd,
    peer: StreamEnd,
    carrier: MemoryCarrier,
    route: MemoryRoute,
    pipe: MemoryPipe,
    capacity: number,
  ) {
    this.#own = own;
    this.#peer = peer;
    this.#carrier = carrier;
    this.#route = route;
    this.#pipe = pipe;
    // Half of what may be under way: a writer without room waits for no more than that.
    this.creditStep = Math.max(1, Math.ceil(capacity / 2));
  }

  data(chunk: Uint8Array): void {
    this.#pipe.sendData(chunk, (host, piece) => {
      if (this.#isMet(host)) this.#peer.arriveData(piece);
    });
  }

  fin(): void {
    this.#pipe.send("fin", 0, (host) => {
      if (this.#isThere(host)) this.#peer.arriveFin();
    });
  }

  reset(): void {
    // A reset is not repeated when it is lost (RFC 9293, 3.5.2).
    this.#carrier.packet(this.#route, "reset", 0, (host) => {
      if (this.#isThere(host)) this.#peer.arriveReset();
    });
  }

  credit(size: number): void {
    this.#pipe.send("credit", 0, (host) => {
      if (this.#isThere(host)) this.#peer.arriveCredit(size);
    });
  }

  probe(): void {
    this.#pipe.send("probe", 0, (host) => void this.#isMet(host));
  }

  close(hasUnread: boolean): boolean {
    // What was not read is lost, and the writer is to know (RFC 2525, 2.17).
    if (hasUnread) this.reset();
    return !hasUnread;
  }

  release(): void {
    this.#pipe.release();
  }

  #isThere(host: MemoryHost): boolean {
    return host === this.#peer.host && !this.#peer.isGone;
  }

  /** Whether the other end is still there; else the answer is a reset. */
  #isMet(host: MemoryHost): boolean {
    if (this.#isThere(host)) return true;
    const { from, to, source, target } = this.#route;
    const back = { from: to, to: from, source: target, target: source };
    this.#carrier.packet(back, "reset", 0, (home) => {
      if (home === this.#own.host) this.#own.answerReset();
    });
    return false;
  }
}
