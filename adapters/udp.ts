/**
 * UDP: one message, one datagram.
 *
 * @module
 */

import type {
  DatagramBindRequest,
  DatagramEvents,
  DatagramSocket,
  MulticastMembership,
  SocketAddress,
} from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import { UdpConnection } from "./_udp_connection.ts";
import {
  checkInteger,
  checkSourceAddress,
  internetAddress,
} from "./_options.ts";
import { refuseTls } from "./_tls_asked.ts";
import type { SourceAddress } from "./_options.ts";
import { SendStatus } from "./adapter.ts";
import type {
  Adapter,
  ConnectOptions,
  Listener,
  ListenerEvents,
  ListenOptions,
} from "./adapter.ts";

/** The largest payload of a UDP datagram over IPv4: 65,535 less the IP and UDP headers (RFC 768, RFC 791). */
export const MAX_DATAGRAM_SIZE = 65_507;

/** A payload that an Ethernet frame carries without fragments: 1,500 less the IP and UDP headers. */
export const SAFE_DATAGRAM_SIZE = 1_472;

/** Options of both ends of UDP. */
export interface UdpSocketOptions {
  /** Whether several sockets may bind the address (SO_REUSEADDR). Default: false, but true for a multicast group. */
  readonly reuseAddress?: boolean;
  /** Whether datagrams are spread over the sockets bound to the address (SO_REUSEPORT), where the runtime can. Default: false. */
  readonly reusePort?: boolean;
  /** Whether sending to broadcast addresses is allowed (SO_BROADCAST). Default: false. */
  readonly broadcast?: boolean;
  /** Hops that unicast may travel, 1 to 255. Default: the system's. */
  readonly ttl?: number;
  /** Hops that multicast may travel, 0 to 255. Default: 1, this network only. 0, this host only, is `not-supported` on Deno and Bun. */
  readonly multicastTtl?: number;
  /** Whether multicast that is sent also reaches this host. Default: true. */
  readonly multicastLoopback?: boolean;
  /** The interface for multicast: an IPv4 address of this host, or for IPv6 a name such as `"eth0"`. Default: the system's choice. */
  readonly multicastInterface?: string;
  /** The size of the system's receive buffer, in bytes. Default: the system's. */
  readonly receiveBufferSize?: number;
  /** The size of the system's send buffer, in bytes. Default: the system's. */
  readonly sendBufferSize?: number;
}

/** Options of `connect` over UDP. */
export interface UdpConnectOptions extends ConnectOptions, UdpSocketOptions {
  /** The local address to send from. Default: a free port of every address, or of the loopback one for a loopback peer. */
  readonly sourceAddress?: SourceAddress;
}

/** Options of `listen` over UDP. */
export interface UdpListenOptions extends ListenOptions, UdpSocketOptions {
  /** Multicast groups to join besides the one that the address itself may name. */
  readonly memberships?: readonly MulticastMembership[];
  /** Whether a listener on an IPv6 address refuses IPv4. Default: false. */
  readonly ipv6Only?: boolean;
  /**
   * How many senders are remembered: a message from one of them has the same
   * `endpoint` object as the last. Beyond that the one met first is forgotten,
   * and met anew when it sends again. Default: 4,096.
   */
  readonly maxKnownPeers?: number;
}

/** Whether the address is of a multicast group: 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291). */
export function isMulticast(hostname: string): boolean {
  if (hostname.includes(":")) return hostname.toLowerCase().startsWith("ff");
  const first = Number(/^(\d+)\.\d+\.\d+\.\d+$/.exec(hostname)?.[1]);
  return first >= 224 && first <= 239;
}

type BindOptions = Omit<
  DatagramBindRequest,
  "address" | "peer" | "memberships"
>;

function bindOptions(
  options: UdpSocketOptions & { readonly ipv6Only?: boolean },
): BindOptions {
  const flags = {
    ...(options.reuseAddress !== undefined &&
      { reuseAddress: options.reuseAddress }),
    ...(options.reusePort !== undefined && { reusePort: options.reusePort }),
    ...(options.broadcast !== undefined && { broadcast: options.broadcast }),
    ...(options.ipv6Only !== undefined && { ipv6Only: options.ipv6Only }),
    ...(options.multicastLoopback !== undefined &&
      { multicastLoopback: options.multicastLoopback }),
    ...(options.multicastInterface !== undefined &&
      { multicastInterface: options.multicastInterface }),
  };
  return {
    ...flags,
    ...(options.ttl !== undefined &&
      { ttl: checkInteger("ttl", options.ttl, 1, 255) }),
    ...(options.multicastTtl !== undefined && {
      multicastTtl: checkInteger("multicastTtl", options.multicastTtl, 0, 255),
    }),
    ...(options.receiveBufferSize !== undefined && {
      receiveBufferSize: checkInteger(
        "receiveBufferSize",
        options.receiveBufferSize,
        1,
        2 ** 30,
      ),
    }),
    ...(options.sendBufferSize !== undefined && {
      sendBufferSize: checkInteger(
        "sendBufferSize",
        options.sendBufferSize,
        1,
        2 ** 30,
      ),
    }),
  };
}

function datagramLimit(options: ConnectOptions | ListenOptions): number {
  return checkInteger(
    "maxMessageSize",
    options.maxMessageSize ?? MAX_DATAGRAM_SIZE,
    1,
    MAX_DATAGRAM_SIZE,
  );
}

function knownPeersLimit(
  { maxKnownPeers }: UdpListenOptions,
): number | undefined {
  return maxKnownPeers === undefined ? undefined : checkInteger(
    "maxKnownPeers",
    maxKnownPeers,
    1,
    // What a map can hold.
    2 ** 24,
  );
}

/**
 * UDP: unreliable, unordered, but every message whole. A datagram may be lost,
 * doubled or overtaken by the network; none is cut or joined.
 *
 * - `listen` receives from everybody: each message's endpoint names the listener
 *   and the sender, and can be answered. There is no `accepted` and no `disconnected`.
 * - `listen` on a multicast group joins it; several listeners may share its port.
 * - `connect` fixes the peer: datagrams of others are not received. `connected`
 *   says that the socket is bound, not that anybody listens. `connect` to a
 *   multicast group or, with `broadcast: true`, to a broadcast address sends to all.
 *
 * Addresses: `"host:port"`, `"[::1]:80"`, `"udp://host:port"`. The largest
 * message is 65,507 bytes; above about 1,472 it travels in fragments. A send
 * that the system has no room for answers `QueueFull`: the datagram is lost.
 * Binding to a device and filtering received broadcasts by destination are not
 * offered: no JavaScript runtime can.
 */
export const Udp: Adapter<UdpConnectOptions, UdpListenOptions> = {
  id: 2,
  name: "Udp",
  maxMessageSize: MAX_DATAGRAM_SIZE,
  isConnectionOriented: false,
  isPacketBased: true,
  connect(host, address, options, events) {
    refuseTls("Udp", options);
    const peer = internetAddress("Udp", address, ["udp"], "127.0.0.1");
    if (peer.port === 0) {
      throw new Fault(
        "invalid-address",
        `Cannot connect to ${address.text} with Udp: port 0 is no address`,
      );
    }
    const source = options.sourceAddress === undefined
      ? undefined
      : checkSourceAddress(options.sourceAddress);
    return new UdpConnection(
      host,
      peer,
      source,
      bindOptions(options),
      datagramLimit(options),
      events,
    );
  },
  async listen(host, address, options, events) {
    refuseTls("Udp", options);
    const requested = internetAddress("Udp", address, ["udp"], "0.0.0.0");
    const group = isMulticast(requested.hostname)
      ? requested.hostname
      : undefined;
    const memberships = [...options.memberships ?? []];
    if (group !== undefined) {
      memberships.unshift(
        options.multicastInterface === undefined
          ? { group }
          : { group, interface: options.multicastInterface },
      );
    }
    const listener = new UdpListener(
      events,
      datagramLimit(options),
      knownPeersLimit(options),
    );
    // Bound to any address: a socket bound to the group itself could not send as this host.
    const bound: SocketAddress = group === undefined ? requested : {
      ...requested,
      hostname: requested.family === "ipv6" ? "::" : "0.0.0.0",
    };
    listener.attach(
      await host.driver.bindDatagram({
        ...(group !== undefined && { reuseAddress: true }),
        ...bindOptions(options),
        address: bound,
        memberships,
        signal: options.signal,
      }, listener),
    );
    return listener;
  },
};

class UdpListener implements Listener, DatagramEvents {
  readonly maxKnownPeers: number | undefined;
  readonly #events: ListenerEvents;
  readonly #maxMessageSize: number;
  #socket: DatagramSocket | undefined;
  #wasFull = false;
  #isClosed = false;
  #resolveClosed: () => void = () => {};
  readonly #closed = new Promise<void>((resolve) =>
    this.#resolveClosed = resolve
  );

  constructor(
    events: ListenerEvents,
    maxMessageSize: number,
    maxKnownPeers: number | undefined,
  ) {
    this.#events = events;
    this.#maxMessageSize = maxMessageSize;
    this.maxKnownPeers = maxKnownPeers;
  }

  attach(socket: DatagramSocket): void {
    this.#socket = socket;
  }

  get address(): SocketAddress {
    return this.#bound().localAddress;
  }

  get queuedBytes(): number {
    return this.#socket?.pending ?? 0;
  }

  // Hot: one call a datagram sent.
  sendTo(data: Uint8Array, hostname: string, port: number): SendStatus {
    if (data.length > this.#maxMessageSize) {
      return SendStatus.MaxPacketSizeExceeded;
    }
    if (this.#bound().send(data, hostname, port)) return SendStatus.Sent;
    this.#wasFull = true;
    return SendStatus.QueueFull;
  }

  // Hot: one call a datagram received.
  message(data: Uint8Array, hostname: string, port: number): void {
    if (!this.#isClosed && data.length <= this.#maxMessageSize) {
      this.#events.message(data, hostname, port);
    }
  }

  drain(): void {
    if (!this.#wasFull) return;
    this.#wasFull = false;
    this.#events.writable();
  }

  fault(fault: Fault): void {
    if (!this.#isClosed) this.#events.fault(fault);
  }

  closed(fault: Fault | undefined): void {
    if (fault !== undefined && !this.#isClosed) this.#events.fault(fault);
    this.#isClosed = true;
    this.#resolveClosed();
  }

  pause(): void {
    this.#bound().pause();
  }

  resume(): void {
    this.#bound().resume();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#bound().close();
    return this.#closed;
  }

  #bound(): DatagramSocket {
    if (this.#socket === undefined) {
      throw new TypeError("Cannot use a listener before it is bound");
    }
    return this.#socket;
  }
}
