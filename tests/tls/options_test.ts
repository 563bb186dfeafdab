import assert from "node:assert/strict";
import { type Address, Transport } from "../../mod.ts";
import { memoryDriver } from "../../runtime/memory.ts";
import { conforms, isNetworkError } from "../conformance/_nodes.ts";
import { CA, identity, pem } from "./_certificates.ts";
import { ends, isTls, tlsTransports } from "./_tls.ts";

const server = identity("server");
const client = identity("client");
const encrypted = pem("server_encrypted.key");
const cut = server.certificate.replace(/[A-Za-z0-9+/]{40}\n/, "");

/** Options that a program without types may give. */
type Loose = Readonly<Record<string, unknown>>;

const connects: readonly [string, Loose, RegExp][] = [
  ["a certificate without a key", {
    certificate: client.certificate,
  }, /tls\.key is missing/],
  ["a key without a certificate", {
    key: client.key,
  }, /tls\.certificate is missing/],
  ["the key of another certificate", {
    ...client,
    key: server.key,
  }, /tls\.key/],
  ["an encrypted key", { ...server, key: encrypted }, /tls\.key.*encrypted/],
  ["a certificate as the key", {
    ...server,
    key: server.certificate,
  }, /tls\.key/],
  ["a certificate that was cut", {
    ...server,
    certificate: cut,
  }, /tls\.certificate/],
  ["a path", { ca: "/etc/ssl/ca.pem" }, /tls\.ca.*path/],
  ["no authority", { ca: [] }, /tls\.ca.*empty/],
  ["an empty authority", { ca: "" }, /tls\.ca/],
  ["an authority that is a key", { ca: server.key }, /tls\.ca/],
  ["a number as authority", { ca: 1 }, /tls\.ca/],
  [
    "a version that is not spoken",
    { minVersion: "TLSv1.1" },
    /tls\.minVersion/,
  ],
  ["an unknown option", { rejectUnauthorized: false }, /rejectUnauthorized/],
  ["a misspelt option", { cA: CA }, /tls\.cA/],
  ["a name that is none", { serverName: "a b" }, /tls\.serverName/],
  ["an empty protocol", { alpnProtocols: [""] }, /tls\.alpnProtocols/],
  ["a protocol twice", { alpnProtocols: ["a", "a"] }, /tls\.alpnProtocols/],
  ["protocols as text", { alpnProtocols: "h2" }, /tls\.alpnProtocols/],
  ["authorities that nobody looks at", {
    ca: CA,
    dangerouslyAcceptAnyCertificate: true,
  }, /tls\.ca/],
];

const listens: readonly [string, Loose, RegExp][] = [
  ["nothing", {}, /tls\.certificate is missing/],
  ["a certificate without a key", {
    certificate: server.certificate,
  }, /tls\.key is missing/],
  ["a key without a certificate", { key: server.key }, /tls\.certificate/],
  [
    "the key of another certificate",
    { ...server, key: client.key },
    /tls\.key/,
  ],
  ["an encrypted key", { ...server, key: encrypted }, /tls\.key.*encrypted/],
  [
    "a certificate that was cut",
    { ...server, certificate: cut },
    /certificate/,
  ],
  ["clients' certificates without authorities", {
    ...server,
    clientCertificate: "required",
  }, /tls\.ca/],
  ["authorities without clients' certificates", {
    ...server,
    ca: CA,
  }, /tls\.clientCertificate/],
  ["an unknown kind of asking", {
    ...server,
    ca: CA,
    clientCertificate: true,
  }, /tls\.clientCertificate/],
  ["half an identity", {
    ...server,
    identities: { "a.test": { key: server.key } },
  }, /tls\.identities\["a\.test"\]\.certificate/],
  ["an identity with the key of another", {
    ...server,
    identities: { "a.test": { ...server, key: client.key } },
  }, /tls\.identities\["a\.test"\]\.key/],
  ["an identity for no name", {
    ...server,
    identities: { "a b": server },
  }, /tls\.identities\["a b"\]/],
  ["an unknown option", { ...server, requestCert: true }, /requestCert/],
];

for (const transport of tlsTransports) {
  const { name } = transport;
  for (const [what, tls, message] of connects) {
    conforms(name, `a connect with ${what} is refused at the call`, (world) => {
      const { network } = world.node();
      assert.throws(
        () =>
          Reflect.apply(network.connect, network, [
            transport,
            "127.0.0.1:9",
            { tls },
          ]),
        isTls("options", message),
      );
    });
  }

  for (const [what, tls, message] of listens) {
    conforms(
      name,
      `a listen with ${what} is refused, and nothing listens`,
      async (world) => {
        const { network } = world.node();
        await assert.rejects(
          Reflect.apply(network.listen, network, [
            transport,
            "127.0.0.1:0",
            { tls },
          ]),
          isTls("options", message),
        );
        assert.deepEqual(network.resources(), []);
      },
    );
  }

  conforms(
    name,
    "an own certificate that has expired is refused as such",
    async (world) => {
      const { network } = world.node();
      assert.throws(
        () =>
          network.connect(transport, "127.0.0.1:9", {
            tls: identity("client_expired"),
          }),
        isTls("expired", /tls\.certificate/),
      );
      await assert.rejects(
        network.listen(transport, "127.0.0.1:0", {
          tls: identity("server_expired"),
        }),
        isTls("expired", /tls\.certificate/),
      );
    },
  );

  conforms(name, "numbers out of range are invalid options", async (world) => {
    const { network } = world.node();
    for (const handshakeTimeoutMs of [-1, 1.5, NaN, 2 ** 31]) {
      assert.throws(
        () =>
          network.connect(transport, "127.0.0.1:9", {
            tls: { handshakeTimeoutMs },
          }),
        isNetworkError("invalid-option", /tls\.handshakeTimeoutMs/),
      );
    }
    await assert.rejects(
      network.listen(transport, "127.0.0.1:0", {
        tls: { ...server, maxHandshakes: 0 },
      }),
      isNetworkError("invalid-option", /tls\.maxHandshakes/),
    );
  });

  conforms(
    name,
    "addresses and options that contradict each other are refused",
    async (world) => {
      const { network } = world.node();
      const [plain, secure] = transport === Transport.Ws
        ? ["ws", "wss"]
        : ["tcp", "tls"];
      assert.throws(
        () =>
          network.connect(transport, `${plain}://localhost:9`, { tls: true }),
        isTls("options", /without TLS/),
      );
      await assert.rejects(
        network.listen(transport, `${plain}://127.0.0.1:0`, { tls: server }),
        isTls("options", /without TLS/),
      );
      await assert.rejects(
        network.listen(transport, `${secure}://127.0.0.1:0`),
        isTls("options", /tls\.certificate and tls\.key are missing/),
      );
    },
  );

  conforms(
    name,
    "a driver without TLS is told, and one that ignores it sends nothing",
    async (world) => {
      const memory = memoryDriver();
      const { network } = world.node("in memory", { driver: memory });
      assert.throws(
        () => network.connect(transport, "127.0.0.1:9", { tls: true }),
        isNetworkError("not-supported"),
      );
      await assert.rejects(
        network.listen(transport, "127.0.0.1:0", { tls: server }),
        isNetworkError("not-supported"),
      );
      const deaf = world.node("deaf", {
        driver: {
          name: "deaf",
          now: () => memory.now(),
          setTimer: (callback, delayMs) => memory.setTimer(callback, delayMs),
          clearTimer: (timer) => memory.clearTimer(timer),
          defer: (callback) => memory.defer(callback),
          random: () => memory.random(),
          connectStream: ({ address }, events) =>
            memory.connectStream({ address }, events),
          listenStream: ({ address }, events) =>
            memory.listenStream({ address }, events),
          bindDatagram: (request, events) =>
            memory.bindDatagram(request, events),
          connectWebSocket: (request, events) =>
            memory.connectWebSocket(request, events),
          listenWebSocket: (request, events) =>
            memory.listenWebSocket(request, events),
        },
      });
      const listening = await deaf.network.listen(transport, "127.0.0.1:0", {
        tls: server,
      });
      await assert.rejects(
        deaf.network.connectAsync(
          transport,
          { hostname: "127.0.0.1", port: listening.address.port },
          { tls: true },
        ),
        isNetworkError("not-supported"),
      );
      assert.equal(deaf.count("accepted"), 0);
    },
  );
}

const without: readonly [string, Address][] = [
  ["Unix", "/tmp/signalbox-never.sock"],
  ["FramedUnix", "/tmp/signalbox-never.sock"],
  ["Memory", "memory:never"],
  ["Udp", "127.0.0.1:9"],
  ["Ws", "/tmp/signalbox-never.sock"],
];

for (const [name, address] of without) {
  conforms(
    name,
    `tls with ${address} is not supported, and nothing is sent without`,
    async (world) => {
      const { network } = world.node();
      const transport: unknown = Reflect.get(Transport, name);
      assert.throws(
        () =>
          Reflect.apply(network.connect, network, [
            transport,
            address,
            { tls: true },
          ]),
        isNetworkError("not-supported"),
      );
      await assert.rejects(
        Reflect.apply(network.listen, network, [
          transport,
          address,
          { tls: server },
        ]),
        isNetworkError("not-supported"),
      );
    },
  );
}

conforms(
  "Tcp",
  "PEM may be bytes, and several authorities a list",
  async (world) => {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    const { client, listening } = await ends(world, Transport.Tcp, {
      certificate: bytes(server.certificate),
      key: bytes(server.key),
    });
    await client.network.connectAsync(
      Transport.Tcp,
      { hostname: "127.0.0.1", port: listening.address.port },
      {
        tls: {
          ca: [pem("other_ca.pem"), bytes(CA)],
          serverName: "server.test",
        },
      },
    );
  },
);
