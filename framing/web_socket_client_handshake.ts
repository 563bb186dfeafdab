/**
 * The client's side of the WebSocket handshake (RFC 6455, section 4.1).
 *
 * @module
 */

import { encodeBase64 } from "./_base64.ts";
import {
  hasMember,
  HttpHeadReader,
  isFieldValue,
  isToken,
  latin1Bytes,
} from "./_http_head.ts";
import type { HttpHead, HttpHeadLimits } from "./_http_head.ts";
import { webSocketAccept } from "./web_socket_handshake.ts";

/** What a client asks for. */
export interface WebSocketClientRequest {
  /** Path and query, beginning with a slash; visible ASCII. */
  readonly path: string;
  /** The `Host` header: `"example.com"`, `"[::1]:8080"`. */
  readonly host: string;
  /** From {@linkcode webSocketKey}; another for each connection. */
  readonly key: string;
  /** Subprotocols to offer, the preferred first. Default: none. */
  readonly protocols?: readonly string[];
  /** More headers, by name. Those of the handshake itself cannot be given. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What became of a handshake. */
export type WebSocketResponseResult =
  | {
    readonly kind: "accepted";
    /** The subprotocol agreed on, or `""`. */
    readonly protocol: string;
    /** Bytes after the head: the server's first frames. */
    readonly rest: Uint8Array;
  }
  | {
    readonly kind: "fault";
    /** The HTTP status, if the server answered in HTTP. */
    readonly status: number | undefined;
    /** What was wrong: a sentence without a final period. */
    readonly message: string;
  };

const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-version",
  "transfer-encoding",
  "upgrade",
]);

/**
 * A key for one handshake.
 *
 * @param random 16 bytes. Default: from `crypto.getRandomValues`.
 */
export function webSocketKey(
  random: Uint8Array = crypto.getRandomValues(new Uint8Array(16)),
): string {
  return encodeBase64(random);
}

/**
 * Says why a request cannot be sent, or returns undefined if it can. Line ends
 * in any part would let one request become two.
 */
export function refusesWebSocketRequest(
  request: WebSocketClientRequest,
): string | undefined {
  if (!/^\/[\x21-\x7e]*$/.test(request.path)) {
    return "the path is not visible ASCII that begins with a slash";
  }
  if (!/^[\x21-\x7e]+$/.test(request.host)) {
    return "the host is not visible ASCII";
  }
  const protocols = request.protocols ?? [];
  if (!protocols.every(isToken)) {
    return "a subprotocol is not a token (letters, digits and !#$%&'*+-.^_`|~)";
  }
  if (new Set(protocols).size !== protocols.length) {
    return "a subprotocol is given twice";
  }
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (!isToken(name)) {
      return `the header name ${JSON.stringify(name)} is not a token`;
    }
    if (RESERVED_HEADERS.has(name.toLowerCase())) {
      return `the header ${name} belongs to the handshake`;
    }
    if (typeof value !== "string" || !isFieldValue(value)) {
      return `the value of the header ${name} has a control character or more than Latin-1`;
    }
  }
  return undefined;
}

/**
 * The request that asks for a WebSocket. Throws a TypeError for one that
 * {@linkcode refusesWebSocketRequest} refuses.
 */
export function webSocketRequest(request: WebSocketClientRequest): Uint8Array {
  const refusal = refusesWebSocketRequest(request);
  if (refusal !== undefined) {
    throw new TypeError(`Cannot ask for a WebSocket: ${refusal}`);
  }
  const lines = [
    `GET ${request.path} HTTP/1.1`,
    `Host: ${request.host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${request.key}`,
    "Sec-WebSocket-Version: 13",
  ];
  const protocols = request.protocols ?? [];
  if (protocols.length > 0) {
    lines.push(`Sec-WebSocket-Protocol: ${protocols.join(", ")}`);
  }
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    lines.push(`${name}: ${value}`);
  }
  return latin1Bytes(`${lines.join("\r\n")}\r\n\r\n`);
}

/** Takes the response of a server out of its chunks, and judges it. */
export class WebSocketResponseParser {
  readonly #reader: HttpHeadReader;
  readonly #key: string;
  readonly #protocols: readonly string[];

  /**
   * A parser for one response.
   *
   * @param request What was asked: its key and subprotocols.
   * @param limits How large a response may be.
   */
  constructor(
    request: Pick<WebSocketClientRequest, "key" | "protocols">,
    limits: HttpHeadLimits = {},
  ) {
    this.#reader = new HttpHeadReader(limits);
    this.#key = request.key;
    this.#protocols = request.protocols ?? [];
  }

  /**
   * Takes the next chunk. A redirect is a fault: who follows it, decides that.
   *
   * @returns undefined while the head goes on; then the outcome. Later pushes do nothing.
   */
  push(chunk: Uint8Array): WebSocketResponseResult | undefined {
    const head = this.#reader.push(chunk);
    if (head === undefined) return undefined;
    if ("code" in head) {
      return fault(`The answer is not of a WebSocket server: ${head.message}`);
    }
    return this.#judge(head);
  }

  #judge(head: HttpHead): WebSocketResponseResult {
    const line = /^HTTP\/1\.1 (\d{3})(?: (.*))?$/.exec(head.startLine);
    if (line === null) {
      return fault("The answer is not of a WebSocket server: not HTTP/1.1");
    }
    const status = Number(line[1]);
    const { headers, rest } = head;
    if (status !== 101) {
      const text = [line[1], line[2]].filter(Boolean).join(" ");
      return fault(`The server answered ${text} instead of 101`, status);
    }
    if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return fault("The Upgrade header does not say websocket", status);
    }
    if (!hasMember(headers.get("connection"), "upgrade")) {
      return fault("The Connection header does not say Upgrade", status);
    }
    if (headers.get("sec-websocket-accept") !== webSocketAccept(this.#key)) {
      return fault("The Sec-WebSocket-Accept header is wrong", status);
    }
    if ((headers.get("sec-websocket-extensions") ?? "") !== "") {
      return fault(
        "The server chose an extension that was not offered",
        status,
      );
    }
    const protocol = headers.get("sec-websocket-protocol") ?? "";
    if (protocol === "" && this.#protocols.length > 0) {
      // As browsers do: a server that knows none of the subprotocols cannot be talked to.
      return fault("The server chose none of the subprotocols offered", status);
    }
    if (protocol !== "" && !this.#protocols.includes(protocol)) {
      return fault(
        "The server chose a subprotocol that was not offered",
        status,
      );
    }
    return { kind: "accepted", protocol, rest };
  }
}

function fault(message: string, status?: number): WebSocketResponseResult {
  return { kind: "fault", status, message };
}
