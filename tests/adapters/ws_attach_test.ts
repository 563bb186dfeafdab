import assert from "node:assert/strict";
import { attachWebSocket, Ws } from "../../adapters/ws.ts";
import {
  type BunServerWebSocket,
  createBunWebSocketHandlers,
} from "../../runtime/bun_web_socket.ts";
import type { SocketAddress, WebSocketSocket } from "../../runtime/driver.ts";
import {
  conforms,
  pattern,
  type TestNode,
  turns,
} from "../conformance/_nodes.ts";
import { runtimeName } from "../_support.ts";

/** A client of our own says this and that, and closes; `attaching` has been handed its socket. */
async function talk(
  attaching: TestNode,
  client: TestNode,
  port: number,
): Promise<void> {
  attaching.onEvent = (event) => {
    if (event.type === "message") {
      attaching.network.send(event.endpoint, event.data, {
        text: event.isText,
      });
    }
  };
  const endpoint = await client.network.connectAsync(
    Ws,
    `ws://127.0.0.1:${port}/`,
  );
  const accepted = await attaching.event("accepted");
  assert.equal(accepted.listener, undefined);
  client.network.send(endpoint, "text");
  client.network.send(endpoint, pattern(300_000));
  await client.messages(2);
  const [first, second] = client.all("message");
  assert.equal(first?.isText, true);
  assert.equal(client.texts()[0], "text");
  assert.deepEqual(Uint8Array.from(second?.data ?? []), pattern(300_000));
  client.remove(endpoint.resourceId, { code: 4006 });
  const { reason, error } = await attaching.event("disconnected");
  assert.equal(reason, "closed");
  assert.match(error?.message ?? "", /4006/);
}

if (runtimeName === "deno") {
  conforms(
    "Ws",
    "a socket of Deno.upgradeWebSocket can be attached while it still opens",
    async (world) => {
      const attaching = world.node("the server");
      const server = Deno.serve({
        hostname: "127.0.0.1",
        port: 0,
        onListen: () => {},
      }, (request) => {
        const { socket, response } = Deno.upgradeWebSocket(request);
        attaching.network.attach(attachWebSocket(socket));
        return response;
      });
      world.defer(() => server.shutdown());
      await talk(attaching, world.node("the client"), server.addr.port);
    },
  );
}

interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
  stop(closeActive: boolean): Promise<void>;
}

interface Bun {
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: BunServer): Response | undefined;
    websocket: ReturnType<typeof createBunWebSocketHandlers>;
  }): BunServer;
}

function isBun(value: unknown): value is Bun {
  return typeof value === "object" && value !== null && "serve" in value;
}

if (runtimeName === "bun") {
  conforms("Ws", "a socket of Bun.serve can be attached", async (world) => {
    const attaching = world.node("the server");
    const bun: unknown = Reflect.get(globalThis, "Bun");
    assert(isBun(bun));
    const natives: BunServerWebSocket[] = [];
    const server = bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request, self) =>
        self.upgrade(request) ? undefined : new Response(null, { status: 426 }),
      websocket: createBunWebSocketHandlers((socket, native) => {
        natives.push(native);
        const attachment = attachWebSocket(socket);
        attaching.network.attach(attachment);
        return attachment.events;
      }),
    });
    world.defer(() => server.stop(true));
    await talk(attaching, world.node("the client"), server.port);
    assert.equal(natives.length, 1);
  });
}

conforms(
  "Ws",
  "an attachment tells who hears of it once it is attached, not before",
  async (world) => {
    const node = world.node();
    const told: string[] = [];
    const socket: WebSocketSocket = {
      localAddress: { family: "unknown", hostname: "", port: 0, path: "" },
      peerAddress: { family: "unknown", hostname: "", port: 0, path: "" },
      protocol: "",
      pending: 0,
      send: (data) => told.push(new TextDecoder().decode(data)) > 0,
      pause: () => true,
      resume: () => {},
      close: (code, reason) => {
        told.push(`close ${code} ${reason}`);
        queueMicrotask(() => attachment.events.closed(code, reason, undefined));
      },
      abort: () => {},
    };
    const attachment = attachWebSocket(socket);
    assert.throws(() => attachment.events, TypeError);
    node.network.attach(attachment);
    const { endpoint } = await node.event("accepted");
    attachment.events.message(new TextEncoder().encode("in"), true);
    await node.messages(1);
    assert.deepEqual(node.texts(), ["in"]);
    node.network.send(endpoint, "out");
    node.remove(endpoint.resourceId, { code: 4000, reason: "over" });
    assert.deepEqual(told, ["out", "close 4000 over"]);
  },
);

/** A native socket that a test plays, attached to a node. */
class PlayedSocket implements WebSocketSocket {
  readonly localAddress: SocketAddress = NOWHERE;
  readonly peerAddress: SocketAddress = NOWHERE;
  readonly protocol = "";
  readonly told: string[] = [];
  pending = 0;
  send(data: Uint8Array): boolean {
    this.pending += data.length;
    return true;
  }
  pause(): boolean {
    return false;
  }
  resume(): void {}
  close(code: number): void {
    this.told.push(`close ${code}`);
  }
  abort(): void {
    this.told.push("abort");
  }
}

const NOWHERE: SocketAddress = {
  family: "unknown",
  hostname: "",
  port: 0,
  path: "",
};

conforms(
  "Ws",
  "a native socket answers Congested, QueueFull and MaxPacketSizeExceeded by what is pending",
  async (world) => {
    const node = world.node();
    const socket = new PlayedSocket();
    const attachment = attachWebSocket(socket, {
      highWaterMark: 100,
      outboxLimit: 500,
      maxMessageSize: 200,
    });
    node.network.attach(attachment);
    const { endpoint } = await node.event("accepted");
    const send = (size: number) =>
      node.network.send(endpoint, new Uint8Array(size));
    assert.equal(send(100), "Sent");
    assert.equal(send(100), "Congested");
    assert.equal(send(201), "MaxPacketSizeExceeded");
    assert.equal(send(200), "Congested");
    assert.equal(send(100), "QueueFull");
    const writable = node.network.writable(endpoint);
    socket.pending = 0;
    attachment.events.drain();
    assert.equal(await writable, true);
    assert.equal(send(100), "Sent");
    attachment.events.closed(1006, "", undefined);
    const { reason, error } = await node.event("disconnected");
    assert.equal(reason, "closed");
    assert.equal(error?.code, "protocol");
  },
);

conforms(
  "Ws",
  "a native socket that cannot be paused ends with overflow when the node takes no more",
  async (world) => {
    const node = world.idle("the node", { maxQueuedEvents: 2 });
    const socket = new PlayedSocket();
    const attachment = attachWebSocket(socket);
    node.network.attach(attachment);
    const mebibyte = new Uint8Array(1 << 20);
    while (node.handler.stats().queuedEvents === 0) await turns(1);
    for (let i = 0; i < 80; i += 1) attachment.events.message(mebibyte, false);
    assert.deepEqual(socket.told, ["close 4008"]);
    assert(node.handler.stats().queuedEventBytes <= 70 << 20);
    node.start();
    const { reason, error } = await node.event("disconnected");
    assert.equal(reason, "overflow");
    assert.equal(error?.code, "overflow");
    attachment.events.closed(1006, "", undefined);
  },
);

conforms(
  "Ws",
  "a message that comes before the attachment was told open is not lost",
  async (world) => {
    const node = world.node();
    const attachment = attachWebSocket(new PlayedSocket());
    node.network.attach(attachment);
    attachment.events.message(new TextEncoder().encode("early"), true);
    await node.messages(1);
    assert.deepEqual(node.events.map(({ type }) => type), [
      "accepted",
      "message",
    ]);
    attachment.events.closed(1000, "", undefined);
    await node.event("disconnected");
  },
);
