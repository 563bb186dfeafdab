import assert from "node:assert/strict";
import {
  Ws,
  type WsConnectOptions,
  type WsListenOptions,
} from "../../adapters/ws.ts";
import {
  acceptResponse,
  refusalResponse,
} from "../../framing/web_socket_handshake.ts";
import type { Address, Fault, NetworkErrorCode } from "../../mod.ts";
import { conforms, isNetworkError } from "../conformance/_nodes.ts";
import { rawConnect } from "../conformance/_raw.ts";
import { KEY_EXAMPLE } from "../vectors/rfc6455.ts";
import {
  rawRequest,
  rawServer,
  RawWebSocket,
  requestText,
  wsRow,
} from "./_web_socket.ts";

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

const refusals: readonly [string, number, string, WsListenOptions][] = [
  [
    "no WebSocket asked for",
    426,
    requestText().replace("Upgrade: websocket\r\n", ""),
    {},
  ],
  [
    "another version",
    426,
    requestText().replace("Version: 13", "Version: 8"),
    {},
  ],
  ["another method", 405, requestText().replace("GET", "POST"), {}],
  ["a bad key", 400, requestText().replace(KEY_EXAMPLE.key, "short"), {}],
  ["no HTTP", 400, "\x16\x03\x01\x02\x00\r\n\r\n", {}],
  ["too large a head", 431, requestText([`X: ${"x".repeat(20_000)}`]), {}],
  ["another path", 404, requestText([], "/other"), { path: "/chat" }],
  ["a path beside those served", 404, requestText([], "/chat/x"), {
    path: ["/chat", "/news"],
  }],
  ["another origin", 403, requestText(["Origin: http://evil"]), {
    origins: ["http://good"],
  }],
  ["no origin", 403, requestText(), { origins: ["http://good"] }],
  ["an origin that the check refuses", 403, requestText(["Origin: http://x"]), {
    origins: (origin) => origin !== "http://x",
  }],
  ["a check that says no", 403, requestText(), { admit: () => false }],
  ["a check that says why not", 401, requestText(), {
    admit: ({ header }) => header("authorization") === "ok" || 401,
  }],
  ["a check that throws", 503, requestText(), {
    admit: () => {
      throw new Error("out of order");
    },
  }],
  ["a check that says nonsense", 503, requestText(), { admit: () => 200 }],
];

for (const [name, status, text, options] of refusals) {
  conforms(
    "Ws",
    `a handshake is refused with ${status}, without an event, and the listener goes on: ${name}`,
    async (world) => {
      const server = world.node("the server");
      const listening = await server.network.listen(Ws, "127.0.0.1:0", options);
      const { peer, head } = await rawRequest(world, listening, text);
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(head, /\r\nConnection: close\r\n/);
      await peer.over();
      assert.deepEqual(server.events, []);
      const { head: second } = await rawRequest(
        world,
        listening,
        requestText(["Origin: http://good", "Authorization: ok"], "/chat?x=1"),
      );
      assert.match(
        second,
        name.startsWith("a check that throws") ||
          name.startsWith("a check that says n")
          ? /^HTTP\/1.1 (403|503)/
          : /^HTTP\/1.1 101 /,
      );
    },
  );
}

conforms("Ws", "the listener is told why it refused", async (world) => {
  const server = world.node("the server");
  const failure = new Error("out of order");
  const faults: Fault[] = [];
  const listenTold: typeof Ws.listen = (host, address, options, events) =>
    Ws.listen(host, address, options, {
      accept: (connection) => {
        const inner = events.accept(connection);
        return inner && {
          ready: () => inner.ready(),
          message: (data, isText, tag) => inner.message(data, isText, tag),
          writable: () => inner.writable(),
          closed: (reason, fault) => {
            if (fault !== undefined) faults.push(fault);
            inner.closed(reason, fault);
          },
          released: () => inner.released(),
        };
      },
      message: (data, hostname, port) => events.message(data, hostname, port),
      writable: () => events.writable(),
      fault: (fault) => faults.push(fault),
    });
  const told = { ...Ws, listen: listenTold };
  const listening = await server.network.listen(told, "127.0.0.1:0", {
    admit: () => {
      throw failure;
    },
  });
  const { peer } = await rawRequest(world, listening, requestText());
  await peer.over();
  assert.deepEqual(faults.map(({ code }) => code), ["protocol"]);
  assert.equal(faults[0]?.cause, failure);
});

conforms(
  "Ws",
  "frames that come with the request are not lost",
  async (world) => {
    const server = world.node("the server");
    const listening = await server.network.listen(Ws, "127.0.0.1:0");
    const peer = await rawConnect(world, wsRow, listening);
    const raw = new RawWebSocket(peer, true, 0);
    peer.socket.cork();
    peer.write(Uint8Array.from(requestText(), (c) => c.charCodeAt(0)));
    raw.send({ opcode: 1, data: "early" }, { opcode: 1, data: "bird" });
    peer.socket.uncork();
    await server.messages(2);
    assert.deepEqual(server.texts(), ["early", "bird"]);
  },
);

conforms(
  "Ws",
  "a request that comes byte by byte is a request",
  async (world) => {
    const server = world.node("the server");
    const listening = await server.network.listen(Ws, "127.0.0.1:0");
    const peer = await rawConnect(world, wsRow, listening);
    for (const character of requestText()) {
      await new Promise<void>((resolve) =>
        peer.socket.write(character, () => resolve())
      );
    }
    await server.event("accepted");
  },
);

conforms(
  "Ws",
  "a client that does not finish its request is left after handshakeTimeoutMs, without an event",
  async (world) => {
    const server = world.node("the server");
    const listening = await server.network.listen(Ws, "127.0.0.1:0", {
      handshakeTimeoutMs: 40,
    });
    const peer = await rawConnect(world, wsRow, listening);
    peer.write(Uint8Array.from("GET / HTTP/1.1\r\n", (c) => c.charCodeAt(0)));
    await peer.over();
    assert.deepEqual(server.events, []);
    const silent = await rawConnect(world, wsRow, listening);
    await silent.over();
    assert.deepEqual(server.events, []);
  },
);

conforms(
  "Ws",
  "a client that leaves inside the handshake is no event",
  async (world) => {
    const server = world.node("the server");
    const listening = await server.network.listen(Ws, "127.0.0.1:0");
    const peer = await rawConnect(world, wsRow, listening);
    peer.write(Uint8Array.from("GET / HT", (c) => c.charCodeAt(0)));
    peer.socket.end();
    await peer.over();
    assert.deepEqual(server.events, []);
  },
);

conforms(
  "Ws",
  "a node that stops tells those inside the handshake",
  async (world) => {
    const server = world.node("the server");
    const listening = await server.network.listen(Ws, "127.0.0.1:0");
    const idle = await rawConnect(world, wsRow, listening);
    const { peer } = await rawRequest(world, listening, requestText());
    await server.event("accepted");
    idle.write(Uint8Array.from("GET / HT", (c) => c.charCodeAt(0)));
    await server.handler.stop();
    await idle.over();
    await peer.over();
    assert.match(latin1(idle.bytes()), /^HTTP\/1.1 503 /);
  },
);

conforms(
  "Ws",
  "the first subprotocol of the server that the client offers is agreed on",
  async (world) => {
    const server = world.node("the server");
    const listening = await server.network.listen(Ws, "127.0.0.1:0", {
      protocols: ["v2", "v1"],
    });
    const { head } = await rawRequest(
      world,
      listening,
      requestText(["Sec-WebSocket-Protocol: v0,v1,v2"]),
    );
    assert.match(head, /\r\nSec-WebSocket-Protocol: v2\r\n/);
    const { head: none } = await rawRequest(
      world,
      listening,
      requestText(["Sec-WebSocket-Protocol: v9"]),
    );
    assert.doesNotMatch(none, /Sec-WebSocket-Protocol/);
    const { head: plain } = await rawRequest(world, listening, requestText());
    assert.match(plain, /^HTTP\/1.1 101 /);
  },
);

const asked: readonly [
  string,
  (port: number) => Address,
  WsConnectOptions,
  RegExp,
][] = [
  [
    "host and port ask for message-io's path",
    (port) => `127.0.0.1:${port}`,
    {},
    /^GET \/message-io-default HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n/,
  ],
  [
    "a URL asks for its path and query",
    (port) => `ws://127.0.0.1:${port}/chat/a?room=1&x=%20`,
    {},
    /^GET \/chat\/a\?room=1&x=%20 HTTP/,
  ],
  [
    "a URL without a path asks for the root",
    (port) => `ws://127.0.0.1:${port}`,
    {},
    /^GET \/ HTTP/,
  ],
  ["subprotocols are offered in order", (port) => `127.0.0.1:${port}`, {
    protocols: ["b", "a"],
  }, /\r\nSec-WebSocket-Protocol: b, a\r\n/],
  ["headers and origin are sent", (port) => `127.0.0.1:${port}`, {
    headers: { Authorization: "Bearer 1" },
    origin: "https://o",
  }, /\r\nAuthorization: Bearer 1\r\nOrigin: https:\/\/o\r\n/],
];

for (const [name, address, options, expected] of asked) {
  conforms("Ws", name, async (world) => {
    let request = "";
    const { port } = await rawServer(world, (head) => {
      request = head;
      const key = /Sec-WebSocket-Key: (\S+)/.exec(head)?.[1] ?? "";
      return latin1(acceptResponse(key, options.protocols?.[1] ?? ""));
    });
    const node = world.node();
    await node.network.connectAsync(Ws, address(port), options);
    assert.match(request, expected);
    assert.match(request, /\r\nSec-WebSocket-Version: 13\r\n/);
  });
}

const failures: readonly [
  string,
  NetworkErrorCode,
  RegExp,
  (head: string) => string | undefined,
][] = [
  [
    "403",
    "protocol",
    /answered 403 Forbidden instead of 101/,
    () => latin1(refusalResponse(403, "No")),
  ],
  [
    "a redirect",
    "protocol",
    /answered 302/,
    () => "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
  ],
  [
    "no HTTP",
    "protocol",
    /not of a WebSocket server/,
    () => "220 ready\r\n\r\n",
  ],
  [
    "a wrong accept value",
    "protocol",
    /Accept/,
    () => latin1(acceptResponse(KEY_EXAMPLE.key, "")),
  ],
];

for (const [name, code, message, answer] of failures) {
  conforms(
    "Ws",
    `a connect that is answered with ${name} fails as ${code}, with the reason`,
    async (world) => {
      const { port } = await rawServer(world, answer);
      const node = world.node();
      await assert.rejects(
        node.network.connectAsync(Ws, `127.0.0.1:${port}`),
        isNetworkError(code, message),
      );
      assert.equal((await node.event("connected")).ok, false);
    },
  );
}

conforms(
  "Ws",
  "a connect whose server says nothing fails as timed-out after handshakeTimeoutMs",
  async (world) => {
    const { port } = await rawServer(world, () => undefined);
    const node = world.node();
    await assert.rejects(
      node.network.connectAsync(Ws, `127.0.0.1:${port}`, {
        handshakeTimeoutMs: 40,
      }),
      isNetworkError("timed-out", /handshake took over 40 ms/),
    );
  },
);

conforms(
  "Ws",
  "a connect whose server hangs up fails as protocol",
  async (world) => {
    const { port } = await rawServer(world, (_head, peer) => {
      peer.socket.end();
      return undefined;
    });
    const node = world.node();
    await assert.rejects(
      node.network.connectAsync(Ws, `127.0.0.1:${port}`),
      isNetworkError("protocol", /inside the handshake/),
    );
  },
);

const misuses: readonly [
  string,
  Address,
  WsConnectOptions,
  NetworkErrorCode,
][] = [
  ["ws and tls", "ws://localhost/", { tls: true }, "tls"],
  ["another scheme", "tcp://localhost:80", {}, "invalid-address"],
  ["a name in memory", "memory:name", {}, "invalid-address"],
  ["no port", "localhost", {}, "invalid-address"],
  ["port 0", "127.0.0.1:0", {}, "invalid-address"],
  [
    "a header with a line end",
    "127.0.0.1:9",
    { headers: { X: "1\r\nY: 2" } },
    "invalid-option",
  ],
  [
    "a header of the handshake",
    "127.0.0.1:9",
    { headers: { Upgrade: "x" } },
    "invalid-option",
  ],
  [
    "an origin with a line end",
    "127.0.0.1:9",
    { origin: "a\nb" },
    "invalid-option",
  ],
  [
    "a subprotocol with a space",
    "127.0.0.1:9",
    { protocols: ["a b"] },
    "invalid-option",
  ],
  [
    "a subprotocol twice",
    "127.0.0.1:9",
    { protocols: ["a", "a"] },
    "invalid-option",
  ],
  [
    "a negative time",
    "127.0.0.1:9",
    { handshakeTimeoutMs: -1 },
    "invalid-option",
  ],
  ["a pong time of 0", "127.0.0.1:9", { pongTimeoutMs: 0 }, "invalid-option"],
];

for (const [name, address, options, code] of misuses) {
  conforms("Ws", `a connect with ${name} throws ${code}`, (world) => {
    const node = world.node();
    assert.throws(
      () => node.network.connect(Ws, address, options),
      isNetworkError(code),
    );
  });
}

conforms(
  "Ws",
  "listening with wss without a certificate, or on paths that are none, is refused",
  async (world) => {
    const { network } = world.node();
    await assert.rejects(
      network.listen(Ws, "wss://127.0.0.1:0"),
      isNetworkError("tls", /tls\.certificate/),
    );
    await assert.rejects(
      network.listen(Ws, "127.0.0.1:0", { path: "chat" }),
      isNetworkError("invalid-option"),
    );
    await assert.rejects(
      network.listen(Ws, "127.0.0.1:0", { path: "/chat?x" }),
      isNetworkError("invalid-option"),
    );
  },
);

conforms(
  "Ws",
  "a listener on a URL with a path serves that path alone",
  async (world) => {
    const server = world.node("the server");
    const listening = await server.network.listen(Ws, "ws://127.0.0.1:0/chat");
    const { head } = await rawRequest(
      world,
      listening,
      requestText([], "/chat?x"),
    );
    assert.match(head, /^HTTP\/1.1 101 /);
    const { head: other } = await rawRequest(world, listening, requestText());
    assert.match(other, /^HTTP\/1.1 404 /);
  },
);
