/** The limits that are set hold, to the byte and to the piece, on both sides. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import {
  type Endpoint,
  Udp,
  Ws,
  ws,
  type WsConnectOptions,
  type WsListenOptions,
} from "../../mod.ts";
import { acceptResponse } from "../../framing/web_socket_handshake.ts";
import {
  rawClient,
  rawRequest,
  rawServer,
  requestText,
} from "../adapters/_web_socket.ts";
import { conforms, isNetworkError, utf8 } from "../conformance/_nodes.ts";
import { framesBytes, type FrameSpec } from "../framing/_web_socket_frames.ts";

/** A message of so many frames, all but the last empty. */
function inFragments(count: number): FrameSpec[] {
  return Array.from({ length: count }, (_, index) => ({
    opcode: index === 0 ? 2 : 0,
    fin: index === count - 1,
    data: index === count - 1 ? "whole" : "",
  }));
}

/** The response that accepts a request, with lines of one's own. */
function responseText(requestHead: string, lines: readonly string[]): string {
  const key = /Sec-WebSocket-Key: (\S+)/.exec(requestHead)?.[1] ?? "";
  const head = String.fromCharCode(...acceptResponse(key, ""));
  return [head.slice(0, -4), ...lines, "", ""].join("\r\n");
}

conforms(
  "Ws",
  "a listener takes as many fragments as maxFragments says, and not one more",
  async (world) => {
    const { server, raw } = await rawClient(world, { maxFragments: 3 });
    raw.peer.write(framesBytes(inFragments(3), true));
    await server.messages(1);
    raw.peer.write(framesBytes(inFragments(4), true));
    const event = await server.event("disconnected");
    assert.equal(event.reason, "message-too-big");
    assert.match(String(event.error?.message), /more than 3 fragments/);
    await raw.peer.over();
    assert.match(String(raw.log().at(-1)), /^close 1009 /);
    assert.deepEqual(server.texts(), ["whole"]);
  },
);

conforms(
  "Ws",
  "a client takes as many fragments as maxFragments says, and not one more",
  async (world) => {
    const { port, sockets } = await rawServer(
      world,
      (head) => responseText(head, []),
    );
    const client = world.node();
    await client.network.connectAsync(Ws, `127.0.0.1:${port}`, {
      maxFragments: 1,
    });
    const raw = sockets[0] ?? assert.fail();
    raw.send({ opcode: 2, data: "whole" }, ...inFragments(2));
    const event = await client.event("disconnected");
    assert.equal(event.reason, "message-too-big");
    assert.deepEqual(client.texts(), ["whole"]);
  },
);

const bare = requestText().length;
const REQUESTS: readonly [string, WsListenOptions, string, number][] = [
  [
    "a request of maxHandshakeSize",
    { maxHandshakeSize: bare },
    requestText(),
    101,
  ],
  [
    "a request of a byte more",
    { maxHandshakeSize: bare - 1 },
    requestText(),
    431,
  ],
  [
    "a request above the default size, where more is allowed",
    { maxHandshakeSize: 100_000 },
    requestText([`Cookie: ${"a".repeat(60_000)}`]),
    101,
  ],
  ["a request of maxHeaders", { maxHeaders: 5 }, requestText(), 101],
  ["a request of a header more", { maxHeaders: 4 }, requestText(), 431],
  [
    "a request of more headers than the default, where more are allowed",
    { maxHeaders: 300 },
    requestText(Array.from({ length: 295 }, () => "X: 1")),
    101,
  ],
];

for (const [what, options, text, status] of REQUESTS) {
  conforms("Ws", `${what} is answered with ${status}`, async (world) => {
    const server = world.node();
    const listening = await server.network.listen(Ws, "127.0.0.1:0", options);
    const { peer, head } = await rawRequest(world, listening, text);
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
    if (status === 101) await server.event("accepted");
    else {
      await peer.over();
      assert.equal(server.count("accepted"), 0);
    }
  });
}

// The accepting response of this library has 3 headers.
const accepting = responseText(requestText(), []).length;
const RESPONSES: readonly [string, WsConnectOptions, string[], boolean][] = [
  [
    "a response of maxHandshakeSize is taken",
    { maxHandshakeSize: accepting },
    [],
    true,
  ],
  [
    "a response of a byte more fails the connect",
    { maxHandshakeSize: accepting - 1 },
    [],
    false,
  ],
  [
    "a response above the default size is taken where more is allowed",
    { maxHandshakeSize: 100_000 },
    [`Set-Cookie: ${"a".repeat(60_000)}`],
    true,
  ],
  ["a response of maxHeaders is taken", { maxHeaders: 3 }, [], true],
  [
    "a response of a header more fails the connect",
    { maxHeaders: 3 },
    ["X: 1"],
    false,
  ],
  [
    "a response of more headers than the default is taken where more are allowed",
    { maxHeaders: 300 },
    Array.from({ length: 290 }, () => "X: 1"),
    true,
  ],
];

for (const [what, options, lines, isTaken] of RESPONSES) {
  conforms("Ws", what, async (world) => {
    const { port } = await rawServer(
      world,
      (head) => responseText(head, lines),
    );
    const { network } = world.node();
    const connected = network.connectAsync(Ws, `127.0.0.1:${port}`, options);
    if (isTaken) await connected;
    else {
      await assert.rejects(
        connected,
        isNetworkError("protocol", /The head (?:is larger|has more) than/),
      );
    }
  });
}

const NATIVE = ["maxFragments", "maxHandshakeSize", "maxHeaders"] as const;

for (const name of NATIVE) {
  conforms(
    "Ws",
    `the runtime's own WebSockets refuse ${name}, which they have no means for`,
    async (world) => {
      const { network } = world.node();
      const native = ws({ engine: "native" });
      assert.throws(
        () => network.connect(native, "127.0.0.1:9", { [name]: 10 }),
        isNetworkError("not-supported", new RegExp(name)),
      );
      await assert.rejects(
        network.listen(native, "127.0.0.1:0", { [name]: 10 }),
        isNetworkError("not-supported", new RegExp(name)),
      );
    },
  );
}

for (const maxKnownPeers of [1, 2]) {
  conforms(
    "Udp",
    `a listener that knows ${maxKnownPeers} of two senders ${
      maxKnownPeers === 1 ? "meets each anew" : "has one endpoint for each"
    }`,
    async (world) => {
      const server = world.node();
      const { address } = await server.network.listen(Udp, "127.0.0.1:0", {
        maxKnownPeers,
      });
      const senders = [createSocket("udp4"), createSocket("udp4")];
      for (const sender of senders) {
        world.defer(() =>
          new Promise<void>((resolve) => sender.close(() => resolve()))
        );
      }
      const met: Endpoint[] = [];
      for (const sender of [...senders, ...senders]) {
        sender.send(utf8("here"), address.port, "127.0.0.1");
        met.push((await server.event("message", met.length)).endpoint);
      }
      const [first, second, firstAgain, secondAgain] = met;
      assert.notEqual(first, second);
      assert.equal(first === firstAgain, maxKnownPeers === 2);
      assert.equal(second === secondAgain, maxKnownPeers === 2);
      assert.equal(String(first), String(firstAgain));
    },
  );
}
