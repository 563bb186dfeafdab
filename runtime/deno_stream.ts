/**
 * TCP and Unix streams over `Deno.connect` and `Deno.listen`.
 *
 * Deno's sockets are pulled: each connection keeps one read outstanding, into a
 * slab that is consumed forward and never written twice, and one write in
 * flight, because Deno lets a second write overtake the rest of a partial one.
 *
 * @module
 */

import {
  connectionFault,
  type DenoApi,
  type DenoConn,
  isLocalClose,
  socketAddressFrom,
} from "./_deno_api.ts";
import { ReadSlab } from "./_read_slab.ts";
import {
  addressText,
  checkPath,
  checkPort,
  UNKNOWN_ADDRESS,
} from "./_socket_address.ts";
import { connectFault } from "./_socket_fault.ts";
import { defer } from "./_turn.ts";
import type {
  SocketAddress,
  StreamConnectRequest,
  StreamEvents,
  StreamSocket,
} from "./driver.ts";
import { Fault } from "./fault.ts";

const NO_BYTES = new Uint8Array(0);

/**
 * How long the read under way may take to bring something after a write has
 * failed, in milliseconds. A dead socket ends it by itself once all that came is
 * read; a busy runtime may take many turns to get there.
 */
const READ_OUT_MS = 1_000;

/**
 * How long an attempt that is given up may still come to its end, in
 * milliseconds, before it is aborted: Deno 2.9 loses the socket, open for good,
 * when the abort meets the moment in which the connection is made.
 */
const GIVE_UP_MS = 250;

/**
 * Connects with `Deno.connect`, as `Driver.connectStream` asks; addresses of a
 * host that has several are raced (RFC 8305).
 *
 * The source address and the delay of keepalive are beyond `Deno.connect`: the
 * caller takes such requests elsewhere.
 *
 * @throws {Fault} `invalid-address` for a port or path that cannot be.
 */
export function connectDenoStream(
  deno: DenoApi,
  request: StreamConnectRequest,
  events: StreamEvents,
): StreamSocket {
  const { address } = request;
  if (address.family === "unix") checkPath(address.path, deno.build.os);
  else {
    checkPort(address);
    if (address.hostname === "") {
      throw new Fault("invalid-address", "Cannot connect without a host");
    }
  }
  const socket = new DenoStream(address);
  socket.connect(deno, events);
  return socket;
}

/** One connection, from before it is open until nothing of it is left. */
export class DenoStream implements StreamSocket {
  localAddress: SocketAddress = UNKNOWN_ADDRESS;
  peerAddress: SocketAddress;
  #events: StreamEvents | undefined;
  #conn: DenoConn | undefined;
  /** Ends an attempt to connect. */
  #attempt: AbortController | undefined;

  readonly #slab = new ReadSlab();
  /** A chunk that came while paused. */
  #held: Uint8Array | undefined;
  /** Reads that brought bytes, to tell whether more came meanwhile. */
  #reads = 0;

  #reading = false;
  /** A write or a half-close is in flight. */
  #writing = false;
  #out: Uint8Array = NO_BYTES;
  #pending = 0;
  /** A write was refused, so that `drain` is owed. */
  #refused = false;

  #paused = false;
  #peerEnded = false;
  #shutdown = false;
  #finSent = false;
  /** Closed locally: nothing but `closed` is reported from here on. */
  #closing = false;
  /** The runtime's socket is closed, or never was. */
  #gone = false;
  #reported = false;
  #fault: Fault | undefined;
  /** Ends the attempt that was given up, or the read under way after a failed write. */
  #limit: ReturnType<typeof setTimeout> | undefined;

  /** @param peerAddress What `peerAddress` says until the socket is open. */
  constructor(peerAddress: SocketAddress) {
    this.peerAddress = peerAddress;
  }

  get pending(): number {
    return this.#pending;
  }

  /** Starts to connect. */
  connect(deno: DenoApi, events: StreamEvents): void {
    this.#events = events;
    const { path, hostname, port, family } = this.peerAddress;
    let attempt: Promise<DenoConn>;
    if (family === "unix") {
      // There is no signal for Unix sockets; they connect at once or not at all.
      attempt = deno.connect({ transport: "unix", path });
    } else {
      this.#attempt = new AbortController();
      attempt = deno.connect({ hostname, port, signal: this.#attempt.signal });
    }
    attempt.then(
      (conn) => this.#onConnected(conn),
      (error: unknown) => this.#onConnectFailed(error),
    );
  }

  /** Takes over a connection; false if its peer has gone already. */
  adopt(conn: DenoConn): boolean {
    try {
      // Before the first write: with one in flight this throws.
      conn.setNoDelay?.(true);
    } catch (error) {
      conn.close();
      this.#gone = true;
      this.#fault = connectionFault(error, this.#doing());
      return false;
    }
    this.#conn = conn;
    this.localAddress = socketAddressFrom(conn.localAddr);
    this.peerAddress = socketAddressFrom(conn.remoteAddr);
    return true;
  }

  /** Starts to report what happens to an adopted connection. */
  start(events: StreamEvents): void {
    this.#events = events;
    if (this.#gone) this.#settle();
    else if (!this.#closing) this.#read();
  }

  // Hot: called for each flush of the outbox.
  write(bytes: Uint8Array): number {
    const conn = this.#conn;
    if (
      this.#writing || conn === undefined || this.#shutdown || this.#closing ||
      this.#gone || this.#fault !== undefined
    ) {
      this.#refused = true;
      return 0;
    }
    const size = bytes.length;
    if (size === 0) return 0;
    this.#writing = true;
    this.#pending = size;
    this.#out = bytes;
    conn.write(bytes).then(this.#onWritten, this.#onWriteFailed);
    return size;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // Not from inside this call: the callee may be in the midst of its own work.
    if (this.#held !== undefined) queueMicrotask(() => this.#releaseHeld());
    else this.#read();
  }

  shutdown(): void {
    if (this.#shutdown || this.#closing || this.#gone) return;
    this.#shutdown = true;
    if (this.#conn !== undefined && !this.#writing) this.#sendFin();
  }

  close(): void {
    if (this.#closing || this.#gone) return;
    this.#closing = true;
    this.#held = undefined;
    if (this.#conn === undefined) this.#giveUp();
    else if (!this.#writing) this.#finish(undefined);
    // Reading goes on while the rest goes out: a socket that is closed with
    // unread input is reset, and a reset can take back what was just written.
    else this.#read();
  }

  /** Deno has no way to send RST: the peer sees FIN, or RST if it had sent what was not read. */
  abort(): void {
    if (this.#gone) return;
    this.#closing = true;
    this.#held = undefined;
    if (this.#conn === undefined) this.#giveUp();
    else this.#finish(undefined);
  }

  #giveUp(): void {
    this.#limit ??= setTimeout(() => this.#attempt?.abort(), GIVE_UP_MS);
  }

  #onConnected(conn: DenoConn): void {
    this.#attemptEnded();
    if (this.#closing) {
      conn.close();
      this.#gone = true;
      this.#settle();
      return;
    }
    if (!this.adopt(conn)) {
      this.#settle();
      return;
    }
    this.#events?.open();
    if (this.#shutdown && !this.#writing && !this.#gone) this.#sendFin();
    else this.#drain();
    this.#read();
  }

  #attemptEnded(): void {
    this.#attempt = undefined;
    clearTimeout(this.#limit);
    this.#limit = undefined;
  }

  #onConnectFailed(error: unknown): void {
    this.#attemptEnded();
    this.#gone = true;
    if (!this.#closing) {
      this.#fault = connectFault(error, this.peerAddress);
    }
    this.#settle();
  }

  // Hot: called after each chunk.
  #read(): void {
    const conn = this.#conn;
    if (
      conn === undefined || this.#reading || this.#peerEnded || this.#gone ||
      this.#held !== undefined || (this.#paused && !this.#closing)
    ) return;
    this.#reading = true;
    conn.read(this.#slab.offer()).then(this.#onRead, this.#onReadFailed);
  }

  // Hot: called for each chunk.
  readonly #onRead = (size: number | null): void => {
    this.#reading = false;
    if (this.#gone) {
      this.#settle();
      return;
    }
    if (size === null) {
      this.#onPeerEnded();
      return;
    }
    let chunk: Uint8Array;
    try {
      chunk = this.#slab.take(size);
    } catch (error) {
      this.#onReadFailed(error);
      return;
    }
    this.#reads++;
    if (!this.#closing && size > 0) {
      if (this.#paused) {
        this.#held = chunk;
        return;
      }
      this.#events?.data(chunk);
    }
    this.#read();
  };

  readonly #onReadFailed = (error: unknown): void => {
    this.#reading = false;
    if (this.#gone) {
      this.#settle();
      return;
    }
    this.#finish(
      isLocalClose(error)
        ? undefined
        : this.#fault ?? connectionFault(error, this.#doing()),
    );
  };

  #onPeerEnded(): void {
    this.#peerEnded = true;
    if (this.#fault !== undefined) {
      this.#finish(this.#fault);
      return;
    }
    if (!this.#closing) this.#events?.end();
    if (this.#finSent && !this.#gone) this.#finish(undefined);
  }

  #releaseHeld(): void {
    const chunk = this.#held;
    if (chunk === undefined || this.#paused || this.#closing) return;
    this.#held = undefined;
    this.#events?.data(chunk);
    this.#read();
  }

  // Hot: called for each write.
  readonly #onWritten = (size: number): void => {
    if (this.#gone) {
      this.#writing = false;
      this.#settle();
      return;
    }
    this.#pending -= size;
    const conn = this.#conn;
    if (this.#pending > 0 && conn !== undefined) {
      const rest = this.#out.subarray(size);
      this.#out = rest;
      conn.write(rest).then(this.#onWritten, this.#onWriteFailed);
      return;
    }
    this.#writing = false;
    this.#out = NO_BYTES;
    this.#refused = true;
    if (this.#closing) this.#finish(undefined);
    else {
      if (this.#shutdown) this.#sendFin();
      this.#drain();
    }
  };

  #drain(): void {
    if (!this.#refused || this.#closing) return;
    this.#refused = false;
    this.#events?.drain();
  }

  readonly #onWriteFailed = (error: unknown): void => {
    this.#writing = false;
    if (this.#gone) {
      this.#settle();
      return;
    }
    if (this.#closing || isLocalClose(error)) {
      this.#finish(undefined);
      return;
    }
    this.#pending = 0;
    this.#out = NO_BYTES;
    this.#fault = connectionFault(error, this.#doing());
    this.#finishOnceRead();
  };

  /** Reports a failed write only after what the peer sent before it went away. */
  #finishOnceRead(): void {
    const reads = this.#reads;
    const look = () => {
      if (this.#reading && this.#reads !== reads) this.#finishOnceRead();
      else this.#finish(this.#fault);
    };
    if (this.#reading) this.#limit = setTimeout(look, READ_OUT_MS);
    else {
      defer(() => {
        if (!this.#gone) look();
      });
    }
  }

  #sendFin(): void {
    const conn = this.#conn;
    if (conn === undefined) return;
    this.#writing = true;
    conn.closeWrite().then(() => this.#onFinSent(), this.#onWriteFailed);
  }

  #onFinSent(): void {
    this.#writing = false;
    this.#finSent = true;
    if (this.#gone) this.#settle();
    else if (this.#closing || this.#peerEnded) this.#finish(undefined);
  }

  #finish(fault: Fault | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#limit);
    this.#fault = this.#closing ? undefined : fault;
    this.#held = undefined;
    this.#conn?.close();
    this.#settle();
  }

  /** Reports the end once the operations that the close has cancelled are over. */
  #settle(): void {
    if (this.#reading || this.#writing || this.#reported) return;
    this.#reported = true;
    this.#pending = 0;
    this.#out = NO_BYTES;
    this.#slab.release();
    queueMicrotask(() => this.#report());
  }

  #report(): void {
    this.#events?.closed(this.#closing ? undefined : this.#fault);
  }

  #doing(): string {
    return `The connection to ${addressText(this.peerAddress)} failed`;
  }
}
