/**
 * A WebSocket of the WHATWG standard, as runtimes outside of browsers have it: in
 * the texts of its errors it tells why it failed.
 *
 * @module
 */

import { BareWebSocket } from "./_bare_web_socket.ts";
import type { FaultCode } from "./fault.ts";

/** Wraps a WebSocket that is connecting, or has just opened. */
export class StandardWebSocket extends BareWebSocket {
  /** Deno tells a frame that breaks the protocol by its text alone, and a lost stream the same way. */
  protected override codeOfEnd(text: string): FaultCode {
    if (/^frame too large/i.test(text)) return "message-too-big";
    return /^(?:invalid|reserved bits|control frame|ping frame)/i.test(text)
      ? "protocol"
      : "connection-reset";
  }

  /** A failed handshake is known by its text alone. */
  protected override codeOfFailure(text: string): FaultCode {
    if (/dns|lookup|not known|ENOTFOUND/i.test(text)) return "host-not-found";
    if (/certificate|tls|ssl/i.test(text)) return "tls";
    if (/status|response|protocol|handshake|101/i.test(text)) return "protocol";
    return "connection-refused";
  }
}
