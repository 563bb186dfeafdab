import assert from "node:assert/strict";
import {
  refusesWebSocketRequest,
  webSocketKey,
  webSocketRequest,
  WebSocketResponseParser,
} from "../../framing/web_socket_client_handshake.ts";
import type { WebSocketClientRequest } from "../../framing/web_socket_client_handshake.ts";
import {
  acceptResponse,
  refusalResponse,
  webSocketAccept,
  WebSocketRequestParser,
} from "../../framing/web_socket_handshake.ts";
import type { WebSocketRequestResult } from "../../framing/web_socket_handshake.ts";
import { KEY_EXAMPLE } from "../vectors/rfc6455.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";
import { cut, cuttings, joined, utf8 } from "./_web_socket_frames.ts";

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const bytes = (text: string): Uint8Array =>
  Uint8Array.from(text, (c) => c.charCodeAt(0));

/** A good request with some lines replaced (undefined: left out) or added. */
function requestText(
  changes: Record<string, string | undefined> = {},
  line = "GET /chat?room=1 HTTP/1.1",
): string {
  const headers: Record<string, string | undefined> = {
    Host: "example.com:8080",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": KEY_EXAMPLE.key,
    "Sec-WebSocket-Version": "13",
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`]
  );
  return [line, ...lines, "", ""].join("\r\n");
}

function parsed(
  chunks: readonly Uint8Array[],
): WebSocketRequestResult | undefined {
  const parser = new WebSocketRequestParser();
  let result: WebSocketRequestResult | undefined;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (result !== undefined) {
      rest.push(chunk);
      assert.equal(parser.push(chunk), undefined);
    } else result = parser.push(chunk);
  }
  if (result?.kind !== "request") return result;
  return { ...result, rest: joined([result.rest, ...rest]) };
}

function accepted(
  text: string,
): Extract<WebSocketRequestResult, { kind: "request" }> {
  const result = parsed([bytes(text)]);
  assert.ok(result?.kind === "request", JSON.stringify(result));
  return result;
}

test("the accept value and the key are those of the RFC's example", () => {
  assert.equal(webSocketAccept(KEY_EXAMPLE.key), KEY_EXAMPLE.accept);
  assert.equal(webSocketKey(utf8(KEY_EXAMPLE.nonce)), KEY_EXAMPLE.key);
  assert.match(webSocketKey(), /^[A-Za-z0-9+/]{22}==$/);
  assert.notEqual(webSocketKey(), webSocketKey());
});

test("a request is understood however it is cut, and what follows it is kept", () => {
  const whole = joined([
    bytes(
      requestText({
        Origin: "https://example.com",
        "Sec-WebSocket-Protocol": "chat.v2,  chat.v1",
        "X-Token": " caf\xe9 ",
      }),
    ),
    Uint8Array.of(0x81, 0x80, 1, 2, 3, 4),
  ]);
  for (const [how, chunks] of cuttings(whole)) {
    const result = parsed(chunks);
    assert.ok(result?.kind === "request", how);
    const { request } = result;
    assert.equal(request.path, "/chat?room=1");
    assert.equal(request.origin, "https://example.com");
    assert.deepEqual(request.protocols, ["chat.v2", "chat.v1"]);
    assert.equal(request.key, KEY_EXAMPLE.key);
    assert.equal(request.header("x-token"), "caf\xe9");
    assert.equal(request.header("x-none"), undefined);
    assert.deepEqual(result.rest, Uint8Array.of(0x81, 0x80, 1, 2, 3, 4), how);
  }
});

test("requests that real clients send are accepted", () => {
  accepted(requestText({ Connection: "keep-alive, Upgrade" }));
  accepted(requestText({ Connection: "upgrade", Upgrade: "WebSocket" }));
  accepted(
    requestText({
      "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    }),
  );
  accepted(requestText({ "Content-Length": "0" }));
  assert.equal(
    accepted(requestText({}, "GET http://example.com HTTP/1.1")).request.path,
    "/",
  );
  assert.equal(
    accepted(requestText({}, "GET http://example.com/a?b HTTP/1.1")).request
      .path,
    "/a?b",
  );
  assert.equal(
    accepted(requestText({ Origin: undefined })).request.origin,
    undefined,
  );
  accepted(requestText({ Host: "[::1]:80" }));
  accepted(requestText({ Host: "" }));
});

const refusals: readonly [string, number, string][] = [
  ["no upgrade", 426, requestText({ Upgrade: undefined })],
  ["another upgrade", 426, requestText({ Upgrade: "h2c" })],
  ["no connection header", 400, requestText({ Connection: undefined })],
  [
    "connection without upgrade",
    400,
    requestText({ Connection: "keep-alive" }),
  ],
  ["an old version", 426, requestText({ "Sec-WebSocket-Version": "8" })],
  ["no version", 426, requestText({ "Sec-WebSocket-Version": undefined })],
  ["no key", 400, requestText({ "Sec-WebSocket-Key": undefined })],
  [
    "a short key",
    400,
    requestText({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZQ==" }),
  ],
  [
    "a key with bits left over",
    400,
    requestText({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZR==" }),
  ],
  ["two keys", 400, requestText({ "sec-websocket-key": KEY_EXAMPLE.key })],
  ["no host", 400, requestText({ Host: undefined })],
  ["two hosts", 400, requestText({ host: "other" })],
  ["POST", 405, requestText({}, "POST / HTTP/1.1")],
  ["HTTP/1.0", 400, requestText({}, "GET / HTTP/1.0")],
  ["HTTP/2", 400, requestText({}, "GET / HTTP/2.0")],
  ["a target that is no path", 400, requestText({}, "GET chat HTTP/1.1")],
  ["two spaces", 400, requestText({}, "GET  / HTTP/1.1")],
  ["a body", 400, requestText({ "Content-Length": "5" })],
  ["a chunked body", 400, requestText({ "Transfer-Encoding": "chunked" })],
  [
    "a subprotocol that is no token",
    400,
    requestText({ "Sec-WebSocket-Protocol": "a b" }),
  ],
  [
    "a subprotocol twice",
    400,
    requestText({ "Sec-WebSocket-Protocol": "a, a" }),
  ],
  ["a folded header", 400, requestText({ "X-A": "1\r\n 2" })],
  ["a space before the colon", 400, requestText({ "X-A ": "1" })],
  ["a line without colon", 400, requestText().replace("Host:", "Host")],
  ["bare line feeds", 400, requestText().replaceAll("\r\n", "\n")],
  ["a carriage return inside a line", 400, requestText({ "X-A": "1\r2" })],
  ["a null character", 400, requestText({ "X-A": "1\x002" })],
  ["a TLS client hello", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  [
    "too many headers",
    431,
    requestText(
      Object.fromEntries(Array.from({ length: 97 }, (_, i) => [`X-${i}`, "1"])),
    ),
  ],
  ["too large a head", 431, requestText({ "X-Large": "x".repeat(16_384) })],
  ["a line that never ends", 431, `GET /${"x".repeat(20_000)}`],
];

for (const [name, status, text] of refusals) {
  test(`a request is refused with ${status}: ${name}`, () => {
    for (const [how, chunks] of cuttings(bytes(text))) {
      const result = parsed(chunks);
      assert.ok(result?.kind === "refusal", how);
      assert.equal(result.status, status, `${how}: ${result.message}`);
      assert.ok(result.message.length > 0);
    }
  });
}

test("a request of exactly the limit is accepted", () => {
  const text = requestText({ "X-Fill": "" });
  accepted(requestText({ "X-Fill": "x".repeat(16_384 - text.length) }));
});

test("the parsers never throw, whatever comes", () => {
  const line = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "GET / HTTP/1.1",
      "HTTP/1.1 101 x",
      "Host: a",
      "Upgrade: websocket",
      ":",
      "a:",
      " x: y",
    ),
  );
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(200)), (lines, cuts) => {
      const chunks = cut(utf8(`${lines.join("\r\n")}\r\n\r\n`), cuts);
      parsed(chunks);
      const parser = new WebSocketResponseParser({ key: KEY_EXAMPLE.key });
      for (const chunk of chunks) parser.push(chunk);
    }),
    { numRuns: 300 },
  );
});

test("a refusal is a whole HTTP response that ends the connection", () => {
  for (const status of [400, 403, 404, 405, 426, 431, 503, 418]) {
    const [head = "", body = ""] = latin1(refusalResponse(status, "No entry"))
      .split("\r\n\r\n");
    assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
    assert.match(head, /\r\nConnection: close(\r\n|$)/);
    assert.match(
      head,
      new RegExp(`\r\nContent-Length: ${body.length}(\r\n|$)`),
    );
    assert.equal(body, "No entry\n");
    assert.equal(/\r\nSec-WebSocket-Version: 13/.test(head), status === 426);
    assert.equal(/\r\nUpgrade: websocket/.test(head), status === 426);
    assert.equal(/\r\nAllow: GET/.test(head), status === 405);
  }
});

const ask = (
  more: Partial<WebSocketClientRequest> = {},
): WebSocketClientRequest => ({
  path: "/message-io-default",
  host: "127.0.0.1:3044",
  key: KEY_EXAMPLE.key,
  ...more,
});

test("our request is understood by our server, and its answer by our client", () => {
  const request = ask({
    protocols: ["b", "a"],
    headers: { Origin: "http://x", Authorization: "Bearer 1" },
  });
  const seen = accepted(latin1(webSocketRequest(request))).request;
  assert.equal(seen.path, "/message-io-default");
  assert.equal(seen.header("host"), "127.0.0.1:3044");
  assert.equal(seen.header("authorization"), "Bearer 1");
  assert.equal(seen.origin, "http://x");
  assert.deepEqual(seen.protocols, ["b", "a"]);
  const answer = joined([
    acceptResponse(seen.key, "a"),
    Uint8Array.of(0x89, 0),
  ]);
  for (const [how, chunks] of cuttings(answer)) {
    const parser = new WebSocketResponseParser(request);
    const rest: Uint8Array[] = [];
    let protocol: string | undefined;
    for (const chunk of chunks) {
      const result = parser.push(chunk);
      if (protocol !== undefined) rest.push(chunk);
      if (result === undefined) continue;
      assert.ok(result.kind === "accepted", how);
      protocol = result.protocol;
      rest.push(result.rest);
    }
    assert.equal(protocol, "a");
    assert.deepEqual(joined(rest), Uint8Array.of(0x89, 0), how);
  }
});

test("what would make two requests of one is refused", () => {
  const bad: Partial<WebSocketClientRequest>[] = [
    { path: "" },
    { path: "chat" },
    { path: "/a b" },
    { path: "/a\r\nX: 1" },
    { path: "/é" },
    { host: "" },
    { host: "a\r\nX: 1" },
    { protocols: ["a b"] },
    { protocols: ["a\r\nX: 1"] },
    { protocols: [""] },
    { protocols: ["a", "a"] },
    { headers: { "X\r\nY": "1" } },
    { headers: { "": "1" } },
    { headers: { X: "1\r\nY: 2" } },
    { headers: { X: "1\nY: 2" } },
    { headers: { X: "\u0000" } },
    { headers: { X: "€" } },
    { headers: { Upgrade: "h2c" } },
    { headers: { HOST: "other" } },
    { headers: { "Sec-WebSocket-Key": "x" } },
  ];
  for (const part of bad) {
    assert.equal(
      typeof refusesWebSocketRequest(ask(part)),
      "string",
      JSON.stringify(part),
    );
    assert.throws(() => webSocketRequest(ask(part)), TypeError);
  }
  assert.equal(
    refusesWebSocketRequest(ask({ headers: { "X-A": "b c" } })),
    undefined,
  );
  assert.throws(() => acceptResponse(KEY_EXAMPLE.key, "a\r\nb"), TypeError);
});

const good = latin1(acceptResponse(KEY_EXAMPLE.key, ""));
const answers: readonly [string, number | undefined, string, string[]?][] = [
  ["a plain page", 200, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ["a redirect", 302, "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n"],
  ["a refusal", 403, latin1(refusalResponse(403, "No"))],
  ["no reason phrase", 404, "HTTP/1.1 404\r\n\r\n"],
  ["HTTP/1.0", undefined, good.replace("HTTP/1.1", "HTTP/1.0")],
  ["no HTTP", undefined, "220 smtp.example.com ESMTP\r\n\r\n"],
  ["bytes", undefined, "\x00\x01\x02\x03"],
  ["no upgrade", 101, good.replace("Upgrade: websocket\r\n", "")],
  ["another upgrade", 101, good.replace("Upgrade: websocket", "Upgrade: h2c")],
  ["no connection", 101, good.replace("Connection: Upgrade\r\n", "")],
  [
    "a wrong accept value",
    101,
    good.replace(KEY_EXAMPLE.accept, "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
  ],
  [
    "no accept value",
    101,
    good.replace(`Sec-WebSocket-Accept: ${KEY_EXAMPLE.accept}\r\n`, ""),
  ],
  [
    "an extension",
    101,
    good.replace(
      "\r\n\r\n",
      "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    ),
  ],
  [
    "a subprotocol not offered",
    101,
    latin1(acceptResponse(KEY_EXAMPLE.key, "x")),
  ],
  ["another subprotocol", 101, latin1(acceptResponse(KEY_EXAMPLE.key, "x")), [
    "y",
  ]],
  ["no subprotocol of those offered", 101, good, ["y"]],
];

for (const [name, status, text, protocols] of answers) {
  test(`an answer is a fault: ${name}`, () => {
    for (const [how, chunks] of cuttings(bytes(text))) {
      const parser = new WebSocketResponseParser({
        key: KEY_EXAMPLE.key,
        protocols: protocols ?? [],
      });
      const results = chunks.map((chunk) => parser.push(chunk)).filter((one) =>
        one !== undefined
      );
      assert.equal(results.length, 1, how);
      assert.ok(results[0]?.kind === "fault", how);
      assert.equal(results[0].status, status, results[0].message);
    }
  });
}
