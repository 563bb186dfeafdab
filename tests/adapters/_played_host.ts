/**
 * A node and sockets that a test plays: time stands still until it is told to
 * pass, and a socket does only what it is told to.
 *
 * @module
 */

import assert from "node:assert/strict";
import type {
  AdapterHost,
  ConnectionEvents,
  DisconnectReason,
  Outbox,
  OutboxControl,
  OutboxLimits,
  OutboxSocket,
} from "../../adapters/adapter.ts";
import { OutboxScheduler, StreamOutbox } from "../../network/outbox.ts";
import { detectDriver } from "../../runtime/detect.ts";
import type {
  Driver,
  SocketAddress,
  StreamEvents,
  StreamSocket,
  WebSocketEvents,
  WebSocketSocket,
} from "../../runtime/driver.ts";
import { Fault } from "../../runtime/fault.ts";

const ADDRESS: SocketAddress = {
  family: "ipv4",
  hostname: "127.0.0.1",
  port: 1,
  path: "",
};

/** A node: its time, its timers, its outboxes. */
export class PlayedHost implements AdapterHost {
  now = 0;
  readonly driver: Driver = { ...detectDriver(), now: () => this.now };
  readonly #scheduler = new OutboxScheduler();
  readonly #timers = new Map<number, { at: number; run: () => void }>();
  #last = 0;
  #deferred: (() => void)[] = [];

  get timers(): number {
    return this.#timers.size;
  }

  createOutbox(
    socket: OutboxSocket,
    limits: OutboxLimits,
    writable: () => void,
  ): Outbox & OutboxControl {
    return new StreamOutbox(socket, limits, this.#scheduler, writable);
  }

  setTimer(run: () => void, delayMs: number): number {
    assert(delayMs >= 0, `a timer of ${delayMs} ms`);
    this.#last += 1;
    this.#timers.set(this.#last, { at: this.now + delayMs, run });
    return this.#last;
  }

  clearTimer(timer: number): void {
    this.#timers.delete(timer);
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** The end of a turn. */
  turn(): void {
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const callback of deferred) callback();
    this.#scheduler.flush();
  }

  /** Lets time pass, from timer to timer. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const due = [...this.#timers]
        .filter(([, { at }]) => at <= until)
        .sort(([, one], [, other]) => one.at - other.at)[0];
      if (due === undefined) break;
      const [id, { at, run }] = due;
      this.#timers.delete(id);
      this.now = at;
      run();
      this.turn();
    }
    this.now = until;
  }
}

/** A stream whose peer and system the test plays. */
export class PlayedStream implements StreamSocket {
  readonly localAddress = ADDRESS;
  readonly peerAddress = ADDRESS;
  readonly pending = 0;
  #events: StreamEvents | undefined;
  /** How many bytes the system takes. */
  #room: number;
  #owesDrain = false;
  #isPaused = false;
  #isShut = false;
  #hasEnded = false;
  #isLocallyClosed = false;
  #isAborted = false;
  #isGone = false;

  constructor(room: number) {
    this.#room = room;
  }

  listen(events: StreamEvents): void {
    this.#events = events;
  }

  write(bytes: Uint8Array): number {
    if (this.#isGone || this.#isLocallyClosed || this.#isShut) return 0;
    const taken = Math.min(this.#room, bytes.length);
    this.#room -= taken;
    if (taken < bytes.length) this.#owesDrain = true;
    return taken;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  shutdown(): void {
    this.#isShut = true;
  }

  // What was taken may be slow to go: `settle` and `abort` end it.
  close(): void {
    this.#isLocallyClosed = true;
  }

  abort(): void {
    this.#isLocallyClosed = true;
    this.#isAborted = true;
  }

  get #tells(): boolean {
    return !this.#isGone && !this.#isLocallyClosed;
  }

  /** The system takes so much more. */
  makeRoom(size: number): void {
    this.#room += size;
    if (!this.#owesDrain || !this.#tells) return;
    this.#owesDrain = false;
    this.#events?.drain();
  }

  peerSends(bytes: Uint8Array): void {
    if (this.#tells && !this.#isPaused && !this.#hasEnded) {
      this.#events?.data(bytes);
    }
  }

  peerEnds(): void {
    if (!this.#tells || this.#isPaused || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#events?.end();
  }

  peerResets(): void {
    if (!this.#tells) return;
    this.#isGone = true;
    this.#events?.closed(new Fault("connection-reset", "played"));
  }

  /** The system closes what has nothing to wait for. */
  settle(): void {
    if (this.#isGone) return;
    const isOver = this.#isShut && this.#hasEnded && !this.#isLocallyClosed;
    if (!this.#isAborted && !isOver) return;
    this.#isGone = true;
    this.#events?.closed(undefined);
  }
}

/** A WebSocket of a runtime whose peer the test plays. */
export class PlayedWebSocket implements WebSocketSocket {
  readonly localAddress = ADDRESS;
  readonly peerAddress = ADDRESS;
  readonly protocol = "";
  pending = 0;
  #events: WebSocketEvents | undefined;
  #isClosing = false;
  #isAborted = false;
  #isGone = false;

  listen(events: WebSocketEvents): void {
    this.#events = events;
  }

  send(data: Uint8Array): boolean {
    if (this.#isClosing || this.#isGone) return false;
    this.pending += data.length;
    return true;
  }

  pause(): boolean {
    return false;
  }

  resume(): void {}

  close(): void {
    this.#isClosing = true;
  }

  abort(): void {
    this.#isClosing = true;
    this.#isAborted = true;
  }

  makeRoom(): void {
    if (this.pending === 0 || this.#isClosing || this.#isGone) return;
    this.pending = 0;
    this.#events?.drain();
  }

  peerSends(bytes: Uint8Array): void {
    if (!this.#isClosing && !this.#isGone) this.#events?.message(bytes, false);
  }

  peerCloses(code: number): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.pending = 0;
    this.#events?.closed(code, "", undefined);
  }

  settle(): void {
    if (this.#isAborted) this.peerCloses(1006);
  }
}

/** What one connection tells, and the rules that it must keep. */
export class EndingEvents implements ConnectionEvents {
  closedTimes = 0;
  releasedTimes = 0;
  /** How many timers there were when it was released. */
  timersLeft = 0;
  isLocallyClosed = false;
  /** What the node does in its callback. */
  onMessage: () => void = () => {};
  onClosed: () => void = () => {};
  readonly #host: PlayedHost;

  constructor(host: PlayedHost) {
    this.#host = host;
  }

  ready(): void {
    this.#check("ready");
  }

  message(): boolean {
    this.#check("message");
    this.onMessage();
    return !this.isLocallyClosed;
  }

  writable(): void {
    assert.equal(this.releasedTimes, 0, "writable after released");
  }

  closed(_reason: DisconnectReason, _fault: Fault | undefined): void {
    this.#check("closed");
    this.closedTimes++;
    this.onClosed();
  }

  released(): void {
    this.releasedTimes++;
    this.timersLeft = this.#host.timers;
  }

  #check(event: string): void {
    assert(!this.isLocallyClosed, `${event} after a local close`);
    assert.equal(this.closedTimes, 0, `${event} after closed`);
    assert.equal(this.releasedTimes, 0, `${event} after released`);
  }
}
