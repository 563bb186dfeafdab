import assert from "node:assert/strict";
import { SendStatus } from "../../mod.ts";
import { conforms, isNetworkError, turns } from "./_nodes.ts";
import {
  end,
  NOBODY,
  type Puppet,
  puppetTransport,
  readyTransport,
  refused,
} from "./_puppet_transport.ts";
import { watchedSignal } from "./_watched_signal.ts";

const SOON = { initialDelayMs: 1, maxDelayMs: 1 };

conforms(
  "Node",
  "an endpoint that has ended leaves no listener on its signals",
  async (world) => {
    const node = world.node();
    const transport = readyTransport();
    const first = watchedSignal();
    const every = watchedSignal();
    const endpoint = node.network.connect(transport, NOBODY, {
      signal: first.signal,
      reconnect: { signal: every.signal },
    });
    assert.deepEqual([first.listeners(), every.listeners()], [1, 1]);
    await node.event("connected");
    assert.deepEqual([first.listeners(), every.listeners()], [0, 1]);
    node.remove(endpoint.resourceId);
    assert.deepEqual([first.listeners(), every.listeners()], [0, 0]);
  },
);

for (
  const code of [
    "invalid-address",
    "invalid-option",
    "not-supported",
    "permission-denied",
    "tls",
  ] as const
) {
  conforms(
    "Node",
    `${code} gives a first connect up at the first attempt`,
    async (world) => {
      const node = world.node();
      const transport = puppetTransport((puppet) =>
        setTimeout(() => end(puppet, refused(code)), 0)
      );
      await assert.rejects(
        node.network.connectAsync(transport, NOBODY, {
          reconnect: { initialDelayMs: 1 },
        }),
        isNetworkError(code),
      );
      assert.equal(transport.puppets.length, 1);
      assert.equal((await node.event("connected")).ok, false);
    },
  );
}

conforms(
  "Node",
  "tls is tried again once the connection was up",
  async (world) => {
    const node = world.node();
    const transport = puppetTransport((puppet, count) =>
      setTimeout(() => {
        if (count % 2 === 0) puppet.events.ready();
        else end(puppet, refused("tls"));
      }, 0)
    );
    node.network.connect(transport, NOBODY, {
      reconnect: SOON,
    });
    await node.event("connected");
    end(transport.puppets[0] ?? assert.fail());
    assert.equal((await node.event("connected", 1)).ok, true);
    assert.equal(transport.puppets.length, 3);
  },
);

conforms(
  "Node",
  "a transport that throws in a later attempt has failed in it",
  async (world) => {
    const node = world.node();
    const transport = puppetTransport((puppet, count) => {
      if (count === 0) setTimeout(() => puppet.events.ready(), 0);
      if (count === 1) throw refused("address-not-available");
    });
    let error: unknown;
    node.network.connect(transport, NOBODY, {
      reconnect: {
        initialDelayMs: 1,
        shouldRetry(given, attempt) {
          error = given;
          return attempt === 0;
        },
      },
    });
    await node.event("connected");
    transport.puppets.length = 1;
    end(transport.puppets[0] ?? assert.fail());
    const again = await node.event("connected", 1);
    assert.equal(again.error, error);
    isNetworkError("address-not-available")(error);
  },
);

conforms(
  "Node",
  "late events of an old connection touch neither the wait nor the next connection",
  async (world) => {
    const node = world.node();
    const transport = readyTransport();
    const endpoint = node.network.connect(transport, NOBODY, {
      reconnect: SOON,
    });
    await node.event("connected");
    const [old] = transport.puppets;
    assert(old !== undefined);
    const late = () => {
      assert.equal(old.events.message(new Uint8Array(1), false, 0), false);
      old.events.ready();
      old.events.writable();
      old.events.closed("reset", undefined);
    };
    old.events.closed("closed", undefined);
    late();
    assert.equal(node.network.isReady(endpoint.resourceId), false);
    await node.event("connected", 1);
    late();
    old.events.released();
    await turns();
    assert.deepEqual(node.events.map(({ type }) => type), [
      "connected",
      "disconnected",
      "connected",
    ]);
    assert.equal(node.network.isReady(endpoint.resourceId), true);
    assert.equal(node.network.send(endpoint, "to the new"), SendStatus.Sent);
    assert.deepEqual(transport.puppets.map(({ sent }) => sent), [[], [
      "to the new",
    ]]);
  },
);

conforms(
  "Node",
  "addresses and protocol are those of the connection that is there",
  async (world) => {
    const node = world.node();
    const transport = readyTransport();
    const { resourceId } = node.network.connect(transport, NOBODY, {
      reconnect: SOON,
    });
    await node.event("connected");
    const told = () => [
      node.network.localAddress(resourceId)?.port,
      node.network.resource(resourceId)?.protocol,
    ];
    assert.deepEqual(told(), [1_000, "protocol 0"]);
    end(transport.puppets[0] ?? assert.fail());
    await node.event("connected", 1);
    assert.deepEqual(told(), [1_001, "protocol 1"]);
  },
);

conforms(
  "Node",
  "a message that waited and cannot be sent ends the connection, and those behind it go out on the next",
  async (world) => {
    const node = world.node();
    const transport = readyTransport((puppet) => {
      const { send } = puppet;
      puppet.send = (data, isText, tag) => {
        if (data[0] === 0x21) throw refused("invalid-message");
        return send(data, isText, tag);
      };
    });
    const endpoint = node.network.connect(transport, NOBODY, {
      reconnect: { ...SOON, queueLimit: 1_000 },
    });
    for (const message of ["one", "!", "two"]) {
      assert.equal(node.network.send(endpoint, message), SendStatus.Sent);
    }
    const { reason, error, willReconnect } = await node.event("disconnected");
    assert.equal(reason, "error");
    isNetworkError("invalid-message")(error);
    assert.equal(willReconnect, true);
    await node.event("connected", 1);
    assert.deepEqual(transport.puppets.map(({ sent }) => sent), [["one"], [
      "two",
    ]]);
  },
);

conforms(
  "Node",
  "while messages of the outage still wait, the connection is ready: it receives, and what is sent waits behind them",
  async (world) => {
    const node = world.node();
    let room = 2;
    const transport = readyTransport((puppet) => {
      const { send } = puppet;
      puppet.send = (data, isText, tag) => {
        if (room === 0) return SendStatus.QueueFull;
        room -= 1;
        return send(data, isText, tag);
      };
    });
    const endpoint = node.network.connect(transport, NOBODY, {
      reconnect: { queueLimit: 3 * 65 },
    });
    for (const message of "abc") node.network.send(endpoint, message);
    assert.equal(node.network.send(endpoint, "d"), SendStatus.QueueFull);
    await node.event("connected");
    const [puppet] = transport.puppets;
    assert(puppet !== undefined);
    assert.deepEqual(puppet.sent, ["a", "b"]);
    assert.equal(node.network.isReady(endpoint.resourceId), true);
    assert.equal(puppet.events.message(new Uint8Array(1), false, 0), true);
    await node.messages(1);
    assert.equal(node.network.send(endpoint, "d"), SendStatus.Sent);
    assert.deepEqual(node.network.sendAll([endpoint], "e"), [SendStatus.Sent]);
    assert.equal(node.network.send(endpoint, "f"), SendStatus.QueueFull);
    let isWritable = false;
    const writable = node.network.writable(endpoint).then((is) => {
      isWritable = is;
    });
    room = 2;
    puppet.events.writable();
    await turns();
    assert.deepEqual(puppet.sent, ["a", "b", "c", "d"]);
    assert.equal(isWritable, false);
    room = 3;
    puppet.events.writable();
    await writable;
    assert.equal(isWritable, true);
    assert.equal(node.network.send(endpoint, "f"), SendStatus.Sent);
    assert.deepEqual(puppet.sent, ["a", "b", "c", "d", "e", "f"]);
    assert.equal(node.network.stats(endpoint.resourceId)?.queuedBytes, 0);
  },
);

for (
  const [what, happen] of [
    ["gets ready", (puppet: Puppet) => puppet.events.ready()],
    ["fails", (puppet: Puppet) => end(puppet, refused())],
  ] as const
) {
  conforms(
    "Node",
    `an attempt that ${what} right after the abort changes nothing`,
    async (world) => {
      const node = world.node();
      const transport = puppetTransport();
      const abort = new AbortController();
      const connecting = node.network.connectAsync(transport, NOBODY, {
        reconnect: { initialDelayMs: 1, signal: abort.signal },
      });
      const rejected = assert.rejects(connecting, isNetworkError("aborted"));
      abort.abort();
      happen(transport.puppets[0] ?? assert.fail());
      await rejected;
      await turns();
      assert.deepEqual(node.all("connected").map(({ ok }) => ok), [false]);
      assert.equal(transport.puppets.length, 1);
    },
  );
}

conforms(
  "Node",
  "a connection whose adapter tells only that nothing is left of it has ended too",
  async (world) => {
    const node = world.node();
    const transport = readyTransport();
    node.network.connect(transport, NOBODY, {
      reconnect: SOON,
    });
    await node.event("connected");
    transport.puppets[0]?.events.released();
    const { reason, willReconnect } = await node.event("disconnected");
    assert.equal(reason, "error");
    assert.equal(willReconnect, true);
    await node.event("connected", 1);
  },
);
