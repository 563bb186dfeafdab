/**
 * The parsers of WebSocket handshakes, by what must hold of whatever they accept.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { WebSocketResponseParser } from "../../framing/web_socket_client_handshake.ts";
import type { WebSocketResponseResult } from "../../framing/web_socket_client_handshake.ts";
import {
  acceptResponse,
  refusalResponse,
  WebSocketRequestParser,
} from "../../framing/web_socket_handshake.ts";
import type { WebSocketRequestResult } from "../../framing/web_socket_handshake.ts";
import { KEY_EXAMPLE } from "../vectors/rfc6455.ts";
import { concat, cuts, latin1, pieces } from "./_mutate.ts";
import type { Random } from "./_random.ts";
import { must, type PureTarget, type Source } from "./_target.ts";

const { key, accept } = KEY_EXAMPLE;
const MAX_HEAD = 16_384;
const MAX_HEADERS = 100;

const head = (...lines: string[]): Uint8Array =>
  latin1(`${lines.join("\r\n")}\r\n\r\n`);

const ASK: readonly string[] = [
  "Host: 127.0.0.1:3042",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Key: ${key}`,
  "Sec-WebSocket-Version: 13",
];

/** What browsers and libraries really send. */
const REQUESTS: readonly Uint8Array[] = [
  head("GET / HTTP/1.1", ...ASK),
  head(
    "GET /chat?room=1 HTTP/1.1",
    "Host: example.com",
    "Connection: keep-alive, Upgrade",
    "Pragma: no-cache",
    "Cache-Control: no-cache",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "Upgrade: websocket",
    "Origin: https://example.com",
    "Sec-WebSocket-Version: 13",
    "Accept-Encoding: gzip, deflate, br",
    "Accept-Language: en-US,en;q=0.9",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    "Sec-WebSocket-Protocol: chat, superchat",
  ),
  head(
    "GET http://example.com/absolute HTTP/1.1",
    "host: example.com",
    "upgrade: WebSocket, other",
    "connection:upgrade",
    `sec-websocket-key:${key}`,
    "sec-websocket-version:\t13 ",
  ),
  concat([
    head("GET / HTTP/1.1", ...ASK),
    Uint8Array.of(0x81, 0x80, 1, 2, 3, 4),
  ]),
];

const TOKENS: readonly Uint8Array[] = [
  "\r\n",
  "\r\n\r\n",
  "\n",
  "\r",
  " ",
  "\t",
  ":",
  ",",
  "\0",
  "\x7f",
  "\xff",
  "GET ",
  "POST ",
  "HTTP/1.0",
  "HTTP/2.0",
  "Host: a\r\n",
  "Host: b, c\r\n",
  "Content-Length: 4\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Upgrade: h2c\r\n",
  "Sec-WebSocket-Version: 8\r\n",
  "Sec-WebSocket-Protocol: a, a\r\n",
  "Sec-WebSocket-Protocol: chat\r\n",
  "Sec-WebSocket-Extensions: permessage-deflate\r\n",
  `Sec-WebSocket-Key: ${key}\r\n`,
  `Sec-WebSocket-Accept: ${accept}\r\n`,
  " folded\r\n",
  "HTTP/1.1 101 ",
  "HTTP/1.1 200 OK\r\n",
  "__proto__: 1\r\n",
  "constructor: 1\r\n",
  "%00%0d%0a",
].map(latin1);

/** A head whose lines are shuffled, left out, doubled or padded without end. */
function composeHead(
  random: Random,
  start: string,
  lines: readonly string[],
): Uint8Array {
  const chosen = lines.flatMap((line) =>
    random.oneIn(12) ? [] : random.oneIn(12) ? [line, line] : [line]
  );
  if (random.oneIn(3)) chosen.reverse();
  if (random.oneIn(32)) {
    const count = random.pick([1, 90, 95, 96, 99, 100, 101, 400]);
    for (let i = 0; i < count; i++) chosen.push(`X-${i % 40}: ${i}`);
  }
  if (random.oneIn(100)) {
    chosen.push(
      `X-Big: ${"b".repeat(random.pick([1_000, 16_000, 16_300, 20_000]))}`,
    );
  }
  return concat([head(start, ...chosen), random.bytes(random.below(12))]);
}

/** Requests. */
export const requestSource: Source = {
  name: "ws-request",
  corpus: REQUESTS,
  tokens: TOKENS,
  compose: (random) =>
    composeHead(
      random,
      random.oneIn(6) ? "GET /%zz HTTP/1.1" : "GET /a?b HTTP/1.1",
      ASK,
    ),
};

interface Text {
  readonly start: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly size: number;
}

/** The head of a text, taken apart with no judgement; undefined if it has none. */
function readHead(input: Uint8Array): Text | undefined {
  let text = "";
  for (const byte of input.subarray(0, MAX_HEAD + 1)) {
    text += String.fromCharCode(byte);
  }
  const end = text.indexOf("\r\n\r\n");
  if (end < 0 || end + 4 > MAX_HEAD) return undefined;
  const [start = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 1) return undefined;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  if (lines.length > MAX_HEADERS) return undefined;
  return { start, headers, size: end + 4 };
}

const has = (value: string | undefined, member: string): boolean =>
  (value ?? "").toLowerCase().split(",").some((part) =>
    part.replace(/^[ \t]+|[ \t]+$/g, "") === member
  );

interface Parser<Result> {
  push(chunk: Uint8Array): Result | undefined;
}

/** Pushes all pieces; what comes after the answer belongs to its rest. */
function parse<Result extends object>(
  parser: Parser<Result>,
  parts: readonly Uint8Array[],
): { readonly result: Result | undefined; readonly rest: Uint8Array } {
  let result: Result | undefined;
  const rest: Uint8Array[] = [];
  for (const part of parts) {
    const answer = parser.push(part);
    must(
      answer === undefined || result === undefined,
      () => "the parser answers twice",
    );
    if (result !== undefined) rest.push(part);
    else if (answer !== undefined) {
      result = answer;
      if ("rest" in answer && answer.rest instanceof Uint8Array) {
        rest.push(answer.rest);
      }
    }
  }
  return { result, rest: concat(rest) };
}

function sameRest(
  rest: Uint8Array,
  input: Uint8Array,
  size: number,
): void {
  const wanted = input.subarray(size);
  must(
    rest.length === wanted.length &&
      rest.every((byte, i) => byte === wanted[i]),
    () => "the bytes behind the head are others",
  );
}

/** Whatever was accepted was a request to open a WebSocket, by any reading. */
function judgeRequest(
  input: Uint8Array,
  result: WebSocketRequestResult | undefined,
  rest: Uint8Array,
): void {
  const text = readHead(input);
  if (result === undefined) {
    must(
      text === undefined && input.length <= MAX_HEAD,
      () => "a head that has ended, or is too large, gets no answer",
    );
    return;
  }
  if (result.kind === "refusal") {
    const answer = refusalResponse(result.status, result.message);
    must(readHead(answer) !== undefined, () => "the refusal is not HTTP");
    must(
      [400, 403, 404, 405, 426, 431, 503].includes(result.status),
      () => `the status ${result.status}`,
    );
    return;
  }
  must(text !== undefined, () => "a request is accepted that is not whole");
  const { request } = result;
  const { headers } = text;
  must(/^GET [^ ]+ HTTP\/1\.[1-9]$/.test(text.start), () => text.start);
  must(/^\/[\x21-\x7e]*$/.test(request.path), () => `path ${request.path}`);
  must(has(headers.get("upgrade"), "websocket"), () => "no upgrade");
  must(has(headers.get("connection"), "upgrade"), () => "no connection");
  must(headers.get("sec-websocket-version") === "13", () => "no version 13");
  must(headers.has("host"), () => "no host");
  must(!headers.has("transfer-encoding"), () => "a body");
  must(["0", undefined].includes(headers.get("content-length")), () => "body");
  must(headers.get("sec-websocket-key") === request.key, () => "another key");
  must(/^[A-Za-z0-9+/]{22}==$/.test(request.key), () => "key");
  must(headers.get("origin") === request.origin, () => "another origin");
  must(
    request.protocols.every((one) => /^[^\s,;()<>@"\\/[\]?={}]+$/.test(one)),
    () => `protocols ${request.protocols}`,
  );
  const answer = readHead(
    acceptResponse(request.key, request.protocols[0] ?? ""),
  );
  must(
    answer?.headers.get("sec-websocket-accept") === acceptOf(request.key),
    () => "the answer to the key is wrong",
  );
  sameRest(rest, input, text.size);
}

const accepts = new Map<string, string>();

/** By the runtime's own digest. */
function acceptOf(asked: string): string {
  let answer = accepts.get(asked);
  if (answer === undefined) {
    answer = createHash("sha1")
      .update(`${asked}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    if (accepts.size < 10_000) accepts.set(asked, answer);
  }
  return answer;
}

function sameOutcome(
  one: { readonly kind: string } | undefined,
  other: { readonly kind: string } | undefined,
): void {
  // The rest differs with the cut by design; it has been compared already.
  const show = (result: object | undefined) =>
    JSON.stringify(
      result,
      (name, value: unknown) => name === "rest" ? undefined : value,
    );
  must(
    show(one) === show(other),
    () => `in one piece ${show(one)}, in several ${show(other)}`,
  );
}

const request: PureTarget = {
  ...requestSource,
  check(input, random) {
    const whole = parse(new WebSocketRequestParser(), [input.slice()]);
    judgeRequest(input, whole.result, whole.rest);
    const parts = pieces(input, cuts(random, input.length));
    const cut = parse(new WebSocketRequestParser(), parts);
    judgeRequest(input, cut.result, cut.rest);
    sameOutcome(whole.result, cut.result);
  },
};

const ANSWER: readonly string[] = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Accept: ${accept}`,
];

/** Responses to the key of RFC 6455's example. */
export const responseSource: Source = {
  name: "ws-response",
  corpus: [
    acceptResponse(key, ""),
    acceptResponse(key, "chat"),
    head("HTTP/1.1 101 Switching Protocols", "server: x", ...ANSWER),
    head("HTTP/1.1 404 Not Found", "Content-Length: 0"),
    head("HTTP/1.1 302 Found", "Location: ws://elsewhere/"),
    concat([acceptResponse(key, ""), Uint8Array.of(0x81, 0x01, 0x61)]),
    refusalResponse(426, "No"),
  ],
  tokens: TOKENS,
  compose: (random) =>
    composeHead(random, "HTTP/1.1 101 Switching Protocols", [
      ...ANSWER,
      ...(random.oneIn(3) ? ["Sec-WebSocket-Protocol: chat"] : []),
    ]),
};

function judgeResponse(
  input: Uint8Array,
  protocols: readonly string[],
  result: WebSocketResponseResult | undefined,
  rest: Uint8Array,
): void {
  const text = readHead(input);
  if (result === undefined) {
    must(
      text === undefined && input.length <= MAX_HEAD,
      () => "a head that has ended, or is too large, gets no answer",
    );
    return;
  }
  if (result.kind === "fault") return;
  must(text !== undefined, () => "a response is accepted that is not whole");
  const { headers } = text;
  must(/^HTTP\/1\.1 101( |$)/.test(text.start), () => text.start);
  must(headers.get("sec-websocket-accept") === accept, () => "another answer");
  must(headers.get("upgrade")?.toLowerCase() === "websocket", () => "upgrade");
  must(has(headers.get("connection"), "upgrade"), () => "no connection");
  must(
    (headers.get("sec-websocket-extensions") ?? "") === "",
    () => "an extension that nobody offered",
  );
  must(
    protocols.length === 0
      ? result.protocol === ""
      : protocols.includes(result.protocol),
    () => `the protocol ${result.protocol} of ${protocols}`,
  );
  sameRest(rest, input, text.size);
}

const response: PureTarget = {
  ...responseSource,
  check(input, random) {
    const protocols = random.oneIn(3) ? ["superchat", "chat"] : [];
    const make = () => new WebSocketResponseParser({ key, protocols });
    const whole = parse(make(), [input.slice()]);
    judgeResponse(input, protocols, whole.result, whole.rest);
    const cut = parse(make(), pieces(input, cuts(random, input.length)));
    judgeResponse(input, protocols, cut.result, cut.rest);
    sameOutcome(whole.result, cut.result);
  },
};

/** The targets. */
export const HANDSHAKE_TARGETS: readonly PureTarget[] = [request, response];
