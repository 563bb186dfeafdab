/**
 * The peer on npm's `ws`; `README.md` has its command line.
 *
 * @module
 */

import { type RawData, WebSocket, WebSocketServer } from "ws";
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

const command = readPeerCommand();
endWithInput();
if (command.transport !== "ws") {
  refuse(`there is no transport ${command.transport}`);
}
const role = createRole(command);
const { hostname, port } = new URL(`ws://${command.address}`);

function attach(socket: WebSocket): void {
  const link = new PolledLink(
    (payload) => socket.send(payload),
    () => socket.bufferedAmount,
    () => socket.close(),
  );
  // As its default is, a message is one Buffer.
  socket.on("message", (data: RawData) => {
    if (data instanceof Uint8Array) role.message(link, data);
  });
  socket.on("close", () => {
    link.ended();
    role.closed(link);
  });
  role.opened(link);
}

function listen(): void {
  const server = new WebSocketServer({
    host: hostname,
    port: Number(port),
    perMessageDeflate: false,
    backlog: 4_096,
  });
  server.on("error", fail);
  server.on("connection", (socket, request) => {
    request.socket.setNoDelay(true);
    socket.on("error", () => {});
    attach(socket);
  });
  server.on("listening", () => {
    const address = server.address();
    const bound = typeof address === "object" ? address?.port : undefined;
    report({ ready: true, address: `${hostname}:${bound}` });
  });
}

function connect(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${command.address}`, {
      perMessageDeflate: false,
    });
    socket.on("error", reject);
    socket.on("open", () => {
      attach(socket);
      resolve();
    });
  });
}

if (command.isListening) listen();
else connectAll(command, connect).catch(fail);
