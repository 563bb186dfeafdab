/**
 * The contract of an adapter: the code of one transport.
 *
 * An adapter turns messages into what one transport carries and back. It sees
 * sockets only through a `Driver`, and the node only through the interfaces
 * here. It has no state of its own: each `connect` makes a {@linkcode Connection},
 * each `listen` a {@linkcode Listener}. `template.ts` is an adapter to start from.
 *
 * # Duties of the implementer
 *
 * 1. Call the events of one connection in this order: `ready` once, then
 *    `message` any number of times, then `closed` once. A connection that never
 *    became ready calls `closed` alone.
 * 2. Never call an event from inside `connect`, `listen`, `send`, `flush`,
 *    `pause`, `resume` or `close`: a driver never does, so an adapter that
 *    works in its driver's callbacks keeps this by itself.
 * 3. Stop handing out messages when `message` returns false.
 * 4. Judge a claimed length before anything is kept for it.
 * 5. Throw, and report, a `Fault`: no other error.
 *
 * @module
 */

import type { Driver, SocketAddress } from "../runtime/driver.ts";
import type { Fault, FaultCode } from "../runtime/fault.ts";
import type { TlsFailure, TlsSession } from "../runtime/tls.ts";

/**
 * What became of a `send`.
 *
 * | status | meaning |
 * | --- | --- |
 * | `Sent` | accepted: it will reach the peer unless the connection fails |
 * | `Congested` | accepted too, but the outbox is above its high-water mark: wait for `writable` before more |
 * | `QueueFull` | refused, nothing was queued: the outbox is at its limit |
 * | `MaxPacketSizeExceeded` | refused: larger than the transport or the connection's `maxMessageSize` allows |
 * | `ResourceNotAvailable` | refused: the connection is not ready yet |
 * | `ResourceNotFound` | refused: there is no such connection (any more) |
 */
export const SendStatus = {
  Sent: "Sent",
  Congested: "Congested",
  QueueFull: "QueueFull",
  MaxPacketSizeExceeded: "MaxPacketSizeExceeded",
  ResourceNotAvailable: "ResourceNotAvailable",
  ResourceNotFound: "ResourceNotFound",
} as const;

/** One of the values of {@linkcode SendStatus}. */
export type SendStatus = (typeof SendStatus)[keyof typeof SendStatus];

/**
 * Why a connection ended: `closed` in order, `reset` by the peer or the network,
 * `timeout` of a time limit, `protocol` broken by the peer, `tls` for a certificate
 * refused late or a record that cannot be read, `message-too-big`, `overflow` of a
 * queue's limit, or any other `error`.
 */
export type DisconnectReason =
  | "closed"
  | "reset"
  | "timeout"
  | "protocol"
  | "tls"
  | "message-too-big"
  | "overflow"
  | "error";

/** An address as the user gave it, taken apart; each adapter judges if it can use it. */
export interface TargetAddress {
  /** The text that it was parsed from, for messages. */
  readonly text: string;
  /** The scheme of a URL without the colon (`"ws"`), or `""`. */
  readonly scheme: string;
  /** Host name or IP address without brackets; `""` when not given. */
  readonly hostname: string;
  /** The port, or undefined when not given. */
  readonly port: number | undefined;
  /** The path of a Unix socket or the name of a memory address; else `""`. */
  readonly path: string;
  /** The path and query of a URL (`"/chat?room=1"`), or `""`. */
  readonly resource: string;
}

/** The queue of bytes between an adapter and its stream: frames are gathered here and leave together. */
export interface Outbox {
  /** Bytes accepted that have not yet reached the operating system. */
  readonly size: number;
  /** Those of them that the socket has not taken yet. */
  readonly untaken: number;
  /** The buffer that small frames are gathered in; write between the offset that `reserve` returned and it plus the size asked for. */
  readonly slab: Uint8Array;
  /** The largest size that `reserve` takes. */
  readonly slabSize: number;
  /** The largest size for which `reserve` stays in the slab that is being filled; 0 when that is full. */
  readonly room: number;
  /** The largest payload worth copying into the slab; larger ones go by reference. */
  readonly copyLimit: number;
  /** Whether `size` more bytes fit under the limit. */
  hasRoom(size: number): boolean;
  /** Makes room for `size` contiguous bytes in the slab, counts them as accepted and returns their offset in `slab`. */
  reserve(size: number): number;
  /** Accepts bytes by reference: they must not change from now on. */
  append(bytes: Uint8Array): void;
  /** Accepts bytes in the cheaper of the two ways: they must not change from now on. */
  put(bytes: Uint8Array): void;
  /** What a send of `size` bytes answers that `hasRoom` turned away: `QueueFull`, or for good `MaxPacketSizeExceeded`. */
  refusal(size: number): SendStatus;
  /** What a send that was accepted answers: `Sent`, or `Congested` above the high-water mark. */
  status(): SendStatus;
  /** Offers everything to the socket now. */
  flush(): void;
}

/** What the node does for its adapters. */
export interface AdapterHost {
  /** The runtime's sockets. */
  readonly driver: Driver;
  /**
   * Makes the outbox of one stream; the node flushes it after the callbacks of the moment.
   *
   * @param socket Where the bytes go.
   * @param limits The marks.
   * @param writable Called when the outbox has fallen to half its mark after it was above; also from inside a flush.
   */
  createOutbox(
    socket: OutboxSocket,
    limits: OutboxLimits,
    writable: () => void,
  ): Outbox & OutboxControl;
  /** Calls back once after `delayMs`; all such timers share one of the runtime. */
  setTimer(callback: () => void, delayMs: number): HostTimer;
  /** Forgets a timer. */
  clearTimer(timer: HostTimer): void;
  /** Calls back before the node next waits for input, never from inside the call. */
  defer(callback: () => void): void;
}

/** A timer of {@linkcode AdapterHost.setTimer}; opaque. */
export type HostTimer = number;

/** The part of a stream socket that an outbox writes to. */
export interface OutboxSocket {
  /** As `StreamSocket.write`. */
  write(bytes: Uint8Array): number;
  /** As `StreamSocket.pending`. */
  readonly pending: number;
}

/** The marks of an outbox, in bytes. */
export interface OutboxLimits {
  /** Above this, sends answer `Congested`. */
  readonly highWaterMark: number;
  /** A send that would pass this is refused with `QueueFull`. */
  readonly limit: number;
}

/** The part of an outbox that the owner of the stream drives. */
export interface OutboxControl {
  /** To be called before what was read is handed on: what is accepted meanwhile leaves with the `flush` that must follow. */
  hold(): void;
  /** To be called when the socket drains: offers the rest. */
  drained(): void;
  /** Forgets everything: the connection is gone. */
  clear(): void;
}

/** What an adapter tells the node of one connection. */
export interface ConnectionEvents {
  /** The handshake is done: messages may flow. */
  ready(): void;
  /**
   * A message came.
   *
   * @param data The bytes; the library never writes them again.
   * @param isText Whether the peer marked them as text (WebSocket).
   * @param tag The tag of the frame; 0 where the framing has none.
   * @returns False when the node wants no more of this connection: it was removed.
   */
  message(data: Uint8Array, isText: boolean, tag: number): boolean;
  /** The queue has fallen below its mark after `send` answered `Congested` or `QueueFull`. */
  writable(): void;
  /** The peer or a fault ended the connection. What was accepted may still be going out: `released` follows. */
  closed(reason: DisconnectReason, fault: Fault | undefined): void;
  /** Nothing is left of the connection: no socket, no timer. The last call, always made, after a local `close` too. */
  released(): void;
}

/** How a connection is closed. */
export interface CloseOptions {
  /** How long what was accepted may take to go out, in milliseconds; 0 drops what the socket does not take at once. */
  readonly drainMs: number;
  /** How long to wait for the peer's part of the closing, in milliseconds; 0 not at all. */
  readonly lingerMs: number;
  /** The WebSocket close code. Default: 1000. */
  readonly code?: number;
  /** The WebSocket close reason, at most 123 bytes of UTF-8. */
  readonly reason?: string;
}

/** One connection of an adapter. */
export interface Connection {
  /** Known once ready. */
  readonly localAddress: SocketAddress;
  /** Known once ready; before that, the address asked for. */
  readonly peerAddress: SocketAddress;
  /** The subprotocol that the handshake agreed on; none where the transport has no such thing. */
  readonly protocol?: string;
  /** The path and query that the client asked for; none where the transport has no such thing. */
  readonly path?: string;
  /** What the TLS handshake agreed on, once ready; none without TLS. */
  readonly tls?: TlsSession | undefined;
  /** Bytes accepted by `send` that have not yet reached the operating system. */
  readonly queuedBytes: number;
  /** What a frame made for this connection has in common with others': equal values share bytes in `sendAll`. */
  readonly frameKey: object | undefined;
  /** Sends one message, if it fits. The bytes must not change from now on. */
  send(data: Uint8Array, isText: boolean, tag: number): SendStatus;
  /**
   * Makes the frame of a message once, for all connections with the same `frameKey`; undefined where it
   * cannot be shared. Throws a Fault for what the framing cannot carry. May be called before `ready` and
   * after the end: the node checks so what it queues during an outage.
   */
  frame(data: Uint8Array, isText: boolean, tag: number): Uint8Array | undefined;
  /** Sends what `frame` made of a message of `messageSize` bytes. */
  sendFrame(frame: Uint8Array, messageSize: number): SendStatus;
  /** Stops reading; at most what was already read may still be delivered. */
  pause(): void;
  /** Reads again. */
  resume(): void;
  /** Closes. No event but `released` follows. Idempotent; a later call may only shorten the time limits. */
  close(options: CloseOptions): void;
}

/** What an adapter tells the node of one listener. */
export interface ListenerEvents {
  /**
   * A peer began to connect. Returns who hears of it: `ready` there becomes the
   * `accepted` event. Undefined refuses it: the adapter closes the socket.
   */
  accept(connection: Connection): ConnectionEvents | undefined;
  /** Connection-less transports: a message came from an address. */
  message(data: Uint8Array, hostname: string, port: number): boolean;
  /** Connection-less transports: there is room again after `QueueFull`. */
  writable(): void;
  /** Something failed and the listener goes on: counted and kept for `stats`. */
  fault(fault: Fault): void;
}

/** One listener of an adapter. */
export interface Listener {
  /** The real address. */
  readonly address: SocketAddress;
  /** Bytes of datagrams accepted that have not yet reached the operating system; 0 for connection-oriented transports. */
  readonly queuedBytes: number;
  /** Connection-less transports: how many senders are remembered by their endpoint object. Default: 4,096. */
  readonly maxKnownPeers?: number | undefined;
  /** Connection-less transports: sends to an address. Others answer `ResourceNotFound`. */
  sendTo(data: Uint8Array, hostname: string, port: number): SendStatus;
  /** Stops delivery of datagrams; a listener of connections ignores it. */
  pause(): void;
  /** Delivers again. */
  resume(): void;
  /** Stops listening and releases the address. Accepted connections live on. */
  close(): Promise<void>;
}

/** Why one attempt to connect failed, or a connection ended: a `NetworkError`. */
export interface ConnectionFailure extends Error {
  /** Which failure it is. */
  readonly code: FaultCode;
  /** What is wrong with a TLS connection; undefined for every code but `tls`. */
  readonly tlsFailure: TlsFailure | undefined;
}

/**
 * How a connection is made again when it fails: after a delay drawn at random
 * from 0 to a bound that grows with every failure (full jitter).
 *
 * An *outage* is the time without a connection: from `connect`, or from a
 * `disconnected` event, to the `connected` event that ends it.
 */
export interface ReconnectOptions {
  /** The bound of the first delay, in milliseconds, 1 to 2,147,483,647. Default: 100. */
  readonly initialDelayMs?: number;
  /** What the bound of the delay grows to, in milliseconds, `initialDelayMs` to 2,147,483,647. Default: 30,000, or `initialDelayMs` if that is more. */
  readonly maxDelayMs?: number;
  /** What the bound is multiplied with after each failure, 1 to 1,000. Default: 2. */
  readonly factor?: number;
  /** How many attempts an outage may take, from 1; the `connect` itself is the first of its own. Default: Infinity. */
  readonly maxAttempts?: number;
  /** How long an outage may last, in milliseconds, from 1; an attempt under way is then given up. Default: Infinity. */
  readonly maxOutageMs?: number;
  /** Gives an outage up when it fires, the first included; a connection that is up lives on, and is not made again. */
  readonly signal?: AbortSignal;
  /**
   * How many bytes of messages may wait for the connection during an outage, the
   * first included; each counts its own and 64 more. They go out first, in order.
   * Default: 0: `send` answers `ResourceNotAvailable`.
   */
  readonly queueLimit?: number;
  /**
   * Whether to try again. Asked after each failure but those that no attempt can
   * mend (`invalid-address`, `invalid-option`, `not-supported`, `permission-denied`), also when a
   * connection that was up ends. Must not throw: that stops the node. Default:
   * yes, but no for `tls` before the connection was ever up.
   *
   * @param error Why it failed: a `NetworkError`.
   * @param attempt How many attempts this outage has taken; 0 when it begins.
   */
  readonly shouldRetry?: (error: ConnectionFailure, attempt: number) => boolean;
}

/** Options that every `connect` takes. */
export interface ConnectOptions {
  /** How long the transport may take to connect, in milliseconds; 0 for no limit. With `reconnect`, each attempt. Default: 30,000. */
  readonly connectTimeoutMs?: number;
  /** Gives the connection up until it is ready for the first time: its `connected` event says `aborted`. */
  readonly signal?: AbortSignal;
  /**
   * Whether the connection is made again when an attempt fails, or the peer or a
   * fault ends it; a local `remove` ends it for good. The endpoint stays the same.
   * `not-supported` over UDP, which has no connections. Default: false.
   */
  readonly reconnect?: boolean | ReconnectOptions;
  /**
   * Ends the connection with the reason `timeout` when no message went either way
   * for that long, in milliseconds; at the latest after a quarter more. 0 for
   * never. Default: 0.
   */
  readonly idleTimeoutMs?: number;
  /** The largest message that is sent or received, in bytes. Default: 16 MiB, or less if the transport's limit is. */
  readonly maxMessageSize?: number;
  /** Above so many queued bytes `send` answers `Congested`. Default: 1 MiB. */
  readonly highWaterMark?: number;
  /** A send that would queue more bytes than this is refused with `QueueFull`. Default: 64 MiB. */
  readonly outboxLimit?: number;
}

/** Options that every `listen` takes; the limits hold for each accepted connection. */
export interface ListenOptions {
  /**
   * Gives the listener up until it is bound: `listen` rejects with `aborted`, and
   * nothing stays open. Once it is bound the signal does nothing more: `remove` ends it.
   */
  readonly signal?: AbortSignal;
  /** As in {@linkcode ConnectOptions}. */
  readonly maxMessageSize?: number;
  /** As in {@linkcode ConnectOptions}. */
  readonly highWaterMark?: number;
  /** As in {@linkcode ConnectOptions}. */
  readonly outboxLimit?: number;
  /** As in {@linkcode ConnectOptions}, for each accepted connection; `not-supported` over UDP, whose listeners have none. */
  readonly idleTimeoutMs?: number;
  /** How many accepted connections may live at once; more are refused. Default: no limit. */
  readonly maxConnections?: number;
}

/** A connection that was made elsewhere (a WebSocket that the user's HTTP server upgraded) and is handed to a node. */
export interface Attachment {
  /** The transport that it counts as. */
  readonly adapter: Adapter;
  /** As in {@linkcode ListenOptions}. */
  readonly idleTimeoutMs?: number;
  /** Takes the connection over. Its `ready` becomes an `accepted` event without a listener. */
  attach(host: AdapterHost, events: ConnectionEvents): Connection;
}

/** The code of one transport, and the value that names it in `connect` and `listen`. */
export interface Adapter<
  Connect extends ConnectOptions = ConnectOptions,
  Listen extends ListenOptions = ListenOptions,
> {
  /** 0 to 127, shown in every ResourceId. signalbox uses 0 to 31; adapters of users take 32 to 127. */
  readonly id: number;
  /** A short name, for people: `"FramedTcp"`. */
  readonly name: string;
  /** The largest message that the transport itself can carry, in bytes; Infinity for a raw stream. */
  readonly maxMessageSize: number;
  /** Whether peers connect (and so `accepted` and `disconnected` exist). */
  readonly isConnectionOriented: boolean;
  /** Whether messages keep their boundaries. */
  readonly isPacketBased: boolean;
  /**
   * Starts to connect. Throws a Fault for an address or option that cannot be used. With `reconnect`, which
   * is the node's to do, it is called again for each attempt, with the same address and options.
   */
  connect(
    host: AdapterHost,
    address: TargetAddress,
    options: Connect,
    events: ConnectionEvents,
  ): Connection;
  /**
   * Binds and listens. Rejects with a Fault.
   *
   * `options.signal` is always there; it fires when the listener is not wanted any more: the
   * program's own signal fired, or the node stops. Then settle soon, in either way: what is
   * resolved with is closed. The node's `stop` waits for that.
   */
  listen(
    host: AdapterHost,
    address: TargetAddress,
    options: Listen,
    events: ListenerEvents,
  ): Promise<Listener>;
}
