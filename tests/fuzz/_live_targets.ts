/**
 * Listeners and clients over real sockets.
 *
 * @module
 */

import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { type AddressInfo, createServer, type Server } from "node:net";
import process from "node:process";
import {
  type Adapter,
  type Address,
  type ConnectOptions,
  type Endpoint,
  FramedTcp,
  framedTcp,
  FramedUnix,
  type ListenOptions,
  newlineFraming,
  type ResourceId,
  type SocketAddress,
  taggedFraming,
  Tcp,
  Udp,
  Ws,
  type WsConnectOptions,
  type WsListenOptions,
} from "../../mod.ts";
import { webSocketAccept } from "../../framing/web_socket_handshake.ts";
import { type NoMethods, Rpc } from "../../rpc/rpc.ts";
import { tempSocketPath } from "../_support.ts";
import { KEY_EXAMPLE } from "../vectors/rfc6455.ts";
import {
  newlineSource,
  taggedSource,
  varintSource,
} from "./_framing_targets.ts";
import {
  type Model,
  newlineModel,
  taggedModel,
  varintModel,
} from "./_framing_models.ts";
import { requestSource, responseSource } from "./_handshake_targets.ts";
import {
  Echo,
  listenAndEcho,
  MAX_MESSAGE_SIZE,
  WatchedNode,
} from "./_live_node.ts";
import { concat, latin1 } from "./_mutate.ts";
import type { Random } from "./_random.ts";
import { attackStream, play, type RawTarget } from "./_raw_attack.ts";
import type { LiveSession, LiveTarget, Source } from "./_target.ts";
import { envelopeSource } from "./_text_targets.ts";
import { readFrames } from "./_web_socket_model.ts";
import { webSocketSource } from "./_web_socket_targets.ts";

const LIMITS = { maxMessageSize: MAX_MESSAGE_SIZE };

function rawTarget(address: SocketAddress): RawTarget {
  return address.path === ""
    ? { host: "127.0.0.1", port: address.port }
    : { path: address.path };
}

/** How a listener is attacked. */
interface StreamAttack {
  readonly name: string;
  readonly source: Source;
  /** Said before each input. Default: nothing. */
  readonly prefix?: Uint8Array;
  /** Whether the listener must end the connection after this input, unasked. Default: never. */
  readonly ends?: (input: Uint8Array) => boolean;
  /** Default: 4,096. */
  readonly maxMessageSize?: number;
  /** Default: a port. */
  readonly address?: () => Address;
}

/** A listener whose connections are attacked. */
function streamTarget<
  Connect extends ConnectOptions,
  Listen extends ListenOptions,
>(
  transport: Adapter<Connect, Listen>,
  listenOptions: Listen,
  {
    name,
    source,
    prefix = new Uint8Array(0),
    ends = () => false,
    maxMessageSize = MAX_MESSAGE_SIZE,
    address = () => "127.0.0.1:0",
  }: StreamAttack,
): LiveTarget {
  return {
    ...source,
    name,
    async open(): Promise<LiveSession> {
      const server = new WatchedNode();
      const client = new WatchedNode();
      const listening = await listenAndEcho(
        server,
        transport,
        address(),
        listenOptions,
        maxMessageSize,
      );
      const good = await Echo.open(client, transport, listening.address);
      const to = rawTarget(listening.address);
      return {
        attack: (input, random) =>
          attackStream(to, concat([prefix, input]), random, ends(input)),
        useGood: () => good.use(),
        left: () => server.handler.stats().connections - 1,
        get violations() {
          return [...server.violations, ...client.violations];
        },
        async close() {
          await client.stop();
          await server.stop();
        },
      };
    },
  };
}

const request = requestSource.corpus[0] ?? new Uint8Array(0);

/** Datagrams from ever other ports. */
const udp: LiveTarget = {
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

/** What the listener of calls serves. */
interface Service {
  echo: { request: unknown; response: unknown };
  add: { request: [number, number]; response: number };
  count: { request: number; item: number };
}

/** Envelopes behind their varint lengths: whole frames, so that the calls are reached. */
const rpc: LiveTarget = {
  ...envelopeSource,
  name: "live-rpc",
  async open(): Promise<LiveSession> {
    const server = new WatchedNode();
    const client = new WatchedNode();
    const served = new Rpc<Service, NoMethods>(server.handler, {
      handlers: {
        echo: (value) => value,
        add: ([a, b]) => a + b,
        *count(to) {
          for (let item = 0; item < Math.min(100, to); item++) yield item;
        },
      },
      maxCallsPerConnection: 16,
    });
    server.onEvent = (event) => void served.handle(event);
    const { address } = await server.handler.network.listen(
      FramedTcp,
      "127.0.0.1:0",
      LIMITS,
    );
    const calls = new Rpc<NoMethods, Service>(client.handler, { handlers: {} });
    client.onEvent = (event) => void calls.handle(event);
    const toServer = await client.handler.network.connectAsync(
      FramedTcp,
      address,
    );
    let turn: Promise<unknown> = Promise.resolve();
    let count = 0;
    const use = async (): Promise<number> => {
      const start = performance.now();
      count += 1;
      const answer = await calls.call(toServer, "add", [count, 1]);
      if (answer !== count + 1) throw new Error(`the call answers ${answer}`);
      return performance.now() - start;
    };
    return {
      attack: (input, random) =>
        attackStream(rawTarget(address), framed(input, random), random),
      useGood: () => {
        const next = turn.then(use);
        turn = next.catch(() => {});
        return next;
      },
      left: () =>
        server.handler.stats().connections - 1 + served.stats().serving,
      get violations() {
        return [...server.violations, ...client.violations];
      },
      async close() {
        calls.close();
        served.close();
        await client.stop();
        await server.stop();
      },
    };
  },
};

/** The input as one message, or cut into several. */
function framed(input: Uint8Array, random: Random): Uint8Array {
  const size = random.oneIn(2) ? input.length : random.from(1, 40);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < input.length; at += size) {
    const part = input.subarray(at, at + Math.min(size, MAX_MESSAGE_SIZE));
    const head = part.length < 0x80
      ? [part.length]
      : [(part.length % 0x80) | 0x80, part.length >> 7];
    frames.push(Uint8Array.from(head), part);
  }
  return concat(frames);
}

/** The server that our client trusted, as it should not have. */
function hostileServer(
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
function answerTo(key: string, input: Uint8Array): Uint8Array {
  const text = new TextDecoder("latin1").decode(input);
  if (!text.includes(KEY_EXAMPLE.accept)) return input;
  // The decoder's latin1 is windows-1252 in truth: what has such bytes stays as it is.
  if (/[^\0-\x7f]/.test(text)) return input;
  return latin1(
    text.replaceAll(KEY_EXAMPLE.accept, webSocketAccept(key)),
  );
}

const acceptance = (key: string): Uint8Array =>
  latin1(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
      `Connection: Upgrade\r\nSec-WebSocket-Accept: ${
        webSocketAccept(key)
      }\r\n\r\n`,
  );

const wsLimits: WsListenOptions = { ...LIMITS, handshakeTimeoutMs: 3_000 };

const isFault = (model: Model) => (input: Uint8Array): boolean =>
  model(input, MAX_MESSAGE_SIZE).fault !== undefined;

function isOver(input: Uint8Array): boolean {
  const { findings } = readFrames(input, {
    isServer: true,
    maxMessageSize: MAX_MESSAGE_SIZE,
    maxFragments: 65_536,
  });
  const last = findings.at(-1)?.kind;
  return last === "fault" || last === "close";
}

/** The targets. */
export const LIVE_TARGETS: readonly LiveTarget[] = [
  streamTarget(FramedTcp, LIMITS, {
    name: "live-framed-tcp",
    source: varintSource,
    ends: isFault(varintModel),
  }),
  streamTarget(framedTcp({ framing: taggedFraming }), LIMITS, {
    name: "live-tagged",
    source: taggedSource,
    ends: isFault(taggedModel),
  }),
  streamTarget(framedTcp({ framing: newlineFraming }), LIMITS, {
    name: "live-newline",
    source: newlineSource,
    ends: isFault(newlineModel(false)),
  }),
  // A chunk is a message: there is nothing to pass a limit.
  streamTarget(Tcp, {}, {
    name: "live-tcp",
    source: newlineSource,
    maxMessageSize: Infinity,
  }),
  ...(process.platform === "win32" ? [] : [
    streamTarget(FramedUnix, LIMITS, {
      name: "live-framed-unix",
      source: varintSource,
      ends: isFault(varintModel),
      address: () => ({ path: tempSocketPath() }),
    }),
  ]),
  streamTarget(Ws, wsLimits, {
    name: "live-ws-request",
    source: requestSource,
  }),
  streamTarget(Ws, wsLimits, {
    name: "live-ws-frames",
    source: webSocketSource(true),
    prefix: request,
    ends: isOver,
  }),
  hostileServer(responseSource, "live-ws-response", answerTo),
  hostileServer(
    webSocketSource(false),
    "live-ws-client-frames",
    (key, input) => concat([acceptance(key), input]),
  ),
  udp,
  rpc,
];
