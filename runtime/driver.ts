/**
 * The contract between signalbox and one runtime's sockets.
 *
 * # Required functions
 *
 * A runtime is supported by one object with these members, and by nothing else:
 *
 * | member | what it must do |
 * | --- | --- |
 * | `now`, `setTimer`, `clearTimer`, `defer` | monotonic time, one-shot timers, a task after pending I/O |
 * | `random` | numbers that spread retries over time |
 * | `connectStream`, `listenStream` | TCP and Unix sockets, TCP also with TLS |
 * | `bindDatagram` | UDP sockets with multicast |
 * | `connectWebSocket`, `listenWebSocket` | the runtime's own WebSocket API |
 *
 * What a runtime lacks it refuses with a {@linkcode Fault} `not-supported` that
 * says why, at the call: nothing is silently ignored.
 *
 * # Rules for every socket
 *
 * 1. **Callbacks come alone.** A driver never calls back from inside a call that
 *    was made into it: not from `write`, `close`, `abort`, `pause` or `resume`.
 *    `connectStream` returns before `open` or `closed` is called.
 * 2. **`closed` is the last callback, and comes exactly once** for each socket
 *    that was handed out, after a local `close` or `abort` too: then nothing of
 *    the socket is left. After a local `close` or `abort` no other callback comes.
 * 3. **Bytes received are the receiver's.** A chunk is never written again.
 * 4. **Bytes taken by `write` may still be referenced** by the driver while
 *    `pending` is not 0; they must not be changed until then.
 * 5. Calls on a socket that is closed do nothing; `write` then takes 0 bytes.
 *
 * @module
 */

import type { Fault } from "./fault.ts";
import type { TlsConnectRequest, TlsListenRequest, TlsSession } from "./tls.ts";

/** A bound or connected address, in one shape for all families. */
export interface SocketAddress {
  /** `"unix"` for a path, `"memory"` for the in-process transport. */
  readonly family: "ipv4" | "ipv6" | "unix" | "memory" | "unknown";
  /** An IP address without brackets, or a host name not yet looked up; `""` for a path. */
  readonly hostname: string;
  /** 0 for a path. */
  readonly port: number;
  /** The path of a Unix socket (abstract names begin with `\0`) or a memory name; else `""`. */
  readonly path: string;
}

/** What a stream socket tells its owner. */
export interface StreamEvents {
  /** The connection that was asked for is there. Not called for accepted sockets. */
  open(): void;
  /** Bytes came. The chunk belongs to the callee. */
  data(chunk: Uint8Array): void;
  /** A write that was cut short may go on, or `pending` has fallen back to 0. */
  drain(): void;
  /** The peer will send no more (FIN). The own direction is still open. */
  end(): void;
  /** The socket is gone: without a fault if both directions ended in order or it was closed locally. */
  closed(fault: Fault | undefined): void;
}

/** One TCP or Unix connection. The peer's FIN never closes it by itself (half-open is allowed). */
export interface StreamSocket {
  /** Known once the socket is open. */
  readonly localAddress: SocketAddress;
  /** Known once the socket is open. */
  readonly peerAddress: SocketAddress;
  /** What the TLS handshake agreed on, once the socket is open; none without TLS. */
  readonly tls?: TlsSession | undefined;
  /** Bytes that were taken by `write` and have not yet reached the operating system. */
  readonly pending: number;
  /**
   * Offers bytes; returns how many were taken, from 0 to all. When fewer than
   * all were taken, `drain` is called when it is worth to offer the rest.
   */
  write(bytes: Uint8Array): number;
  /** Stops reading: no `data` is delivered until `resume`. At most one chunk that was already read may follow. */
  pause(): void;
  /** Reads again. */
  resume(): void;
  /** Sends FIN after all that was taken; reading goes on. */
  shutdown(): void;
  /** Lets what was taken go out, then closes both directions. */
  close(): void;
  /** Closes at once and drops what is pending; with a reset (RST) where the runtime can. */
  abort(): void;
}

/** Where a stream connects, and how. */
export interface StreamConnectRequest {
  /** The peer. Host names are looked up by the runtime. */
  readonly address: SocketAddress;
  /** The local address to connect from. */
  readonly sourceAddress?: SocketAddress;
  /** TCP keepalive: the idle time before the first probe, in milliseconds. Off by default. */
  readonly keepAliveMs?: number;
  /** TLS over the stream; `open` comes after its handshake. Default: none. */
  readonly tls?: TlsConnectRequest;
}

/** Where streams are accepted, and how. */
export interface StreamListenRequest {
  /** The address to bind; port 0 lets the system choose. */
  readonly address: SocketAddress;
  /** The length of the queue of connections not yet accepted. Default: the runtime's. */
  readonly backlog?: number;
  /** Whether several processes may listen on the port and share its connections. Default: false. */
  readonly reusePort?: boolean;
  /** Whether an IPv6 listener refuses IPv4. Default: false. */
  readonly ipv6Only?: boolean;
  /** TCP keepalive of accepted sockets, as in {@linkcode StreamConnectRequest}. */
  readonly keepAliveMs?: number;
  /** TLS over the accepted streams; `accept` comes after its handshake. Default: none. */
  readonly tls?: TlsListenRequest;
  /**
   * Fires when the socket is not wanted any more. What takes its time before the
   * socket is bound, such as a look-up, then ends with the fault `aborted`; the
   * owner closes what is bound in spite of it. Default: it is wanted.
   */
  readonly signal?: AbortSignal | undefined;
}

/** What a stream listener tells its owner. */
export interface StreamListenerEvents {
  /**
   * A connection came in. Returns who hears of it from now on, or undefined to
   * refuse it (the driver aborts it, and calls nothing more for it).
   */
  accept(socket: StreamSocket): StreamEvents | undefined;
  /** Accepting failed; the listener goes on by itself after a pause (EMFILE too). */
  fault(fault: Fault): void;
}

/** A bound stream listener. */
export interface StreamListener {
  /** The real address: the port is known, the host is numeric. */
  readonly address: SocketAddress;
  /** Stops accepting and releases the address (a Unix path is removed); accepted sockets live on. */
  close(): Promise<void>;
}

/** What a datagram socket tells its owner. */
export interface DatagramEvents {
  /** A datagram came. The bytes belong to the callee; the host is numeric, without `::ffff:`. */
  message(data: Uint8Array, hostname: string, port: number): void;
  /** A send that was refused for want of room may be tried again, or `pending` is back to 0. */
  drain(): void;
  /** Something failed that does not end the socket: an ICMP answer to an earlier datagram, say. */
  fault(fault: Fault): void;
  /** The socket is gone. */
  closed(fault: Fault | undefined): void;
}

/** A multicast group and the interface it is joined on. */
export interface MulticastMembership {
  /** The group's address. */
  readonly group: string;
  /** IPv4: the address of an interface. IPv6: its name or index (`"eth0"`). Default: the system's choice. */
  readonly interface?: string;
}

/** Where a datagram socket is bound, and how. */
export interface DatagramBindRequest {
  /** The address to bind; its family is the socket's. Port 0 lets the system choose. */
  readonly address: SocketAddress;
  /** The one peer of a connected socket: others' datagrams are not received. */
  readonly peer?: SocketAddress;
  /** Whether the address may be bound by several sockets (SO_REUSEADDR). Default: false. */
  readonly reuseAddress?: boolean;
  /** Whether datagrams are spread over several sockets (SO_REUSEPORT). Default: false. */
  readonly reusePort?: boolean;
  /** Whether an IPv6 socket refuses IPv4. Default: false. */
  readonly ipv6Only?: boolean;
  /** Whether sending to broadcast addresses is allowed. Default: false. */
  readonly broadcast?: boolean;
  /** Groups to join once bound. */
  readonly memberships?: readonly MulticastMembership[];
  /** The interface that multicast is sent from, as in {@linkcode MulticastMembership}. */
  readonly multicastInterface?: string;
  /** How many hops multicast may travel; 0, where the runtime can, keeps it on this host. Default: the system's (1). */
  readonly multicastTtl?: number;
  /** Whether multicast that is sent comes back to this host. Default: true. */
  readonly multicastLoopback?: boolean;
  /** How many hops unicast may travel. Default: the system's. */
  readonly ttl?: number;
  /** SO_RCVBUF in bytes. Default: the system's. */
  readonly receiveBufferSize?: number;
  /** SO_SNDBUF in bytes. Default: the system's. */
  readonly sendBufferSize?: number;
  /** As in {@linkcode StreamListenRequest}. */
  readonly signal?: AbortSignal | undefined;
}

/** A bound datagram socket. */
export interface DatagramSocket {
  /** The real address: the port is known. */
  readonly localAddress: SocketAddress;
  /** Bytes of datagrams that were taken and have not yet reached the operating system. */
  readonly pending: number;
  /**
   * Sends one datagram to a numeric address (ignored by a connected socket).
   * False: there is no room now, the datagram was not taken, and `drain` follows.
   */
  send(data: Uint8Array, hostname: string, port: number): boolean;
  /** Joins a group. Throws a Fault. */
  join(membership: MulticastMembership): void;
  /** Leaves a group. Throws a Fault. */
  leave(membership: MulticastMembership): void;
  /** Stops delivery. What arrives meanwhile is the system's to keep or to drop, where the runtime can. */
  pause(): void;
  /** Delivers again. */
  resume(): void;
  /** Closes; `closed` follows. */
  close(): void;
}

/** What a native WebSocket tells its owner. */
export interface WebSocketEvents {
  /** The handshake is done. Not called for accepted sockets. */
  open(): void;
  /** A message came, its text as UTF-8. */
  message(data: Uint8Array, isText: boolean): void;
  /** `pending` has fallen back to 0. Runtimes without such an event are polled while something is pending. */
  drain(): void;
  /** The socket is gone; `code` is 1006 when no close frame came. */
  closed(code: number, reason: string, fault: Fault | undefined): void;
}

/** One WebSocket of the runtime's own making. */
export interface WebSocketSocket {
  /** Known once open; `unknown` where the runtime does not tell. */
  readonly localAddress: SocketAddress;
  /** Known once open; `unknown` where the runtime does not tell. */
  readonly peerAddress: SocketAddress;
  /** The subprotocol agreed on, or `""`. */
  readonly protocol: string;
  /** Bytes queued and not yet on the network. */
  readonly pending: number;
  /** Sends one message. False: it was not taken (the socket is closing, or the runtime refused it). */
  send(data: Uint8Array, isText: boolean): boolean;
  /** Stops delivery where the runtime can; false where it cannot. */
  pause(): boolean;
  /** Delivers again. */
  resume(): void;
  /** Starts the closing handshake. */
  close(code: number, reason: string): void;
  /** Drops the connection, or closes it where the runtime knows no better. */
  abort(): void;
}

/** What a native WebSocket client connects to. */
export interface WebSocketConnectRequest {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** Subprotocols to offer. */
  readonly protocols: readonly string[];
  /** Extra request headers; a browser refuses them. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where a native WebSocket server listens, and what it accepts. */
export interface WebSocketListenRequest {
  /** The address to bind. */
  readonly address: SocketAddress;
  /** The largest message accepted, in bytes, where the runtime lets it be set. */
  readonly maxMessageSize: number;
  /** As in {@linkcode StreamListenRequest}. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Judges a handshake. Returns the subprotocol to agree on (`""` for none),
   * or an HTTP status to refuse it with.
   */
  admit(request: WebSocketHandshake): string | number;
}

/** The parts of a WebSocket handshake that a server decides on. */
export interface WebSocketHandshake {
  /** Path and query as the client sent them. */
  readonly path: string;
  /** The `Origin` header, or undefined. */
  readonly origin: string | undefined;
  /** The subprotocols offered, in the client's order. */
  readonly protocols: readonly string[];
  /** A header by its lower-case name, or undefined. */
  header(name: string): string | undefined;
}

/** What a native WebSocket server tells its owner. */
export interface WebSocketListenerEvents {
  /** A handshake is done. Returns who hears of the socket, or undefined to refuse it. */
  accept(socket: WebSocketSocket): WebSocketEvents | undefined;
  /** Something failed that does not end the listener. */
  fault(fault: Fault): void;
}

/** A timer that was set; opaque. */
export type TimerHandle = object | number;

/** What is published for tools: the part of a channel's name behind `signalbox.`. */
export type DiagnosticName =
  | "listening"
  | "accepted"
  | "refused"
  | "connected"
  | "disconnected"
  | "reconnecting"
  | "closed"
  | "paused"
  | "resumed";

/** Where messages are published for tools: a channel of `node:diagnostics_channel`, or its like. */
export interface DiagnosticChannel {
  /** Whether anybody listens. */
  readonly hasSubscribers: boolean;
  /** Tells all who listen. Must not throw what they throw. */
  publish(message: object): void;
}

/** One runtime's sockets, timers and clock. */
export interface Driver {
  /** `"deno"`, `"bun"`, `"node"`, `"browser"`, `"memory"`, or a name of the user's. */
  readonly name: string;
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Calls back once, after at least about `delayMs` (at most 2^31 - 1). */
  setTimer(callback: () => void, delayMs: number): TimerHandle;
  /** Forgets a timer; one that has fired is ignored. */
  clearTimer(timer: TimerHandle): void;
  /** Calls back soon, after input and output that is ready now: never before the current callback has returned. */
  defer(callback: () => void): void;
  /** A number from 0 to below 1, to spread retries with; not for secrets. */
  random(): number;
  /** Where the runtime publishes what happens, if it has such a place. */
  readonly diagnostics?: Readonly<Record<DiagnosticName, DiagnosticChannel>>;
  /** Starts to connect; the outcome is `open` or `closed`. `abort` gives it up. */
  connectStream(
    request: StreamConnectRequest,
    events: StreamEvents,
  ): StreamSocket;
  /** Binds and listens. Rejects with a Fault. */
  listenStream(
    request: StreamListenRequest,
    events: StreamListenerEvents,
  ): Promise<StreamListener>;
  /** Binds a datagram socket. Rejects with a Fault. */
  bindDatagram(
    request: DatagramBindRequest,
    events: DatagramEvents,
  ): Promise<DatagramSocket>;
  /** Starts a WebSocket handshake with the runtime's own client. */
  connectWebSocket(
    request: WebSocketConnectRequest,
    events: WebSocketEvents,
  ): WebSocketSocket;
  /** Listens with the runtime's own WebSocket server. Rejects with a Fault. */
  listenWebSocket(
    request: WebSocketListenRequest,
    events: WebSocketListenerEvents,
  ): Promise<StreamListener>;
}
