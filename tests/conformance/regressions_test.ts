import assert from "node:assert/strict";
import {
  createNode,
  type Endpoint,
  type NodeReceiver,
  SendStatus,
  Transport,
} from "../../mod.ts";
import { conforms, eventually, isNetworkError, stalledPair } from "./_nodes.ts";
import { rawListen } from "./_raw.ts";
import { transports } from "./_transports.ts";
import { watchedSignal } from "./_watched_signal.ts";

const framedTcp = transports.find(({ name }) => name === "FramedTcp");
assert(framedTcp !== undefined);

function takeTypes(receiver: NodeReceiver<never>): string[] {
  const types: string[] = [];
  for (
    let event = receiver.tryReceive();
    event !== undefined;
    event = receiver.tryReceive()
  ) types.push(event.type);
  return types;
}

conforms(
  "Udp",
  "datagrams that were queued before stop can still be taken after it",
  async () => {
    const server = createNode();
    const client = createNode();
    try {
      const receiver = server.listener.enqueue();
      const { address } = await server.handler.network.listen(
        Transport.Udp,
        "127.0.0.1:0",
      );
      const { network } = client.handler;
      const peer = await network.connectAsync(Transport.Udp, address);
      for (let n = 0; n < 3; n += 1) network.send(peer, "x");
      await eventually(
        "three datagrams",
        () => server.handler.stats().queuedEvents === 3,
      );
      await server.handler.stop();
      assert.deepEqual(takeTypes(receiver), ["message", "message", "message"]);
    } finally {
      await server.handler.stop();
      await client.handler.stop();
    }
  },
);

conforms(
  "Udp",
  "datagrams of a listener that was removed are not delivered",
  async () => {
    const server = createNode();
    const client = createNode();
    try {
      const receiver = server.listener.enqueue();
      const listening = await server.handler.network.listen(
        Transport.Udp,
        "127.0.0.1:0",
      );
      const { network } = client.handler;
      const peer = await network.connectAsync(Transport.Udp, listening.address);
      network.send(peer, "x");
      await eventually(
        "a datagram",
        () => server.handler.stats().queuedEvents === 1,
      );
      server.handler.network.remove(listening.resourceId);
      await server.handler.stop();
      assert.deepEqual(takeTypes(receiver), []);
    } finally {
      await server.handler.stop();
      await client.handler.stop();
    }
  },
);

/** What a program without types may pass. */
const notBytes: Readonly<Record<string, unknown>> = {
  "an ArrayBuffer": new ArrayBuffer(3),
  "an array": [1, 2],
  "a DataView": new DataView(new ArrayBuffer(2)),
  "a Uint16Array": new Uint16Array([1, 2]),
  "a number": 5,
  "null": null,
  "undefined": undefined,
};

conforms(
  "FramedTcp",
  "what is neither text nor bytes is refused and leaves the connection as it was",
  async () => {
    const { handler, listener } = createNode();
    try {
      const received: string[] = [];
      let accepted: Endpoint | undefined;
      const task = listener.forEach((event) => {
        if (event.type === "accepted") accepted = event.endpoint;
        if (event.type === "message") {
          received.push(new TextDecoder().decode(event.data));
        }
      });
      const { network } = handler;
      const { address } = await network.listen(
        Transport.FramedTcp,
        "127.0.0.1:0",
      );
      const peer = await network.connectAsync(Transport.FramedTcp, address);
      for (const [what, value] of Object.entries(notBytes)) {
        const send = network.send.bind(network) as (
          endpoint: Endpoint,
          data: unknown,
        ) => SendStatus;
        const sendAll = network.sendAll.bind(network) as (
          endpoints: Endpoint[],
          data: unknown,
        ) => SendStatus[];
        const refused = isNetworkError("invalid-message");
        assert.throws(() => send(peer, value), refused, what);
        assert.throws(() => sendAll([peer], value), refused, what);
      }
      assert.equal(await network.writable(peer), true);
      assert.equal(network.send(peer, "whole"), SendStatus.Sent);
      await eventually("the message", () => received.length > 0);
      assert.deepEqual(received, ["whole"]);
      assert(accepted !== undefined);
      await handler.stop();
      await task;
    } finally {
      await handler.stop();
    }
  },
);

for (const name of ["Tcp", "Udp"] as const) {
  conforms(
    name,
    "a sourceAddress that is text is an invalid option",
    async () => {
      const { handler } = createNode();
      const options = JSON.parse('{ "sourceAddress": "127.0.0.1" }');
      try {
        await assert.rejects(
          handler.network.connectAsync(
            Transport[name],
            "127.0.0.1:9",
            options,
          ),
          isNetworkError("invalid-option"),
        );
      } finally {
        await handler.stop();
      }
    },
  );
}

conforms(
  "Node",
  "connects without end are refused once twice the bound of events waits",
  async (world) => {
    const node = createNode({ maxQueuedEvents: 10 });
    const client = world.node("the client");
    try {
      const { address } = await node.handler.network.listen(
        Transport.FramedTcp,
        "127.0.0.1:0",
      );
      const peers = 60;
      for (let n = 0; n < peers; n += 1) {
        // Whether the refused hear of it while they connect or after is the system's to say.
        client.network.connect(Transport.FramedTcp, address);
      }
      await eventually(
        "each peer accepted or refused",
        () => {
          const { connections, connectionsRefused } = node.handler.stats();
          return connections + connectionsRefused === peers;
        },
      );
      const stats = node.handler.stats();
      assert.equal(stats.isPaused, true);
      assert.equal(stats.queuedEvents, 20);
      assert.equal(stats.connections, 20);
      const receiver = node.listener.enqueue();
      assert.equal(takeTypes(receiver).length, 20);
      await client.network.connectAsync(Transport.FramedTcp, address);
      assert.equal((await receiver.receive()).type, "accepted");
    } finally {
      await node.handler.stop();
    }
  },
);

conforms(
  "Node",
  "an iterator that is returned takes no event any more, though next waits",
  async () => {
    const { handler, listener } = createNode<string>();
    try {
      const receiver = listener.enqueue();
      const iterator = receiver[Symbol.asyncIterator]();
      const waiting = iterator.next();
      await iterator.return?.();
      assert.equal((await waiting).done, true);
      handler.signals.send("for the next");
      const event = await receiver.receive();
      assert.equal(event.type === "signal" && event.signal, "for the next");
      assert.equal((await iterator.next()).done, true);
    } finally {
      await handler.stop();
    }
  },
);

conforms(
  "FramedTcp",
  "writable that was aborted leaves those who wait on alone",
  async (world) => {
    const { server, client, toServer } = await stalledPair(world, framedTcp, {
      highWaterMark: 1_000,
    });
    let status = client.network.send(toServer, new Uint8Array(1 << 16));
    while (status === SendStatus.Sent) {
      status = client.network.send(toServer, new Uint8Array(1 << 16));
    }
    const kept = client.network.writable(toServer);
    const controller = new AbortController();
    const left = client.network.writable(toServer, {
      signal: controller.signal,
    });
    const { signal, listeners } = watchedSignal();
    const watched = client.network.writable(toServer, { signal });
    assert.equal(listeners(), 1);
    controller.abort(new Error("enough"));
    await assert.rejects(left, isNetworkError("aborted"));
    await assert.rejects(
      client.network.writable(toServer, { signal: controller.signal }),
      isNetworkError("aborted"),
    );
    server.start();
    assert.equal(await kept, true);
    assert.equal(await watched, true);
    assert.equal(listeners(), 0);
  },
);

conforms("Signals", "a delay that is not a number is invalid-option", () => {
  const { handler } = createNode<string>();
  const delay: unknown = "5";
  assert.throws(
    () => handler.signals.sendWithTimer("x", delay as number),
    isNetworkError("invalid-option", /delayMs/),
  );
  return handler.stop();
});

conforms(
  "FramedTcp",
  "writable after a congested send in the connected event waits for room",
  async () => {
    const server = createNode({ maxQueuedEvents: 1 });
    const client = createNode();
    try {
      const { address } = await server.handler.network.listen(
        Transport.FramedTcp,
        "127.0.0.1:0",
      );
      const { network } = client.handler;
      let isWritable: boolean | undefined;
      const asked = new Promise<{ writable: Promise<boolean> }>((resolve) => {
        client.listener.forEach((event) => {
          if (event.type !== "connected") return;
          const message = new Uint8Array(1 << 20);
          let status: SendStatus;
          do {
            status = network.send(event.endpoint, message);
          } while (status !== SendStatus.QueueFull);
          const writable = network.writable(event.endpoint).then((result) =>
            isWritable = result
          );
          resolve({ writable });
        });
      });
      network.connect(Transport.FramedTcp, address);
      const { writable } = await asked;
      await eventually(
        "the server to be full",
        () => server.handler.stats().isPaused,
      );
      await eventually(
        "the rest to stay with the client",
        () => client.handler.stats().queuedBytes > 1 << 20,
      );
      assert.equal(isWritable, undefined);
      server.listener.forEach(() => {});
      assert.equal(await writable, true);
    } finally {
      await client.handler.stop();
      await server.handler.stop();
    }
  },
);

conforms(
  "Tcp",
  "remove with drain waits for a peer that reads late and does not stop sending",
  async (world) => {
    const size = 900_000;
    const { port, peers } = await rawListen(world, ({ socket }) => {
      socket.pause();
      const sending = setInterval(() => socket.write("x"), 50);
      socket.once("close", () => clearInterval(sending));
      socket.once("end", () => {
        clearInterval(sending);
        socket.end();
      });
      // Longer than a connection that drains nothing would linger.
      setTimeout(() => socket.resume(), 1_500);
    });
    const { handler, listener } = createNode();
    try {
      listener.forEach(() => {});
      const { network } = handler;
      const peer = await network.connectAsync(
        Transport.Tcp,
        `127.0.0.1:${port}`,
      );
      assert.equal(network.send(peer, new Uint8Array(size)), SendStatus.Sent);
      network.remove(peer.resourceId, { drain: true });
      await eventually("the raw socket", () => peers.length === 1);
      await peers[0]?.over();
      assert.equal(peers[0]?.error, undefined);
      assert.equal(peers[0]?.received, size);
    } finally {
      await handler.stop();
    }
  },
);
