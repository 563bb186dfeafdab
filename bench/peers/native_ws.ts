/**
 * The peer on the runtime's own WebSockets; `README.md` has its command line.
 * Node has a client and no server.
 *
 * @module
 */

import { connectAll } from "../_connecting.ts";
import {
  endWithInput,
  fail,
  readPeerCommand,
  refuse,
  report,
} from "../_peer_command.ts";
import { PolledLink } from "./_polled_link.ts";
import { createRole } from "./_roles.ts";

/** What a source keeps queued at most, many times over. */
const BACKPRESSURE_LIMIT = 64 << 20;

const command = readPeerCommand();
endWithInput();
if (command.transport !== "ws") {
  refuse(`there is no transport ${command.transport}`);
}
const role = createRole(command);
const { hostname, port } = new URL(`ws://${command.address}`);

function attach(socket: WebSocket, opened: () => void): void {
  socket.binaryType = "arraybuffer";
  const link = new PolledLink(
    (payload) => socket.send(payload),
    () => socket.bufferedAmount,
    () => socket.close(),
  );
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) role.message(link, new Uint8Array(data));
  };
  socket.onopen = () => {
    // Of one that never opened `onerror` tells.
    socket.onclose = () => {
      link.ended();
      role.closed(link);
    };
    role.opened(link);
    opened();
  };
}

/** The part of Bun's API that is used here. */
interface BunApi {
  serve(options: {
    hostname: string;
    port: number;
    fetch(
      request: Request,
      server: { upgrade(request: Request, options: object): boolean },
    ): Response | undefined;
    websocket: {
      perMessageDeflate: boolean;
      backpressureLimit: number;
      maxPayloadLength: number;
      open(socket: BunWebSocket): void;
      message(socket: BunWebSocket, data: string | Uint8Array): void;
      close(socket: BunWebSocket): void;
    };
  }): { readonly port: number };
}

interface BunWebSocket {
  data: { link?: PolledLink };
  send(data: Uint8Array): number;
  getBufferedAmount(): number;
  close(): void;
}

function isBun(value: unknown): value is BunApi {
  return typeof value === "object" && value !== null && "serve" in value;
}

function listenBun(bun: BunApi): number {
  return bun.serve({
    hostname,
    port: Number(port),
    fetch(request, server) {
      return server.upgrade(request, { data: {} })
        ? undefined
        : new Response(null, { status: 400 });
    },
    websocket: {
      perMessageDeflate: false,
      backpressureLimit: BACKPRESSURE_LIMIT,
      maxPayloadLength: BACKPRESSURE_LIMIT,
      open(socket) {
        const link = new PolledLink(
          (payload) => void socket.send(payload),
          () => socket.getBufferedAmount(),
          () => socket.close(),
        );
        socket.data.link = link;
        role.opened(link);
      },
      message({ data: { link } }, data) {
        if (link !== undefined && typeof data !== "string") {
          role.message(link, data);
        }
      },
      close({ data: { link } }) {
        if (link === undefined) return;
        link.ended();
        role.closed(link);
      },
    },
  }).port;
}

function listenDeno(): number {
  const server = Deno.serve(
    { hostname, port: Number(port), onListen() {} },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request, {
        idleTimeout: 0,
      });
      attach(socket, () => {});
      return response;
    },
  );
  return server.addr.port;
}

function listen(): void {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (!isBun(bun) && !("Deno" in globalThis)) {
    refuse("Node has no WebSocket server of its own");
  }
  const bound = isBun(bun) ? listenBun(bun) : listenDeno();
  report({ ready: true, address: `${hostname}:${bound}` });
}

function connect(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${command.address}`);
    socket.onerror = () => reject(new Error("not connected"));
    attach(socket, resolve);
  });
}

if (command.isListening) {
  try {
    listen();
  } catch (error) {
    fail(error);
  }
} else connectAll(command, connect).catch(fail);
