/**
 * The options of WebSocket connections and listeners, checked.
 *
 * @module
 */

import type { WebSocketHandshake } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import { checkInteger, MAX_TIME_MS } from "./_options.ts";
import type { TcpConnectOptions, TcpListenOptions } from "./_tcp_options.ts";
import type { WsLimitOptions } from "./_ws_limits.ts";

/** The times of a WebSocket. */
export interface WsTimeOptions {
  /** How long the handshake may take once the stream is there, in milliseconds; 0 for no limit. Default: 10,000. */
  readonly handshakeTimeoutMs?: number;
  /** The time between protocol pings, in milliseconds; 0 for none. Default: 0. */
  readonly pingIntervalMs?: number;
  /**
   * How long a sign of life may take after a ping, in milliseconds; then the
   * connection ends with the reason `timeout`. Default: 10,000.
   */
  readonly pongTimeoutMs?: number;
  /**
   * How long the peer's close frame is awaited after `remove`, in milliseconds.
   * Default: 1,000; a `stop` without `drain` never waits.
   */
  readonly closeTimeoutMs?: number;
}

/** Options of `connect` over WebSocket. */
export interface WsConnectOptions
  extends TcpConnectOptions, WsTimeOptions, WsLimitOptions {
  /** The subprotocols to offer, the preferred first. A server that chooses none of them is a failure. Default: none. */
  readonly protocols?: readonly string[];
  /** More headers of the request, such as `Authorization` or `Cookie`. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The `Origin` header. Default: none. */
  readonly origin?: string;
}

/** Options of `listen` over WebSocket. */
export interface WsListenOptions
  extends TcpListenOptions, WsTimeOptions, WsLimitOptions {
  /** The paths that are served, without their query; others are refused with 404. Default: the path of a URL address, or any. */
  readonly path?: string | readonly string[];
  /** The subprotocols that the server speaks, the preferred first: the first that the client offers is agreed on. Default: none. */
  readonly protocols?: readonly string[];
  /**
   * Which web pages may connect: their origins (`"https://example.com"`), or a
   * check; others are refused with 403. A list also refuses clients that send
   * no origin. Default: all may. A server that trusts cookies needs it: browsers
   * let every page connect everywhere.
   */
  readonly origins?:
    | readonly string[]
    | ((origin: string | undefined) => boolean);
  /**
   * The last word on a handshake, from its path and headers: true accepts it,
   * false refuses it with 403, a number from 400 to 599 with that HTTP status.
   * Default: accepts.
   */
  readonly admit?: (request: WebSocketHandshake) => boolean | number;
}

/** The times of one connection, in milliseconds. */
export interface WsTimes {
  /** 0 for no limit. */
  readonly handshakeTimeoutMs: number;
  /** 0 for no pings. */
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
  /** Undefined for what the node says. */
  readonly closeTimeoutMs: number | undefined;
}

const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;
const DEFAULT_PONG_TIMEOUT_MS = 10_000;

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The times that options ask for. Throws `invalid-option`. */
export function wsTimes(options: WsTimeOptions): WsTimes {
  return {
    handshakeTimeoutMs: checkInteger(
      "handshakeTimeoutMs",
      options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS,
      0,
      MAX_TIME_MS,
    ),
    pingIntervalMs: checkInteger(
      "pingIntervalMs",
      options.pingIntervalMs ?? 0,
      0,
      MAX_TIME_MS,
    ),
    pongTimeoutMs: checkInteger(
      "pongTimeoutMs",
      options.pongTimeoutMs ?? DEFAULT_PONG_TIMEOUT_MS,
      1,
      MAX_TIME_MS,
    ),
    closeTimeoutMs: closeTimeout(options),
  };
}

/** How long the peer's close frame is awaited; undefined for what the node says. Throws `invalid-option`. */
export function closeTimeout(
  { closeTimeoutMs }: WsTimeOptions,
): number | undefined {
  return closeTimeoutMs === undefined
    ? undefined
    : checkInteger("closeTimeoutMs", closeTimeoutMs, 0, MAX_TIME_MS);
}

/** The subprotocols of an option. Throws `invalid-option`. */
export function checkProtocols(
  protocols: readonly string[] | undefined,
): readonly string[] {
  if (protocols === undefined) return [];
  const seen = new Set<string>();
  for (const protocol of protocols) {
    if (!TOKEN.test(protocol) || seen.has(protocol)) {
      throw new Fault(
        "invalid-option",
        `Cannot use the subprotocol ${
          JSON.stringify(protocol)
        }: each must be a token, and given once`,
      );
    }
    seen.add(protocol);
  }
  return [...protocols];
}

/** The headers of a connect, the origin among them. */
export function connectHeaders(
  options: WsConnectOptions,
): Readonly<Record<string, string>> {
  const { headers, origin } = options;
  return origin === undefined ? { ...headers } : { ...headers, Origin: origin };
}
