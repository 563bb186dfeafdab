/**
 * What every driver's streams must do: backpressure, pausing, half-closing.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  Accepting,
  calling,
  connect,
  type End,
  finish,
  firstWrong,
  inet,
  isFault,
  pattern,
  patternAt,
  pump,
  turns,
  withPair,
} from "./_probe.ts";
import type { Row } from "./driver_contract.ts";

const LOOPBACK = inet("127.0.0.1");
const MIB = 1024 * 1024;

/** Checks what an end receives against the pattern as it comes, and keeps none of it. */
function checkPattern(end: End): void {
  let place = end.probe.received;
  end.probe.onData = (chunk) => {
    assert.equal(firstWrong(chunk, place), -1);
    place += chunk.byteLength;
  };
}

export const streamFlowRows: readonly Row[] = [
  {
    name: "8 MiB to a stalled reader arrive whole and in order once it reads",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        checkPattern(server);
        calling(() => server.socket.pause());
        let largest = 0;
        let shorts = 0;
        // More than the system's own buffers hold, so that it must stall.
        const size = 16 * MIB;
        await pump(client, pattern(size), 64 * 1024, () => {
          largest = Math.max(largest, client.socket.pending);
          shorts++;
          calling(() => server.socket.resume());
        });
        await server.probe.until(() => server.probe.received === size);
        assert(shorts > 0, "nothing was ever refused");
        assert(largest <= MIB, `${largest} bytes were kept in the driver`);
        assert.equal(client.probe.closedTimes, 0);
      }),
  },
  {
    name:
      "one write of 8 MiB is taken in part or whole, and the rest can follow",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        checkPattern(server);
        await pump(client, pattern(8 * MIB), 8 * MIB);
        await server.probe.until(() => server.probe.received === 8 * MIB);
      }),
  },
  {
    name: "pending falls to 0 with a drain, and bytes may change then",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        const size = 256 * 1024;
        const buffer = new Uint8Array(size);
        checkPattern(server);
        for (let round = 0; round < 16; round++) {
          buffer.set(pattern(size, round * size));
          await pump(client, buffer, size);
          if (client.socket.pending > 0) {
            const { drained } = client.probe;
            await client.probe.until(() => client.probe.drained > drained);
          }
          assert.equal(client.socket.pending, 0);
          buffer.fill(0);
        }
        await server.probe.until(() => server.probe.received === 16 * size);
      }),
  },
  {
    name: "chunks are never written again",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        const size = 4 * MIB;
        await pump(client, pattern(size), 10_000);
        await server.probe.until(() => server.probe.received === size);
        let place = 0;
        for (const chunk of server.probe.chunks) {
          assert.equal(firstWrong(chunk, place), -1);
          place += chunk.byteLength;
        }
      }),
  },
  {
    name:
      "a paused socket delivers at most one chunk more, until it is resumed",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        let chunks = 0;
        let place = 0;
        server.probe.onData = (chunk) => {
          assert.equal(firstWrong(chunk, place), -1);
          place += chunk.byteLength;
          chunks++;
          if (chunks === 1) calling(() => server.socket.pause());
        };
        const sent = pump(client, pattern(4 * MIB), 64 * 1024);
        await server.probe.until(() => chunks > 0);
        // A round trip through other sockets: whatever was on its way has come.
        await withPair(driver, LOOPBACK, async (other, another) => {
          calling(() => other.socket.write(pattern(1)));
          await another.probe.until(() => another.probe.received === 1);
          await turns(driver, 5);
        });
        assert(chunks <= 2, `${chunks - 1} chunks came after pause`);
        calling(() => server.socket.resume());
        await sent;
        await server.probe.until(() => server.probe.received === 4 * MIB);
      }),
  },
  {
    name:
      "a socket paused before its first byte delivers nothing until resumed",
    run: async ({ driver }) => {
      const accepting = new Accepting();
      accepting.onAccept = (end) => calling(() => end.socket.pause());
      await accepting.listen(driver, { address: LOOPBACK });
      const client = connect(driver, accepting.listener.address);
      await client.probe.untilOpen();
      calling(() => client.socket.write(pattern(5)));
      const server = await accepting.end(0);
      await turns(driver, 5);
      const early = server.probe.chunks.length;
      assert(early <= 1, `${early} chunks came`);
      calling(() => server.socket.resume());
      await server.probe.until(() => server.probe.received === 5);
      await finish(driver, [client], accepting);
    },
  },
  {
    name:
      "a connection that is paused as it opens reads nothing for a resume that is taken back",
    run: async ({ driver }) => {
      const accepting = await new Accepting().listen(driver, {
        address: LOOPBACK,
      });
      const client = connect(driver, accepting.listener.address);
      client.probe.onOpen = () => calling(() => client.socket.pause());
      await client.probe.untilOpen();
      const server = await accepting.end(0);
      await turns(driver, 2);
      calling(() => client.socket.resume());
      calling(() => client.socket.pause());
      await turns(driver, 2);
      const sent = pump(server, pattern(4 * MIB), 64 * 1024);
      await turns(driver, 10);
      const early = client.probe.chunks.length;
      assert(early <= 1, `${early} chunks came`);
      calling(() => client.socket.resume());
      await sent;
      await client.probe.until(() => client.probe.received === 4 * MIB);
      assert.equal(firstWrong(client.probe.bytes()), -1);
      await finish(driver, [client], accepting);
    },
  },
  {
    name:
      "after the peer's FIN 4 MiB can still be sent, then both close in order",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        checkPattern(client);
        calling(() => client.socket.shutdown());
        await server.probe.until(() => server.probe.ended === 1);
        assert.equal(server.probe.closedTimes, 0);
        await pump(server, pattern(4 * MIB), 64 * 1024);
        await client.probe.until(() => client.probe.received === 4 * MIB);
        calling(() => server.socket.shutdown());
        await client.probe.untilClosed();
        await server.probe.untilClosed();
        assert.equal(client.probe.fault, undefined);
        assert.equal(server.probe.fault, undefined);
        assert.equal(client.probe.ended, 1);
      }),
  },
  {
    name: "shutdown sends what was taken before the FIN, and takes no more",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        checkPattern(server);
        calling(() => server.socket.pause());
        let offset = 0;
        const bytes = pattern(16 * MIB);
        while (offset < bytes.byteLength) {
          const slice = bytes.subarray(offset, offset + 64 * 1024);
          const taken = calling(() => client.socket.write(slice));
          offset += taken;
          if (taken < slice.byteLength) break;
        }
        calling(() => client.socket.shutdown());
        calling(() => client.socket.shutdown());
        assert.equal(calling(() => client.socket.write(pattern(1))), 0);
        calling(() => server.socket.resume());
        await server.probe.until(() => server.probe.ended === 1);
        assert.equal(server.probe.received, offset);
      }),
  },
  {
    name: "data and FIN that came before a resume are both told after it",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        calling(() => server.socket.pause());
        calling(() => client.socket.write(pattern(5)));
        calling(() => client.socket.shutdown());
        await turns(driver, 5);
        calling(() => server.socket.resume());
        await server.probe.until(() => server.probe.ended === 1);
        assert.deepEqual(server.probe.bytes(), pattern(5));
        calling(() => server.socket.shutdown());
        await server.probe.untilClosed();
        await client.probe.untilClosed();
        assert.equal(client.probe.fault, undefined);
      }),
  },
  {
    name: "writing to a peer that is gone ends in connection-reset",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        server.close();
        await server.probe.untilClosed();
        await client.probe.until(() => client.probe.ended === 1);
        const write = (): void => {
          if (client.probe.closedTimes > 0) return;
          calling(() => client.socket.write(pattern(1_000)));
          driver.defer(write);
        };
        write();
        await client.probe.untilClosed();
        isFault("connection-reset")(client.probe.fault);
      }),
  },
  {
    name: "closing with input unread still delivers what was taken",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        calling(() => server.socket.pause());
        calling(() => client.socket.write(pattern(200_000)));
        await turns(driver, 3);
        checkPattern(client);
        const bytes = pattern(3 * MIB);
        let taken = 0;
        while (taken < bytes.byteLength) {
          const slice = bytes.subarray(taken, taken + 64 * 1024);
          const count = calling(() => server.socket.write(slice));
          taken += count;
          if (count < slice.byteLength) break;
        }
        server.close();
        await client.probe.until(() =>
          client.probe.ended === 1 || client.probe.closedTimes > 0
        );
        assert.equal(client.probe.received, taken);
      }),
  },
  {
    name: "many connections at once each get their own bytes",
    run: async ({ driver }) => {
      const accepting = await new Accepting().listen(driver, {
        address: LOOPBACK,
      });
      accepting.onAccept = (end) => {
        end.probe.onData = (chunk) => {
          assert.equal(end.socket.write(chunk), chunk.byteLength);
        };
      };
      const clients = Array.from(
        { length: 50 },
        () => connect(driver, accepting.listener.address),
      );
      for (const [index, client] of clients.entries()) {
        await client.probe.untilOpen();
        calling(() => client.socket.write(new Uint8Array(10).fill(index)));
      }
      for (const [index, client] of clients.entries()) {
        await client.probe.until(() => client.probe.received === 10);
        assert.deepEqual(
          client.probe.bytes(),
          new Uint8Array(10).fill(index),
        );
      }
      assert.equal(accepting.offered, 50);
      await finish(driver, clients, accepting);
    },
  },
  {
    name: "10,000 single-byte writes arrive in order",
    run: ({ driver }) =>
      withPair(driver, LOOPBACK, async (client, server) => {
        await pump(client, pattern(10_000), 1);
        await server.probe.until(() => server.probe.received === 10_000);
        assert.equal(server.probe.bytes()[9_999], patternAt(9_999));
        assert.equal(firstWrong(server.probe.bytes()), -1);
      }),
  },
];
