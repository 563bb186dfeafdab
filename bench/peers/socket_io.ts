/**
 * The peer on npm's `socket.io`, over WebSocket alone; `README.md` has its
 * command line.
 *
 * @module
 */

import { createServer } from "node:http";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import { connectAll } from "../_connecting.ts";
import {
  endWithInput,
  fail,
  readPeerCommand,
  refuse,
  report,
} from "../_peer_command.ts";
import { PolledLink } from "./_polled_link.ts";
import { createRole, type Role } from "./_roles.ts";

const EVENT = "m";
/** Bytes for which a message in the library's queue is taken: it counts messages. */
const MESSAGE_WEIGHT = 4_096;
const MAX_MESSAGE = 64 << 20;

const command = readPeerCommand();
endWithInput();
if (command.transport !== "socket.io") {
  refuse(`there is no transport ${command.transport}`);
}
const { hostname, port } = new URL(`http://${command.address}`);

function listen(): void {
  const http = createServer();
  const server = new Server(http, {
    transports: ["websocket"],
    serveClient: false,
    maxHttpBufferSize: MAX_MESSAGE,
  });
  const role = createRole(command, {
    broadcast: (payload) => void server.emit(EVENT, payload),
  });
  server.on("connection", (socket) => {
    const link = new PolledLink(
      (payload) => void socket.emit(EVENT, payload),
      () => MESSAGE_WEIGHT * queueLength(socket.conn),
      () => void socket.disconnect(true),
    );
    socket.on(EVENT, (data: Uint8Array) => role.message(link, data));
    socket.on("disconnect", () => {
      link.ended();
      role.closed(link);
    });
    role.opened(link);
  });
  http.on("error", fail);
  http.listen({ port: Number(port), host: hostname, backlog: 4_096 }, () => {
    const address = http.address();
    const bound = typeof address === "object" ? address?.port : undefined;
    report({ ready: true, address: `${hostname}:${bound}` });
  });
}

/** Packets that wait for the transport. The server keeps them to itself in its types. */
function queueLength(connection: object): number {
  const queue: unknown = Reflect.get(connection, "writeBuffer");
  return Array.isArray(queue) ? queue.length : 0;
}

function connect(role: Role): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = io(`http://${command.address}`, {
      transports: ["websocket"],
      forceNew: true,
      reconnection: false,
    });
    const link = new PolledLink(
      (payload) => void socket.emit(EVENT, payload),
      () => MESSAGE_WEIGHT * queueLength(socket.io.engine),
      () => void socket.disconnect(),
    );
    socket.on(
      EVENT,
      (data: Uint8Array) => role.message(link, new Uint8Array(data)),
    );
    socket.on("connect_error", reject);
    socket.on("disconnect", () => {
      link.ended();
      role.closed(link);
    });
    socket.on("connect", () => {
      role.opened(link);
      resolve();
    });
  });
}

if (command.isListening) listen();
else {
  const role = createRole(command);
  connectAll(command, () => connect(role)).catch(fail);
}
