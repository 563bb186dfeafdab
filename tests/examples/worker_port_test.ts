import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import {
  linkThread,
  type ThreadLink,
  WorkerPort,
} from "../../examples/worker_port/worker_port.ts";
import {
  createNode,
  type Endpoint,
  NetworkError,
  type NodeEvent,
  type NodeHandler,
  type NodeReceiver,
  SendStatus,
} from "../../mod.ts";
import { checkArguments, startProgram, test } from "./_programs.ts";

const MAIN = "worker_port/main.ts";

type Event = NodeEvent<never>;
type EventOf<Type extends Event["type"]> = Extract<
  Event,
  { readonly type: Type }
>;

/** A node whose events are asked for one by one. */
class TestNode {
  readonly handler: NodeHandler<never>;
  readonly #events: NodeReceiver<never>;

  constructor() {
    const { handler, listener } = createNode();
    this.handler = handler;
    this.#events = listener.enqueue();
  }

  /** The next event, which must be of this type. */
  async next<Type extends Event["type"]>(type: Type): Promise<EventOf<Type>> {
    const event = await this.#events.receive();
    assert(isOfType(event, type), `${event.type} came instead of ${type}`);
    return event;
  }

  /** An event that came already. */
  tryNext(): Event | undefined {
    return this.#events.tryReceive();
  }
}

function isOfType<Type extends Event["type"]>(
  event: Event,
  type: Type,
): event is EventOf<Type> {
  return event.type === type;
}

function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

async function withNodes(
  use: (server: TestNode, client: TestNode) => Promise<void>,
): Promise<void> {
  const server = new TestNode();
  const client = new TestNode();
  try {
    await use(server, client);
  } finally {
    await client.handler.stop();
    await server.handler.stop();
  }
}

const ADDRESS = { path: "tests" };

/** Connects two nodes of this thread: each one's name for the other. */
async function connect(
  server: TestNode,
  client: TestNode,
  listenOptions: object = {},
  connectOptions: object = {},
): Promise<{ toClient: Endpoint; toServer: Endpoint }> {
  const { handler: { network } } = client;
  const { resourceId } = await server.handler.network.listen(
    WorkerPort,
    ADDRESS,
    listenOptions,
  );
  const toServer = network.connect(WorkerPort, ADDRESS, connectOptions);
  assert.equal(network.send(toServer, "early"), "ResourceNotAvailable");
  const connected = await client.next("connected");
  assert(connected.ok && connected.endpoint === toServer);
  const accepted = await server.next("accepted");
  assert.equal(accepted.listener, resourceId);
  return { toClient: accepted.endpoint, toServer };
}

test("WorkerPort carries messages whole and in order, with their marks, both ways", () =>
  withNodes(async (server, client) => {
    const { toClient, toServer } = await connect(server, client);
    const { network } = client.handler;
    const sent = ["", "a", "b".repeat(100_000), "c"];
    for (const [tag, data] of sent.entries()) {
      assert.equal(network.send(toServer, data, { tag }), SendStatus.Sent);
    }
    // A view into a larger buffer goes alone.
    network.send(toServer, new Uint8Array(1_000).subarray(10, 13));
    for (const [tag, data] of sent.entries()) {
      const message = await server.next("message");
      assert.equal(message.endpoint, toClient);
      assert.equal(text(message.data), data);
      assert.equal(message.tag, tag);
      assert.equal(message.isText, true);
    }
    const view = await server.next("message");
    assert.equal(view.isText, false);
    assert.equal(view.data.buffer.byteLength, 3);
    server.handler.network.send(toClient, "back");
    assert.equal(text((await client.next("message")).data), "back");
  }));

test("WorkerPort says in one event why it could not connect", () =>
  withNodes(async (server, client) => {
    await server.handler.network.listen(WorkerPort, ADDRESS, {
      maxConnections: 1,
    });
    await client.handler.network.connectAsync(WorkerPort, ADDRESS);
    await client.next("connected");
    for (
      const [path, code] of [
        ["nobody", "connection-refused"],
        ["tests", "connection-refused"],
        ["unlinked/tests", "host-not-found"],
      ] as const
    ) {
      const endpoint = client.handler.network.connect(WorkerPort, { path });
      const connected = await client.next("connected");
      assert.equal(connected.endpoint, endpoint);
      assert.equal(connected.error?.code, code, path);
      assert.equal(
        client.handler.network.send(endpoint, "x"),
        "ResourceNotFound",
      );
    }
  }));

test("WorkerPort refuses addresses and options that it cannot use", () =>
  withNodes(async (server, client) => {
    const { network } = server.handler;
    const { resourceId } = await network.listen(WorkerPort, ADDRESS);
    for (
      const [path, options, code] of [
        ["tests", {}, "address-in-use"],
        ["other/tests", {}, "address-not-available"],
        ["tests/", {}, "invalid-address"],
        ["new", { maxMessageSize: 0 }, "invalid-option"],
        ["new", { outboxLimit: 10, highWaterMark: 11 }, "invalid-option"],
      ] as const
    ) {
      await assert.rejects(
        network.listen(WorkerPort, { path }, options),
        (error) => error instanceof NetworkError && error.code === code,
        path,
      );
    }
    assert.throws(
      () => client.handler.network.connect(WorkerPort, "127.0.0.1:80"),
      (error) =>
        error instanceof NetworkError && error.code === "invalid-address",
    );
    assert(network.remove(resourceId));
    await network.listen(WorkerPort, ADDRESS);
  }));

test("WorkerPort tells the sender when it has to wait, and when it may go on", () =>
  withNodes(async (server, client) => {
    const limits = { highWaterMark: 1_000, outboxLimit: 2_000 };
    const { toServer } = await connect(server, client, {}, limits);
    const { network } = client.handler;
    const block = new Uint8Array(800);
    assert.equal(network.send(toServer, block), SendStatus.Sent);
    assert.equal(network.send(toServer, block), SendStatus.Congested);
    assert.equal(network.send(toServer, block), SendStatus.QueueFull);
    assert.equal(client.handler.stats().queuedBytes, 1_600);
    assert.equal(await network.writable(toServer), true);
    assert.equal(network.send(toServer, block), SendStatus.Sent);
    for (let count = 0; count < 3; count += 1) await server.next("message");
    assert.equal(
      network.send(toServer, new Uint8Array(2_001)),
      SendStatus.MaxPacketSizeExceeded,
    );
  }));

test("WorkerPort ends a connection over which a message comes that is too big", () =>
  withNodes(async (server, client) => {
    const { toServer } = await connect(server, client, { maxMessageSize: 10 });
    client.handler.network.send(toServer, "0123456789");
    client.handler.network.send(toServer, "0123456789a");
    await server.next("message");
    assert.equal((await server.next("disconnected")).reason, "message-too-big");
    await client.next("disconnected");
  }));

test("WorkerPort tells the peer of a removal after what was sent, and this side nothing", () =>
  withNodes(async (server, client) => {
    const { toServer } = await connect(server, client);
    client.handler.network.send(toServer, "last words");
    assert(client.handler.network.remove(toServer.resourceId));
    assert.equal(text((await server.next("message")).data), "last words");
    const { reason } = await server.next("disconnected");
    assert.equal(reason, "closed");
    assert.equal(client.tryNext(), undefined);
  }));

interface Linked {
  readonly worker: Worker;
  readonly link: ThreadLink;
  /** Resolves when the thread has ended. */
  readonly ended: Promise<unknown>;
}

function startWorker(workerData: "echo" | "leave" | "stay"): Linked {
  const worker = new Worker(
    new URL("_workers/port_worker.ts", import.meta.url),
    { workerData },
  );
  const ended = new Promise((resolve, reject) => {
    worker.once("exit", resolve);
    worker.once("error", reject);
  });
  return { worker, link: linkThread("worker", worker), ended };
}

test("WorkerPort connects to what listens in a worker", () =>
  withNodes(async (_server, client) => {
    const { worker, ended } = startWorker("echo");
    await new Promise<void>((resolve) =>
      worker.on("message", (message) => {
        if (message === "listening") resolve();
      })
    );
    const { network } = client.handler;
    const toWorker = network.connect(WorkerPort, { path: "worker/echo" });
    assert((await client.next("connected")).ok);
    for (let count = 0; count < 1_000; count += 1) {
      network.send(toWorker, `${count}`, { tag: count });
    }
    for (let count = 0; count < 1_000; count += 1) {
      const { data, tag, isText } = await client.next("message");
      assert.deepEqual([text(data), tag, isText], [`${count}`, count, true]);
    }
    await client.handler.stop();
    await ended;
  }));

test("WorkerPort takes all that a worker sent before it left", () =>
  withNodes(async (server) => {
    await server.handler.network.listen(WorkerPort, ADDRESS);
    const { ended } = startWorker("leave");
    await server.next("accepted");
    for (const expected of ["one", "two", "three"]) {
      assert.equal(text((await server.next("message")).data), expected);
    }
    assert.equal((await server.next("disconnected")).reason, "closed");
    await ended;
  }));

test("WorkerPort notices that a worker has died", () =>
  withNodes(async (server) => {
    await server.handler.network.listen(WorkerPort, ADDRESS);
    const { worker, ended } = startWorker("stay");
    await server.next("accepted");
    for (let count = 0; count < 3; count += 1) await server.next("message");
    await worker.terminate();
    const { reason, error } = await server.next("disconnected");
    assert.equal(reason, "reset");
    assert.equal(error?.code, "connection-reset");
    await ended;
    assert.deepEqual(
      server.handler.network.resources().map(({ kind }) => kind),
      ["listener"],
    );
  }));

test("The demo of the worker port computes with several workers, and ends", async () => {
  const { code, stdout, stderr } = await startProgram(
    MAIN,
    "--workers=3",
    "--limit=120000",
  ).done;
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  assert.match(stdout, /worker 3 of 3 is there\n11301 primes below 120000\n$/);
});

test("The demo of the worker port refuses wrong arguments with a line and status 2", async () => {
  await checkArguments(MAIN, [
    { args: ["--workers=0"], says: /--workers must be/ },
    { args: ["--limit=many"], says: /--limit must be/ },
    { args: ["more"], says: /more/ },
  ]);
});
