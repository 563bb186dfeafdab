/**
 * Connecting and listening in the memory network.
 *
 * @module
 */

import {
  type Binding,
  isLoopback,
  isWildcard,
  numericAddress,
} from "./_memory_address.ts";
import { addressText, inetAddress } from "./_socket_address.ts";
import type {
  SocketAddress,
  StreamConnectRequest,
  StreamEvents,
  StreamListener,
  StreamListenerEvents,
  StreamListenRequest,
  StreamSocket,
} from "./driver.ts";
import { Fault } from "./fault.ts";
import type { MemoryHost, MemorySpace } from "./memory_network.ts";
import { MemoryStream, type MemoryStreamLimits } from "./memory_stream.ts";

/** Where a driver is, and how it cuts streams. */
export interface MemoryPlace {
  /** The network. */
  readonly space: MemorySpace;
  /** The host in it. */
  readonly host: MemoryHost;
  /** The cuts. */
  readonly limits: MemoryStreamLimits;
}

/** A name or port that streams are accepted on. */
export class MemoryListener implements StreamListener, Binding {
  readonly address: SocketAddress;
  readonly isShared: boolean;
  readonly ipv6Only: boolean;
  readonly #place: MemoryPlace;
  readonly #events: StreamListenerEvents;
  #isClosed = false;

  constructor(
    place: MemoryPlace,
    address: SocketAddress,
    request: StreamListenRequest,
    events: StreamListenerEvents,
  ) {
    this.#place = place;
    this.address = address;
    this.isShared = request.reusePort === true;
    this.ipv6Only = request.ipv6Only === true;
    this.#events = events;
  }

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      const { space, host } = this.#place;
      if (isName(this.address)) space.names.delete(nameOf(this.address));
      else host.streams.remove(this);
    }
    return Promise.resolve();
  }

  /** Makes the far end of a stream that wants to come in. */
  take(client: MemoryStream, address: SocketAddress): void {
    const { space, limits } = this.#place;
    const server = new MemoryStream(space, limits, client.localAddress);
    server.localAddress = address;
    MemoryStream.join(client, server);
    server.offer((socket) => this.#events.accept(socket));
  }
}

function isName(address: SocketAddress): boolean {
  return address.family === "memory" || address.family === "unix";
}

/** The key of a name; both families have names of their own. */
function nameOf(address: SocketAddress): string {
  if (address.path === "") {
    throw new Fault("invalid-address", "Cannot use an empty name");
  }
  return `${address.family}:${address.path}`;
}

/** Whether a host of the network has the address. */
export function ownsHost(host: MemoryHost, hostname: string): boolean {
  return isLoopback(hostname) || isWildcard(hostname) ||
    hostname === host.hostname;
}

/** The host that an address leads to from another, or undefined. */
export function hostOf(
  { space, host }: MemoryPlace,
  hostname: string,
): MemoryHost | undefined {
  return ownsHost(host, hostname) ? host : space.hosts.get(hostname);
}

/** The address that a socket bound to none in particular sends from. */
export function sourceHost(host: MemoryHost, target: string): string {
  if (target === host.hostname) return target;
  if (isLoopback(target) || host.hostname === undefined) {
    return target.includes(":") ? "::1" : "127.0.0.1";
  }
  return host.hostname;
}

/** Listens, as `Driver.listenStream` asks. */
export function listenMemoryStream(
  place: MemoryPlace,
  request: StreamListenRequest,
  events: StreamListenerEvents,
): StreamListener {
  const { space, host } = place;
  if (isName(request.address)) {
    const { family, path } = request.address;
    const name = nameOf(request.address);
    if (space.names.has(name)) {
      throw new Fault(
        "address-in-use",
        `Cannot listen on ${path}: the name is in use`,
      );
    }
    const address = { family, hostname: "", port: 0, path };
    const listener = new MemoryListener(place, address, request, events);
    space.names.set(name, listener);
    return listener;
  }
  const address = bindAddress(
    place,
    request.address,
    (port) => host.streams.isTaken(port),
  );
  const listener = new MemoryListener(place, address, request, events);
  host.streams.add(listener);
  return listener;
}

/**
 * The address to bind, with its port chosen.
 *
 * @throws {Fault} `invalid-address`, `host-not-found`, `address-not-available`.
 */
export function bindAddress(
  { space, host }: MemoryPlace,
  wanted: SocketAddress,
  isTaken: (port: number) => boolean,
): SocketAddress {
  const address = numericAddress(wanted, (name) => space.hosts.has(name));
  const { hostname } = address;
  if (!ownsHost(host, hostname)) {
    throw new Fault(
      "address-not-available",
      `Cannot bind ${addressText(address)}: it is not this host's`,
    );
  }
  if (address.port !== 0) return address;
  const port = space.nextPort(isTaken);
  if (port === 0) {
    throw new Fault(
      "address-in-use",
      `Cannot bind ${hostname}: no port is free`,
    );
  }
  return inetAddress(hostname, port);
}

/** Starts to connect, as `Driver.connectStream` asks. */
export function connectMemoryStream(
  place: MemoryPlace,
  request: StreamConnectRequest,
  events: StreamEvents,
): StreamSocket {
  const { space, limits } = place;
  const { address } = request;
  const client = new MemoryStream(space, limits, address, events);
  // Told at the call, as the drivers of real sockets do.
  const name = isName(address) ? nameOf(address) : undefined;
  if (name === undefined && address.hostname === "") {
    throw new Fault("invalid-address", "Cannot connect without a host");
  }
  space.schedule(() => {
    if (!client.isWanted) return;
    let route: Route;
    try {
      route = name === undefined
        ? routeByPort(place, request)
        : routeByName(place, name, address);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      client.tellClosed(error);
      return;
    }
    client.localAddress = route.source;
    route.listener.take(client, route.target);
    client.tellOpen();
  });
  return client;
}

/** Who takes a connection, and what its addresses are. */
interface Route {
  readonly listener: MemoryListener;
  readonly source: SocketAddress;
  readonly target: SocketAddress;
}

function routeByName(
  { space }: MemoryPlace,
  name: string,
  address: SocketAddress,
): Route {
  const listener = space.names.get(name);
  if (listener === undefined) throw refused(address);
  return {
    listener,
    source: { ...address, path: "" },
    target: listener.address,
  };
}

function routeByPort(
  place: MemoryPlace,
  { address, sourceAddress }: StreamConnectRequest,
): Route {
  const { space, host } = place;
  const target = numericAddress(address, (name) => space.hosts.has(name));
  const far = hostOf(place, target.hostname);
  if (far === undefined) {
    throw new Fault(
      "unreachable",
      `Cannot connect to ${addressText(address)}: there is no such host`,
    );
  }
  const source = bindAddress(
    place,
    sourceAddress ?? inetAddress(sourceHost(host, target.hostname), 0),
    (port) => host.streams.isTaken(port),
  );
  // The ports of those that connect are counted up, so they do for a fair share.
  const listener = far.streams.find(target.hostname, target.port, source.port);
  if (listener === undefined) throw refused(address);
  return { listener, source, target };
}

function refused(address: SocketAddress): Fault {
  return new Fault(
    "connection-refused",
    `Cannot connect to ${addressText(address)}: nobody listens there`,
  );
}
