/**
 * Connecting on Bun: to Unix paths with `Bun.connect`, by TCP with `node:net`,
 * which hands Bun's own socket over once it is connected.
 *
 * @module
 */

import { type BunApi, type BunSocket, throwLater } from "./_bun_api.ts";
import { hasBunHandle, takeBunHandle } from "./_bun_handle.ts";
import { nodeProcess } from "./_node_builtins.ts";
import { addressText, checkPath } from "./_socket_address.ts";
import { connectFault } from "./_socket_fault.ts";
import { BunStream } from "./bun_stream.ts";
import type {
  StreamConnectRequest,
  StreamEvents,
  StreamSocket,
} from "./driver.ts";
import { type Fault, faultFrom } from "./fault.ts";
import { dialNode, nodeStreamOf } from "./node_stream.ts";

/**
 * The one handler object of all connections: state is in `socket.data`, so that
 * a connection costs no closures.
 */
const CONNECT_HANDLER = {
  binaryType: "uint8array",
  open(socket: BunSocket<BunStream>): void {
    socket.data.onOpen(socket, undefined);
    socket.data.tellOpen();
  },
  data(socket: BunSocket<BunStream>, chunk: Uint8Array): void {
    socket.data.onData(chunk);
  },
  drain(socket: BunSocket<BunStream>): void {
    socket.data.onDrain();
  },
  end(socket: BunSocket<BunStream>): void {
    socket.data.onEnd();
  },
  close(socket: BunSocket<BunStream>, error?: Error): void {
    socket.data.onClose(error, "The connection failed");
  },
  error(_socket: BunSocket<BunStream>, error: Error): void {
    throwLater(error);
  },
} as const;

/**
 * Connects to a Unix path with `Bun.connect`.
 *
 * @throws {Fault} `invalid-address` for a path that cannot be.
 */
export function connectBunUnix(
  bun: BunApi,
  request: StreamConnectRequest,
  events: StreamEvents,
): StreamSocket {
  const { address } = request;
  checkPath(address.path, nodeProcess()?.platform ?? "");
  const doing = `Cannot connect to ${addressText(address)}`;
  const stream = new BunStream(address, events);
  try {
    bun.connect<BunStream>({
      unix: address.path,
      allowHalfOpen: true,
      data: stream,
      socket: CONNECT_HANDLER,
    }).catch((error: unknown) => {
      stream.onClose(
        error instanceof Error ? error : new Error(String(error)),
        doing,
      );
    });
  } catch (error) {
    throw faultFrom(error, doing);
  }
  return stream;
}

/**
 * Connects by TCP.
 *
 * A connect that was begun with `Bun.connect` cannot be given up: the socket
 * stays, and keeps the process alive, until the system's own time limit of two
 * minutes. So `node:net` connects, and hands over Bun's own socket then. Where
 * it cannot, the connection stays with `node:net`.
 *
 * @throws {Fault} `invalid-address` for a port or source address that cannot be.
 */
export function connectBunTcp(
  request: StreamConnectRequest,
  events: StreamEvents,
): StreamSocket {
  const socket = dialNode(request);
  if (!hasBunHandle(socket)) return nodeStreamOf(socket, request, events);
  const stream = new BunStream(request.address, events);
  stream.awaitOpen(() => socket.destroy());
  let fault: Fault | undefined;
  const closed = () => stream.onClose(fault, "");
  socket.on("error", (error: Error) => {
    fault = connectFault(error, request.address);
  });
  socket.on("close", closed);
  socket.once("connect", () => {
    // In a microtask node:net is done with the socket, and nothing has been read.
    queueMicrotask(() => {
      const native = takeBunHandle(socket, stream, CONNECT_HANDLER);
      if (native === undefined) {
        socket.destroy();
        return;
      }
      socket.off("close", closed);
      stream.onOpen(native, request.keepAliveMs);
      stream.tellOpen();
    });
  });
  return stream;
}
