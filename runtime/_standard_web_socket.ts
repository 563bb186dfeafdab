/**
 * A WebSocket of the WHATWG standard, as runtimes outside of browsers have it: in
 * the texts of its errors it tells why it failed.
 *
 * @module
 */

import { BareWebSocket } from "./_bare_web_socket.ts";
import type { BareWebSocketOptions } from "./_bare_web_socket.ts";
import type { WebSocketEvents } from "./driver.ts";
import { Fault } from "./fault.ts";
import type { FaultCode } from "./fault.ts";

const CLOSED = 3;

/** Wraps a WebSocket that is connecting, or has just opened. */
export class StandardWebSocket extends BareWebSocket {
  readonly #socket: WebSocket;
  #error = "";

  constructor(socket: WebSocket, options?: BareWebSocketOptions) {
    super(socket, options);
    this.#socket = socket;
  }

  override start(events: WebSocketEvents): this {
    const socket = this.#socket;
    socket.onerror = (event: Event): void => {
      const message: unknown = Reflect.get(event, "message");
      this.#error = typeof message === "string" ? message : "";
      // Some clients tell no `close` after a failed handshake (Node 22).
      this.#lookForEnd();
    };
    super.start(events);
    this.#lookForEnd();
    return this;
  }

  protected override failure(wasOpen: boolean): Fault {
    const why = this.#error || "no reason given";
    return wasOpen
      ? new Fault(codeOfEnd(why), `The connection was cut off: ${why}`)
      : new Fault(codeOfFailure(why), `Cannot connect: ${why}`);
  }

  #lookForEnd(): void {
    if (this.#socket.readyState === CLOSED) setTimeout(this.lost, 0);
  }
}

/** Deno tells a frame that breaks the protocol by its text alone, and a lost stream the same way. */
function codeOfEnd(text: string): FaultCode {
  if (/^frame too large/i.test(text)) return "message-too-big";
  return /^(?:invalid|reserved bits|control frame|ping frame)/i.test(text)
    ? "protocol"
    : "connection-reset";
}

/** A failed handshake is known by its text alone, without the URL that Bun puts in it. */
function codeOfFailure(message: string): FaultCode {
  const text = message.replace(/\bwss?:\/\/[^\s']*/g, "");
  if (/dns|lookup|not known|ENOTFOUND/i.test(text)) return "host-not-found";
  if (/certificate|tls|ssl/i.test(text)) return "tls";
  if (/status|response|protocol|handshake|101/i.test(text)) return "protocol";
  return "connection-refused";
}
