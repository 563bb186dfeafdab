/**
 * UDP sockets on `Bun.udpSocket`. Names are looked up by `node:dns`, because Bun
 * does not tell the address that it bound; what Bun's lacks is `node:dgram`'s.
 *
 * @module
 */

import {
  type BunApi,
  type BunConnectedDatagram,
  type BunDatagram,
  type BunDatagramHandler,
  type BunFreeDatagram,
  throwLater,
} from "./_bun_api.ts";
import { refuseNoHops } from "./_node_datagram_options.ts";
import { checkGroup, interfaceFault, interfaceName } from "./_multicast.ts";
import { numericAddress, numericBinding } from "./_numeric_address.ts";
import {
  addressText,
  checkPort,
  inetAddress,
  reachableHost,
  stripMapped,
} from "./_socket_address.ts";
import { socketFault, systemCode } from "./_socket_fault.ts";
import { defer } from "./_turn.ts";
import type {
  DatagramBindRequest,
  DatagramEvents,
  DatagramSocket,
  MulticastMembership,
  SocketAddress,
} from "./driver.ts";
import { faultFrom } from "./fault.ts";

/** How often a send is tried again that an earlier datagram's ICMP answer made fail. */
const SEND_ATTEMPTS = 3;

class BunDatagramSocket implements DatagramSocket {
  localAddress: SocketAddress;
  /** Bun copies nothing: a datagram is the system's, or was not taken. */
  readonly pending = 0;
  readonly #events: DatagramEvents;
  readonly #isIpv6: boolean;
  #free: BunFreeDatagram | undefined;
  #connected: BunConnectedDatagram | undefined;
  #isPaused = false;
  #isClosed = false;
  /** Bun calls `drain` after each send: only a refused one is owed it. */
  #owesDrain = false;
  /** How many oversized sends Bun has thrown for and is yet to report again. */
  #tooBigToIgnore = 0;

  constructor(address: SocketAddress, events: DatagramEvents) {
    this.localAddress = address;
    this.#events = events;
    this.#isIpv6 = address.family === "ipv6";
  }

  // Hot: once per datagram sent.
  send(data: Uint8Array, hostname: string, port: number): boolean {
    if (this.#isClosed) return false;
    for (let attempt = 1;; attempt++) {
      try {
        const isTaken = this.#connected !== undefined
          ? this.#connected.send(data)
          : this.#free?.send(
            data,
            port,
            reachableHost(hostname, this.#isIpv6),
          ) === true;
        if (!isTaken) this.#owesDrain = true;
        return isTaken;
      } catch (error) {
        // Not this datagram failed but an earlier one, which `error` is told of;
        // this one was not sent.
        if (systemCode(error) === "ECONNREFUSED" && attempt < SEND_ATTEMPTS) {
          continue;
        }
        this.#tellLater(error);
        return true;
      }
    }
  }

  join(membership: MulticastMembership): void {
    this.#change(membership, "join");
  }

  leave(membership: MulticastMembership): void {
    this.#change(membership, "leave");
  }

  /** Bun cannot stop reading: what arrives while paused is dropped. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#native()?.close();
    defer(() => this.#events.closed(undefined));
  }

  /** The native socket is bound: sets its options. Closes it if one fails. */
  start(
    free: BunFreeDatagram | undefined,
    connected: BunConnectedDatagram | undefined,
    request: DatagramBindRequest,
  ): void {
    this.#free = free;
    this.#connected = connected;
    const native = this.#native();
    if (native === undefined) return;
    try {
      this.#configure(native, request);
    } catch (error) {
      this.#isClosed = true;
      native.close();
      throw error;
    }
    this.localAddress = inetAddress(this.localAddress.hostname, native.port);
  }

  #configure(native: BunDatagram, request: DatagramBindRequest): void {
    if (request.broadcast === true) native.setBroadcast(true);
    if (request.ttl !== undefined) native.setTTL(request.ttl);
    if (request.multicastTtl !== undefined) {
      native.setMulticastTTL(request.multicastTtl);
    }
    if (request.multicastLoopback !== undefined) {
      native.setMulticastLoopback(request.multicastLoopback);
    }
    const from = interfaceName(request.multicastInterface, this.#isIpv6);
    if (from !== undefined) setInterface(native, from);
    for (const membership of request.memberships ?? []) this.join(membership);
  }

  #native(): BunDatagram | undefined {
    return this.#connected ?? this.#free;
  }

  #change(membership: MulticastMembership, verb: "join" | "leave"): void {
    const native = this.#native();
    if (this.#isClosed || native === undefined) return;
    const { group } = membership;
    const doing = `Cannot ${verb} the group ${group}`;
    checkGroup(group, this.#isIpv6, doing);
    const on = interfaceName(membership.interface, this.#isIpv6);
    try {
      if (verb === "join") native.addMembership(group, on);
      else native.dropMembership(group, on);
    } catch (error) {
      throw socketFault(error, doing);
    }
  }

  #tellLater(error: unknown): void {
    const fault = faultFrom(error, "Cannot send a datagram");
    if (fault.code === "message-too-big") this.#tooBigToIgnore++;
    defer(() => {
      if (!this.#isClosed) this.#events.fault(fault);
    });
  }

  /** What Bun calls. What it throws must not reach Bun, which would report it as the socket's. */
  readonly handler: BunDatagramHandler = {
    // Hot: once per datagram received.
    data: (_socket, data, port, address) => {
      if (this.#isPaused || this.#isClosed) return;
      try {
        this.#events.message(
          data,
          this.#isIpv6 ? stripMapped(address) : address,
          port,
        );
      } catch (error) {
        throwLater(error);
      }
    },
    drain: () => {
      if (!this.#owesDrain || this.#isClosed) return;
      this.#owesDrain = false;
      try {
        this.#events.drain();
      } catch (error) {
        throwLater(error);
      }
    },
    error: (first, second) => {
      if (this.#isClosed) return;
      const fault = faultFrom(
        second instanceof Error ? second : first,
        "The socket failed",
      );
      if (fault.code === "message-too-big" && this.#tooBigToIgnore > 0) {
        this.#tooBigToIgnore--;
        return;
      }
      try {
        this.#events.fault(fault);
      } catch (error) {
        throwLater(error);
      }
    },
  };
}

/** Bun answers false to what is no address, and throws for one that is not this host's. */
function setInterface(native: BunDatagram, from: string): void {
  let isSet = false;
  let cause: unknown;
  try {
    isSet = native.setMulticastInterface(from);
  } catch (error) {
    cause = error;
  }
  if (!isSet) throw interfaceFault(from, cause);
}

/**
 * Whether `Bun.udpSocket` can do all that is asked. It has no shared addresses,
 * no IPv6 alone and no sizes of buffers, and it connects before broadcast can be
 * allowed: those go by `node:dgram`.
 */
export function isBunDatagram(request: DatagramBindRequest): boolean {
  return request.reuseAddress !== true && request.reusePort !== true &&
    request.ipv6Only !== true && request.receiveBufferSize === undefined &&
    request.sendBufferSize === undefined &&
    (request.broadcast !== true || request.peer === undefined);
}

/**
 * Binds with `Bun.udpSocket`, as `Driver.bindDatagram` asks.
 *
 * An IPv6 socket that is bound to `::` serves IPv4 as well. `pause` drops what
 * arrives. The ICMP answer to a datagram is told as a `connection-refused`
 * fault, also on a socket that is not connected. A datagram that is too large
 * is taken, and told as a `message-too-big` fault.
 *
 * @throws {Fault} by rejection: `address-in-use`, `address-not-available`,
 * `permission-denied`, `invalid-address`, `host-not-found`, `invalid-option`;
 * `not-supported` for a `multicastTtl` of 0.
 */
export async function bindBunDatagram(
  bun: BunApi,
  request: DatagramBindRequest,
  events: DatagramEvents,
): Promise<DatagramSocket> {
  refuseNoHops(request);
  const { address, peer, signal } = request;
  checkPort(address);
  if (peer !== undefined) checkPort(peer);
  const bound = await numericBinding(address, "0.0.0.0", signal);
  const socket = new BunDatagramSocket(bound, events);
  const doing = `Cannot bind ${addressText(bound)}`;
  const options = {
    hostname: bound.hostname,
    port: bound.port,
    binaryType: "uint8array",
    socket: socket.handler,
  } as const;
  try {
    if (peer === undefined) {
      socket.start(await bun.udpSocket(options), undefined, request);
    } else {
      const isIpv4 = bound.family === "ipv4";
      const { hostname, port } = await numericAddress(
        peer,
        signal,
        isIpv4 ? 4 : 0,
      );
      const native = await bun.udpSocket({
        ...options,
        connect: { hostname, port },
      });
      socket.start(undefined, native, request);
    }
  } catch (error) {
    throw faultFrom(error, doing);
  }
  return socket;
}
