/**
 * The server's side of the WebSocket handshake (RFC 6455, section 4.2), and what both sides share.
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
  listMembers,
} from "./_http_head.ts";
import type { HttpHead, HttpHeadLimits } from "./_http_head.ts";
import { sha1 } from "./_sha1.ts";

export type { HttpHeadLimits } from "./_http_head.ts";

/** A valid request to open a WebSocket. */
export interface WebSocketRequest {
  /** Path and query as the client sent them: `"/chat?room=1"`. */
  readonly path: string;
  /** The `Origin` header: browsers always send it, and nobody else can be trusted to. */
  readonly origin: string | undefined;
  /** The subprotocols offered, in the client's order. */
  readonly protocols: readonly string[];
  /** The `Sec-WebSocket-Key` header, for {@linkcode acceptResponse}. */
  readonly key: string;
  /** A header by its lower-case name, or undefined. Those of repeated names are joined by `", "`. */
  header(name: string): string | undefined;
}

/** The HTTP statuses that a handshake is refused with. */
export type RefusalStatus = 400 | 403 | 404 | 405 | 426 | 431 | 503;

/** What became of a request. */
export type WebSocketRequestResult =
  | {
    readonly kind: "request";
    readonly request: WebSocketRequest;
    /** Bytes after the head: the client's first frames. */
    readonly rest: Uint8Array;
  }
  | {
    readonly kind: "refusal";
    readonly status: RefusalStatus;
    /** What was wrong: a sentence without a final period. */
    readonly message: string;
  };

const STATUS_TEXT: Readonly<Record<RefusalStatus, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  503: "Service Unavailable",
};

/** RFC 6455, section 1.3. */
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Base64 of 16 bytes: 22 characters, the last with four bits of zero. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** The answer to a key (RFC 6455, section 4.2.2, step 5.4). */
export function webSocketAccept(key: string): string {
  return encodeBase64(sha1(latin1Bytes(key + ACCEPT_GUID)));
}

/** Takes the request of one client out of its chunks. */
export class WebSocketRequestParser {
  readonly #reader: HttpHeadReader;

  /**
   * A parser for one request.
   *
   * @param limits How large a request may be.
   */
  constructor(limits: HttpHeadLimits = {}) {
    this.#reader = new HttpHeadReader(limits);
  }

  /**
   * Takes the next chunk.
   *
   * @returns undefined while the head goes on; then the request, or how to refuse it. Later pushes do nothing.
   */
  push(chunk: Uint8Array): WebSocketRequestResult | undefined {
    const head = this.#reader.push(chunk);
    if (head === undefined) return undefined;
    if ("code" in head) {
      return refusal(head.code === "too-large" ? 431 : 400, head.message);
    }
    return judgeRequest(head);
  }
}

function judgeRequest(head: HttpHead): WebSocketRequestResult {
  const line = /^([^ ]+) ([\x21-\x7e]+) HTTP\/(\d)\.(\d)$/.exec(head.startLine);
  if (line === null) return refusal(400, "The request line is malformed");
  const [, method, target = "", major, minor] = line;
  if (major !== "1" || minor === "0") {
    return refusal(400, "The request is not HTTP/1.1");
  }
  if (method !== "GET") return refusal(405, "The method is not GET");
  const path = /^(?:https?:\/\/[^/?]*)?([/?].*)?$/i.exec(target);
  if (path === null) return refusal(400, "The request target is malformed");
  const { headers } = head;
  const host = headers.get("host");
  if (host === undefined || /[\s,/@?#]/.test(host)) {
    return refusal(400, "The Host header is missing or malformed");
  }
  const length = headers.get("content-length");
  if (
    (length !== undefined && length !== "0") ||
    headers.has("transfer-encoding")
  ) {
    return refusal(400, "The request has a body");
  }
  if (!hasMember(headers.get("upgrade"), "websocket")) {
    return refusal(426, "The request does not ask for a WebSocket");
  }
  if (!hasMember(headers.get("connection"), "upgrade")) {
    return refusal(400, "The Connection header does not say Upgrade");
  }
  if (headers.get("sec-websocket-version") !== "13") {
    return refusal(426, "The WebSocket version is not 13");
  }
  const key = headers.get("sec-websocket-key") ?? "";
  if (!KEY.test(key)) {
    return refusal(400, "The Sec-WebSocket-Key header is missing or malformed");
  }
  const protocols = listMembers(headers.get("sec-websocket-protocol"));
  if (
    !protocols.every(isToken) ||
    new Set(protocols).size !== protocols.length
  ) {
    return refusal(400, "The Sec-WebSocket-Protocol header is malformed");
  }
  const resource = path[1] ?? "/";
  return {
    kind: "request",
    request: {
      path: resource.startsWith("?") ? `/${resource}` : resource,
      origin: headers.get("origin"),
      protocols,
      key,
      header: (name) => headers.get(name),
    },
    rest: head.rest,
  };
}

function refusal(
  status: RefusalStatus,
  message: string,
): WebSocketRequestResult {
  return { kind: "refusal", status, message };
}

/**
 * The response that opens a WebSocket.
 *
 * @param key The key of the request.
 * @param protocol The subprotocol agreed on, one of those offered, or `""` for none. Throws a TypeError for one that no client can have offered.
 */
export function acceptResponse(key: string, protocol: string): Uint8Array {
  if (protocol !== "" && !isToken(protocol)) {
    throw new TypeError(`Cannot agree on the subprotocol ${protocol}`);
  }
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${webSocketAccept(key)}`,
  ];
  if (protocol !== "") lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  return latin1Bytes(`${lines.join("\r\n")}\r\n\r\n`);
}

/**
 * The response that refuses a WebSocket and says that the connection ends.
 *
 * @param status The HTTP status; others than {@linkcode RefusalStatus} are sent without a text of their own.
 * @param message Why, for a person; ASCII.
 */
export function refusalResponse(status: number, message: string): Uint8Array {
  const body = `${isFieldValue(message) ? message : "Refused"}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${isRefusal(status) ? STATUS_TEXT[status] : "Refused"}`,
    "Connection: close",
    "Content-Type: text/plain; charset=iso-8859-1",
    `Content-Length: ${body.length}`,
  ];
  if (status === 405) lines.push("Allow: GET");
  // RFC 9110, section 15.5.22, and RFC 6455, section 4.4.
  if (status === 426) {
    lines.push("Upgrade: websocket", "Sec-WebSocket-Version: 13");
  }
  return latin1Bytes(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

function isRefusal(status: number): status is RefusalStatus {
  return Object.hasOwn(STATUS_TEXT, status);
}
