import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import process from "node:process";
import {
  type AdapterHost,
  Endpoint,
  isMulticast,
  MAX_DATAGRAM_SIZE,
  SAFE_DATAGRAM_SIZE,
  SendStatus,
  Transport,
} from "../../mod.ts";
import {
  conforms,
  eventually,
  halfPair,
  isNetworkError,
  pattern,
  sameBytes,
  turns,
  type World,
} from "./_nodes.ts";
import { transports } from "./_transports.ts";

const found = transports.find(({ adapter }) => adapter === Transport.Udp);
assert(found !== undefined);
const udp = found;

/** The others take 1 to 255 hops of multicast. */
const isNode = !("Deno" in globalThis) && !("Bun" in globalThis);

function row(
  behaviour: string,
  run: (world: World) => void | Promise<void>,
): void {
  conforms("Udp", behaviour, run);
}

row("a message's endpoint names the listener and the sender", async (world) => {
  const { server, client, listening, toServer } = await halfPair(world, udp);
  client.network.send(toServer, "x");
  const { endpoint } = await server.event("message");
  assert.equal(endpoint.resourceId, listening.resourceId);
  assert.equal(endpoint.address.hostname, "127.0.0.1");
  assert.equal(
    endpoint.address.port,
    client.network.localAddress(toServer.resourceId)?.port,
  );
  assert.match(String(endpoint), /^\[2\.L\.\d+\] 127\.0\.0\.1:\d+$/);
});

row(
  "messages of one sender have equal endpoints, of two senders different ones",
  async (world) => {
    const { server, client, listening, toServer } = await halfPair(world, udp);
    const second = client.connect(udp, listening);
    await client.event("connected", 1);
    client.network.send(toServer, "a");
    await server.messages(1);
    client.network.send(toServer, "a");
    await server.messages(2);
    client.network.send(second, "b");
    await server.messages(3);
    const [one, two, three] = server.all("message").map(({ endpoint }) =>
      endpoint
    );
    assert(one !== undefined && two !== undefined && three !== undefined);
    assert.equal(one.equals(two), true);
    assert.equal(String(one), String(two));
    assert.equal(one.equals(three), false);
    assert.notEqual(String(one), String(three));
  },
);

row("there is no accepted and no disconnected", async (world) => {
  const { server, client, toServer } = await halfPair(world, udp);
  client.network.send(toServer, "x");
  await server.messages(1);
  client.remove(toServer.resourceId);
  await turns();
  assert.deepEqual(server.events.map(({ type }) => type), ["message"]);
  assert.deepEqual(client.events.map(({ type }) => type), ["connected"]);
});

row(
  "an answer to a sender comes from the listener's own port",
  async (world) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const there = await server.listen(udp);
    const here = await client.listen(udp);
    const toServer = Endpoint.fromListener(here.resourceId, there.address);
    assert.equal(client.network.send(toServer, "ask"), SendStatus.Sent);
    const { endpoint } = await server.event("message");
    assert.equal(endpoint.address.port, here.address.port);
    server.network.send(endpoint, "answer");
    const answer = await client.event("message");
    assert.equal(answer.endpoint.equals(toServer), true);
  },
);

row(
  "Endpoint.fromListener reaches two receivers without a connect",
  async (world) => {
    const sender = world.node("the sender");
    const receiver = world.node("the receiver");
    const from = await sender.listen(udp);
    const first = await receiver.listen(udp);
    const second = await receiver.listen(udp);
    const endpoints = [first, second].map(({ address }) =>
      Endpoint.fromListener(from.resourceId, `127.0.0.1:${address.port}`)
    );
    assert.deepEqual(
      sender.network.sendAll(endpoints, Uint8Array.of(23)),
      [SendStatus.Sent, SendStatus.Sent],
    );
    await receiver.messages(2);
    assert.deepEqual(
      new Set(
        receiver.all("message").map(({ endpoint }) => endpoint.resourceId),
      ),
      new Set([first.resourceId, second.resourceId]),
    );
  },
);

row(
  "Endpoint.fromListener needs a listener and a numeric address",
  async (world) => {
    const { listening, toServer } = await halfPair(world, udp);
    assert.throws(
      () => Endpoint.fromListener(toServer.resourceId, "127.0.0.1:1"),
      isNetworkError("invalid-option"),
    );
    for (
      const address of ["localhost:80", "127.0.0.1:0", ":80", "/tmp/x", ""]
    ) {
      assert.throws(
        () => Endpoint.fromListener(listening.resourceId, address),
        isNetworkError("invalid-address"),
        address,
      );
    }
  },
);

row(
  "an endpoint made from a listener that is gone, or that has connections, is ResourceNotFound",
  async (world) => {
    const node = world.node();
    const gone = await node.listen(udp);
    node.remove(gone.resourceId);
    const tcp = await node.network.listen(Transport.Tcp, "127.0.0.1:0");
    for (const { resourceId } of [gone, tcp]) {
      const endpoint = Endpoint.fromListener(resourceId, "127.0.0.1:9");
      assert.equal(
        node.network.send(endpoint, "x"),
        SendStatus.ResourceNotFound,
      );
    }
  },
);

row("a connection hears its peer alone", async (world) => {
  const { server, client, toServer } = await halfPair(world, udp);
  const stranger = world.node("the stranger");
  const from = await stranger.listen(udp);
  const port = client.network.localAddress(toServer.resourceId)?.port;
  const toClient = Endpoint.fromListener(from.resourceId, `127.0.0.1:${port}`);
  for (let n = 0; n < 5; n += 1) stranger.network.send(toClient, "listen!");
  client.network.send(toServer, "ask");
  const { endpoint } = await server.event("message");
  server.network.send(endpoint, "answer");
  await client.messages(1);
  await turns();
  assert.deepEqual(client.texts(), ["answer"]);
});

row(
  "a connect to a port where nobody listens is ok, and nothing breaks by sending there",
  async (world) => {
    const node = world.node("the node");
    const other = world.node("the other");
    const dead = await other.listenLasting(udp);
    other.remove(dead.resourceId);
    await turns();
    const endpoint = node.connect(udp, dead);
    const { ok } = await node.event("connected");
    assert.equal(ok, true);
    for (let n = 0; n < 5; n += 1) {
      assert.equal(node.network.send(endpoint, "anybody?"), SendStatus.Sent);
      await turns(2);
    }
    assert.equal(node.count("disconnected"), 0);
    const again = await other.network.listen(
      Transport.Udp,
      `127.0.0.1:${dead.address.port}`,
    );
    assert.equal(node.network.send(endpoint, "now?"), SendStatus.Sent);
    const { endpoint: peer } = await other.event("message");
    assert.equal(peer.resourceId, again.resourceId);
  },
);

row("a listener that sends to where nobody listens goes on", async (world) => {
  const { server, client, listening, toServer } = await halfPair(world, udp);
  const other = world.node("the other");
  const dead = await other.listenLasting(udp);
  other.remove(dead.resourceId);
  await turns();
  const nobody = Endpoint.fromListener(listening.resourceId, dead.address);
  for (let n = 0; n < 5; n += 1) {
    assert.equal(server.network.send(nobody, "anybody?"), SendStatus.Sent);
    await turns(2);
  }
  client.network.send(toServer, "me");
  await server.messages(1);
});

row("datagrams of one turn leave in the order sent", async (world) => {
  const { server, client, toServer } = await halfPair(world, udp);
  for (let n = 0; n < 100; n += 1) client.network.send(toServer, `${n}`);
  await server.messages(100);
  assert.deepEqual(server.texts(), [...Array(100).keys()].map(String));
  const { endpoint } = await server.event("message");
  for (let n = 0; n < 100; n += 1) server.network.send(endpoint, `${n}`);
  await client.messages(100);
  assert.deepEqual(client.texts(), [...Array(100).keys()].map(String));
});

row(
  "a datagram that the system has no room for answers QueueFull, and writable waits for room",
  async (world) => {
    const node = world.node();
    let isFull = false;
    const drains: (() => void)[] = [];
    /** The node's own sockets, but for the room that they have. */
    const crowdedHost = (host: AdapterHost): AdapterHost => ({
      ...host,
      defer: (callback) => host.defer(callback),
      driver: {
        ...host.driver,
        bindDatagram: async (request, events) => {
          const drain = () => isFull || events.drain();
          drains.push(drain);
          const socket = await host.driver.bindDatagram(request, {
            message: (...message) => events.message(...message),
            drain,
            fault: (fault) => events.fault(fault),
            closed: (fault) => events.closed(fault),
          });
          const send = socket.send.bind(socket);
          socket.send = (...datagram) => !isFull && send(...datagram);
          return socket;
        },
      },
    });
    const crowded: typeof Transport.Udp = {
      ...Transport.Udp,
      connect: (host, ...rest) =>
        Transport.Udp.connect(crowdedHost(host), ...rest),
      listen: (host, ...rest) =>
        Transport.Udp.listen(crowdedHost(host), ...rest),
    };
    const { network } = node;
    const { resourceId, address } = await network.listen(
      crowded,
      "127.0.0.1:0",
    );
    const toListener = network.connect(crowded, address);
    await node.event("connected");
    const back = network.localAddress(toListener.resourceId);
    assert(back !== undefined);
    const fromListener = Endpoint.fromListener(resourceId, back);
    for (const endpoint of [fromListener, toListener]) {
      assert.equal(network.send(endpoint, "taken"), SendStatus.Sent);
      isFull = true;
      assert.equal(network.send(endpoint, "refused"), SendStatus.QueueFull);
      assert.deepEqual(network.sendAll([endpoint], "refused"), [
        SendStatus.QueueFull,
      ]);
      let isWritable: boolean | undefined;
      const writable = network.writable(endpoint).then((is) => isWritable = is);
      await turns();
      assert.equal(isWritable, undefined);
      isFull = false;
      for (const drain of drains) drain();
      assert.equal(await writable, true);
      assert.equal(network.send(endpoint, "taken again"), SendStatus.Sent);
    }
    await node.messages(4);
    assert(!node.texts().includes("refused"));
    assert.equal(node.handler.stats().sendsRefused, 4);
    isFull = true;
    assert.equal(network.send(toListener, "refused"), SendStatus.QueueFull);
    const writable = network.writable(toListener);
    node.remove(toListener.resourceId);
    assert.equal(await writable, false);
  },
);

row(
  "a listener that is bound while the node is full adds nothing to what waits",
  async (world) => {
    const server = world.idle("the server", { maxQueuedEvents: 1 });
    const client = world.node("the client");
    const toFirst = client.connect(udp, await server.listen(udp));
    await client.event("connected");
    client.network.send(toFirst, "one");
    await eventually("the pause", () => server.handler.stats().isPaused);
    const toSecond = client.connect(udp, await server.listen(udp));
    await client.event("connected", 1);
    for (let n = 0; n < 10; n += 1) client.network.send(toSecond, "two");
    await turns();
    assert.equal(server.handler.stats().queuedEvents, 1);
    server.start();
    await server.messages(1);
    client.network.send(toSecond, "three");
    await server.until("three", () => server.texts().includes("three"));
  },
);

row("datagrams sent before a remove leave", async (world) => {
  const { server, client, toServer } = await halfPair(world, udp);
  for (let n = 0; n < 20; n += 1) client.network.send(toServer, `${n}`);
  client.remove(toServer.resourceId);
  await server.messages(20);
});

for (const size of [0, 1, SAFE_DATAGRAM_SIZE, MAX_DATAGRAM_SIZE]) {
  row(`a datagram of ${size} bytes arrives whole`, async (world) => {
    const { server, client, toServer } = await halfPair(world, udp);
    assert.equal(
      client.network.send(toServer, pattern(size)),
      SendStatus.Sent,
    );
    await server.messages(1);
    sameBytes(server.bytes(), pattern(size));
  });
}

row(
  "a datagram above 65,507 bytes answers MaxPacketSizeExceeded, from a listener too",
  async (world) => {
    const { server, client, toServer } = await halfPair(world, udp);
    assert.equal(MAX_DATAGRAM_SIZE, 65_507);
    assert.equal(udp.adapter.maxMessageSize, 65_507);
    const tooBig = pattern(65_508);
    assert.equal(
      client.network.send(toServer, tooBig),
      SendStatus.MaxPacketSizeExceeded,
    );
    client.network.send(toServer, "small");
    const { endpoint } = await server.event("message");
    assert.equal(
      server.network.send(endpoint, tooBig),
      SendStatus.MaxPacketSizeExceeded,
    );
    assert.equal(server.network.send(endpoint, "small"), SendStatus.Sent);
    await client.messages(1);
  },
);

row(
  "any bytes from anybody are messages, and none of them ends the listener",
  async (world) => {
    const { server, client, listening, toServer } = await halfPair(world, udp);
    const socket = createSocket("udp4");
    world.defer(() =>
      new Promise<void>((resolve) => socket.close(() => resolve()))
    );
    const send = (bytes: Uint8Array) =>
      new Promise<void>((resolve, reject) =>
        socket.send(
          bytes,
          listening.address.port,
          "127.0.0.1",
          (error) => error ? reject(error) : resolve(),
        )
      );
    for (let n = 0; n < 20; n += 1) {
      await send(pattern(n * 97, n));
    }
    await server.messages(20);
    client.network.send(toServer, "orderly");
    await server.messages(21);
  },
);

row("works over IPv6, with the sender's address", async (world) => {
  const server = world.node("the server");
  const client = world.node("the client");
  const { address } = await server.network.listen(Transport.Udp, "[::1]:0");
  assert.equal(address.family, "ipv6");
  const toServer = client.network.connect(
    Transport.Udp,
    `[::1]:${address.port}`,
  );
  assert.ifError((await client.event("connected")).error);
  client.network.send(toServer, "six");
  const { endpoint } = await server.event("message");
  assert.deepEqual(
    [endpoint.address.family, endpoint.address.hostname],
    ["ipv6", "::1"],
  );
  server.network.send(endpoint, "six too");
  await client.messages(1);
});

row("a host name is looked up", async (world) => {
  const server = world.node("the server");
  const client = world.node("the client");
  const { address } = await server.listen(udp);
  const toServer = client.network.connect(
    Transport.Udp,
    `localhost:${address.port}`,
  );
  assert.ifError((await client.event("connected")).error);
  client.network.send(toServer, "by name");
  await server.messages(1);
});

row("sends from the source address that was asked for", async (world) => {
  const server = world.node("the server");
  const client = world.node("the client");
  const free = await client.listenLasting(udp);
  client.remove(free.resourceId);
  await turns();
  const { address } = await server.listen(udp);
  const toServer = client.network.connect(
    Transport.Udp,
    `127.0.0.1:${address.port}`,
    { sourceAddress: { hostname: "127.0.0.1", port: free.address.port } },
  );
  assert.ifError((await client.event("connected")).error);
  client.network.send(toServer, "from there");
  const { endpoint } = await server.event("message");
  assert.equal(endpoint.address.port, free.address.port);
});

row(
  "two listeners share an address only if both ask to reuse it",
  async (world) => {
    const node = world.node();
    const options = { reuseAddress: true };
    const first = await node.network.listen(
      Transport.Udp,
      "127.0.0.1:0",
      options,
    );
    const address = `127.0.0.1:${first.address.port}`;
    const second = await node.network.listen(Transport.Udp, address, options);
    assert.notEqual(second.resourceId, first.resourceId);
    await assert.rejects(
      world.node().network.listen(Transport.Udp, address),
      isNetworkError("address-in-use"),
    );
  },
);

row("reusePort works, or is not-supported", async (world) => {
  const node = world.node();
  try {
    const first = await node.network.listen(Transport.Udp, "127.0.0.1:0", {
      reusePort: true,
    });
    await node.network.listen(
      Transport.Udp,
      `127.0.0.1:${first.address.port}`,
      { reusePort: true },
    );
  } catch (error) {
    isNetworkError("not-supported")(error);
  }
});

row("the options of the socket are taken", async (world) => {
  const { server } = await halfPair(world, udp, {
    listen: {
      ttl: 3,
      multicastTtl: 2,
      multicastLoopback: true,
      broadcast: true,
      receiveBufferSize: 100_000,
      sendBufferSize: 100_000,
    } as { maxMessageSize?: number },
  });
  assert.equal(server.handler.stats().listeners, 1);
});

row(
  "multicast that stays on this host is asked for, or refused with the reason",
  async (world) => {
    const node = world.node();
    const options = { multicastTtl: 0 };
    const { network } = node;
    for (const address of ["127.0.0.1:0", "[::1]:0"]) {
      const listening = network.listen(Transport.Udp, address, options);
      if (isNode) await listening;
      else {
        await assert.rejects(
          listening,
          isNetworkError("not-supported", /multicast with 0 hops/),
        );
      }
    }
    const connecting = network.connectAsync(
      Transport.Udp,
      "127.0.0.1:9",
      options,
    );
    if (isNode) await connecting;
    else await assert.rejects(connecting, isNetworkError("not-supported"));
  },
);

/** An IPv6 interface on which multicast works, as far as can be told without trying. */
function ipv6Interface(): string | undefined {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { family, internal } of addresses ?? []) {
      if (family === "IPv6" && !internal) return name;
    }
  }
  return undefined;
}

row(
  "a listener on an IPv4 group hears what is sent to the group, and can answer",
  async (world) => {
    const member = world.node("the member");
    const sender = world.node("the sender");
    const on = { multicastInterface: "127.0.0.1" };
    const { address } = await member.network.listen(
      Transport.Udp,
      "239.255.7.1:0",
      on,
    );
    const from = await sender.listen(udp);
    const toGroup = sender.network.connect(
      Transport.Udp,
      `239.255.7.1:${address.port}`,
      on,
    );
    await sender.event("connected");
    sender.network.send(toGroup, "to all");
    const { endpoint } = await member.event("message");
    assert.equal(
      endpoint.address.port,
      sender.network.localAddress(toGroup.resourceId)?.port,
    );
    const back = Endpoint.fromListener(endpoint.resourceId, from.address);
    assert.equal(member.network.send(back, "to one"), SendStatus.Sent);
    await sender.messages(1);
  },
);

row("memberships join groups besides the address", async (world) => {
  const member = world.node("the member");
  const sender = world.node("the sender");
  const { address } = await member.network.listen(Transport.Udp, "0.0.0.0:0", {
    memberships: [
      { group: "239.255.7.2", interface: "127.0.0.1" },
      { group: "239.255.7.3", interface: "127.0.0.1" },
    ],
  });
  for (const group of ["239.255.7.2", "239.255.7.3"]) {
    const toGroup = sender.network.connect(
      Transport.Udp,
      `${group}:${address.port}`,
      { multicastInterface: "127.0.0.1" },
    );
    await sender.event("connected", sender.count("connected"));
    sender.network.send(toGroup, group);
    await member.messages(sender.count("connected"));
  }
  assert.deepEqual(member.texts(), ["239.255.7.2", "239.255.7.3"]);
});

row("a membership of what is no group is invalid-address", async (world) => {
  const node = world.node();
  await assert.rejects(
    node.network.listen(Transport.Udp, "0.0.0.0:0", {
      memberships: [{ group: "10.0.0.1" }],
    }),
    isNetworkError("invalid-address"),
  );
  assert.deepEqual(node.network.resources(), []);
});

row("a group that is joined twice is address-in-use", async (world) => {
  const node = world.node();
  const on = "127.0.0.1";
  const memberships = [{ group: "239.255.7.4", interface: on }];
  for (
    const [address, more] of [
      ["0.0.0.0:0", { memberships: [...memberships, ...memberships] }],
      ["239.255.7.4:0", { memberships, multicastInterface: on }],
    ] as const
  ) {
    await assert.rejects(
      node.network.listen(Transport.Udp, address, more),
      isNetworkError("address-in-use"),
    );
  }
  assert.deepEqual(node.network.resources(), []);
});

row(
  "a multicastInterface that is not of this host is address-not-available",
  async (world) => {
    const node = world.node();
    let connects = 0;
    for (
      const [host, on] of [
        ["127.0.0.1", "203.0.113.77"],
        ["127.0.0.1", "no-such-interface"],
        ["[::1]", "no-such-interface"],
      ] as const
    ) {
      const options = { multicastInterface: on };
      await assert.rejects(
        node.network.listen(Transport.Udp, `${host}:0`, options),
        isNetworkError("address-not-available"),
      );
      node.network.connect(Transport.Udp, `${host}:9`, options);
      const { error } = await node.event("connected", connects++);
      isNetworkError("address-not-available")(error);
    }
  },
);

const SOURCES = [
  ["127.0.0.1", "127.0.0.1"],
  ["127.0.0.2", "127.0.0.1"],
  ["127.255.255.255", "0.0.0.0"],
  ["192.0.2.1", "0.0.0.0"],
  ["239.255.7.5", "0.0.0.0"],
  ["[::1]", "::1"],
  ["[2001:db8::1]", "::"],
  ["localhost", "0.0.0.0"],
] as const;

for (const [host, source] of SOURCES) {
  row(`a connect to ${host} binds ${source}`, async (world) => {
    const bound: string[] = [];
    const spied: typeof Transport.Udp = {
      ...Transport.Udp,
      connect: (host, address, options, events) => {
        const driver: typeof host.driver = {
          ...host.driver,
          bindDatagram: (request) => {
            bound.push(request.address.hostname);
            return Promise.reject(new Error("seen enough"));
          },
        };
        const spying = { ...host, driver };
        return Transport.Udp.connect(spying, address, options, events);
      },
    };
    const { network } = world.node();
    await assert.rejects(
      network.connectAsync(spied, `${host}:9`),
      isNetworkError("io"),
    );
    assert.deepEqual(bound, [source]);
  });
}

const six = ipv6Interface();
row(
  "a listener on an IPv6 group hears what is sent to the group, where there is an interface for it",
  async (world) => {
    const node = world.node();
    if (six === undefined) {
      // Without an interface there is an error with a code, and not silence.
      await assert.rejects(
        node.network.listen(Transport.Udp, "[ff02::7:7]:0", {
          multicastInterface: "no-such-interface",
        }),
        isNetworkError("address-not-available"),
      );
      return;
    }
    const on = { multicastInterface: six };
    const { address } = await node.network.listen(
      Transport.Udp,
      "[ff02::7:7]:0",
      on,
    );
    const toGroup = node.network.connect(
      Transport.Udp,
      `[ff02::7:7%${six}]:${address.port}`,
      on,
    );
    assert.ifError((await node.event("connected")).error);
    node.network.send(toGroup, "to all");
    await node.messages(1);
  },
);

row("knows the addresses of groups", () => {
  for (const group of ["224.0.0.1", "239.255.255.255", "ff02::1", "FF0E::5"]) {
    assert.equal(isMulticast(group), true, group);
  }
  for (
    const host of [
      "223.255.255.255",
      "240.0.0.1",
      "fe80::1",
      "ff.example",
      "::1",
      "localhost",
    ]
  ) {
    assert.equal(isMulticast(host), false, host);
  }
});

if (process.platform === "linux") {
  row("sends to a broadcast address when it is allowed to", async (world) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const { address } = await server.network.listen(Transport.Udp, "0.0.0.0:0");
    const toAll = client.network.connect(
      Transport.Udp,
      `127.255.255.255:${address.port}`,
      { broadcast: true },
    );
    assert.ifError((await client.event("connected")).error);
    assert.equal(client.network.send(toAll, "to all"), SendStatus.Sent);
    await server.messages(1);
  });

  row("a broadcast that is not allowed is permission-denied", async (world) => {
    const client = world.node();
    client.network.connect(Transport.Udp, "255.255.255.255:9");
    const { ok, error } = await client.event("connected");
    assert.equal(ok, false);
    isNetworkError("permission-denied")(error);
  });
}
