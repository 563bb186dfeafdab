import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { rename } from "node:fs/promises";
import { createServer } from "node:net";
import process from "node:process";
import {
  type Address,
  type ConnectOptions,
  formatAddress,
  type SocketAddress,
  Transport,
} from "../../mod.ts";
import { tempSocketPath } from "../_support.ts";
import {
  conforms,
  conformsOn,
  eventually,
  halfPair,
  isNetworkError,
  pair,
  type World,
} from "./_nodes.ts";
import { oriented, type TransportRow, transports } from "./_transports.ts";

const byPort = transports.filter(({ raw, isOriented }) =>
  raw === "port" || !isOriented
);
const byPath = transports.filter(({ raw }) => raw === "path");

/** What nobody can use, and what is wrong with it. */
const MALFORMED: readonly [string, Address][] = [
  ["empty text", ""],
  ["a bare name", "localhost"],
  ["a bare port", "8080"],
  ["no port", "127.0.0.1:"],
  ["a port that is a word", "127.0.0.1:http"],
  ["a port above 65535", "127.0.0.1:65536"],
  ["a negative port", "127.0.0.1:-1"],
  ["a port with a fraction", "127.0.0.1:1.5"],
  ["a port of six digits", "127.0.0.1:000080"],
  ["three numbers for a host", "1.2.3:80"],
  ["a number above 255", "256.0.0.1:80"],
  ["a leading zero", "127.0.0.01:80"],
  ["an IPv6 address without brackets", "::1:80"],
  ["a bracket that is not closed", "[::1:80"],
  ["an empty bracket", "[]:80"],
  ["an IPv4 address in brackets", "[127.0.0.1]:80"],
  ["a malformed IPv6 address", "[1::2::3]:80"],
  ["IPv6 with a letter too far", "[::g]:80"],
  ["a space in the host", "local host:80"],
  ["a label of 64 letters", `${"x".repeat(64)}:80`],
  ["a name of 260 letters", `${"x.".repeat(130)}y:80`],
  ["an empty label", "a..b:80"],
  ["a label that begins with a hyphen", "-a.b:80"],
  ["a path behind a name that is not ASCII", "b\u00fccher.example/x:80"],
  ["a path in a host name", { hostname: "b\u00fccher.example/x", port: 80 }],
  ["user and password", "tcp://user:secret@127.0.0.1:80"],
  ["a scheme of another trade", "gopher://127.0.0.1:80"],
  ["an empty path", { path: "" }],
  ["a path with a null character", { path: "/tmp/a\0b" }],
  ["an empty Unix URL", "unix:"],
  ["a port that is not a number", {
    hostname: "127.0.0.1",
    port: "80" as unknown as number,
  }],
  ["a port that is NaN", { hostname: "127.0.0.1", port: NaN }],
  ["nothing", undefined as unknown as string],
  ["null", null as unknown as string],
  ["a number", 80 as unknown as string],
  ["an empty object", {} as unknown as string],
];

for (const [what, address] of MALFORMED) {
  conforms(
    "Address",
    `${what} is invalid-address at the call`,
    async (world) => {
      const node = world.node();
      for (const { adapter } of transports) {
        assert.throws(
          () => node.network.connect(adapter, address),
          isNetworkError("invalid-address"),
        );
        await assert.rejects(
          node.network.connectAsync(adapter, address),
          isNetworkError("invalid-address"),
        );
        await assert.rejects(
          node.network.listen(adapter, address),
          isNetworkError("invalid-address"),
        );
      }
      assert.equal(node.events.length, 0);
      assert.deepEqual(node.network.resources(), []);
    },
  );
}

conformsOn(
  byPort,
  "a connect to port 0 is invalid-address",
  (world, { adapter }) => {
    const node = world.node();
    assert.throws(
      () => node.network.connect(adapter, "127.0.0.1:0"),
      isNetworkError("invalid-address"),
    );
  },
);

/** Which transports take a URL of each scheme. A path is a name of Memory too, however it is written. */
const SCHEMES: Readonly<Record<string, readonly string[]>> = {
  "tcp://127.0.0.1:80": ["Tcp", "FramedTcp"],
  "tls://127.0.0.1:80": ["Tcp", "FramedTcp"],
  "udp://127.0.0.1:80": ["Udp"],
  "ws://127.0.0.1:80": ["Ws"],
  "wss://127.0.0.1:80": ["Ws"],
  "unix:/tmp/sb-none.sock": ["Unix", "FramedUnix", "Ws", "Memory"],
  "memory:name": ["Memory"],
};

conformsOn(
  transports.filter(({ name }) =>
    // The template takes the schemes that whoever copies it gives it.
    name !== "Template" && !name.endsWith("with TLS")
  ),
  "a URL of another transport's scheme is invalid-address",
  async (world, { adapter, name }) => {
    const node = world.node();
    for (const [url, takers] of Object.entries(SCHEMES)) {
      if (takers.includes(name)) continue;
      assert.throws(
        () => node.network.connect(adapter, url),
        isNetworkError("invalid-address"),
        url,
      );
      await assert.rejects(
        node.network.listen(adapter, url),
        isNetworkError("invalid-address"),
        url,
      );
    }
    assert.deepEqual(node.network.resources(), []);
  },
);

/** A WebSocket may go over a Unix socket. */
const onlyByPort = byPort.filter(({ adapter }) => adapter !== Transport.Ws);

conformsOn(
  onlyByPort,
  "a path is invalid-address",
  async (world, { adapter }) => {
    const node = world.node();
    for (const address of ["/tmp/x.sock", { path: "/tmp/x.sock" }, "unix:/x"]) {
      assert.throws(
        () => node.network.connect(adapter, address),
        isNetworkError("invalid-address"),
      );
      await assert.rejects(
        node.network.listen(adapter, address),
        isNetworkError("invalid-address"),
      );
    }
  },
);

conformsOn(
  byPath,
  "a host and port is invalid-address",
  async (world, { adapter }) => {
    const node = world.node();
    for (const address of ["127.0.0.1:80", "tcp://127.0.0.1:80", "[::1]:80"]) {
      assert.throws(
        () => node.network.connect(adapter, address),
        isNetworkError("invalid-address"),
      );
      await assert.rejects(
        node.network.listen(adapter, address),
        isNetworkError("invalid-address"),
      );
    }
  },
);

/** Connects to a listener by one form of its address and sends a message. */
async function reaches(
  world: World,
  row: TransportRow,
  listenAt: Address,
  form: (address: SocketAddress) => Address,
  options?: ConnectOptions,
): Promise<void> {
  const server = world.node("the server");
  const client = world.node("the client");
  const { address } = await server.network.listen(row.adapter, listenAt);
  const toServer = client.network.connect(row.adapter, form(address), options);
  assert.ifError((await client.event("connected")).error);
  client.network.send(toServer, "reached");
  await server.messages(1);
}

const scheme = (row: TransportRow) =>
  row.adapter === Transport.Udp ? "udp" : "tcp";

for (const row of byPort) {
  const isTcpLike = ["Tcp", "FramedTcp", "Udp"].includes(row.name);
  const forms: [string, Address, (address: SocketAddress) => Address][] = [
    ["host:port", "127.0.0.1:0", ({ port }) => `127.0.0.1:${port}`],
    [":port, which means this host", ":0", ({ port }) => `:${port}`],
    [
      "host and port as an object",
      { hostname: "127.0.0.1", port: 0 },
      ({ port }) => ({ hostname: "127.0.0.1", port }),
    ],
    [
      "a host in capital letters",
      "127.0.0.1:0",
      ({ port }) => `LOCALHOST:${port}`,
    ],
    ["what listen resolved with", "127.0.0.1:0", (address) => address],
    [
      "what listen made of a host name",
      "localhost:0",
      ({ hostname, port }) => {
        assert.match(hostname, /^(?:127\.0\.0\.1|::1)$/);
        return { hostname, port };
      },
    ],
    ["what formatAddress makes of it", "127.0.0.1:0", formatAddress],
    ["IPv6 in brackets", "[::1]:0", ({ port }) => `[::1]:${port}`],
    ["IPv6 as an object, with and without brackets", {
      hostname: "::1",
      port: 0,
    }, ({ port }) => ({ hostname: "[::1]", port })],
  ];
  if (isTcpLike) {
    const url = `${scheme(row)}://127.0.0.1`;
    forms.push(
      ["a URL", `${url}:0`, ({ port }) => `${url}:${port}`],
      ["a URL object", "127.0.0.1:0", ({ port }) => new URL(`${url}:${port}`)],
    );
  }
  for (const [what, listenAt, form] of forms) {
    conforms(
      row.name,
      `is reached by ${what}`,
      (world) => reaches(world, row, listenAt, form),
    );
  }
}

for (const row of byPath) {
  const forms: readonly [
    string,
    (path: string) => Address,
    (path: string) => Address,
  ][] = [
    ["a path", (path) => path, (path) => path],
    ["a path as an object", (path) => ({ path }), (path) => ({ path })],
    ["a unix: URL", (path) => `unix:${path}`, (path) => `unix://${path}`],
    ["a URL object", (path) => path, (path) => new URL(`unix:${path}`)],
  ];
  for (const [what, listenAt, form] of forms) {
    conforms(row.name, `is reached by ${what}`, (world) => {
      const path = tempSocketPath();
      return reaches(world, row, listenAt(path), () => form(path));
    });
  }

  conforms(
    row.name,
    "is reached by what listen resolved with",
    (world) =>
      reaches(world, row, { path: tempSocketPath() }, (address) => address),
  );

  conforms(
    row.name,
    "the path exists while it listens, and is gone after a remove and after a stop",
    async (world) => {
      const node = world.node();
      const path = tempSocketPath();
      const { resourceId } = await node.network.listen(row.adapter, path);
      assert.equal(existsSync(path), true);
      node.remove(resourceId);
      await eventually("the path to go", () => !existsSync(path));
      await node.network.listen(row.adapter, path);
      assert.equal(existsSync(path), true);
      await node.handler.stop();
      assert.equal(existsSync(path), false);
    },
  );

  conforms(
    row.name,
    "a path left over by a dead listener is taken over",
    async (world) => {
      const path = tempSocketPath();
      await leaveSocketBehind(path);
      const server = world.node();
      await server.network.listen(row.adapter, path);
      const client = world.node();
      client.network.connect(row.adapter, path);
      assert.ifError((await client.event("connected")).error);
    },
  );

  if (process.platform === "linux") {
    conforms(
      row.name,
      "is reached by an abstract name, which leaves no file, or says not-supported",
      async (world) => {
        const name = `\0sb-${process.pid}-${row.name}`;
        const server = world.node();
        try {
          await server.network.listen(row.adapter, name);
        } catch (error) {
          isNetworkError("not-supported")(error);
          return;
        }
        const client = world.node();
        client.network.connect(row.adapter, name);
        assert.ifError((await client.event("connected")).error);
      },
    );
  }
}

const MEMORY_FORMS: readonly [
  string,
  Address,
  (address: SocketAddress) => Address,
][] = [
  ["memory:name", "memory:forms", () => "memory:forms"],
  ["a memory URL with slashes", "memory://forms", () => "memory:forms"],
  ["a name as an object", { path: "forms" }, () => ({ path: "forms" })],
  ["host:port", "127.0.0.1:7", () => "127.0.0.1:7"],
  ["a port that was chosen", ":0", ({ port }) => `localhost:${port}`],
  ["IPv6 in brackets", "[::1]:0", ({ port }) => `[::1]:${port}`],
  ["what listen resolved with", "memory:forms", (address) => address],
  ["what formatAddress makes of it", "memory:forms", formatAddress],
];

const memory = transports.find(({ adapter }) => adapter === Transport.Memory);
for (const [what, listenAt, form] of MEMORY_FORMS) {
  conforms("Memory", `is reached by ${what}`, (world) => {
    assert(memory !== undefined);
    return reaches(world, memory, listenAt, form);
  });
}

/** Makes the file of a Unix socket that nobody listens on. */
async function leaveSocketBehind(path: string): Promise<void> {
  const server = createServer();
  const other = `${path}.live`;
  await new Promise<void>((resolve) => server.listen(other, resolve));
  await rename(other, path);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  assert.equal(existsSync(path), true);
}

conformsOn(
  transports,
  "tells both addresses of a connection, and those of a listener",
  async (world, row) => {
    const { server, client, listening, toServer } = await halfPair(world, row);
    assert.deepEqual(
      server.network.localAddress(listening.resourceId),
      listening.address,
    );
    assert.equal(server.network.peerAddress(listening.resourceId), undefined);
    const peer = client.network.peerAddress(toServer.resourceId);
    assert.equal(peer?.port, listening.address.port);
    assert.equal(peer?.path, listening.address.path);
    assert.equal(peer?.family, listening.address.family);
    assert.deepEqual(toServer.address.port, listening.address.port);
    const local = client.network.localAddress(toServer.resourceId);
    assert(local !== undefined);
    if (row.raw === "port") {
      const { endpoint } = await server.event("accepted");
      assert.deepEqual(endpoint.address, local);
      assert.deepEqual(
        server.network.localAddress(endpoint.resourceId),
        listening.address,
      );
    }
  },
);

conformsOn(
  byPort,
  "listen on port 0 resolves with the port that it got",
  async (world, row) => {
    const node = world.node();
    const first = await node.network.listen(row.adapter, "127.0.0.1:0");
    const second = await node.network.listen(row.adapter, "127.0.0.1:0");
    assert(first.address.port > 0);
    assert.notEqual(first.address.port, second.address.port);
    assert.equal(first.address.hostname, "127.0.0.1");
    assert.equal(first.address.family, "ipv4");
    assert.notEqual(first.resourceId, second.resourceId);
  },
);

conformsOn(
  transports,
  "resources lists listeners and connections with their transport",
  async (world, row) => {
    const { server, client, listening, toServer } = await halfPair(world, row);
    const [own, ...others] = client.network.resources();
    assert.deepEqual(others, []);
    assert.equal(own?.resourceId, toServer.resourceId);
    assert.equal(own?.kind, "connection");
    assert.equal(own?.transport, row.name);
    assert.equal(own?.isReady, true);
    assert.equal(own?.endpoint, toServer);
    assert.equal(own?.listener, undefined);
    assert.deepEqual(client.network.resource(toServer.resourceId), own);
    if (row.isOriented) await server.event("accepted");
    const [listener, connection] = server.network.resources();
    assert.equal(listener?.resourceId, listening.resourceId);
    assert.equal(listener?.kind, "listener");
    assert.equal(listener?.transport, row.name);
    assert.equal(listener?.isReady, true);
    assert.equal(listener?.endpoint, undefined);
    assert.equal(listener?.listener, undefined);
    assert.deepEqual(server.network.resource(listening.resourceId), listener);
    assert.equal(
      connection?.listener,
      row.isOriented ? listening.resourceId : undefined,
    );
    const stats = server.handler.stats();
    assert.equal(stats.listeners, 1);
    assert.equal(stats.connections, row.isOriented ? 1 : 0);
  },
);

conformsOn(
  oriented,
  "an endpoint shows its id and address as text",
  async (world, row) => {
    const { toServer, toClient } = await pair(world, row);
    for (const endpoint of [toServer, toClient]) {
      assert.match(String(endpoint), /^\[\d+\.R\.\d+\] ./);
      assert.equal(endpoint.equals(endpoint), true);
    }
    assert.equal(toServer.equals(toClient), false);
  },
);

for (
  const row of ["Tcp", "FramedTcp"].map((name) =>
    transports.find((row) => row.name === name)
  )
) {
  if (row === undefined) continue;
  conforms(
    row.name,
    "connects from the source address that was asked for",
    async (world) => {
      const server = world.node();
      const client = world.node();
      const { address } = await server.network.listen(row.adapter, "0.0.0.0:0");
      client.network.connect(row.adapter, `127.0.0.1:${address.port}`, {
        sourceAddress: { hostname: "127.0.0.1" },
        keepAliveMs: 10_000,
      } as ConnectOptions);
      assert.ifError((await client.event("connected")).error);
      const { endpoint } = await server.event("accepted");
      assert.equal(endpoint.address.hostname, "127.0.0.1");
    },
  );
}
