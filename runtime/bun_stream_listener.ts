/**
 * TCP and Unix listeners on `Bun.listen`. Names are looked up by `node:dns`,
 * because Bun does not tell the address that it bound.
 *
 * @module
 */

import {
  type BunApi,
  type BunSocket,
  type BunSocketHandler,
  throwLater,
} from "./_bun_api.ts";
import { BoundListener } from "./_bound_listener.ts";
import { descriptorLimit, SPARE_DESCRIPTORS } from "./_descriptors.ts";
import { nodeProcess } from "./_node_builtins.ts";
import { numericBinding } from "./_numeric_address.ts";
import {
  checkPath,
  checkPort,
  inetAddress,
  unixAddress,
  UNKNOWN_ADDRESS,
} from "./_socket_address.ts";
import { listenFault } from "./_socket_fault.ts";
import { listenTakingOver } from "./_unix_path.ts";
import { BunStream } from "./bun_stream.ts";
import type {
  SocketAddress,
  StreamListener,
  StreamListenerEvents,
  StreamListenRequest,
} from "./driver.ts";
import { Fault } from "./fault.ts";

type NativeSocket = BunSocket<BunStream | undefined>;

/**
 * Listens with `Bun.listen`, as `Driver.listenStream` asks.
 *
 * When the process has run out of descriptors, Bun tries to accept again and
 * again at the cost of a whole core, and tells nobody. So connections that would
 * take the last eight are closed, and told as a `too-many-open-files` fault.
 * This is done where the limit can be read: on Linux.
 *
 * @throws {Fault} by rejection: `address-in-use`, `address-not-available`,
 * `permission-denied`, `invalid-address`, `host-not-found`.
 */
export async function listenBunStream(
  bun: BunApi,
  request: StreamListenRequest,
  events: StreamListenerEvents,
): Promise<StreamListener> {
  const { address } = request;
  const isUnix = address.family === "unix";
  const base = {
    allowHalfOpen: true,
    data: undefined,
    socket: handlerFor(
      request,
      events,
      isUnix ? unixAddress("") : UNKNOWN_ADDRESS,
    ),
  } as const;
  if (isUnix) {
    const { path } = address;
    checkPath(path, nodeProcess()?.platform ?? "");
    const native = await listenTakingOver(
      address,
      () => bun.listen<BunStream | undefined>({ ...base, unix: path }),
    );
    return new BoundListener(address, () => native.stop(false));
  }
  checkPort(address);
  // Bun tells the host it was given, not the address it bound.
  const bound = await numericBinding(address, "::", request.signal);
  try {
    const native = bun.listen<BunStream | undefined>({
      ...base,
      hostname: bound.hostname,
      port: bound.port,
      ipv6Only: request.ipv6Only === true,
      reusePort: request.reusePort === true,
    });
    return new BoundListener(
      inetAddress(bound.hostname, native.port),
      () => native.stop(false),
    );
  } catch (error) {
    throw listenFault(error, address);
  }
}

/** The one handler object of all sockets of a listener. */
function handlerFor(
  { keepAliveMs }: StreamListenRequest,
  events: StreamListenerEvents,
  peer: SocketAddress,
): BunSocketHandler<BunStream | undefined> {
  const guard = new DescriptorGuard(events);
  const accept = events.accept.bind(events);
  return {
    binaryType: "uint8array",
    open(socket: NativeSocket): void {
      if (guard.isTooMany(socket)) {
        // In order, as node:net drops those over its limit: a reset may reach
        // the peer before it knows that it was connected.
        socket.end();
        return;
      }
      const stream = new BunStream(peer);
      socket.data = stream;
      stream.onOpen(socket, keepAliveMs);
      stream.offer(accept);
    },
    data(socket: NativeSocket, chunk: Uint8Array): void {
      socket.data?.onData(chunk);
    },
    drain(socket: NativeSocket): void {
      socket.data?.onDrain();
    },
    end(socket: NativeSocket): void {
      socket.data?.onEnd();
    },
    close(socket: NativeSocket, error?: Error): void {
      socket.data?.onClose(error, "The connection failed");
    },
    error(_socket: NativeSocket, error: Error): void {
      throwLater(error);
    },
  };
}

/**
 * Tells when an accepted socket takes one of the last descriptors: the system
 * hands out the lowest free number, so a high number means that all below are taken.
 */
class DescriptorGuard {
  readonly #events: StreamListenerEvents;
  readonly #limit: number;
  #isTold = false;

  constructor(events: StreamListenerEvents) {
    this.#events = events;
    this.#limit = descriptorLimit();
  }

  isTooMany(socket: NativeSocket): boolean {
    // Not in Bun's types; without it the guard lets everything pass.
    const descriptor: unknown = Reflect.get(socket, "fd");
    if (
      typeof descriptor !== "number" ||
      descriptor < this.#limit - SPARE_DESCRIPTORS
    ) {
      this.#isTold = false;
      return false;
    }
    // Once for a crowd of them.
    if (!this.#isTold) {
      this.#isTold = true;
      this.#events.fault(
        new Fault(
          "too-many-open-files",
          `Cannot accept a connection: ${descriptor} of ${this.#limit} descriptors are open`,
        ),
      );
    }
    return true;
  }
}
