/**
 * What the peer's close code becomes.
 *
 * @module
 */

import { Fault } from "../runtime/fault.ts";
import type { FaultCode } from "../runtime/fault.ts";
import type { DisconnectReason } from "./adapter.ts";

/**
 * The code and reason that the peer closed a WebSocket with: the `cause` of the
 * error of its `disconnected` event.
 *
 * | code | `reason` of the event | `error.code` |
 * | --- | --- | --- |
 * | 1000, 1001, none (1005) | `closed` | no error |
 * | 3000 to 4999 | `closed` | `io` |
 * | no close frame (1006) | `closed`; `protocol` if inside a message; `reset` if the connection broke | `protocol` or `connection-reset` |
 * | 1002, 1003, 1007, 1010 | `protocol` | `protocol` |
 * | 1009 | `message-too-big` | `message-too-big` |
 * | 1008, 1011 to 1014 | `error` | `io` |
 *
 * @example
 * ```ts
 * import type { NetworkEvent } from "@signalbox/signalbox";
 * import { WebSocketClose } from "@signalbox/signalbox/ws";
 *
 * function closeCode(event: NetworkEvent): number | undefined {
 *   if (event.type !== "disconnected") return undefined;
 *   const cause = event.error?.cause;
 *   return cause instanceof WebSocketClose ? cause.code : undefined;
 * }
 * ```
 */
export class WebSocketClose extends Error {
  /** Always `"WebSocketClose"`. */
  override readonly name = "WebSocketClose";
  /** The close code (RFC 6455, section 7.4). */
  readonly code: number;
  /** What the peer gave as its reason; `""` for none. */
  readonly reason: string;

  /**
   * Adapters make these; programs have no need to.
   *
   * @param code The close code.
   * @param reason The peer's reason.
   */
  constructor(code: number, reason: string) {
    super(`The peer closed with ${code}${reason === "" ? "" : `: ${reason}`}`);
    this.code = code;
    this.reason = reason;
  }
}

/** How a connection ended. */
export interface CloseOutcome {
  /** For the event. */
  readonly reason: DisconnectReason;
  /** What was wrong, if anything. */
  readonly fault: Fault | undefined;
}

/** How a connection ended whose peer sent a close frame; the table is that of {@linkcode WebSocketClose}. */
export function closeOutcome(code: number, reason: string): CloseOutcome {
  switch (code) {
    case 1000:
    case 1001:
    case 1005:
      return { reason: "closed", fault: undefined };
    case 1006:
      return endedWithoutCloseFrame();
    case 1002:
    case 1003:
    case 1007:
    case 1010:
      return outcome("protocol", "protocol", code, reason);
    case 1009:
      return outcome("message-too-big", "message-too-big", code, reason);
    default:
      return outcome(code >= 3000 ? "closed" : "error", "io", code, reason);
  }
}

/** How a connection ended whose stream ended first. */
export function withoutCloseFrame(isInsideMessage: boolean): CloseOutcome {
  return isInsideMessage
    ? {
      reason: "protocol",
      fault: new Fault("protocol", "The stream ended inside a message"),
    }
    : endedWithoutCloseFrame();
}

function endedWithoutCloseFrame(): CloseOutcome {
  return {
    reason: "closed",
    fault: new Fault("protocol", "The stream ended without a close frame"),
  };
}

function outcome(
  disconnectReason: DisconnectReason,
  faultCode: FaultCode,
  code: number,
  reason: string,
): CloseOutcome {
  const cause = new WebSocketClose(code, reason);
  return {
    reason: disconnectReason,
    fault: new Fault(faultCode, cause.message, { cause }),
  };
}
