import assert from "node:assert/strict";
import { connect as connectTls } from "node:tls";
import {
  type TlsConnectOptions,
  type TlsListenOptions,
  type TlsSession,
  Transport,
} from "../../mod.ts";
import { conforms, pattern, sameBytes, text } from "../conformance/_nodes.ts";
import { varintFrame } from "../conformance/_raw.ts";
import { CA, identity, pem } from "./_certificates.ts";
import {
  at,
  echoServer,
  ends,
  joined,
  MUTUAL,
  tlsTransports,
  TRUSTING,
} from "./_tls.ts";

const SERVER_DAYS = [Date.UTC(2020, 0, 1), Date.UTC(2120, 0, 1)];

for (const transport of tlsTransports) {
  const { name } = transport;

  conforms(
    name,
    "both sides are told what the handshake agreed on, the client with the server's certificate",
    async (world) => {
      const nodes = await ends(world, transport);
      const { toServer, toClient } = await joined(nodes, transport);
      const { tls } = await nodes.client.event("connected");
      const accepted = await nodes.server.event("accepted");
      assert.equal(tls?.version, "TLSv1.3");
      assert.match(tls?.cipher ?? "", /^TLS_/);
      assert.equal(tls?.cipher, accepted.tls?.cipher);
      assert.equal(tls?.alpnProtocol, "");
      assert.equal(tls?.serverName, "server.test");
      assert.equal(accepted.tls?.serverName, "server.test");
      assert.equal(accepted.tls?.peerCertificate, undefined);
      const certificate = tls?.peerCertificate;
      assert.equal(certificate?.commonName, "server.test");
      assert.match(certificate?.issuer ?? "", /CN=test authority/);
      assert.deepEqual(certificate?.subjectAltNames, [
        "DNS:localhost",
        "DNS:server.test",
        "IP Address:127.0.0.1",
        "IP Address:::1",
      ]);
      assert.deepEqual(
        [certificate?.validFromMs, certificate?.validToMs],
        SERVER_DAYS,
      );
      assert.match(certificate?.fingerprint256 ?? "", /^([\dA-F]{2}:){31}/);
      assert.equal(certificate?.raw.constructor, Uint8Array);
      const info = nodes.client.network.resource(toServer.resourceId);
      assert.equal(info?.tls, tls);
      assert.equal(
        nodes.server.network.resource(toClient.resourceId)?.tls,
        accepted.tls,
      );
    },
  );

  conforms(
    name,
    "a client's certificate is at hand in accepted",
    async (world) => {
      for (const clientCertificate of ["required", "optional"] as const) {
        const nodes = await ends(world, transport, {
          ...MUTUAL,
          clientCertificate,
        });
        await joined(nodes, transport, { ...TRUSTING, ...identity("client") });
        const { tls } = await nodes.server.event("accepted");
        assert.equal(tls?.peerCertificate?.commonName, "client one");
        assert.deepEqual(tls?.peerCertificate?.subjectAltNames, [
          "DNS:client.test",
        ]);
      }
    },
  );

  conforms(
    name,
    "where certificates are optional a client without one is accepted",
    async (world) => {
      const nodes = await ends(world, transport, {
        ...MUTUAL,
        clientCertificate: "optional",
      });
      await joined(nodes, transport);
      const { tls } = await nodes.server.event("accepted");
      assert.equal(tls?.peerCertificate, undefined);
    },
  );

  conforms(
    name,
    "16 MiB arrive whole both ways at once",
    async (world) => {
      const nodes = await ends(world, transport);
      const { server, client } = nodes;
      const { toServer, toClient } = await joined(nodes, transport);
      const up = pattern(transport.isPacketBased ? 16 << 20 : 16_000_000, 1);
      const down = pattern(up.length, 2);
      client.network.send(toServer, up);
      server.network.send(toClient, down);
      await Promise.all([
        server.received(up.length),
        client.received(up.length),
      ]);
      sameBytes(server.bytes(), up);
      sameBytes(client.bytes(), down);
    },
  );

  conforms(
    name,
    "stop with drain delivers what was accepted",
    async (world) => {
      const nodes = await ends(world, transport);
      const { server, client } = nodes;
      const { toServer } = await joined(nodes, transport);
      const all = pattern(8 << 20);
      for (let from = 0; from < all.length; from += 1 << 16) {
        client.network.send(toServer, all.subarray(from, from + (1 << 16)));
      }
      await client.handler.stop({ drain: true });
      await server.event("disconnected");
      sameBytes(server.bytes(), all);
    },
  );

  conforms(
    name,
    "the scheme of a URL asks for TLS, verified by the name in it",
    async (world) => {
      const scheme = transport === Transport.Ws ? "wss" : "tls";
      const { network } = world.node("the server");
      const { address } = await network.listen(
        transport,
        `${scheme}://127.0.0.1:0`,
        { tls: identity("server") },
      );
      const client = world.node("the client");
      await client.network.connectAsync(
        transport,
        `${scheme}://localhost:${address.port}`,
        { tls: { ca: CA } },
      );
      const { tls } = await client.event("connected");
      assert.equal(tls?.serverName, "localhost");
    },
  );
}

const agreements: readonly {
  readonly name: string;
  readonly listen?: TlsListenOptions;
  readonly connect?: TlsConnectOptions;
  readonly check: (
    tls: TlsSession,
  ) => void;
}[] = [
  {
    name: "an RSA certificate serves",
    listen: identity("server_rsa"),
    check: (tls) => assert.equal(tls.peerCertificate?.commonName, "rsa.test"),
  },
  {
    name: "a certificate leads to its authority by one in between",
    listen: identity("server_chain"),
    check: (tls) => assert.equal(tls.peerCertificate?.commonName, "chain.test"),
  },
  {
    name: "an address is verified by the addresses of the certificate",
    connect: { ca: CA },
    check: (tls) => assert.equal(tls.serverName, ""),
  },
  {
    name: "the protocol that the server prefers is agreed on",
    listen: { ...identity("server"), alpnProtocols: ["two", "one"] },
    connect: { ...TRUSTING, alpnProtocols: ["one", "two", "three"] },
    check: (tls) => assert.equal(tls.alpnProtocol, "two"),
  },
  {
    name:
      "a client that offers no protocol is served by a server that has some",
    listen: { ...identity("server"), alpnProtocols: ["one"] },
    check: (tls) => assert.equal(tls.alpnProtocol, ""),
  },
  {
    name: "only TLS 1.3 is spoken where it is the lowest",
    listen: { ...identity("server"), minVersion: "TLSv1.3" },
    connect: { ...TRUSTING, minVersion: "TLSv1.3" },
    check: (tls) => assert.equal(tls.version, "TLSv1.3"),
  },
  {
    name: "any certificate is taken where that was said loudly",
    listen: identity("server_stranger"),
    connect: { dangerouslyAcceptAnyCertificate: true },
    check: (tls) =>
      assert.equal(tls.peerCertificate?.commonName, "server.test"),
  },
];

for (const { name, listen, connect, check } of agreements) {
  conforms("FramedTcp", name, async (world) => {
    const nodes = await ends(world, Transport.FramedTcp, listen);
    await joined(nodes, Transport.FramedTcp, connect);
    const { tls } = await nodes.client.event("connected");
    assert(tls !== undefined);
    check(tls);
  });
}

conforms(
  "FramedTcp",
  "the name that a client asks for chooses the certificate",
  async (world) => {
    const nodes = await ends(world, Transport.FramedTcp, {
      ...identity("server"),
      identities: {
        "elsewhere.test": identity("server_elsewhere"),
        "*.wild.test": identity("server_wildcard"),
      },
    });
    for (
      const [serverName, commonName] of [
        ["elsewhere.test", "elsewhere.test"],
        ["a.wild.test", "*.wild.test"],
        ["server.test", "server.test"],
      ] as const
    ) {
      const before = nodes.client.count("connected");
      await joined(nodes, Transport.FramedTcp, { ca: CA, serverName });
      const { tls } = await nodes.client.event("connected", before);
      assert.equal(tls?.peerCertificate?.commonName, commonName);
    }
    await assert.rejects(
      nodes.client.network.connectAsync(
        Transport.FramedTcp,
        at(nodes.listening),
        { tls: { ca: CA, serverName: "a.b.wild.test" } },
      ),
      { code: "tls", tlsFailure: "wrong-name" },
    );
  },
);

conforms(
  "FramedTcp",
  "TLS 1.2 is spoken with a peer that has no more",
  async (world) => {
    const port = await echoServer(world, { maxVersion: "TLSv1.2" });
    const client = world.node();
    const endpoint = await client.network.connectAsync(
      Transport.FramedTcp,
      { hostname: "127.0.0.1", port },
      { tls: TRUSTING },
    );
    const { tls } = await client.event("connected");
    assert.equal(tls?.version, "TLSv1.2");
    client.network.send(endpoint, "back and forth");
    await client.messages(1);
    assert.deepEqual(client.texts(), ["back and forth"]);
  },
);

conforms(
  "FramedTcp",
  "a TLS peer that is no node is spoken with",
  async (world) => {
    const nodes = await ends(world, Transport.FramedTcp);
    const { server, listening } = nodes;
    server.onEvent = (event) => {
      if (event.type === "message") {
        server.network.send(
          event.endpoint,
          event.data,
        );
      }
    };
    const socket = connectTls({
      host: "127.0.0.1",
      port: listening.address.port,
      servername: "server.test",
      ca: pem("ca.pem"),
    });
    world.defer(() => void socket.destroy());
    const frame = varintFrame(new TextEncoder().encode("from outside"));
    const answer = await new Promise<Uint8Array>((resolve, reject) => {
      socket.once("secureConnect", () => socket.write(frame));
      socket.once("data", resolve);
      socket.once("error", reject);
    });
    assert.equal(text(new Uint8Array(answer)), text(frame));
    socket.end();
    const { reason } = await server.event("disconnected");
    assert.equal(reason, "closed");
  },
);
