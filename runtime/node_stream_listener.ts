/**
 * TCP and Unix listeners on `node:net`, which Node, Deno and Bun all have.
 *
 * @module
 */

import type * as net from "node:net";
import { hasReusePort, nodeBuiltin, nodeProcess } from "./_node_builtins.ts";
import {
  addressText,
  checkPath,
  checkPort,
  inetAddress,
  unixAddress,
  UNKNOWN_ADDRESS,
} from "./_socket_address.ts";
import type {
  SocketAddress,
  StreamListener,
  StreamListenerEvents,
  StreamListenRequest,
} from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";
import { NodeStream } from "./node_stream.ts";

class NodeStreamListener implements StreamListener {
  readonly address: SocketAddress;
  readonly #server: net.Server;
  #isClosed = false;

  constructor(server: net.Server, address: SocketAddress) {
    this.#server = server;
    this.address = address;
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    // Not its callback: that waits for the last accepted connection. The
    // address is free at once; the turn lets the runtime drop the handle.
    this.#server.close();
    return new Promise((resolve) => {
      nodeBuiltin("node:timers").setImmediate(() => resolve());
    });
  }
}

/**
 * Listens with `node:net`, as `Driver.listenStream` asks.
 *
 * The path of a Unix socket whose owner died is taken over: it is removed if it
 * is a socket and connecting to it is refused, and left alone otherwise.
 *
 * @throws {Fault} by rejection: `address-in-use`; `address-not-available` for an
 * address that is not this machine's and a path in a folder that does not exist;
 * `permission-denied`; `invalid-address`; `host-not-found`; `not-supported` for
 * `reusePort` on Node before 22.12.
 */
export async function listenNodeStream(
  request: StreamListenRequest,
  events: StreamListenerEvents,
): Promise<StreamListener> {
  const options = listenOptions(request);
  let server: net.Server;
  try {
    server = await listen(options, request, events);
  } catch (error) {
    const { path } = request.address;
    if (codeOf(error) !== "EADDRINUSE" || !await isStale(path)) {
      throw listenFault(error, request.address);
    }
    try {
      nodeBuiltin("node:fs").unlinkSync(path);
      server = await listen(options, request, events);
    } catch (again) {
      throw listenFault(again, request.address);
    }
  }
  return new NodeStreamListener(server, boundAddress(server));
}

function listenOptions(request: StreamListenRequest): net.ListenOptions {
  const { address, backlog, reusePort, ipv6Only } = request;
  const options: net.ListenOptions = {};
  if (backlog !== undefined) options.backlog = backlog;
  if (address.family === "unix") {
    checkPath(address.path, nodeProcess()?.platform ?? "");
    options.path = address.path;
    return options;
  }
  checkPort(address);
  options.port = address.port;
  if (address.hostname !== "") options.host = address.hostname;
  if (ipv6Only === true) options.ipv6Only = true;
  if (reusePort === true) {
    if (!hasReusePort()) {
      throw new Fault(
        "not-supported",
        "Cannot share the port: reusePort needs Node 22.12 or 23.1",
      );
    }
    options.reusePort = true;
  }
  return options;
}

function listen(
  options: net.ListenOptions,
  request: StreamListenRequest,
  events: StreamListenerEvents,
): Promise<net.Server> {
  const { keepAliveMs } = request;
  const isUnix = request.address.family === "unix";
  return new Promise((resolve, reject) => {
    const server = nodeBuiltin("node:net").createServer(
      { allowHalfOpen: true },
      (socket) => {
        const peer = isUnix ? unixAddress("") : UNKNOWN_ADDRESS;
        new NodeStream(socket, peer, keepAliveMs).offer(accept);
      },
    );
    const accept = events.accept.bind(events);
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      server.on("error", (error) => {
        events.fault(faultFrom(error, "Cannot accept a connection"));
      });
      resolve(server);
    });
  });
}

function boundAddress(server: net.Server): SocketAddress {
  const address = server.address();
  if (address === null) return UNKNOWN_ADDRESS;
  return typeof address === "string"
    ? unixAddress(address)
    : inetAddress(address.address, address.port);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, "code") : undefined;
}

/** Whether a path is a socket that nobody listens on. */
function isStale(path: string): Promise<boolean> {
  if (path === "" || path.startsWith("\0")) return Promise.resolve(false);
  try {
    if (!nodeBuiltin("node:fs").lstatSync(path).isSocket()) {
      return Promise.resolve(false);
    }
  } catch {
    // Not there any more, or not ours to see: the error of listen stands.
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    const probe = nodeBuiltin("node:net").connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error) => resolve(codeOf(error) === "ECONNREFUSED"));
  });
}

function listenFault(error: unknown, address: SocketAddress): Fault {
  const doing = `Cannot listen on ${addressText(address)}`;
  if (address.family === "unix" && !address.path.startsWith("\0")) {
    // libuv tells a missing folder as EACCES, "for compatibility with Windows".
    const { existsSync } = nodeBuiltin("node:fs");
    const folder = nodeBuiltin("node:path").dirname(address.path);
    const code = codeOf(error);
    if ((code === "EACCES" || code === "ENOENT") && !existsSync(folder)) {
      return new Fault(
        "address-not-available",
        `${doing}: there is no folder ${folder}`,
        { cause: error },
      );
    }
  }
  return faultFrom(error, doing);
}
