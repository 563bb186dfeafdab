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
import type { MemoryCarrier } from "./memory_carrier.ts";
import type { MemoryHost } from "./memory_host.ts";
import type { MemorySpace } from "./memory_network.ts";
import { MemoryStream, type MemoryStreamLimits } from "./memory_stream.ts";
import { CarriedWay } from "./memory_way.ts";

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
  readonly #keepAliveMs: number | undefined;
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
    this.#keepAliveMs = request.keepAliveMs;
    this.#events = events;
  }

  /** The host that it listens on. */
  get host(): MemoryHost {
    return this.#place.host;
  }

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      const { space, host } = this.#place;
      if (!isName(this.address)) host.streams.remove(this);
      else {
        // A host that crashed may have a successor, who holds the name now.
        const name = nameOf(this.#place, this.address);
        if (space.names.get(name) === this) space.names.delete(name);
      }
    }
    return Promise.resolve();
  }

  /** Makes the far end of a stream that wants to come in. */
  createEnd(peerAddress: SocketAddress, address: SocketAddress): MemoryStream {
    const end = new MemoryStream({
      host: this.#place.host,
      capacity: this.#place.space.capacity,
      limits: this.#place.limits,
      peerAddress,
      keepAliveMs: this.#keepAliveMs,
    });
    end.localAddress = address;
    return end;
  }

  /** Hands an end to the owner, unless one of the two is gone. */
  offer(end: MemoryStream): void {
    if (this.#isClosed) end.abort();
    else if (!end.isGone) end.offer((socket) => this.#events.accept(socket));
  }
}

function isName(address: SocketAddress): boolean {
  return address.family === "memory" || address.family === "unix";
}

/**
 * The key of a name; both families have names of their own. Memory names belong
 * to the whole network; paths to the machine, where there are several.
 */
function nameOf({ space, host }: MemoryPlace, address: SocketAddress): string {
  const { family, path } = address;
  if (path === "") {
    throw new Fault("invalid-address", "Cannot use an empty name");
  }
  return family === "unix" && space.carrier !== undefined
    ? `unix:${host.hostname}:${path}`
    : `${family}:${path}`;
}

/** Whether a host of the network has the address. */
export function ownsHost(host: MemoryHost, hostname: string): boolean {
  return isLoopback(hostname) || isWildcard(hostname) ||
    hostname === host.hostname;
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
    const name = nameOf(place, request.address);
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
  const address = numericAddress(wanted, space.lookup);
  const { hostname } = address;
  if (!ownsHost(host, hostname)) {
    throw new Fault(
      "address-not-available",
      `Cannot bind ${addressText(address)}: it is not this host's`,
    );
  }
  if (address.port !== 0) return address;
  const port = host.nextPort(isTaken);
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
  const { space, host, limits } = place;
  const { address, keepAliveMs } = request;
  const client = new MemoryStream({
    host,
    capacity: space.capacity,
    limits,
    peerAddress: address,
    keepAliveMs,
  }, events);
  // Told at the call, as the drivers of real sockets do.
  const name = isName(address) ? nameOf(place, address) : undefined;
  if (name === undefined && address.hostname === "") {
    throw new Fault("invalid-address", "Cannot connect without a host");
  }
  host.tasks.schedule(() => {
    if (!client.isWanted) return;
    try {
      const route = name === undefined
        ? routeByPort(place, request)
        : routeByName(place, name, address);
      client.localAddress = route.source;
      const { carrier } = space;
      if (carrier === undefined || route.far === host.hostname) {
        connectDirectly(client, route);
      } else connectCarried(place, carrier, client, route);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      client.tellClosed(error);
    }
  });
  return client;
}

function connectDirectly(client: MemoryStream, route: Route): void {
  const listener = route.find();
  if (listener === undefined) throw refused(route.target);
  const server = listener.createEnd(client.localAddress, route.target);
  MemoryStream.join(client, server);
  listener.offer(server);
  client.tellOpen();
}

/** The three packets of a TCP handshake (RFC 9293, 3.5), each of which takes its time. */
function connectCarried(
  { space, host }: MemoryPlace,
  carrier: MemoryCarrier,
  client: MemoryStream,
  { source, target, far, find }: Route,
): void {
  const { capacity } = space;
  const from = host.hostname ?? "";
  const to = far ?? "";
  const there = { from, to, source, target };
  const back = { from: to, to: from, source: target, target: source };
  // The program hears of nothing while its host stands still.
  const tell = (fault: Fault) =>
    host.tasks.schedule(() => client.tellClosed(fault));
  const pipe = carrier.pipe(host, there, tell);
  pipe.send("connect", 0, (there1) => {
    const listener = find();
    if (listener === undefined) {
      const answer = carrier.pipe(there1, back, () => {});
      answer.send("refuse", 0, () => {
        pipe.release();
        tell(refused(target));
      });
      answer.release();
      return;
    }
    const server = listener.createEnd(source, target);
    const answer = carrier.pipe(
      there1,
      back,
      (fault) => there1.tasks.schedule(() => server.tellClosed(fault)),
    );
    server.use(new CarriedWay(server, client, carrier, back, answer, capacity));
    answer.send("accept", 0, (home) => {
      if (home !== host || client.isGone) return pipe.release();
      client.peerAddress = target;
      client.use(
        new CarriedWay(client, server, carrier, there, pipe, capacity),
      );
      pipe.send("established", 0, (there2) => {
        if (there2 !== there1) return;
        there2.tasks.schedule(() => listener.offer(server));
      });
      host.tasks.schedule(() => client.tellOpen());
    });
  });
}

/** Where a connection goes. */
interface Route {
  readonly source: SocketAddress;
  readonly target: SocketAddress;
  /** The address of the host that it leads to. */
  readonly far: string | undefined;
  /** Who takes it, when it is there. */
  readonly find: () => MemoryListener | undefined;
}

function routeByName(
  { space }: MemoryPlace,
  name: string,
  address: SocketAddress,
): Route {
  const listener = space.names.get(name);
  if (listener === undefined) throw refused(address);
  return {
    source: { ...address, path: "" },
    target: listener.address,
    far: listener.host.hostname,
    find: () => space.names.get(name),
  };
}

function routeByPort(
  place: MemoryPlace,
  { address, sourceAddress }: StreamConnectRequest,
): Route {
  const { space, host } = place;
  const target = numericAddress(address, space.lookup);
  const far = hostAt(place, target.hostname);
  if (far === null) {
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
  return {
    source,
    target,
    far,
    // The ports of those that connect are counted up, so they do for a fair share.
    find: () =>
      space.hosts.get(far)?.streams.find(
        target.hostname,
        target.port,
        source.port,
      ),
  };
}

/** The address of the host that an address leads to, whether or not it is up; null if there is none. */
export function hostAt(
  { space, host }: MemoryPlace,
  hostname: string,
): string | undefined | null {
  if (ownsHost(host, hostname)) return host.hostname;
  if (space.carrier !== undefined) {
    return space.carrier.lookup(hostname) ?? null;
  }
  return space.hosts.has(hostname) ? hostname : null;
}

function refused(address: SocketAddress): Fault {
  return new Fault(
    "connection-refused",
    `Cannot connect to ${addressText(address)}: nobody listens there`,
  );
}
