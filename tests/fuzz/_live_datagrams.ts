/**
 * A listener of datagrams under a flood.
 *
 * @module
 */

import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { Udp } from "../../mod.ts";
import { varintSource } from "./_framing_targets.ts";
import {
  Echo,
  listenAndEcho,
  MAX_MESSAGE_SIZE,
  WatchedNode,
} from "./_live_node.ts";
import type { LiveSession, LiveTarget } from "./_target.ts";

const LIMITS = { maxMessageSize: MAX_MESSAGE_SIZE };

/** Datagrams from ever other ports. */
export const liveUdp: LiveTarget = {
  ...varintSource,
  name: "live-udp",
  async open(): Promise<LiveSession> {
    const server = new WatchedNode();
    const client = new WatchedNode();
    const { address } = await listenAndEcho(
      server,
      Udp,
      "127.0.0.1:0",
      LIMITS,
      MAX_MESSAGE_SIZE,
    );
    const good = await Echo.open(client, Udp, {
      hostname: "127.0.0.1",
      port: address.port,
    });
    const sockets: DatagramSocket[] = [];
    const closing: Promise<void>[] = [];
    let sent = 0;
    const close = (old: DatagramSocket): Promise<void> =>
      new Promise((resolve) => {
        old.close(() => resolve());
      });
    return {
      attack: async (input) => {
        const index = sent;
        sent += 1;
        if (index % 32 === 0) {
          const made = createSocket("udp4");
          // ICMP answers to what the flood sent are the flood's own matter.
          made.on("error", () => {});
          sockets.push(made);
          // The newer ones may still be sending.
          const old = sockets.length > 3 ? sockets.shift() : undefined;
          if (old !== undefined) closing.push(close(old));
        }
        const from = sockets[sockets.length - 1];
        if (from === undefined) return;
        await new Promise<void>((resolve) =>
          from.send(input, address.port, "127.0.0.1", () => resolve())
        );
        if (index % 64 === 0) {
          await new Promise<void>((resolve) => setTimeout(resolve, 1));
        }
      },
      // Where a flood has filled the system's buffer a datagram is lost, as any may be.
      useGood: () => good.use(50),
      left: () => server.handler.stats().connections,
      get violations() {
        return [...server.violations, ...client.violations];
      },
      async close() {
        await Promise.all([...closing, ...sockets.splice(0).map(close)]);
        await client.stop();
        await server.stop();
      },
    };
  },
};
