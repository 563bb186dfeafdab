import assert from "node:assert/strict";
import { connect } from "node:net";
import {
  type TlsConnectOptions,
  type TlsFailure,
  type TlsListenOptions,
  Transport,
} from "../../mod.ts";
import { conforms, eventually, pattern } from "../conformance/_nodes.ts";
import { fromHex } from "../framing/_stream.ts";
import { CA, identity, pem } from "./_certificates.ts";
import {
  at,
  echoServer,
  ends,
  isTls,
  joined,
  lastFault,
  MUTUAL,
  plainServer,
  rawHandshake,
  tlsTransports,
  TRUSTING,
} from "./_tls.ts";

/** One way for a handshake to fail between two nodes. */
interface Refusal {
  readonly name: string;
  readonly listen?: TlsListenOptions;
  readonly connect?: TlsConnectOptions;
  /** What the client is told. */
  readonly failure: TlsFailure;
  /** What the listener is told; not asked where it only hears that the client left. */
  readonly listener?: TlsFailure;
  /** Whether a TLS 1.3 client learns of it only after `connected`. */
  readonly isLate?: boolean;
}

const refusals: readonly Refusal[] = [
  {
    name: "a server's certificate of an unknown authority",
    listen: identity("server_stranger"),
    failure: "untrusted",
  },
  {
    name: "a server's certificate that signed itself",
    listen: identity("server_self_signed"),
    failure: "untrusted",
  },
  {
    name: "a good certificate where other authorities are trusted",
    connect: { ...TRUSTING, ca: pem("other_ca.pem") },
    failure: "untrusted",
  },
  {
    name: "authorities of the runtime, which do not know the server's",
    connect: { serverName: "server.test" },
    failure: "untrusted",
  },
  {
    name: "a server's certificate for another name",
    listen: identity("server_elsewhere"),
    failure: "wrong-name",
  },
  {
    name: "a name that the certificate does not have",
    connect: { ca: CA, serverName: "nobody.test" },
    failure: "wrong-name",
  },
  {
    name: "an address that the certificate does not have",
    listen: identity("server_elsewhere"),
    connect: { ca: CA },
    failure: "wrong-name",
  },
  {
    name: "protocols of which none is in common",
    listen: { ...identity("server"), alpnProtocols: ["one", "two"] },
    connect: { ...TRUSTING, alpnProtocols: ["three"] },
    failure: "handshake",
    listener: "handshake",
  },
  {
    name: "a client without the certificate that is required",
    listen: MUTUAL,
    failure: "certificate-required",
    listener: "certificate-required",
    isLate: true,
  },
  {
    name: "a client's certificate of an unknown authority",
    listen: MUTUAL,
    connect: { ...TRUSTING, ...identity("client_stranger") },
    failure: "certificate-refused",
    listener: "untrusted",
    isLate: true,
  },
  {
    name: "an optional certificate of an unknown authority",
    listen: { ...MUTUAL, clientCertificate: "optional" },
    connect: { ...TRUSTING, ...identity("client_stranger") },
    failure: "certificate-refused",
    listener: "untrusted",
    isLate: true,
  },
];

for (const transport of tlsTransports) {
  for (const refusal of refusals) {
    const { failure, listener, isLate = false } = refusal;
    // A WebSocket is connected after its own handshake, which comes later still.
    const isTold = isLate && transport !== Transport.Ws;
    conforms(
      transport.name,
      `${refusal.name} is ${failure}${
        isTold ? ", told by disconnected" : ""
      }, and the listener goes on`,
      async (world) => {
        const nodes = await ends(world, transport, refusal.listen);
        const { client, server, listening } = nodes;
        client.network.connect(transport, at(listening), {
          tls: refusal.connect ?? TRUSTING,
        });
        const connected = await client.event("connected");
        if (isTold) {
          assert.equal(connected.ok, true);
          const { reason, error } = await client.event("disconnected");
          assert.equal(reason, "tls");
          isTls(failure)(error);
        } else {
          assert.equal(connected.ok, false);
          isTls(failure)(connected.error);
        }
        if (listener !== undefined) isTls(listener)(await lastFault(nodes));
        const good = await server.network.listen(transport, "127.0.0.1:0", {
          tls: identity("server"),
        });
        await client.network.connectAsync(transport, at(good), {
          tls: TRUSTING,
        });
      },
    );
  }
}

conforms(
  "FramedTcp",
  "a listener that refused handshakes accepts the next good one",
  async (world) => {
    const nodes = await ends(world, Transport.FramedTcp, MUTUAL);
    const { client, server, listening } = nodes;
    for (let round = 0; round < 5; round += 1) {
      client.network.connect(Transport.FramedTcp, at(listening), {
        tls: round % 2 === 0
          ? { ca: pem("other_ca.pem"), serverName: "server.test" }
          : { ...TRUSTING, ...identity("client_stranger") },
      });
    }
    await client.until(
      "five refusals",
      () =>
        client.all("connected").filter(({ ok }) => !ok).length === 3 &&
        client.count("disconnected") === 2,
    );
    const { toServer } = await joined(nodes, Transport.FramedTcp, {
      ...TRUSTING,
      ...identity("client"),
    });
    client.network.send(toServer, "here");
    await server.messages(1);
  },
);

conforms(
  "Tcp",
  "an expired certificate of a server is expired",
  async (world) => {
    const { certificate, key } = identity("server_expired");
    const port = await echoServer(world, { cert: certificate, key });
    await assert.rejects(
      world.node().network.connectAsync(
        Transport.Tcp,
        { hostname: "127.0.0.1", port },
        { tls: TRUSTING },
      ),
      isTls("expired"),
    );
  },
);

conforms(
  "Tcp",
  "an expired certificate of a client is expired, as the listener tells",
  async (world) => {
    const nodes = await ends(world, Transport.Tcp, MUTUAL);
    const { certificate, key } = identity("client_expired");
    await rawHandshake(nodes.listening, { cert: certificate, key });
    isTls("expired")(await lastFault(nodes));
  },
);

conforms(
  "Tcp",
  "a TLS 1.2 client without a certificate is not connected",
  async (world) => {
    const port = await echoServer(world, {
      maxVersion: "TLSv1.2",
      requestCert: true,
      rejectUnauthorized: true,
      ca: CA,
    });
    await assert.rejects(
      world.node().network.connectAsync(
        Transport.Tcp,
        { hostname: "127.0.0.1", port },
        { tls: TRUSTING },
      ),
      isTls("handshake"),
    );
  },
);

conforms(
  "Tcp",
  "a listener tells of a TLS 1.2 client without a certificate",
  async (world) => {
    const nodes = await ends(world, Transport.Tcp, MUTUAL);
    await rawHandshake(nodes.listening, { maxVersion: "TLSv1.2" });
    isTls("certificate-required")(await lastFault(nodes));
  },
);

conforms(
  "Tcp",
  "a listener refuses versions below its lowest",
  async (world) => {
    const nodes = await ends(world, Transport.Tcp, {
      ...identity("server"),
      minVersion: "TLSv1.3",
    });
    await rawHandshake(nodes.listening, { maxVersion: "TLSv1.2" });
    isTls("handshake")(await lastFault(nodes));
    await joined(nodes, Transport.Tcp);
  },
);

conforms("Tcp", "a client refuses versions below its lowest", async (world) => {
  const port = await echoServer(world, { maxVersion: "TLSv1.2" });
  const { network } = world.node();
  const address = { hostname: "127.0.0.1", port };
  await assert.rejects(
    network.connectAsync(Transport.Tcp, address, {
      tls: { ...TRUSTING, minVersion: "TLSv1.3" },
    }),
    isTls("handshake"),
  );
  await network.connectAsync(Transport.Tcp, address, { tls: TRUSTING });
});

/** Hexadecimal bytes behind their length. */
function sized(digits: number, hex: string): string {
  return (hex.length / 2).toString(16).padStart(digits, "0") + hex;
}

/** What OpenSSL's clients say first, with this version as the highest, and ciphers of TLS 1.2 and of all before it. */
function hello(version: "0302" | "0303"): Uint8Array {
  const extensions = "000b000403000102000a000c000a001d0017001e00180019" +
    "002300000016000000170000000d002a002804030503060308070808080908" +
    "0a080b080408050806040105010601030303010302040205020602";
  const body = `${version}${"2a".repeat(32)}00${sized(4, "c02fc013002f")}0100` +
    sized(4, extensions);
  return fromHex(`160301${sized(4, `01${sized(6, body)}`)}`);
}

conforms(
  "Tcp",
  "a listener refuses TLS 1.1 without being told to",
  async (world) => {
    const nodes = await ends(world, Transport.Tcp, identity("server_rsa"));
    const answers: number[] = [];
    for (const version of ["0303", "0302"] as const) {
      const socket = connect(nodes.listening.address.port, "127.0.0.1");
      const answer = new Promise<number>((resolve) => {
        socket.once("data", (data: Uint8Array) => resolve(data[0] ?? 0));
        socket.once("end", () => resolve(0));
        socket.on("error", () => resolve(0));
      });
      socket.write(hello(version));
      answers.push(await answer);
      const closed = new Promise<void>((resolve) =>
        socket.once("close", () => resolve())
      );
      socket.destroy();
      await closed;
    }
    // The hello is one that a server goes on with.
    assert.equal(answers[0], 0x16);
    assert.notEqual(answers[1], 0x16);
    assert.equal(nodes.server.events.length, 0);
  },
);

conforms(
  "Tcp",
  "a client refuses TLS 1.1 without being told to",
  async (world) => {
    const port = await plainServer(world, (socket) => {
      socket.once("data", () => {
        const body = `0302${"2a".repeat(32)}00c01300`;
        socket.write(fromHex(`160302${sized(4, `02${sized(6, body)}`)}`));
      });
    });
    await assert.rejects(
      world.node().network.connectAsync(
        Transport.Tcp,
        { hostname: "127.0.0.1", port },
        { tls: TRUSTING },
      ),
      isTls("handshake"),
    );
  },
);

for (const transport of tlsTransports) {
  conforms(
    transport.name,
    "plain text on a TLS port is not-tls, as the listener tells, and the plain client is disconnected",
    async (world) => {
      const nodes = await ends(world, transport);
      const { client, listening } = nodes;
      const plain = client.network.connect(transport, at(listening));
      const { ok } = await client.event("connected");
      if (transport === Transport.Ws) {
        assert.equal(ok, false);
      } else {
        assert.equal(ok, true);
        client.network.send(plain, "x".repeat(100));
        await client.event("disconnected");
      }
      isTls("not-tls")(await lastFault(nodes));
    },
  );

  conforms(
    transport.name,
    "TLS to a plain port that answers is not-tls",
    async (world) => {
      const port = await plainServer(world, (socket) => {
        socket.once("data", () => socket.write("220 what do you mean?\r\n"));
      });
      await assert.rejects(
        world.node().network.connectAsync(
          transport,
          { hostname: "127.0.0.1", port },
          { tls: TRUSTING },
        ),
        isTls("not-tls"),
      );
    },
  );

  conforms(
    transport.name,
    "TLS to a plain port that closes is a broken handshake",
    async (world) => {
      const port = await plainServer(world, (socket) => {
        socket.once("data", () => socket.end());
      });
      await assert.rejects(
        world.node().network.connectAsync(
          transport,
          { hostname: "127.0.0.1", port },
          { tls: TRUSTING },
        ),
        isTls("handshake"),
      );
    },
  );

  conforms(
    transport.name,
    "TLS to a port that stays silent times out",
    async (world) => {
      const port = await plainServer(world, () => {});
      await assert.rejects(
        world.node().network.connectAsync(
          transport,
          { hostname: "127.0.0.1", port },
          { tls: { ...TRUSTING, handshakeTimeoutMs: 100 } },
        ),
        { code: "timed-out" },
      );
    },
  );
}

conforms(
  "FramedTcp",
  "a record that cannot be read ends the connection with the reason tls",
  async (world) => {
    const nodes = await ends(world, Transport.FramedTcp);
    const { server, client, listening } = nodes;
    // A relay, which adds what is no record once TLS is there.
    let toServer: ReturnType<typeof connect> | undefined;
    const port = await plainServer(world, (socket) => {
      toServer = connect({ ...at(listening), host: "127.0.0.1" });
      toServer.on("error", () => {});
      socket.on("close", () => toServer?.destroy());
      toServer.on("close", () => socket.destroy());
      socket.pipe(toServer);
      toServer.pipe(socket);
    });
    await client.network.connectAsync(
      Transport.FramedTcp,
      { hostname: "127.0.0.1", port },
      { tls: TRUSTING },
    );
    await server.event("accepted");
    // 32 bytes of application data, as their head says, that nobody has encrypted.
    toServer?.write(Uint8Array.of(0x17, 3, 3, 0, 32, ...pattern(32)));
    const { reason, error } = await server.event("disconnected");
    assert.equal(reason, "tls");
    assert.equal(error?.code, "tls");
  },
);

conforms(
  "FramedTcp",
  "a connect that is given up at any stage of the handshake leaves nothing open",
  async (world) => {
    const { server, client, listening } = await ends(
      world,
      Transport.FramedTcp,
    );
    for (const delayMs of [0, 0, 1, 2, 3, 5, 8]) {
      const endpoint = client.network.connect(
        Transport.FramedTcp,
        at(listening),
        { tls: TRUSTING },
      );
      if (delayMs > 0) {
        await new Promise<void>((resolve) => setTimeout(resolve, delayMs));
      }
      client.remove(endpoint.resourceId);
    }
    await client.network.connectAsync(Transport.FramedTcp, at(listening), {
      tls: TRUSTING,
    });
    await eventually(
      "the last is left",
      () =>
        server.network.resources().filter(({ kind }) => kind === "connection")
          .length === 1,
    );
  },
);
