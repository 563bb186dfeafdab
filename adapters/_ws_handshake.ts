/**
 * The handshakes of both sides, as a WebSocket connection goes through them.
 *
 * @module
 */

import {
  webSocketRequest,
  WebSocketResponseParser,
} from "../framing/web_socket_client_handshake.ts";
import type { WebSocketClientRequest } from "../framing/web_socket_client_handshake.ts";
import {
  acceptResponse,
  refusalResponse,
  WebSocketRequestParser,
} from "../framing/web_socket_handshake.ts";
import type { HttpHeadLimits } from "../framing/web_socket_handshake.ts";
import { Fault } from "../runtime/fault.ts";
import type { Admit } from "./_ws_admission.ts";

/** What a handshake has come to. */
export type HandshakeResult =
  | {
    readonly kind: "done";
    /** What is sent first. */
    readonly answer: Uint8Array | undefined;
    /** The first bytes of frames. */
    readonly rest: Uint8Array;
  }
  | {
    readonly kind: "failed";
    /** What is sent last. */
    readonly answer: Uint8Array | undefined;
    readonly fault: Fault;
  };

/** One side of one handshake. */
export interface Handshake {
  /** Which side it is. */
  readonly isServer: boolean;
  /** The subprotocol agreed on, once it is done; `""` for none. */
  readonly protocol: string;
  /** The path and query asked for, once they are known. */
  readonly path: string;
  /** What is sent as soon as the stream is open. */
  begin(): Uint8Array | undefined;
  /** Takes the next bytes; undefined while the handshake goes on. */
  push(chunk: Uint8Array): HandshakeResult | undefined;
  /** What is sent when the own side gives up. */
  giveUp(): Uint8Array | undefined;
  /** What it means when the peer ends the stream; undefined when it never began. */
  truncated(): Fault | undefined;
}

/** The server's side. */
export class ServerHandshake implements Handshake {
  readonly isServer = true;
  protocol = "";
  path = "";
  readonly #parser: WebSocketRequestParser;
  readonly #admit: Admit;
  #hasBegun = false;

  /**
   * @param limits How large the request may be.
   */
  constructor(admit: Admit, limits: HttpHeadLimits) {
    this.#admit = admit;
    this.#parser = new WebSocketRequestParser(limits);
  }

  begin(): undefined {
    return undefined;
  }

  push(chunk: Uint8Array): HandshakeResult | undefined {
    this.#hasBegun = true;
    const result = this.#parser.push(chunk);
    if (result === undefined) return undefined;
    if (result.kind === "refusal") {
      return refused(result.status, result.message);
    }
    const { request, rest } = result;
    this.path = request.path;
    let answer: string | number;
    try {
      answer = this.#admit(request);
    } catch (error) {
      // The check is the user's; a peer that cannot be judged is not let in, and the listener tells why.
      return refused(503, "The request could not be judged", error);
    }
    if (typeof answer === "number") {
      return refused(answer, "The request was refused");
    }
    this.protocol = answer;
    return { kind: "done", answer: acceptResponse(request.key, answer), rest };
  }

  giveUp(): Uint8Array {
    return refusalResponse(503, "The server is going away");
  }

  truncated(): Fault | undefined {
    // Port scans and health checks connect and go: that is no fault.
    return this.#hasBegun
      ? new Fault("protocol", "The stream ended inside a WebSocket handshake")
      : undefined;
  }
}

function refused(
  status: number,
  message: string,
  cause?: unknown,
): HandshakeResult {
  return {
    kind: "failed",
    answer: refusalResponse(status, message),
    fault: new Fault(
      "protocol",
      `A WebSocket handshake was refused with ${status}: ${message}`,
      cause === undefined ? undefined : { cause },
    ),
  };
}

/** The client's side. */
export class ClientHandshake implements Handshake {
  readonly isServer = false;
  protocol = "";
  readonly path: string;
  readonly #request: WebSocketClientRequest;
  readonly #parser: WebSocketResponseParser;
  readonly #target: string;

  /**
   * @param target Where it goes, for messages.
   * @param limits How large the response may be.
   */
  constructor(
    request: WebSocketClientRequest,
    target: string,
    limits: HttpHeadLimits,
  ) {
    this.#request = request;
    this.path = request.path;
    this.#parser = new WebSocketResponseParser(request, limits);
    this.#target = target;
  }

  begin(): Uint8Array {
    return webSocketRequest(this.#request);
  }

  push(chunk: Uint8Array): HandshakeResult | undefined {
    const result = this.#parser.push(chunk);
    if (result === undefined) return undefined;
    if (result.kind === "accepted") {
      this.protocol = result.protocol;
      return { kind: "done", answer: undefined, rest: result.rest };
    }
    return {
      kind: "failed",
      answer: undefined,
      fault: new Fault(
        "protocol",
        `Cannot connect to ${this.#target}: ${result.message}`,
      ),
    };
  }

  giveUp(): undefined {
    return undefined;
  }

  truncated(): Fault {
    return new Fault(
      "protocol",
      `Cannot connect to ${this.#target}: the server ended the stream inside the handshake`,
    );
  }
}
