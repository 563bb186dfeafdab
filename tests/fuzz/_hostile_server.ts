/**
 * WebSocket servers that our client should not have trusted.
 *
 * @module
 */

import { type AddressInfo, createServer, type Server } from "node:net";
import {
  type Endpoint,
  type ResourceId,
  Ws,
  type WsConnectOptions,
} from "../../mod.ts";
import { webSocketAccept } from "../../framing/web_socket_handshake.ts";
import { KEY_EXAMPLE } from "../vectors/rfc6455.ts";
import {
  Echo,
  listenAndEcho,
  MAX_MESSAGE_SIZE,
  WatchedNode,
} from "./_live_node.ts";
import { latin1 } from "./_mutate.ts";
import type { Random } from "./_random.ts";
import { play } from "./_raw_attack.ts";
import type { LiveSession, LiveTarget, Source } from "./_target.ts";

const LIMITS = { maxMessageSize: MAX_MESSAGE_SIZE };

/** A client whose server says the input. */
export function hostileServer(
  source: Source,
  name: string,
  say: (key: string, input: Uint8Array) => Uint8Array,
): LiveTarget {
  return {
    ...source,
    name,
    async open(): Promise<LiveSession> {
      const echo = new WatchedNode();
      const client = new WatchedNode();
      const ends = new Map<ResourceId, () => void>();
      client.onEvent = (event) => {
        const isEnd = event.type === "disconnected" ||
          (event.type === "connected" && !event.ok);
        if (isEnd) ends.get(event.endpoint.resourceId)?.();
        if (
          event.type === "message" && event.data.length > MAX_MESSAGE_SIZE
        ) {
          client.violations.push(`a message of ${event.data.length} bytes`);
        }
      };
      const { address } = await listenAndEcho(
        echo,
        Ws,
        "127.0.0.1:0",
        LIMITS,
        MAX_MESSAGE_SIZE,
      );
      const good = await Echo.open<WsConnectOptions>(client, Ws, {
        hostname: "127.0.0.1",
        port: address.port,
      });
      const plays = new Map<string, Play>();
      const server = await playServer(plays, say);
      const { port } = server.address() as AddressInfo;
      let count = 0;
      return {
        attack: async (input, random) => {
          count += 1;
          const path = `/${count}`;
          const played = new Promise<void>((resolve) =>
            plays.set(path, { input, random, done: resolve })
          );
          const endpoint: Endpoint = client.handler.network.connect(
            Ws,
            `ws://127.0.0.1:${port}${path}`,
            { ...LIMITS, handshakeTimeoutMs: 3_000 },
          );
          const id = endpoint.resourceId;
          await new Promise<void>((resolve) => ends.set(id, resolve));
          ends.delete(id);
          await played;
        },
        useGood: () => good.use(),
        left: () => client.handler.stats().connections - 1,
        get violations() {
          return [...echo.violations, ...client.violations];
        },
        async close() {
          await client.stop();
          await echo.stop();
          await new Promise<void>((resolve) => server.close(() => resolve()));
        },
      };
    },
  };
}

interface Play {
  readonly input: Uint8Array;
  readonly random: Random;
  readonly done: () => void;
}

/** Answers each request by the input that its path stands for. */
async function playServer(
  plays: Map<string, Play>,
  say: (key: string, input: Uint8Array) => Uint8Array,
): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    let text = "";
    const read = (chunk: Uint8Array) => {
      text += new TextDecoder("latin1").decode(chunk);
      if (!text.includes("\r\n\r\n")) return;
      socket.off("data", read);
      const path = /^GET (\S+)/.exec(text)?.[1] ?? "";
      const key = /sec-websocket-key: (\S+)/i.exec(text)?.[1] ?? "";
      const chosen = plays.get(path);
      plays.delete(path);
      if (chosen === undefined) socket.destroy();
      else {
        void play(socket, say(key, chosen.input), chosen.random)
          .then(chosen.done);
      }
    };
    socket.on("error", () => {});
    socket.on("data", read);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** The response with the answer to this very key in the place of the example's. */
export function answerTo(key: string, input: Uint8Array): Uint8Array {
  const text = new TextDecoder("latin1").decode(input);
  if (!text.includes(KEY_EXAMPLE.accept)) return input;
  // The decoder's latin1 is windows-1252 in truth: what has such bytes stays as it is.
  if (/[^\0-\x7f]/.test(text)) return input;
  return latin1(
    text.replaceAll(KEY_EXAMPLE.accept, webSocketAccept(key)),
  );
}

/** The response that opens a WebSocket. */
export const acceptance = (key: string): Uint8Array =>
  latin1(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
      `Connection: Upgrade\r\nSec-WebSocket-Accept: ${
        webSocketAccept(key)
      }\r\n\r\n`,
  );
