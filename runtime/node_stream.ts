/**
 * TCP and Unix sockets on `node:net`, which Node, Deno and Bun all have.
 *
 * @module
 */

import type * as net from "node:net";
import { nodeBuiltin, nodeProcess } from "./_node_builtins.ts";
import { readIntoOwnMemory } from "./_node_reading.ts";
import { resetSocket } from "./_reset.ts";
import {
  addressOf,
  addressText,
  checkPath,
  checkPort,
  unixAddress,
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
import { Fault, faultFrom } from "./fault.ts";
import type { TlsSession } from "./tls.ts";

/**
 * How long one address of a host may take before the next is tried, in
 * milliseconds. The runtimes give an attempt up after 250 or 500 ms, which
 * cuts off peers that are merely far away.
 */
const ATTEMPT_TIMEOUT_MS = 3_000;

/** For how many turns a socket that closes reads on; a peer that floods is then reset. */
const MAX_DISCARD_TURNS = 100;

/** A plain write of up to so many bytes is mostly the system's at once. */
const QUICK_SIZE = 16 * 1024;

const NO_BYTES = new Uint8Array(0);

/** What TLS makes of a stream on `node:net`. */
export interface StreamSecurity {
  /** The socket under TLS, if that is another one: it has the addresses, and is paused with the stream. */
  readonly carrier: net.Socket | undefined;
  /** Looks at the peer once the handshake is done; a fault refuses it. */
  judge(): Fault | undefined;
  /** What the handshake agreed on. */
  session(): TlsSession;
  /** The fault of an error that the socket told. */
  fault(error: Error): Fault;
  /** The fault that the peer's end stands for, unless it is an end in order. */
  endFault(): Fault | undefined;
  /** Drops the connection, with a reset where the runtime can. */
  reset(): void;
}

/** One connection on `node:net`, or on `node:tls` which builds on it. */
export class NodeStream implements StreamSocket {
  // The hot ones first: with many connections each line of the cache that is touched is a wait.
  readonly #socket: net.Socket;
  #events: StreamEvents | undefined;
  /** After a local close or abort only `closed` is told, without a fault. */
  #isLocallyClosed = false;
  #isOpen = false;
  #isClosed = false;
  #isShut = false;
  /** Whether `drain` is owed for the next time that nothing is pending. */
  #owesDrain = false;
  /** Known once the socket is open. */
  localAddress: SocketAddress = UNKNOWN_ADDRESS;
  /** The address asked for until the socket is open. */
  peerAddress: SocketAddress;
  tls: TlsSession | undefined;
  readonly #keepAliveMs: number | undefined;
  readonly #security: StreamSecurity | undefined;
  #isEnded = false;
  #fault: Fault | undefined;
  /** The count of bytes read at the last look, once closing. */
  #discarded = -1;
  #discardTurns = 0;

  /**
   * Takes a socket over: nothing else may listen to it.
   *
   * @param socket A socket that is connecting, or was just accepted, with `allowHalfOpen`.
   * @param peerAddress What `peerAddress` says until the socket is open.
   * @param keepAliveMs TCP keepalive: the idle time before the first probe, in milliseconds; undefined for none.
   * @param security What TLS makes of it; undefined for a plain socket.
   */
  constructor(
    socket: net.Socket,
    peerAddress: SocketAddress,
    keepAliveMs: number | undefined,
    security?: StreamSecurity,
  ) {
    this.#socket = socket;
    this.peerAddress = peerAddress;
    this.#keepAliveMs = keepAliveMs;
    this.#security = security;
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
  }

  /** Takes the events of a socket that is connecting. */
  awaitOpen(events: StreamEvents): void {
    this.#events = events;
    const ready = this.#security === undefined ? "connect" : "secureConnect";
    this.#socket.once(ready, () => {
      if (this.#isLocallyClosed || this.#socket.destroyed) return;
      const refusal = this.#security?.judge();
      if (refusal !== undefined) {
        this.#fault = refusal;
        this.#socket.destroy();
        return;
      }
      this.#prepare();
      this.#listen();
      events.open();
    });
  }

  /** Offers an accepted socket to its listener's owner. */
  offer(accept: (socket: StreamSocket) => StreamEvents | undefined): void {
    this.#prepare();
    const events = accept(this);
    if (events === undefined) {
      this.abort();
      return;
    }
    this.#events = events;
    // The owner may have closed it from inside `accept`.
    if (!this.#isLocallyClosed) this.#listen();
  }

  get pending(): number {
    return this.#isClosed ? 0 : this.#socket.writableLength;
  }

  // Hot: once per flush of an outbox.
  write(bytes: Uint8Array): number {
    const socket = this.#socket;
    if (
      !this.#isOpen || this.#isLocallyClosed || this.#isShut || socket.destroyed
    ) {
      // Before `open` the owner may already ask; `open` is followed by `drain`.
      if (!this.#isOpen) this.#owesDrain = true;
      return 0;
    }
    if (bytes.byteLength === 0) return 0;
    // node:net queues without bound: while it holds anything, the queue belongs upstream.
    if (socket.writableLength !== 0) {
      this.#owesDrain = true;
      return 0;
    }
    // The end of a write is told to its own callback alone, and that costs a turn.
    // A small one mostly ends at once: behind one that does not, an empty one asks.
    const isQuick = bytes.byteLength <= QUICK_SIZE &&
      this.#security === undefined;
    if (isQuick) socket.write(bytes);
    else socket.write(bytes, this.#onWritten);
    if (socket.writableLength !== 0) {
      this.#owesDrain = true;
      if (isQuick) socket.write(NO_BYTES, this.#onWritten);
    }
    return bytes.byteLength;
  }

  pause(): void {
    if (this.#isLocallyClosed) return;
    this.#socket.pause();
    this.#security?.carrier?.pause();
  }

  resume(): void {
    if (!this.#isLocallyClosed) this.#resume();
  }

  shutdown(): void {
    if (this.#isLocallyClosed || this.#isClosed || this.#isShut) return;
    this.#isShut = true;
    this.#socket.end();
  }

  close(): void {
    if (this.#isLocallyClosed) return;
    this.#isLocallyClosed = true;
    if (this.#isClosed) return;
    if (!this.#isOpen) {
      this.#socket.destroy();
      return;
    }
    // Input left unread would turn the FIN into a reset, which drops what is
    // still on its way: read on, for nobody, until the output is out and a turn
    // brought nothing.
    this.#resume();
    this.#socket.end(this.#discardInput);
  }

  abort(): void {
    this.#isLocallyClosed = true;
    if (this.#isClosed) {
      this.#security?.carrier?.destroy();
      return;
    }
    // A socket that still connects would connect first; a Unix one has no reset.
    if (this.#isOpen && this.#security !== undefined) {
      this.#security.reset();
    } else if (this.#isOpen && this.peerAddress.family !== "unix") {
      resetSocket(this.#socket);
    } else {
      this.#socket.destroy();
    }
  }

  #resume(): void {
    this.#security?.carrier?.resume();
    this.#socket.resume();
  }

  #prepare(): void {
    const socket = this.#security?.carrier ?? this.#socket;
    this.#isOpen = true;
    if (this.peerAddress.family === "unix") {
      this.localAddress = unixAddress("");
      return;
    }
    socket.setNoDelay(true);
    if (this.#keepAliveMs !== undefined) {
      socket.setKeepAlive(true, this.#keepAliveMs);
    }
    // Kept, because the runtime forgets both once the socket is closed.
    this.localAddress = addressOf(socket.localAddress, socket.localPort);
    this.peerAddress = addressOf(socket.remoteAddress, socket.remotePort);
    this.tls = this.#security?.session();
  }

  #listen(): void {
    const socket = this.#socket;
    if (
      this.#security !== undefined || !readIntoOwnMemory(socket, this.#onRead)
    ) socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    if (this.#owesDrain) defer(this.#onWritten);
  }

  // Hot: once per chunk read.
  readonly #onRead = (chunk: Uint8Array): void => {
    if (!this.#isLocallyClosed) this.#events?.data(chunk);
  };

  // Hot where a runtime does not read into our own memory: once per chunk read.
  readonly #onData = (chunk: Uint8Array): void => {
    // A Buffer's slice() shares memory where a Uint8Array's copies: hand out the latter.
    this.#onRead(
      new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength),
    );
  };

  readonly #onEnd = (): void => {
    // TLS tells an end after its faults too.
    if (this.#fault !== undefined) return;
    this.#isEnded = true;
    if (this.#isLocallyClosed) return;
    this.#fault = this.#security?.endFault();
    if (this.#fault === undefined) this.#events?.end();
    else this.#socket.destroy();
  };

  // Hot: once per write.
  readonly #onWritten = (error?: Error | null): void => {
    if (error) {
      // Some failed writes are told here alone.
      this.#fault ??= faultFrom(error, "Cannot write");
      return;
    }
    // Node 20 tells a write that the end of its socket cut off as done.
    if (
      !this.#owesDrain || this.#isLocallyClosed || this.#socket.destroyed ||
      this.#socket.writableLength !== 0
    ) return;
    this.#owesDrain = false;
    this.#events?.drain();
  };

  readonly #discardInput = (): void => {
    const socket = this.#socket;
    if (this.#isClosed || socket.destroyed) return;
    if (
      this.#isEnded || socket.bytesRead === this.#discarded ||
      this.#discardTurns === MAX_DISCARD_TURNS
    ) {
      socket.destroy();
      return;
    }
    this.#discarded = socket.bytesRead;
    this.#discardTurns++;
    defer(this.#discardInput);
  };

  readonly #onError = (error: Error): void => {
    this.#fault = this.#security?.fault(error) ??
      (this.#isOpen
        ? faultFrom(error, "The connection failed")
        : connectFault(error, this.peerAddress));
    // After a fault of TLS alone the socket below would stay open.
    if (this.#security !== undefined) this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // TLS lets go first; what is below may have an alert to bring out.
    const carrier = this.#security?.carrier;
    if (carrier === undefined || carrier.closed) this.#tellClosed();
    else carrier.once("close", this.#tellClosed);
  };

  readonly #tellClosed = (): void => {
    const events = this.#events;
    this.#events = undefined;
    if (this.#isLocallyClosed) {
      events?.closed(undefined);
      return;
    }
    if (this.#fault === undefined && !(this.#isEnded && this.#isShut)) {
      this.#fault = new Fault(
        "connection-reset",
        "The connection was cut off",
      );
    }
    events?.closed(this.#fault);
  };
}

/**
 * Connects with `node:net`, as `Driver.connectStream` asks.
 *
 * Each address of a host that has several gets three seconds before the next
 * is tried. TCP_NODELAY is on. An abort resets a TCP connection and closes a
 * Unix one.
 *
 * @throws {Fault} `invalid-address` for a port, path or source address that cannot be.
 */
export function connectNodeStream(
  request: StreamConnectRequest,
  events: StreamEvents,
): StreamSocket {
  return nodeStreamOf(dialNode(request), request, events);
}

/**
 * Begins to connect, as `connectNodeStream` does.
 *
 * @throws {Fault} as it does.
 */
export function dialNode(request: StreamConnectRequest): net.Socket {
  const { address, sourceAddress } = request;
  const options = address.family === "unix"
    ? unixOptions(address)
    : tcpOptions(address, sourceAddress);
  try {
    return nodeBuiltin("node:net").connect(options);
  } catch (error) {
    throw faultFrom(error, `Cannot connect to ${addressText(address)}`);
  }
}

/** Makes a stream of a socket that has begun to connect. */
export function nodeStreamOf(
  socket: net.Socket,
  request: StreamConnectRequest,
  events: StreamEvents,
): StreamSocket {
  const stream = new NodeStream(socket, request.address, request.keepAliveMs);
  stream.awaitOpen(events);
  return stream;
}

function unixOptions(address: SocketAddress): net.NetConnectOpts {
  checkPath(address.path, nodeProcess()?.platform ?? "");
  return { path: address.path, allowHalfOpen: true };
}

/**
 * How `node:net` is told where to connect.
 *
 * @throws {Fault} `invalid-address`.
 */
export function tcpOptions(
  address: SocketAddress,
  source: SocketAddress | undefined,
): net.TcpNetConnectOpts {
  checkPort(address);
  if (address.hostname === "") {
    throw new Fault("invalid-address", "Cannot connect without a host");
  }
  const options: net.TcpNetConnectOpts = {
    host: address.hostname,
    port: address.port,
    allowHalfOpen: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
  };
  if (source === undefined) return options;
  checkPort(source);
  const family = nodeBuiltin("node:net").isIP(source.hostname);
  if (family === 0) {
    throw new Fault(
      "invalid-address",
      `Cannot connect from ${source.hostname}: it is not an IP address`,
    );
  }
  options.localAddress = source.hostname;
  options.localPort = source.port;
  options.family = family;
  return options;
}
