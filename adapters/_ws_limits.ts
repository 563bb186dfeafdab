/**
 * How much a WebSocket takes of its peer.
 *
 * @module
 */

import type { HttpHeadLimits } from "../framing/web_socket_handshake.ts";
import type { ConnectionLimits } from "./_framed_connection.ts";
import {
  checkInteger,
  connectionLimits,
  DEFAULT_MAX_MESSAGE_SIZE,
} from "./_options.ts";

/** How much a WebSocket takes of its peer, besides `maxMessageSize`. */
export interface WsLimitOptions {
  /**
   * How many frames one message may come in, empty ones too; a peer that goes on
   * is ended with the reason `message-too-big` and the close code 1009.
   * Default: 65,536.
   */
  readonly maxFragments?: number;
  /**
   * How large the head of the peer's part of the handshake may be, in bytes, at
   * most 16,777,216. A larger request is refused with 431, and a larger response
   * is `connected` with `protocol`. Default: 16,384.
   */
  readonly maxHandshakeSize?: number;
  /** How many headers that head may have; more are answered in the same way. Default: 100. */
  readonly maxHeaders?: number;
}

/** The limits of one connection. */
export interface WsLimits extends ConnectionLimits {
  readonly maxFragments: number;
  readonly head: Required<HttpHeadLimits>;
}

const DEFAULT_MAX_FRAGMENTS = 65_536;
const DEFAULT_MAX_HANDSHAKE_SIZE = 16_384;
const DEFAULT_MAX_HEADERS = 100;

/** A head is one string, and no engine's strings grow for ever. */
const LARGEST_HANDSHAKE = 1 << 24;

/** The limits that options ask for. Throws `invalid-option`. */
export function wsLimits(
  options: Parameters<typeof connectionLimits>[0] & WsLimitOptions,
): WsLimits {
  const {
    maxFragments = DEFAULT_MAX_FRAGMENTS,
    maxHandshakeSize = DEFAULT_MAX_HANDSHAKE_SIZE,
    maxHeaders = DEFAULT_MAX_HEADERS,
  } = options;
  return {
    ...connectionLimits(options, DEFAULT_MAX_MESSAGE_SIZE),
    maxFragments: checkInteger(
      "maxFragments",
      maxFragments,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    head: {
      maxHeadSize: checkInteger(
        "maxHandshakeSize",
        maxHandshakeSize,
        1,
        LARGEST_HANDSHAKE,
      ),
      maxHeaders: checkInteger(
        "maxHeaders",
        maxHeaders,
        1,
        Number.MAX_SAFE_INTEGER,
      ),
    },
  };
}
