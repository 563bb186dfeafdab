/**
 * Datagrams between sockets of one process.
 *
 * @module
 */

import {
  type Binding,
  isGroup,
  isLoopback,
  isNumeric,
  isWildcard,
  numericAddress,
} from "./_memory_address.ts";
import {
  addressText,
  inetAddress,
  reachableHost,
  stripMapped,
} from "./_socket_address.ts";
import type {
  DatagramBindRequest,
  DatagramEvents,
  DatagramSocket,
  MulticastMembership,
  SocketAddress,
} from "./driver.ts";
import { Fault, type FaultCode } from "./fault.ts";
import type { PacketKind } from "./memory_carrier.ts";
import type { MemoryHost } from "./memory_host.ts";
import {
  bindAddress,
  hostAt,
  type MemoryPlace,
  ownsHost,
  sourceHost,
} from "./memory_stream_listener.ts";

/** The most bytes of a datagram: what IPv4 leaves of 65,535 (RFC 768, RFC 791). */
const MAX_DATAGRAM_SIZE = 65_507;

/** What a socket keeps for its owner before it drops, in bytes, as SO_RCVBUF does. */
const RECEIVE_BUFFER_SIZE = 256 * 1024;

/** One datagram under way. */
interface Datagram {
  readonly data: Uint8Array;
  readonly hostname: string;
  readonly port: number;
}

/** One datagram socket. */
export class MemoryDatagram implements DatagramSocket, Binding {
  readonly address: SocketAddress;
  readonly isShared: boolean;
  readonly ipv6Only: boolean;
  /** What is taken is copied, and the receiver's at once. */
  readonly pending = 0;
  readonly #place: MemoryPlace;
  readonly #request: DatagramBindRequest;
  readonly #events: DatagramEvents;
  readonly #peer: SocketAddress | undefined;
  /** Groups with the interface that they were joined on. */
  readonly #memberships = new Set<string>();
  #inbox: Datagram[] = [];
  #inboxSize = 0;
  #isDelivering = false;
  #isPaused = false;
  #isClosed = false;

  constructor(
    place: MemoryPlace,
    address: SocketAddress,
    peer: SocketAddress | undefined,
    request: DatagramBindRequest,
    events: DatagramEvents,
  ) {
    this.#place = place;
    this.address = address;
    this.#peer = peer;
    this.#request = request;
    this.#events = events;
    this.isShared = request.reuseAddress === true || request.reusePort === true;
    this.ipv6Only = request.ipv6Only === true;
  }

  get localAddress(): SocketAddress {
    return this.address;
  }

  /** The host that it is on. */
  get host(): MemoryHost {
    return this.#place.host;
  }

  // Hot: once per datagram sent.
  send(data: Uint8Array, hostname: string, port: number): boolean {
    if (this.#isClosed) return false;
    const host = this.#peer?.hostname ?? stripMapped(hostname);
    const to = this.#peer?.port ?? port;
    if (data.byteLength > MAX_DATAGRAM_SIZE) {
      this.#failLater(
        "message-too-big",
        `Cannot send ${data.byteLength} bytes: a datagram takes ${MAX_DATAGRAM_SIZE}`,
      );
    } else if (!isNumeric(host) || this.#isOtherFamily(host)) {
      this.#failLater(
        "invalid-address",
        `Cannot send to ${host}: it is no address of the socket's family`,
      );
    } else {
      const own = this.address.hostname;
      const { host: from } = this.#place;
      const copy = new Uint8Array(data.byteLength);
      copy.set(data);
      this.#route(
        {
          data: copy,
          hostname: isWildcard(own) ? sourceHost(from, host) : own,
          port: this.address.port,
        },
        host,
        to,
      );
    }
    return true;
  }

  join(membership: MulticastMembership): void {
    if (this.#isClosed) return;
    const { group } = membership;
    if (!isGroup(group) || this.#isOtherFamily(group)) {
      throw new Fault(
        "invalid-address",
        `Cannot join ${group}: it is no group of the socket's family`,
      );
    }
    const key = membershipKey(membership);
    if (this.#memberships.has(key)) {
      throw new Fault("address-in-use", `Cannot join ${group} twice`);
    }
    this.#memberships.add(key);
  }

  leave(membership: MulticastMembership): void {
    if (this.#isClosed) return;
    if (!this.#memberships.delete(membershipKey(membership))) {
      throw new Fault(
        "address-not-available",
        `Cannot leave ${membership.group}: the socket has not joined it`,
      );
    }
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#scheduleDelivery();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inbox = [];
    const { space, host } = this.#place;
    host.datagrams.remove(this);
    space.datagrams.delete(this);
    host.tasks.schedule(() => this.#events.closed(undefined));
  }

  #isOtherFamily(hostname: string): boolean {
    return hostname.includes(":")
      ? this.address.family === "ipv4"
      : this.address.family === "ipv6" &&
        (this.ipv6Only || this.address.hostname !== "::");
  }

  #route(datagram: Datagram, hostname: string, port: number): void {
    if (isGroup(hostname)) {
      this.#spread(
        datagram,
        inetAddress(hostname, port),
        (socket) => socket.#hearsGroup(hostname, port, this),
      );
    } else if (hostname === "255.255.255.255") this.#broadcast(datagram, port);
    else this.#unicast(datagram, hostname, port);
  }

  // Hot: once per datagram sent.
  #unicast(datagram: Datagram, hostname: string, port: number): void {
    const { space, host } = this.#place;
    const far = hostAt(this.#place, hostname);
    if (far === null) return this.#refused();
    if (space.carrier === undefined || far === host.hostname) {
      const there = space.hosts.get(far);
      if (!this.#hand(datagram, there, hostname, port)) this.#refused();
      return;
    }
    this.#carry(
      "datagram",
      far,
      datagram,
      inetAddress(hostname, port),
      (there) => {
        if (this.#hand(datagram, there, hostname, port)) return;
        const peer = this.#peer;
        if (peer === undefined) return;
        space.carrier?.packet(
          {
            from: far ?? "",
            to: host.hostname ?? "",
            source: peer,
            target: this.address,
          },
          "unreachable",
          0,
          (home) => {
            if (home === host) this.#refused();
          },
        );
      },
    );
  }

  /** Gives a datagram to whoever receives at an address; whether somebody does. */
  #hand(
    datagram: Datagram,
    far: MemoryHost | undefined,
    hostname: string,
    port: number,
  ): boolean {
    const turn = this.#request.reusePort === true ? datagram.port : undefined;
    const socket = far?.datagrams.find(hostname, port, turn);
    if (
      socket === undefined || !socket.#takesFrom(datagram, this.#place.host)
    ) {
      return false;
    }
    socket.#receive(datagram);
    return true;
  }

  /** What an ICMP answer tells a connected socket; others are not told (RFC 1122, 4.1.3.3). */
  #refused(): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    this.#failLater(
      "connection-refused",
      `Cannot reach ${addressText(peer)}: nobody receives there`,
    );
  }

  #broadcast(datagram: Datagram, port: number): void {
    if (this.#request.broadcast !== true) {
      this.#failLater(
        "permission-denied",
        "Cannot broadcast: the socket was not bound with the option `broadcast`",
      );
      return;
    }
    this.#spread(
      datagram,
      inetAddress("255.255.255.255", port),
      ({ address }) => address.port === port && isWildcard(address.hostname),
    );
  }

  /** Sends a datagram to many sockets: over a carrier one copy to each host that has such. */
  #spread(
    datagram: Datagram,
    target: SocketAddress,
    isMeant: (socket: MemoryDatagram) => boolean,
  ): void {
    const { space, host } = this.#place;
    const farHosts = new Set<string | undefined>();
    for (const socket of space.datagrams) {
      if (!isMeant(socket)) continue;
      if (space.carrier === undefined || socket.host === host) {
        socket.#receive(datagram);
      } else farHosts.add(socket.host.hostname);
    }
    for (const far of farHosts) {
      this.#carry("datagram", far, datagram, target, (there) => {
        for (const socket of space.datagrams) {
          if (socket.host === there && isMeant(socket)) {
            socket.#receive(datagram);
          }
        }
      });
    }
  }

  #carry(
    kind: PacketKind,
    far: string | undefined,
    datagram: Datagram,
    target: SocketAddress,
    arrive: (there: MemoryHost) => void,
  ): void {
    const { space, host } = this.#place;
    space.carrier?.packet(
      {
        from: host.hostname ?? "",
        to: far ?? "",
        source: inetAddress(datagram.hostname, datagram.port),
        target,
      },
      kind,
      datagram.data.byteLength,
      arrive,
    );
  }

  #hearsGroup(group: string, port: number, sender: MemoryDatagram): boolean {
    if (this.address.port !== port || this.#isOtherFamily(group)) return false;
    const isSameHost = this.#place.host === sender.#place.host;
    if (isSameHost && sender.#request.multicastLoopback === false) return false;
    if (!isSameHost && sender.#request.multicastTtl === 0) return false;
    for (const key of this.#memberships) {
      if (key.startsWith(`${group.toLowerCase()}%`)) return true;
    }
    return false;
  }

  /** Whether a connected socket's peer it is; the others take from everyone. */
  #takesFrom(datagram: Datagram, from: MemoryHost): boolean {
    const peer = this.#peer;
    if (peer === undefined) return true;
    return peer.port === datagram.port &&
      (peer.hostname === datagram.hostname ||
        isLoopback(peer.hostname) && from === this.#place.host &&
          ownsHost(from, datagram.hostname));
  }

  #receive(datagram: Datagram): void {
    const size = datagram.data.byteLength;
    const limit = this.#request.receiveBufferSize ?? RECEIVE_BUFFER_SIZE;
    // Lost, as UDP loses what its reader has no room for.
    if (this.#inbox.length > 0 && this.#inboxSize + size > limit) return;
    // A carrier may bring it twice, and the bytes are the receiver's each time.
    const isAlone = this.#place.space.carrier === undefined;
    this.#inbox.push(
      isAlone ? datagram : { ...datagram, data: datagram.data.slice() },
    );
    this.#inboxSize += size;
    this.#scheduleDelivery();
  }

  #scheduleDelivery(): void {
    if (this.#isDelivering || this.#inbox.length === 0) return;
    this.#isDelivering = true;
    this.#place.host.tasks.schedule(this.#deliver);
  }

  // Hot: once per turn in which something came.
  readonly #deliver = (): void => {
    this.#isDelivering = false;
    const inbox = this.#inbox;
    let next = 0;
    // The owner may pause or close from inside `message`, and what it sends may come here.
    while (next < inbox.length && !this.#isPaused && !this.#isClosed) {
      const datagram = inbox[next++];
      if (datagram === undefined) break;
      this.#inboxSize -= datagram.data.byteLength;
      this.#events.message(datagram.data, datagram.hostname, datagram.port);
    }
    if (this.#isClosed) return;
    inbox.splice(0, next);
  };

  #failLater(code: FaultCode, message: string): void {
    this.#place.host.tasks.schedule(() => {
      if (!this.#isClosed) this.#events.fault(new Fault(code, message));
    });
  }
}

function membershipKey({ group, interface: on }: MulticastMembership): string {
  return `${group.toLowerCase()}%${on ?? ""}`;
}

/** Binds, as `Driver.bindDatagram` asks. */
export function bindMemoryDatagram(
  place: MemoryPlace,
  request: DatagramBindRequest,
  events: DatagramEvents,
): DatagramSocket {
  const { space, host } = place;
  const address = bindAddress(
    place,
    request.address,
    (port) => host.datagrams.isTaken(port),
  );
  const peer = request.peer === undefined
    ? undefined
    : numericAddress(request.peer, space.lookup);
  if (peer !== undefined) {
    reachableHost(peer.hostname, address.family === "ipv6");
  }
  const socket = new MemoryDatagram(place, address, peer, request, events);
  for (const membership of request.memberships ?? []) socket.join(membership);
  host.datagrams.add(socket);
  space.datagrams.add(socket);
  return socket;
}
