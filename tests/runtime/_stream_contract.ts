/**
 * What every driver's streams must do: connecting, listening, ending.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import {
  Accepting,
  calling,
  connect,
  type DriverUnderTest,
  End,
  finish,
  firstWrong,
  inet,
  isFault,
  pattern,
  pump,
  turns,
  withPair,
} from "./_probe.ts";
import type { Row } from "./driver_contract.ts";
import type { SocketAddress } from "../../runtime/driver.ts";
import type { FaultCode } from "../../runtime/fault.ts";

const LOOPBACK = inet("127.0.0.1");

/** The outcome of a connection that cannot succeed: thrown at the call or told by `closed`. */
async function connectFault(
  { driver }: DriverUnderTest,
  address: SocketAddress,
  codes: FaultCode[],
  sourceAddress?: SocketAddress,
): Promise<void> {
  let end: End;
  try {
    end = connect(driver, address, sourceAddress);
  } catch (error) {
    isFault(...codes)(error);
    return;
  }
  await end.probe.untilClosed();
  assert.equal(end.probe.opened, 0);
  isFault(...codes)(end.probe.fault);
  await finish(driver, [end]);
}

export const streamRows: readonly Row[] = [
  {
    name:
      "a connection opens, carries bytes both ways and tells both addresses",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server, accepting) => {
        const { address } = accepting.listener;
        assert.equal(address.family, "ipv4");
        assert.equal(address.hostname, "127.0.0.1");
        assert(address.port > 0);
        assert.deepEqual(client.socket.peerAddress, address);
        assert.deepEqual(server.socket.localAddress, address);
        assert.deepEqual(
          client.socket.localAddress,
          server.socket.peerAddress,
        );
        assert.equal(calling(() => client.socket.write(pattern(5))), 5);
        assert.equal(calling(() => server.socket.write(pattern(7))), 7);
        await server.probe.until(() => server.probe.received === 5);
        await client.probe.until(() => client.probe.received === 7);
        assert.deepEqual(server.probe.bytes(), pattern(5));
        assert.deepEqual(client.probe.bytes(), pattern(7));
        assert.equal(client.probe.opened, 1);
        assert.equal(server.probe.opened, 0, "open is not for accepted ones");
      }),
  },
  {
    name: "IPv6 works like IPv4",
    run: ({ driver }) =>
      withPair(driver, inet("::1"), async (client, server) => {
        assert.equal(client.socket.peerAddress.hostname, "::1");
        assert.equal(server.socket.peerAddress.family, "ipv6");
        calling(() => client.socket.write(pattern(5)));
        await server.probe.until(() => server.probe.received === 5);
      }),
  },
  {
    name: "an IPv4 peer of a dual-stack listener has an IPv4 address",
    run: async ({ driver }) => {
      const accepting = await new Accepting().listen(driver, {
        address: inet("::"),
      });
      const { port } = accepting.listener.address;
      const client = connect(driver, inet("127.0.0.1", port));
      await client.probe.untilOpen();
      const server = await accepting.end(0);
      assert.equal(server.socket.peerAddress.hostname, "127.0.0.1");
      assert.equal(server.socket.peerAddress.family, "ipv4");
      await finish(driver, [client], accepting);
    },
  },
  {
    name:
      "an IPv6-only listener leaves IPv4 alone, or is refused as not-supported",
    run: async (under) => {
      const { driver } = under;
      const accepting = new Accepting();
      try {
        await accepting.listen(driver, { address: inet("::"), ipv6Only: true });
      } catch (error) {
        isFault("not-supported")(error);
        return;
      }
      const { port } = accepting.listener.address;
      await connectFault(under, inet("127.0.0.1", port), [
        "connection-refused",
      ]);
      await accepting.listener.close();
    },
  },
  {
    name: "a listener on ::1 takes ipv6Only with every other option",
    run: async ({ driver }) => {
      for (const options of [{}, { keepAliveMs: 1_000 }, { backlog: 4 }]) {
        const accepting = await new Accepting().listen(driver, {
          address: inet("::1"),
          ipv6Only: true,
          ...options,
        });
        const client = connect(driver, accepting.listener.address);
        await client.probe.untilOpen();
        await finish(driver, [client], accepting);
      }
    },
  },
  {
    name: "two listeners share a port, or are refused as not-supported",
    run: async ({ driver }) => {
      const first = new Accepting();
      try {
        await first.listen(driver, { address: LOOPBACK, reusePort: true });
      } catch (error) {
        isFault("not-supported")(error);
        return;
      }
      const second = await new Accepting().listen(driver, {
        address: first.listener.address,
        reusePort: true,
      });
      await second.listener.close();
      await first.listener.close();
    },
  },
  {
    name: "keepalive and a backlog are taken",
    run: async ({ driver }) => {
      const accepting = await new Accepting().listen(driver, {
        address: LOOPBACK,
        backlog: 5,
        keepAliveMs: 60_000,
      });
      const client = new End();
      client.socket = driver.connectStream({
        address: accepting.listener.address,
        keepAliveMs: 60_000,
      }, client.probe);
      await client.probe.untilOpen();
      await accepting.end(0);
      await finish(driver, [client], accepting);
    },
  },
  {
    name: "a host name is looked up",
    run: async ({ driver }) => {
      const accepting = await new Accepting().listen(driver, {
        address: LOOPBACK,
      });
      const client = connect(driver, {
        family: "unknown",
        hostname: "localhost",
        port: accepting.listener.address.port,
        path: "",
      });
      await client.probe.untilOpen();
      assert.equal(client.socket.peerAddress.hostname, "127.0.0.1");
      await accepting.end(0);
      await finish(driver, [client], accepting);
    },
  },
  {
    name: "a connection comes from the source address asked for",
    run: async (under) => {
      const { driver } = under;
      const accepting = await new Accepting().listen(driver, {
        address: LOOPBACK,
      });
      const client = connect(
        driver,
        accepting.listener.address,
        inet("127.0.0.2"),
      );
      await client.probe.untilOpen();
      const server = await accepting.end(0);
      assert.equal(server.socket.peerAddress.hostname, "127.0.0.2");
      assert.equal(client.socket.localAddress.hostname, "127.0.0.2");
      await finish(driver, [client], accepting);
    },
  },
  {
    name:
      "the port is free again once a listener is closed; closing twice is fine",
    run: async ({ driver }) => {
      const first = await new Accepting().listen(driver, { address: LOOPBACK });
      const { address } = first.listener;
      await first.listener.close();
      await first.listener.close();
      const second = await new Accepting().listen(driver, { address });
      assert.deepEqual(second.listener.address, address);
      await second.listener.close();
    },
  },
  {
    name: "closing a listener leaves accepted connections alive",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server, accepting) => {
        await accepting.listener.close();
        calling(() => client.socket.write(pattern(5)));
        await server.probe.until(() => server.probe.received === 5);
        calling(() => server.socket.write(pattern(5)));
        await client.probe.until(() => client.probe.received === 5);
      }),
  },
  {
    name: "a refused connection is closed and heard of no more",
    run: async ({ driver }) => {
      const accepting = new Accepting();
      accepting.isRefusing = true;
      await accepting.listen(driver, { address: LOOPBACK });
      const client = connect(driver, accepting.listener.address);
      client.probe.onEnd = () => client.socket.shutdown();
      await client.probe.untilClosed();
      assert.equal(accepting.offered, 1);
      await finish(driver, [client], accepting);
    },
  },
  {
    name:
      "a connection given up while it connects tells closed alone, without a fault",
    run: async ({ driver }) => {
      const accepting = await new Accepting().listen(driver, {
        address: LOOPBACK,
      });
      for (const giveUp of ["abort", "close"] as const) {
        const client = connect(driver, accepting.listener.address);
        client[giveUp]();
        await client.probe.untilClosed();
        assert.equal(client.probe.fault, undefined);
        assert.equal(client.probe.opened, 0);
        await finish(driver, [client]);
      }
      await finish(driver, [], accepting);
    },
  },
  {
    name: "nothing is taken before the connection is open",
    run: async ({ driver }) => {
      const accepting = await new Accepting().listen(driver, {
        address: LOOPBACK,
      });
      const client = connect(driver, accepting.listener.address);
      const taken = calling(() => client.socket.write(pattern(5)));
      await client.probe.untilOpen();
      if (taken < 5) calling(() => client.socket.write(pattern(5 - taken)));
      const server = await accepting.end(0);
      await server.probe.until(() => server.probe.received >= 5);
      assert.equal(server.probe.received, 5);
      await finish(driver, [client], accepting);
    },
  },
  {
    name: "closing sends what was taken and tells closed once, the peer an end",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        await pump(client, pattern(100_000), 16_384);
        client.close();
        calling(() => client.socket.close());
        server.probe.onEnd = () => server.socket.shutdown();
        await server.probe.untilClosed();
        assert.equal(server.probe.fault, undefined);
        assert.equal(server.probe.ended, 1);
        assert.equal(firstWrong(server.probe.bytes()), -1);
        assert.equal(server.probe.received, 100_000);
        await client.probe.untilClosed();
        assert.equal(client.probe.fault, undefined);
      }),
  },
  {
    name: "aborting tells closed once without a fault; the peer sees a reset",
    run: ({ driver, lacks }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        calling(() => client.socket.write(pattern(5)));
        await server.probe.until(() => server.probe.received === 5);
        server.probe.onEnd = () => server.socket.shutdown();
        client.abort();
        calling(() => client.socket.abort());
        await client.probe.untilClosed();
        assert.equal(client.probe.fault, undefined);
        await server.probe.untilClosed();
        if (!lacks.has("reset")) {
          isFault("connection-reset")(server.probe.fault);
          assert.equal(server.probe.ended, 0);
        }
      }),
  },
  {
    name: "aborting while the own end is on its way tells closed",
    run: async ({ driver }) => {
      const steps: ((then: () => void) => void)[] = [
        (then) => then(),
        (then) => queueMicrotask(then),
        (then) => process.nextTick(then),
        (then) => void driver.defer(then),
      ];
      for (const how of ["shutdown", "close"] as const) {
        for (const step of steps) {
          await withPair(driver, LOOPBACK, async (client, server) => {
            for (const end of [client, server]) {
              end.probe.onEnd = () => calling(() => end.socket.shutdown());
              if (how === "close") end.close();
              else calling(() => end.socket.shutdown());
              step(() => end.abort());
            }
            await client.probe.untilClosed();
            await server.probe.untilClosed();
          });
        }
      }
    },
  },
  {
    name: "aborting drops what a stalled peer has not taken, at once",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        calling(() => server.socket.pause());
        await new Promise<void>((resolve) => {
          void pump(client, pattern(32 * 1024 * 1024), 65_536, resolve);
        });
        client.probe.onDrain = undefined;
        client.abort();
        await client.probe.untilClosed();
        assert.equal(client.probe.fault, undefined);
      }),
  },
  {
    name: "a socket closed from inside its own callbacks tells closed alone",
    run: async ({ driver }) => {
      for (const how of ["close", "abort"] as const) {
        const first = await new Accepting().listen(driver, {
          address: LOOPBACK,
        });
        const opener = connect(driver, first.listener.address);
        opener.probe.onOpen = () => opener[how]();
        await opener.probe.untilClosed();
        assert.equal(opener.probe.fault, undefined);
        await finish(driver, [opener], first);

        const second = await new Accepting().listen(driver, {
          address: LOOPBACK,
        });
        const reader = connect(driver, second.listener.address);
        reader.probe.onData = () => reader[how]();
        await pump(await second.end(0), pattern(200), 100);
        await reader.probe.untilClosed();
        assert.equal(reader.probe.fault, undefined);
        await finish(driver, [reader], second);
      }
    },
  },
  {
    name: "a connection closed from inside accept is gone",
    run: async ({ driver }) => {
      const accepting = new Accepting();
      accepting.onAccept = (end) => end.abort();
      await accepting.listen(driver, { address: LOOPBACK });
      const client = connect(driver, accepting.listener.address);
      client.probe.onEnd = () => client.socket.shutdown();
      await client.probe.untilClosed();
      await turns(driver, 1);
      await finish(driver, [client], accepting);
    },
  },
];
