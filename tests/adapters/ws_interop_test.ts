import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { createServer } from "node:http";
import process from "node:process";
import { type WebSocket as NpmWebSocket, WebSocketServer } from "ws";
import WebSocketClient from "ws";
import { attachWebSocket, WebSocketClose, Ws, ws } from "../../adapters/ws.ts";
import { Ws as ClientWs } from "../../adapters/ws_client.ts";
import { createNode } from "../../mod.ts";
import { fc } from "../_property.ts";
import {
  conforms,
  isNetworkError,
  pattern,
  type World,
} from "../conformance/_nodes.ts";
import { tempSocketPath } from "../_support.ts";

/** A server of the `ws` package. */
async function npmServer(
  world: World,
  greet: (socket: NpmWebSocket) => void,
): Promise<number> {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  sockets.on("connection", greet);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  world.defer(async () => {
    for (const socket of sockets.clients) socket.terminate();
    await new Promise<void>((resolve) => sockets.close(() => resolve()));
    http.closeAllConnections?.();
    await new Promise<void>((resolve) => http.close(() => resolve()));
  });
  const address = http.address();
  assert(address !== null && typeof address !== "string");
  return address.port;
}

/** A client of the `ws` package, open. */
async function npmClient(
  world: World,
  url: string,
  protocols: string[] = [],
): Promise<
  {
    socket: WebSocketClient;
    received: unknown[];
    closed: Promise<[number, string]>;
  }
> {
  const socket = new WebSocketClient(url, protocols);
  const received: unknown[] = [];
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    received.push(isBinary ? new Uint8Array(data) : data.toString());
  });
  const closed = new Promise<[number, string]>((resolve) => {
    socket.on(
      "close",
      (code: number, reason: Buffer) => resolve([code, reason.toString()]),
    );
  });
  world.defer(async () => {
    socket.terminate();
    await closed;
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => resolve());
    socket.once("error", reject);
  });
  return { socket, received, closed };
}

conforms(
  "Ws",
  "the ws package's client talks to our server, text and bytes, small and large",
  async (world) => {
    const server = world.node("the server");
    server.onEvent = (event) => {
      if (event.type === "message") {
        server.network.send(
          event.endpoint,
          event.data,
          { text: event.isText },
        );
      }
    };
    const { address } = await server.network.listen(Ws, "127.0.0.1:0", {
      protocols: ["b"],
    });
    const { socket, received, closed } = await npmClient(
      world,
      `ws://127.0.0.1:${address.port}/x?y`,
      ["a", "b"],
    );
    assert.equal(socket.protocol, "b");
    const sent = [
      "héllo",
      pattern(0),
      pattern(125),
      pattern(65_536),
      pattern(1 << 20),
      "",
    ];
    for (const message of sent) socket.send(message);
    await server.messages(sent.length);
    const { endpoint } = await server.event("accepted");
    server.remove(endpoint.resourceId, {
      drain: true,
      code: 4321,
      reason: "done",
    });
    assert.deepEqual(await closed, [4321, "done"]);
    assert.deepEqual(received, sent);
  },
);

conforms(
  "Ws",
  "our client talks to the ws package's server, and hears how it closes",
  async (world) => {
    const sent = [
      "héllo",
      pattern(0),
      pattern(125),
      pattern(65_536),
      pattern(1 << 20),
      "",
    ];
    const port = await npmServer(world, (socket) => {
      let count = 0;
      socket.on("message", (data: Buffer, isBinary: boolean) => {
        socket.send(data, { binary: isBinary });
        count += 1;
        if (count === sent.length) socket.close(4002, "enough");
      });
    });
    const node = world.node();
    const endpoint = await node.network.connectAsync(
      Ws,
      `ws://127.0.0.1:${port}/`,
    );
    for (const message of sent) node.network.send(endpoint, message);
    const { reason, error } = await node.event("disconnected");
    assert.equal(reason, "closed");
    assert(error?.cause instanceof WebSocketClose);
    assert.equal(error.cause.code, 4002);
    assert.equal(error.cause.reason, "enough");
    const received = node.all("message").map(({ data, isText }) =>
      isText ? new TextDecoder().decode(data) : Uint8Array.from(data)
    );
    assert.deepEqual(received, sent);
  },
);

conforms(
  "Ws",
  "any messages survive the way to the ws package and back",
  async (world) => {
    const port = await npmServer(world, (socket) => {
      socket.on(
        "message",
        (data: Buffer, isBinary: boolean) =>
          socket.send(data, { binary: isBinary }),
      );
    });
    const node = world.node();
    const endpoint = await node.network.connectAsync(Ws, `127.0.0.1:${port}`);
    let done = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.string({ unit: "binary" }),
            fc.uint8Array({ maxLength: 2000 }),
          ),
        ),
        async (messages) => {
          for (const message of messages) {
            node.network.send(
              endpoint,
              message,
            );
          }
          await node.messages(done + messages.length);
          const received = node.all("message").slice(done).map((
            { data, isText },
          ) =>
            isText
              ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(data)
              : Uint8Array.from(data)
          );
          done += messages.length;
          assert.deepEqual(
            received,
            messages.map((message) =>
              typeof message === "string" ? message : Uint8Array.from(message)
            ),
          );
        },
      ),
      { numRuns: 50 },
    );
  },
);

conforms(
  "Ws",
  "sendAll shares one frame among the connections of a server",
  async (world) => {
    const server = world.node("the server");
    const { address } = await server.network.listen(Ws, "127.0.0.1:0");
    const clients = [world.node("one"), world.node("two"), world.node("three")];
    for (const client of clients) {
      await client.network.connectAsync(
        Ws,
        `127.0.0.1:${address.port}`,
      );
    }
    await server.event("accepted", 2);
    const endpoints = server.all("accepted").map(({ endpoint }) => endpoint);
    server.network.sendAll(endpoints, "to all");
    server.network.sendAll(endpoints, pattern(100_000));
    for (const client of clients) {
      await client.messages(2);
      const [first, second] = client.all("message");
      assert.equal(first?.isText, true);
      assert.equal(client.texts()[0], "to all");
      assert.deepEqual(Uint8Array.from(second?.data ?? []), pattern(100_000));
    }
  },
);

if (process.platform !== "win32") {
  conforms(
    "Ws",
    "connections over a Unix path are as those over TCP",
    async (world) => {
      const server = world.node("the server");
      const path = tempSocketPath();
      await server.network.listen(Ws, { path });
      const client = world.node("the client");
      const endpoint = await client.network.connectAsync(Ws, { path });
      client.network.send(endpoint, "over a path");
      await server.messages(1);
      assert.deepEqual(server.texts(), ["over a path"]);
    },
  );
}

conforms(
  "Ws",
  "the runtime's own client and server are there by choice, and speak with ours",
  async (world) => {
    const native = ws({ engine: "native" });
    for (
      const [listening, connecting] of [[Ws, native], [native, Ws], [
        native,
        native,
      ], [Ws, ClientWs]] as const
    ) {
      const server = world.node("the server");
      server.onEvent = (event) => {
        if (event.type === "message") {
          server.network.send(event.endpoint, event.data, {
            text: event.isText,
          });
        }
      };
      const { address } = await server.network.listen(
        listening,
        "127.0.0.1:0",
        { protocols: ["p"] },
      );
      const client = world.node("the client");
      const endpoint = await client.network.connectAsync(
        connecting,
        `ws://127.0.0.1:${address.port}/`,
        { protocols: ["p"] },
      );
      client.network.send(endpoint, "text");
      client.network.send(endpoint, pattern(100_000));
      await client.messages(2);
      const [first, second] = client.all("message");
      assert.equal(first?.isText, true);
      assert.deepEqual(Uint8Array.from(second?.data ?? []), pattern(100_000));
      client.remove(endpoint.resourceId, { code: 4005, reason: "bye" });
      const { reason, error } = await server.event("disconnected");
      assert.equal(reason, "closed");
      assert(error?.cause instanceof WebSocketClose);
      assert.equal(error.cause.code, 4005);
    }
  },
);

conforms(
  "Ws",
  "a refusal of ours fails the runtime's own client",
  async (world) => {
    const server = world.node("the server");
    const { address } = await server.network.listen(Ws, "127.0.0.1:0", {
      admit: () => false,
    });
    const client = world.node("the client");
    const endpoint = client.network.connect(
      ws({ engine: "native" }),
      `127.0.0.1:${address.port}`,
    );
    const { ok } = await client.event("connected");
    assert.equal(ok, false);
    assert.equal(client.network.isReady(endpoint.resourceId), undefined);
  },
);

conforms(
  "Ws",
  "the runtime's own client refuses what it has no means for",
  (world) => {
    const { network } = world.node();
    const native = ws({ engine: "native" });
    for (
      const options of [{ pingIntervalMs: 1 }, { keepAliveMs: 1000 }, {
        handshakeTimeoutMs: 1,
      }, { sourceAddress: { hostname: "127.0.0.1" } }]
    ) {
      assert.throws(
        () => network.connect(native, "127.0.0.1:9", options),
        isNetworkError("not-supported"),
      );
    }
    assert.throws(
      () => network.connect(native, { path: "/x" }),
      isNetworkError("invalid-address"),
    );
  },
);

conforms("Ws", "the browser's entry listens nowhere", async (world) => {
  await assert.rejects(
    world.node().network.listen(ClientWs, "127.0.0.1:0"),
    isNetworkError("not-supported"),
  );
});

conforms(
  "Ws",
  "a WebSocket that the user's server upgraded can be attached",
  async (world) => {
    const node = world.node();
    const port = await npmServer(world, (socket) => {
      node.network.attach(
        attachWebSocket(socket, {
          peerAddress: { hostname: "192.0.2.1", port: 7 },
          maxMessageSize: 1000,
        }),
      );
    });
    const { socket, received, closed } = await npmClient(
      world,
      `ws://127.0.0.1:${port}`,
    );
    const { endpoint, listener } = await node.event("accepted");
    assert.equal(listener, undefined);
    assert.equal(endpoint.address.hostname, "192.0.2.1");
    assert.equal(node.network.isReady(endpoint.resourceId), true);
    socket.send("text");
    socket.send(pattern(1000));
    await node.messages(2);
    const [first, second] = node.all("message");
    assert.equal(first?.isText, true);
    assert.deepEqual(Uint8Array.from(second?.data ?? []), pattern(1000));
    node.network.send(endpoint, "answer");
    node.remove(endpoint.resourceId, { code: 4010, reason: "over" });
    assert.deepEqual(await closed, [4010, "over"]);
    assert.deepEqual(received, ["answer"]);
  },
);

conforms(
  "Ws",
  "an attached WebSocket that ends is disconnected, with its code; a message above the limit ends it",
  async (world) => {
    const node = world.node();
    const port = await npmServer(world, (socket) => {
      node.network.attach(attachWebSocket(socket, { maxMessageSize: 10 }));
    });
    const first = await npmClient(world, `ws://127.0.0.1:${port}`);
    await node.event("accepted");
    first.socket.close(4000, "x");
    const { error } = await node.event("disconnected");
    assert(error?.cause instanceof WebSocketClose);
    assert.equal(error.cause.code, 4000);
    const second = await npmClient(world, `ws://127.0.0.1:${port}`);
    await node.event("accepted", 1);
    second.socket.send(pattern(11));
    assert.equal(
      (await node.event("disconnected", 1)).reason,
      "message-too-big",
    );
    assert.equal((await second.closed)[0], 4009);
  },
);

conforms(
  "Ws",
  "what is no open WebSocket, or attached twice, is refused",
  async (world) => {
    const attachments: ReturnType<typeof attachWebSocket>[] = [];
    const port = await npmServer(
      world,
      (socket) => attachments.push(attachWebSocket(socket)),
    );
    const { socket } = await npmClient(world, `ws://127.0.0.1:${port}`);
    const node = world.node();
    await new Promise<void>((resolve) => {
      const look = () =>
        attachments.length > 0 ? resolve() : setTimeout(look, 1);
      look();
    });
    const [attachment] = attachments;
    assert(attachment !== undefined);
    node.network.attach(attachment);
    assert.throws(
      () => node.network.attach(attachment),
      isNetworkError("invalid-option"),
    );
    socket.terminate();
    await node.event("disconnected");
    const { handler } = createNode();
    assert.throws(
      () => handler.network.attach(attachWebSocket(socket)),
      isNetworkError("invalid-option"),
    );
    await handler.stop();
  },
);

conforms("Ws", "an engine that does not exist is refused", async (world) => {
  const engine: unknown = "fast";
  const transport = ws({ engine } as { engine: "auto" });
  const { network } = world.node();
  assert.throws(
    () => network.connect(transport, "ws://127.0.0.1:1"),
    isNetworkError("invalid-option", /engine/),
  );
  await assert.rejects(
    network.listen(transport, "127.0.0.1:0"),
    isNetworkError("invalid-option", /engine/),
  );
});
