/**
 * What every driver's datagram sockets must do.
 *
 * @module
 */

import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import {
  bind,
  type Bound,
  closeAll,
  echo,
  insist,
  send,
} from "./_datagram_probe.ts";
import { calling, inet, isFault, pattern, turns } from "./_probe.ts";
import type { Row } from "./driver_contract.ts";

const LOOPBACK = inet("127.0.0.1");

/** A link-local address with its zone, if the machine has one. */
function linkLocal(): string | undefined {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { address } of addresses ?? []) {
      if (address.startsWith("fe80:")) {
        return `${address.split("%")[0]}%${name}`;
      }
    }
  }
  return undefined;
}

const zoned = linkLocal();

export const datagramRows: readonly Row[] = [
  ...["127.0.0.1", "::1"].map((host): Row => ({
    name: `datagrams of 0, 1, 1,200 and 65,507 bytes come back over ${host}`,
    run: async ({ driver }) => {
      const server = await bind(driver, { address: inet(host) });
      const client = await bind(driver, { address: inet(host) });
      assert(server.socket.localAddress.port > 0);
      assert.equal(server.socket.localAddress.hostname, host);
      echo(server);
      for (const size of [0, 1, 1_200, 65_507]) {
        client.probe.messages.length = 0;
        assert(send(client, server, pattern(size)));
        await client.probe.until(() => client.probe.messages.length === 1);
        const [message] = client.probe.messages;
        assert.deepEqual(message?.data, pattern(size));
        assert.equal(message?.hostname, host);
        assert.equal(message?.port, server.socket.localAddress.port);
      }
      assert.deepEqual(client.probe.faults, []);
      await closeAll(driver, server, client);
    },
  })),
  {
    name: "a datagram of 65,508 bytes is message-too-big and ends nothing",
    run: async ({ driver }) => {
      const server = await bind(driver, { address: LOOPBACK });
      const client = await bind(driver, { address: LOOPBACK });
      send(client, server, pattern(65_508));
      await client.probe.until(() => client.probe.faults.length > 0);
      isFault("message-too-big")(client.probe.faults[0]);
      await insist(driver, client, server);
      assert.equal(client.socket.pending, 0);
      await closeAll(driver, server, client);
    },
  },
  {
    name: "a dual-stack socket talks to IPv4 hosts under their IPv4 addresses",
    run: async ({ driver }) => {
      const server = await bind(driver, { address: inet("::") });
      const client = await bind(driver, { address: LOOPBACK });
      echo(server);
      assert(send(client, server, pattern(10), "127.0.0.1"));
      await client.probe.until(() => client.probe.messages.length === 1);
      assert.equal(server.probe.messages[0]?.hostname, "127.0.0.1");
      await closeAll(driver, server, client);
    },
  },
  {
    name: "an IPv6-only socket leaves the port to IPv4",
    run: async ({ driver }) => {
      const first = await bind(driver, { address: inet("::"), ipv6Only: true });
      const second = await bind(driver, {
        address: inet("0.0.0.0", first.socket.localAddress.port),
      });
      await closeAll(driver, first, second);
    },
  },
  {
    name: "datagrams are the receiver's, and small ones pin little memory",
    run: async ({ driver }) => {
      const server = await bind(driver, { address: LOOPBACK });
      const client = await bind(driver, { address: LOOPBACK });
      for (let i = 0; i < 50; i++) {
        assert(send(client, server, new Uint8Array(20).fill(i)));
        await server.probe.until(() => server.probe.messages.length === i + 1);
      }
      for (const [index, { data }] of server.probe.messages.entries()) {
        assert.deepEqual(data, new Uint8Array(20).fill(index));
        assert(data.buffer.byteLength <= 4_096, "a small view of a large one");
      }
      await closeAll(driver, server, client);
    },
  },
  {
    name:
      "a connected socket hears its peer alone, and needs no address to send",
    run: async ({ driver }) => {
      const server = await bind(driver, { address: LOOPBACK });
      const stranger = await bind(driver, { address: LOOPBACK });
      const client = await bind(driver, {
        address: LOOPBACK,
        peer: server.socket.localAddress,
      });
      echo(server);
      assert(send(stranger, client, pattern(3)));
      await insist(driver, stranger, server); // What it sent before is out too.
      assert(calling(() => client.socket.send(pattern(10), "", 0)));
      await client.probe.until(() => client.probe.messages.length > 0);
      assert.equal(client.probe.messages[0]?.data.byteLength, 10);
      assert.equal(
        client.probe.messages[0]?.port,
        server.socket.localAddress.port,
      );
      assert.equal(client.probe.messages.length, 1);
      await closeAll(driver, server, stranger, client);
    },
  },
  ...[false, true].map((isConnected): Row => ({
    name: `a closed port does not end ${
      isConnected ? "a connected" : "an unconnected"
    } socket`,
    run: async ({ driver }) => {
      const gone = await bind(driver, { address: LOOPBACK });
      const to = gone.socket.localAddress;
      await closeAll(driver, gone);
      const client = await bind(driver, {
        address: LOOPBACK,
        ...(isConnected ? { peer: to } : undefined),
      });
      for (let i = 0; i < 20; i++) {
        calling(() => client.socket.send(pattern(10), to.hostname, to.port));
        await turns(driver, 1);
      }
      for (const fault of client.probe.faults) {
        isFault("connection-refused")(fault);
      }
      assert.equal(client.probe.closedTimes, 0);
      const server = await bind(driver, { address: to });
      await insist(driver, client, server);
      await closeAll(driver, client, server);
    },
  })),
  {
    name: "a flood is bounded: refused sends are told, and drain follows",
    run: async ({ driver }) => {
      const server = await bind(driver, { address: LOOPBACK });
      const client = await bind(driver, { address: LOOPBACK });
      let refused = 0;
      for (let i = 0; i < 20_000 && refused === 0; i++) {
        if (!send(client, server, pattern(100))) refused++;
      }
      assert(client.socket.pending <= 64 * 1024 * 1024);
      if (refused > 0 || client.socket.pending > 0) {
        const { drained } = client.probe;
        await client.probe.until(() => client.probe.drained > drained);
      }
      const { length } = server.probe.messages;
      while (!send(client, server, pattern(10))) await turns(driver, 1);
      await server.probe.until(() => server.probe.messages.length > length);
      await client.probe.until(() => client.socket.pending === 0);
      await closeAll(driver, server, client);
    },
  },
  {
    name: "a paused socket delivers nothing until it is resumed",
    run: async ({ driver }) => {
      const server = await bind(driver, { address: LOOPBACK });
      const client = await bind(driver, { address: LOOPBACK });
      const other = await bind(driver, { address: LOOPBACK });
      calling(() => server.socket.pause());
      assert(send(client, server, pattern(3)));
      await insist(driver, client, other);
      assert.equal(server.probe.messages.length, 0);
      calling(() => server.socket.resume());
      await insist(driver, client, server, "", 4);
      await closeAll(driver, server, client, other);
    },
  },
  {
    name:
      "a second socket on a port is address-in-use, unless addresses are reused",
    run: async ({ driver }) => {
      const first = await bind(driver, { address: LOOPBACK });
      const { localAddress } = first.socket;
      await assert.rejects(
        bind(driver, { address: localAddress }),
        isFault("address-in-use"),
      );
      await closeAll(driver, first);
      const request = { address: LOOPBACK, reuseAddress: true };
      const shared = await bind(driver, request);
      const again = await bind(driver, {
        ...request,
        address: shared.socket.localAddress,
      });
      await closeAll(driver, shared, again);
    },
  },
  {
    name: "shared ports either work or are refused as not-supported",
    run: async ({ driver }) => {
      const request = { address: LOOPBACK, reusePort: true };
      let first: Bound;
      try {
        first = await bind(driver, request);
      } catch (error) {
        isFault("not-supported")(error);
        return;
      }
      const second = await bind(driver, {
        ...request,
        address: first.socket.localAddress,
      });
      await closeAll(driver, first, second);
    },
  },
  {
    name: "broadcast is permission-denied without its option, and sent with it",
    run: async ({ driver }) => {
      const plain = await bind(driver, { address: inet("0.0.0.0") });
      calling(() => plain.socket.send(pattern(1), "255.255.255.255", 9));
      await plain.probe.until(() => plain.probe.faults.length > 0);
      isFault("permission-denied")(plain.probe.faults[0]);
      const loud = await bind(driver, {
        address: inet("0.0.0.0"),
        broadcast: true,
      });
      calling(() => loud.socket.send(pattern(1), "127.255.255.255", 9));
      await loud.probe.until(() => loud.socket.pending === 0);
      await turns(driver, 2);
      for (const fault of loud.probe.faults) {
        assert.notEqual(fault.code, "permission-denied");
      }
      await closeAll(driver, plain, loud);
    },
  },
  {
    name: "time to live and buffer sizes are taken",
    run: async ({ driver }) => {
      const bound = await bind(driver, {
        address: LOOPBACK,
        ttl: 32,
        receiveBufferSize: 100_000,
        sendBufferSize: 100_000,
      });
      await insist(driver, bound, bound);
      await closeAll(driver, bound);
    },
  },
  zoned === undefined
    ? {
      name: "link-local addresses: NOT PROVED here, there is none",
      run: () => {},
    }
    : {
      name: "link-local addresses work with their zone, connected too",
      run: async ({ driver }) => {
        const server = await bind(driver, { address: inet(zoned) });
        echo(server);
        const { port } = server.socket.localAddress;
        const client = await bind(driver, { address: inet(zoned) });
        calling(() => client.socket.send(pattern(10), zoned, port));
        await client.probe.until(() => client.probe.messages.length === 1);
        const connected = await bind(driver, {
          address: inet(zoned),
          peer: inet(zoned, port),
        });
        calling(() => connected.socket.send(pattern(10), "", 0));
        await connected.probe.until(() =>
          connected.probe.messages.length === 1
        );
        await closeAll(driver, server, client, connected);
      },
    },
];
