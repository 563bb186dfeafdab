/**
 * What the calls of the NetworkController take and give.
 *
 * @module
 */

import { checkInteger, MAX_TIME_MS } from "../adapters/_options.ts";
import type {
  Adapter,
  CloseOptions,
  ConnectOptions,
  ListenOptions,
} from "../adapters/adapter.ts";
import type { SocketAddress } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import type { TlsSession } from "../runtime/tls.ts";
import type { Endpoint } from "./endpoint.ts";
import { badOption } from "./errors.ts";
import type { NetworkError } from "./errors.ts";
import type { ResourceId } from "./resource_id.ts";

/** What `listen` resolves with. */
export interface Listening {
  /** The listener's name, as in `accepted` events. */
  readonly resourceId: ResourceId;
  /** The real address: a port 0 is replaced by the one that the system chose. */
  readonly address: SocketAddress;
}

/** Options of `send` and `sendAll`. */
export interface SendOptions {
  /**
   * Whether to take a copy, so that the buffer may be changed at once. Default:
   * false: leave it unchanged from then on.
   */
  readonly copy?: boolean;
  /** The tag that goes with the message, 0 to 65,535, where the framing has tags (`taggedFraming`). Default: 0. */
  readonly tag?: number;
  /** Whether WebSocket marks the message as text; it must then be UTF-8. Default: true for a string, else false. */
  readonly text?: boolean;
}

/** Options of `remove`. */
export interface RemoveOptions {
  /**
   * How long what was accepted may take to go out before the socket closes:
   * milliseconds, or true for 30,000. Default: what the socket takes at once
   * goes out, the rest is dropped.
   */
  readonly drain?: boolean | number;
  /** WebSocket: the close code that the peer sees, 1000 or 3000 to 4999. Default: 1000. */
  readonly code?: number;
  /** WebSocket: the close reason that the peer sees, at most 123 bytes of UTF-8. Default: none. */
  readonly reason?: string;
}

/** One connection or listener, as `resource` and `resources` tell of it. */
export interface ResourceInfo {
  /** Its name. */
  readonly resourceId: ResourceId;
  /** Whether it is a listener or a connection. */
  readonly kind: "listener" | "connection";
  /** The name of its transport. */
  readonly transport: string;
  /** As `isReady`. */
  readonly isReady: boolean;
  /** The connection's endpoint; undefined for a listener. */
  readonly endpoint: Endpoint | undefined;
  /** The listener that accepted the connection. */
  readonly listener: ResourceId | undefined;
  /** A listener's last failure that did not end it (a refused handshake, say); else undefined. */
  readonly lastFault: NetworkError | undefined;
  /** WebSocket: the subprotocol agreed on; else and for none `""`. */
  readonly protocol: string;
  /** WebSocket: the path and query that the client asked for; else `""`. */
  readonly path: string;
  /** What the TLS handshake agreed on, the peer's certificate with it; undefined without TLS. */
  readonly tls: TlsSession | undefined;
}

const DEFAULT_DRAIN_MS = 30_000;
/** How long a removed connection waits for the peer's FIN before it closes, in milliseconds. */
export const LINGER_MS = 1_000;

/**
 * Checks the limits that all transports take, also for one that has no use for
 * them, or that a user wrote without checks. Throws `invalid-option`.
 */
export function checkLimits(options: ConnectOptions | ListenOptions): void {
  const { maxMessageSize, highWaterMark, outboxLimit } = options;
  for (
    const [name, value] of Object.entries({
      maxMessageSize,
      highWaterMark,
      outboxLimit,
    })
  ) {
    if (value !== undefined) {
      checkInteger(name, value, 1, Number.MAX_SAFE_INTEGER);
    }
  }
}

/** What holds for all that a listener accepts. */
export interface ListenLimits {
  /** Infinity for no limit. */
  readonly maxConnections: number;
  /** 0 for never. */
  readonly idleTimeoutMs: number;
}

/** The limits of `listen`. Throws `invalid-option`, and `not-supported` for what the transport has no connections for. */
export function listenLimits(
  { isConnectionOriented, name }: Adapter<never, never>,
  options: ListenOptions,
): ListenLimits {
  checkLimits(options);
  const { maxConnections } = options;
  const idleTimeoutMs = idleTimeout(options);
  if (idleTimeoutMs > 0 && !isConnectionOriented) {
    throw new Fault(
      "not-supported",
      `Cannot use idleTimeoutMs: a listener of ${name} has no connections`,
    );
  }
  return {
    maxConnections: maxConnections === undefined ? Infinity : checkInteger(
      "maxConnections",
      maxConnections,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    idleTimeoutMs,
  };
}

/** How long nothing may go over a connection, in milliseconds; 0 for ever. Throws `invalid-option`. */
export function idleTimeout(
  options: { readonly idleTimeoutMs?: number },
): number {
  return checkInteger(
    "idleTimeoutMs",
    options.idleTimeoutMs ?? 0,
    0,
    MAX_TIME_MS,
  );
}

/** How long a drain may take, in milliseconds. Throws `invalid-option`. */
export function drainTime(drain: boolean | number | undefined): number {
  if (drain === undefined || drain === false) return 0;
  if (drain === true) return DEFAULT_DRAIN_MS;
  if (Number.isInteger(drain) && drain >= 0 && drain <= MAX_TIME_MS) {
    return drain;
  }
  throw badOption(
    "drain",
    drain,
    `a boolean or an integer from 0 to ${MAX_TIME_MS}`,
  );
}

/**
 * How long the peer's part of the closing is awaited after a drain of so many
 * milliseconds. What has left the outbox has reached the system, not the peer:
 * to close while the peer still sends would make the system drop the rest.
 */
function lingerTime(drainMs: number): number {
  return Math.max(LINGER_MS, drainMs);
}

/** How `stop` closes connections: at once, unless it drains. */
export function stopOptions(drain: boolean | number | undefined): CloseOptions {
  const drainMs = drainTime(drain);
  return { drainMs, lingerMs: drainMs === 0 ? 0 : lingerTime(drainMs) };
}

/** How `remove` closes a connection. Throws `invalid-option`. */
export function closeOptions(options: RemoveOptions): CloseOptions {
  const { drain, code, reason } = options;
  if (
    code !== undefined && code !== 1000 &&
    !(Number.isInteger(code) && code >= 3000 && code <= 4999)
  ) {
    throw badOption("code", code, "1000 or from 3000 to 4999");
  }
  const reasonSize = reason === undefined
    ? 0
    : new TextEncoder().encode(reason).length;
  if (reasonSize > 123) {
    throw badOption("a reason of", reasonSize, "at most 123 bytes of UTF-8");
  }
  const drainMs = drainTime(drain);
  return {
    drainMs,
    lingerMs: lingerTime(drainMs),
    ...(code !== undefined && { code }),
    ...(reason !== undefined && { reason }),
  };
}
