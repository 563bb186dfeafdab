/** A listen can be given up at any moment until it is bound, and leaves nothing then. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import {
  type Adapter,
  type Address,
  type ConnectOptions,
  Fault,
  type Listener,
  type ListenerEvents,
  type ListenOptions,
  SendStatus,
  Transport,
  ws,
} from "../../mod.ts";
import { runtimeName } from "../_support.ts";
import { HELD_NAME, holdLookUps } from "./_held_look_up.ts";
import {
  conforms,
  conformsOn,
  deadAddress,
  eventually,
  isNetworkError,
  type TestNode,
  turns,
} from "./_nodes.ts";
import { type PuppetTransport, puppetTransport } from "./_puppet_transport.ts";
import { type TransportRow, transports } from "./_transports.ts";
import { watchedSignal } from "./_watched_signal.ts";

function holdsNothing(node: TestNode, address?: Address): void {
  assert.deepEqual(node.network.resources(), []);
  assert.equal(node.handler.stats().listeners, 0);
  assert.equal(hasPath(address), false, "the path is gone");
}

function hasPath(address: Address | undefined): boolean {
  return typeof address === "object" && "path" in address &&
    existsSync(address.path);
}

/** The rejection of a listen that its signal gave up. */
async function abortedBy(
  listening: Promise<unknown>,
  reason: unknown,
): Promise<void> {
  await assert.rejects(listening, (error: Error) => {
    isNetworkError("aborted", /^Cannot listen on .+: it was aborted$/)(error);
    assert.equal(error.cause, reason);
    return true;
  });
}

conformsOn(
  transports,
  "a listen whose signal has fired rejects with aborted, and binds nothing",
  async (world, row) => {
    const node = world.node();
    const address = await deadAddress(world, row);
    const reason = new Error("too late");
    const signal = AbortSignal.abort(reason);
    await abortedBy(
      node.network.listen(row.adapter, address, { signal }),
      reason,
    );
    holdsNothing(node, address);
  },
);

conformsOn(
  transports,
  "a listen that is aborted while it binds rejects with aborted, and its address is free",
  async (world, row) => {
    const node = world.node();
    const address = await deadAddress(world, row);
    const reason = new Error("enough");
    const controller = new AbortController();
    const { signal } = controller;
    const listening = node.network.listen(row.adapter, address, { signal });
    controller.abort(reason);
    controller.abort(new Error("again"));
    await abortedBy(listening, reason);
    holdsNothing(node, address);
    const again = await node.network.listen(row.adapter, address);
    assert.deepEqual(row.peerAddress(again.address), address);
  },
);

/** How many microtasks an abort comes after the call at most; then it is turns. */
const MOMENTS = 40;
const LAST_MOMENT = MOMENTS + 6;

conformsOn(
  transports,
  "an abort at any moment gives a listen up, or comes too late and changes nothing",
  async (world, row) => {
    const node = world.node();
    const address = await deadAddress(world, row);
    const outcomes = new Set<string>();
    for (let moment = 0; moment <= LAST_MOMENT; moment += 1) {
      const controller = new AbortController();
      const { signal } = controller;
      const listening = node.network.listen(row.adapter, address, { signal });
      const outcome = listening.then(() => "bound", () => "aborted");
      // First by microtasks, then by turns: binding takes some of both.
      for (let n = 0; n < moment && n < MOMENTS; n += 1) {
        await Promise.resolve();
      }
      if (moment > MOMENTS) await turns(moment - MOMENTS);
      // However long a busy machine takes: late enough it is bound.
      if (moment === LAST_MOMENT) await listening;
      controller.abort();
      outcomes.add(await outcome);
      if (await outcome === "bound") {
        const { resourceId } = await listening;
        assert.equal(node.network.isReady(resourceId), true);
        assert.equal(node.handler.stats().listeners, 1);
        node.remove(resourceId);
        // It closes in the background.
        await turns(1);
        await eventually("its path to go", () => !hasPath(address));
      }
      holdsNothing(node, address);
    }
    assert(outcomes.has("bound"), "late enough it is bound");
  },
);

conformsOn(
  transports,
  "a listener that is bound listens on when its signal fires",
  async (world, row) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const controller = new AbortController();
    const listening = await server.listen(row, { signal: controller.signal });
    controller.abort();
    await turns();
    assert.equal(server.network.isReady(listening.resourceId), true);
    const toServer = client.connect(row, listening);
    assert.ifError((await client.event("connected")).error);
    client.network.send(toServer, "still here");
    await server.messages(1);
  },
);

conformsOn(
  transports,
  "a listen leaves no subscription to its signal, whatever its outcome",
  async (world, row) => {
    const node = world.node();
    const { signal, listeners } = watchedSignal();
    const listening = node.listen(row, { signal });
    assert.equal(listeners(), 1, "while it binds");
    const { address } = await listening;
    assert.equal(listeners(), 0, "once it is bound");
    await assert.rejects(
      node.network.listen(row.adapter, row.peerAddress(address), { signal }),
      isNetworkError("address-in-use"),
    );
    assert.equal(listeners(), 0, "once it has failed");
    const stopping = node.listen(row, { signal });
    const rejected = assert.rejects(stopping, isNetworkError("stopped"));
    await node.handler.stop();
    await rejected;
    assert.equal(listeners(), 0, "once the node has stopped");
  },
);

conformsOn(
  transports,
  "one signal may give several listens up, and the listener that is bound stays",
  async (world, row) => {
    const node = world.node();
    const reason = new Error("all of them");
    const controller = new AbortController();
    const { signal } = controller;
    const { resourceId } = await node.listen(row, { signal });
    const others = [1, 2, 3].map(() => node.listen(row, { signal }));
    controller.abort(reason);
    await Promise.all(others.map((each) => abortedBy(each, reason)));
    assert.deepEqual(
      node.network.resources().map((each) => each.resourceId),
      [resourceId],
    );
  },
);

conforms(
  "Node",
  "a signal that is none is an invalid-option, and nothing is opened",
  async (world) => {
    const server = world.node("the server");
    const node = world.node();
    const { address } = await server.network.listen(
      Transport.Tcp,
      "127.0.0.1:0",
    );
    const isRefused = isNetworkError(
      "invalid-option",
      /signal .+ must be an AbortSignal$/,
    );
    for (const signal of [null, true, {}, "soon", new AbortController()]) {
      const options = { signal } as ListenOptions & ConnectOptions;
      await assert.rejects(
        node.network.listen(Transport.Tcp, "127.0.0.1:0", options),
        isRefused,
      );
      assert.throws(
        () => node.network.connect(Transport.Tcp, address, options),
        isRefused,
      );
    }
    await turns();
    holdsNothing(node);
    assert.equal(server.handler.stats().connections, 0);
  },
);

/**
 * Those that look a name up by `node:dns` when they listen. `Deno.listen` and
 * `Deno.serve` look it up by themselves, before they return; with `keepAliveMs`
 * Deno's TCP is `node:net`, with `reuseAddress` its UDP is `node:dgram` in any case.
 */
const byName: readonly TransportRow[] = transports.filter((row) =>
  row.raw === "port" || row.name.endsWith("TLS") || !row.isOriented
);
const BY_NODE = { keepAliveMs: 60_000, reuseAddress: true } as ListenOptions;

const nativeWs: readonly TransportRow[] = runtimeName === "deno"
  ? []
  : transports.filter(({ adapter }) => adapter === Transport.Ws).map((row) => ({
    ...row,
    adapter: ws({ engine: "native" }),
  }));

/** How each is asked to listen on a name, and what its tests are called. */
const lookingUp: readonly [TransportRow, ListenOptions, string][] = [
  ...byName.map((
    row,
  ): [TransportRow, ListenOptions, string] => [row, BY_NODE, ""]),
  ...nativeWs.map((
    row,
  ): [TransportRow, ListenOptions, string] => [
    row,
    {},
    "by the runtime's own, ",
  ]),
];

for (const [row, options, how] of lookingUp) {
  conforms(
    row.name,
    `${how}a listen is aborted at once while its name is looked up, and a late answer is nothing to it`,
    async (world) => {
      for (const late of ["answered", "refused"]) {
        const node = world.node();
        const lookUps = holdLookUps(world);
        const reason = new Error("not for so long");
        const controller = new AbortController();
        const listening = node.network.listen(row.adapter, `${HELD_NAME}:0`, {
          ...options,
          signal: controller.signal,
        });
        await eventually("the look-up", () => lookUps.count === 1);
        controller.abort(reason);
        await abortedBy(listening, reason);
        assert.equal(lookUps.count, 1, "it is still under way");
        holdsNothing(node);
        // It would wait for a transport that did not let go.
        await node.handler.stop();
        if (late === "answered") assert.equal(lookUps.answer(), 1);
        else lookUps.refuse();
        await turns();
        holdsNothing(node);
      }
    },
  );

  conforms(
    row.name,
    `${how}a stop does not wait for the look-up of a name to listen on`,
    async (world) => {
      const node = world.node();
      const lookUps = holdLookUps(world);
      const listening = node.network.listen(
        row.adapter,
        `${HELD_NAME}:0`,
        options,
      );
      const rejected = assert.rejects(listening, isNetworkError("stopped"));
      await eventually("the look-up", () => lookUps.count === 1);
      await node.handler.stop();
      await rejected;
      assert.equal(lookUps.answer(), 1, "it was still under way");
      await turns();
      holdsNothing(node);
    },
  );

  conforms(
    row.name,
    `${how}a listen whose name is found in time is bound`,
    async (world) => {
      const node = world.node();
      const lookUps = holdLookUps(world);
      const { signal, listeners } = watchedSignal();
      const listening = node.network.listen(row.adapter, `${HELD_NAME}:0`, {
        ...options,
        signal,
      });
      await eventually("the look-up", () => lookUps.count === 1);
      lookUps.answer();
      const { address } = await listening;
      assert.equal(address.hostname, "127.0.0.1");
      assert(address.port > 0);
      assert.equal(listeners(), 0);
    },
  );
}

for (const way of ["a stop", "a remove", "an abort"] as const) {
  conforms(
    "Udp",
    `${way} does not wait for the look-up of a peer`,
    async (world) => {
      const node = world.node();
      const lookUps = holdLookUps(world);
      const controller = new AbortController();
      const { resourceId } = node.network.connect(
        Transport.Udp,
        `${HELD_NAME}:9`,
        { signal: controller.signal },
      );
      await eventually("the look-up", () => lookUps.count === 1);
      if (way === "an abort") {
        controller.abort();
        isNetworkError("aborted")((await node.event("connected")).error);
      } else if (way === "a remove") node.remove(resourceId);
      // It resolves when nothing is left.
      await node.handler.stop();
      assert.equal(lookUps.answer(), 1, "it was still under way");
      await turns();
      assert.equal(node.count("connected"), way === "an abort" ? 1 : 0);
    },
  );
}

/** How a transport of the tests' own listens. */
type Listen = (
  signal: AbortSignal | undefined,
  events: ListenerEvents,
) => Promise<Listener>;

function listeningBy(listen: Listen): PuppetTransport & Adapter {
  return {
    ...puppetTransport(),
    listen: (_host, _address, options, events) =>
      listen(options.signal, events),
  };
}

/** A listener that tells whether it is open. */
class PuppetListener implements Listener {
  readonly address = {
    family: "ipv4",
    hostname: "127.0.0.1",
    port: 7,
    path: "",
  } as const;
  readonly queuedBytes = 0;
  isClosed = false;
  sendTo(): SendStatus {
    return SendStatus.ResourceNotFound;
  }
  pause(): void {}
  resume(): void {}
  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

conforms(
  "Node",
  "a transport hears that its listener is not wanted: aborted, or the node stopped",
  async (world) => {
    for (const code of ["aborted", "stopped"] as const) {
      const node = world.node();
      let heard: unknown;
      const transport = listeningBy((signal) =>
        new Promise((_, reject) => {
          assert(signal !== undefined && !signal.aborted);
          signal.addEventListener("abort", () => {
            heard = signal.reason;
            reject(new Fault("io", "Cannot listen: not wanted"));
          });
        })
      );
      const controller = new AbortController();
      const { signal } = controller;
      const listening = node.network.listen(transport, "127.0.0.1:7", {
        signal,
      });
      const rejected = assert.rejects(listening, isNetworkError(code));
      if (code === "aborted") controller.abort();
      else await node.handler.stop();
      await rejected;
      isNetworkError(code)(heard);
      holdsNothing(node);
    }
  },
);

conforms(
  "Node",
  "a transport that binds in spite of its signal is answered for after a second, and closed later",
  async (world) => {
    const node = world.node();
    let bound: (listener: Listener) => void = () => {};
    let told: ListenerEvents | undefined;
    const transport = listeningBy((_signal, events) => {
      told = events;
      return new Promise((resolve) => bound = resolve);
    });
    const reason = new Error("enough");
    const controller = new AbortController();
    const listening = node.network.listen(transport, "127.0.0.1:7", {
      signal: controller.signal,
    });
    const before = performance.now();
    controller.abort(reason);
    await abortedBy(listening, reason);
    const took = performance.now() - before;
    assert(took >= 999 && took < 10_000, `it took ${took} ms`);
    const [puppet] = dialled(transport, world.node("the peer"));
    assert(puppet !== undefined);
    assert.equal(told?.accept(puppet), undefined, "nobody is let in");
    let isStopped = false;
    const stopping = node.handler.stop().then(() => isStopped = true);
    await turns();
    assert.equal(isStopped, false, "it waits for what may still be bound");
    const listener = new PuppetListener();
    bound(listener);
    await stopping;
    assert.equal(listener.isClosed, true);
    assert.equal(node.events.length, 0);
  },
);

function dialled(
  transport: PuppetTransport,
  node: TestNode,
): PuppetTransport["puppets"] {
  node.network.connect(transport, "127.0.0.1:7");
  return transport.puppets;
}

conforms(
  "Node",
  "a failure to close what was given up is told",
  async (world) => {
    const node = world.node();
    const listener = new PuppetListener();
    listener.close = () => Promise.reject(new Fault("io", "It stays open"));
    const controller = new AbortController();
    const listening = node.network.listen(
      listeningBy(() => Promise.resolve(listener)),
      "127.0.0.1:7",
      { signal: controller.signal },
    );
    controller.abort();
    await assert.rejects(listening, isNetworkError("io", /It stays open/));
    holdsNothing(node);
  },
);
