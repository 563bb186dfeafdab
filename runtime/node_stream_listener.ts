/**
 * TCP and Unix listeners on `node:net`, which Node, Deno and Bun all have.
 *
 * @module
 */

import type * as net from "node:net";
import { keepAccepting } from "./_accepting.ts";
import { BoundListener } from "./_bound_listener.ts";
import { hasReusePort, nodeBuiltin, nodeProcess } from "./_node_builtins.ts";
import { numericAddress } from "./_numeric_address.ts";
import { checkMayListen } from "./_permission.ts";
import {
  addressText,
  checkPath,
  checkPort,
  inetAddress,
  isAnyIpv6,
  unixAddress,
  UNKNOWN_ADDRESS,
} from "./_socket_address.ts";
import { listenTakingOver } from "./_unix_path.ts";
import type {
  SocketAddress,
  StreamListener,
  StreamListenerEvents,
  StreamListenRequest,
} from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";
import { NodeStream } from "./node_stream.ts";

/**
 * Listens with `node:net`, as `Driver.listenStream` asks.
 *
 * The path of a Unix socket whose owner died is taken over: it is removed if it
 * is a socket and connecting to it is refused, and left alone otherwise.
 *
 * @throws {Fault} by rejection: `address-in-use`; `address-not-available` for an
 * address that is not this machine's and a path in a folder that does not exist;
 * `permission-denied`; `invalid-address`; `host-not-found`; `not-supported` for
 * `reusePort` on Node before 22.12 and for `ipv6Only` of
 * `::` on Deno.
 */
export async function listenNodeStream(
  request: StreamListenRequest,
  events: StreamListenerEvents,
): Promise<StreamListener> {
  const options = await listenOptions(request);
  const server = await listenTakingOver(
    request.address,
    () => listen(options, request, events),
  );
  const endAccepting = keepAccepting(server, request.backlog);
  return new BoundListener(boundAddress(server), () => {
    endAccepting();
    server.close();
  });
}

/**
 * How `node:net` is told where to listen.
 *
 * @throws {Fault} As {@linkcode listenNodeStream} rejects.
 */
export async function listenOptions(
  request: StreamListenRequest,
): Promise<net.ListenOptions> {
  const options = plainOptions(request);
  const { address, signal } = request;
  if (address.hostname !== "") {
    // Here, because Bun's node:net reports a failed look-up under other names.
    options.host = (await numericAddress(address, signal)).hostname;
  }
  return options;
}

function plainOptions(request: StreamListenRequest): net.ListenOptions {
  const { address, backlog, reusePort, ipv6Only } = request;
  const options: net.ListenOptions = {};
  checkMayListen(`Cannot listen on ${addressText(address)}`);
  if (backlog !== undefined) options.backlog = backlog;
  if (address.family === "unix") {
    checkPath(address.path, nodeProcess()?.platform ?? "");
    options.path = address.path;
    return options;
  }
  checkPort(address);
  options.port = address.port;
  // On any other address the option means nothing.
  if (ipv6Only === true && isAnyIpv6(address)) {
    if (nodeProcess()?.versions.deno !== undefined) {
      throw new Fault(
        "not-supported",
        "Cannot refuse IPv4: Deno's node:net ignores ipv6Only",
      );
    }
    options.ipv6Only = true;
  }
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

/** The real address of a server that listens. */
export function boundAddress(server: net.Server): SocketAddress {
  const address = server.address();
  if (address === null) return UNKNOWN_ADDRESS;
  return typeof address === "string"
    ? unixAddress(address)
    : inetAddress(address.address, address.port);
}
