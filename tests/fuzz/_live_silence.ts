/**
 * Connects that say nothing, hundreds open at a time.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { Ws } from "../../mod.ts";
import {
  Echo,
  listenAndEcho,
  MAX_MESSAGE_SIZE,
  WatchedNode,
} from "./_live_node.ts";
import { rawTarget } from "./_live_streams.ts";
import type { LiveSession, LiveTarget } from "./_target.ts";

/** How many are open at once: far below what a process may open. */
const MAX_OPEN = 200;

/** Opens one connection more with each input, which it ignores, and gives up the oldest. */
export const liveSilence: LiveTarget = {
  name: "live-silent",
  corpus: [new Uint8Array(0)],
  tokens: [],
  compose: () => new Uint8Array(0),
  async open(): Promise<LiveSession> {
    const server = new WatchedNode();
    const client = new WatchedNode();
    const { address } = await listenAndEcho(
      server,
      Ws,
      "127.0.0.1:0",
      { maxMessageSize: MAX_MESSAGE_SIZE },
      MAX_MESSAGE_SIZE,
    );
    const good = await Echo.open(client, Ws, {
      hostname: "127.0.0.1",
      port: address.port,
    });
    // Oldest first; those that the server has given up are out of it.
    const open = new Set<Socket>();
    const closed = (socket: Socket): Promise<void> => {
      open.delete(socket);
      return new Promise((resolve) => {
        socket.once("close", () => resolve());
        socket.destroy();
      });
    };
    return {
      attack: async () => {
        const socket = connect(rawTarget(address));
        await new Promise<void>((resolve, reject) => {
          socket.once("connect", () => resolve());
          socket.once("error", reject);
        });
        open.add(socket);
        socket.on("error", () => {});
        socket.once("close", () => open.delete(socket));
        socket.resume();
        const [oldest] = open;
        if (open.size > MAX_OPEN && oldest !== undefined) await closed(oldest);
      },
      useGood: () => good.use(),
      left: () => server.handler.stats().connections - 1 - open.size,
      get violations() {
        return [...server.violations, ...client.violations];
      },
      async close() {
        await Promise.all([...open].map(closed));
        await client.stop();
        await server.stop();
      },
    };
  },
};
