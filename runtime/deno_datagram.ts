/**
 * UDP sockets over `Deno.listenDatagram`, which is there with `--unstable-net`
 * only and three times as fast as Deno's `node:dgram`.
 *
 * @module
 */

import {
  type DenoAddress,
  type DenoApi,
  type DenoDatagramConn,
  type DenoMembership,
  isLocalClose,
  socketAddressFrom,
} from "./_deno_api.ts";
import {
  canonicalGroup,
  checkGroup,
  interfaceIndex,
  isOwnAddress,
} from "./_multicast.ts";
import {
  addressText,
  checkPort,
  reachableHost,
  stripMapped,
} from "./_socket_address.ts";
import { defer } from "./_turn.ts";
import type {
  DatagramBindRequest,
  DatagramEvents,
  DatagramSocket,
  MulticastMembership,
  SocketAddress,
} from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";

/** How many datagrams may wait for the system; more are refused until `drain`. */
const MAX_WAITING = 1024;
/** How many bytes of them. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** No datagram is larger. */
const RECEIVE_SIZE = 65_536;
/** After so many failures in a row the socket is taken for broken. */
const MAX_FAILURES = 16;

/**
 * Whether `Deno.listenDatagram` can do what is asked.
 *
 * It has no options but `reuseAddress` and `loopback`, sets groups only later
 * and without a word on failure, and cannot look up a peer's name.
 */
export function isNativeDatagram(
  deno: DenoApi,
  request: DatagramBindRequest,
): boolean {
  return deno.listenDatagram !== undefined &&
    request.reuseAddress !== true && request.reusePort !== true &&
    request.ipv6Only !== true && request.broadcast !== true &&
    (request.memberships ?? []).length === 0 &&
    request.multicastInterface === undefined &&
    request.multicastTtl === undefined &&
    request.multicastLoopback === undefined && request.ttl === undefined &&
    request.receiveBufferSize === undefined &&
    request.sendBufferSize === undefined &&
    (request.peer === undefined || canonicalHost(request.peer) !== undefined);
}

/**
 * Binds with `Deno.listenDatagram`, as `Driver.bindDatagram` asks; only for
 * requests that {@linkcode isNativeDatagram} holds good.
 *
 * @throws {Fault} `address-in-use`, `address-not-available`,
 * `permission-denied`, `invalid-address`, `host-not-found`, `not-supported`.
 */
export function bindDenoDatagram(
  deno: DenoApi,
  request: DatagramBindRequest,
  events: DatagramEvents,
): DatagramSocket {
  const { address, peer } = request;
  if (deno.listenDatagram === undefined) {
    throw new Fault(
      "not-supported",
      "Cannot bind: Deno.listenDatagram needs --unstable-net",
    );
  }
  checkPort(address);
  if (peer !== undefined) checkPort(peer);
  const wildcard = address.family === "ipv6" ? "::" : "0.0.0.0";
  let conn: DenoDatagramConn;
  try {
    conn = deno.listenDatagram({
      transport: "udp",
      hostname: address.hostname === "" ? wildcard : address.hostname,
      port: address.port,
      reuseAddress: false,
      // The system's default, which Deno turns round.
      loopback: true,
    });
  } catch (error) {
    throw faultFrom(error, `Cannot bind ${addressText(address)}`);
  }
  if (peer !== undefined && !isIpv6(conn)) {
    try {
      reachableHost(peer.hostname, false);
    } catch (error) {
      conn.close();
      throw error;
    }
  }
  const socket = new DenoDatagram(conn, peer, events);
  socket.start();
  return socket;
}

class DenoDatagram implements DatagramSocket {
  readonly localAddress: SocketAddress;
  readonly #conn: DenoDatagramConn;
  readonly #events: DatagramEvents;
  readonly #isIpv6: boolean;
  /** Deno's UDP cannot connect: the one peer is kept to here. */
  readonly #peerHost: string | undefined;
  readonly #peerPort: number;
  readonly #buffer = new Uint8Array(RECEIVE_SIZE);
  readonly #groups = new Map<string, Promise<DenoMembership>>();
  /** Where the last datagram went: most go where the last one did. */
  #to = destination("", 0, false);
  /** What waits for the send before it: Deno starts the sends of one turn last first. */
  readonly #queue: { readonly data: Uint8Array; readonly to: Destination }[] =
    [];
  #waiting = 0;
  #pending = 0;
  #receiving = false;
  #failures = 0;
  #paused = false;
  #held: Uint8Array | undefined;
  #heldHost = "";
  #heldPort = 0;
  #closing = false;
  #gone = false;
  #reported = false;
  #fault: Fault | undefined;

  constructor(
    conn: DenoDatagramConn,
    peer: SocketAddress | undefined,
    events: DatagramEvents,
  ) {
    this.#conn = conn;
    this.#events = events;
    this.#isIpv6 = isIpv6(conn);
    this.#peerHost = peer === undefined ? undefined : canonicalHost(peer);
    this.#peerPort = peer?.port ?? 0;
    this.localAddress = socketAddressFrom(conn.addr);
  }

  get pending(): number {
    return this.#pending;
  }

  /** Receives; apart from the constructor so that nothing runs on a socket half made. */
  start(): void {
    this.#receive();
  }

  // Hot: once per datagram sent.
  send(data: Uint8Array, hostname: string, port: number): boolean {
    const size = data.length;
    if (
      this.#closing || this.#waiting === MAX_WAITING ||
      (this.#waiting > 0 && this.#pending + size > MAX_WAITING_BYTES)
    ) return false;
    const host = this.#peerHost ?? hostname;
    const toPort = this.#peerHost === undefined ? port : this.#peerPort;
    let to = this.#to;
    if (host !== to.host || toPort !== to.address.port) {
      to = destination(host, toPort, this.#isIpv6);
      this.#to = to;
    }
    this.#waiting++;
    this.#pending += size;
    if (this.#waiting > 1) this.#queue.push({ data, to });
    else this.#start(data, to);
    return true;
  }

  // Hot: once per datagram sent.
  #start(data: Uint8Array, { address, refusal }: Destination): void {
    if (refusal === undefined) {
      this.#conn.send(data, address).then(this.#onSent, this.#onSendFailed);
    } else defer(() => this.#onSendFailed(refusal));
  }

  /** What Deno finds wrong with the membership later on is told as `fault`. */
  join(membership: MulticastMembership): void {
    if (this.#closing) return;
    const { group } = membership;
    const doing = `Cannot join the group ${group}`;
    checkGroup(group, this.#isIpv6, doing);
    if (!this.#isIpv6 && !isOwnAddress(membership.interface)) {
      throw new Fault(
        "address-not-available",
        `${doing}: ${membership.interface} is no address of this host`,
      );
    }
    const key = keyOf(membership);
    if (this.#groups.has(key)) {
      throw new Fault("address-in-use", `${doing}: it is joined already`);
    }
    const joined = this.#isIpv6
      ? this.#conn.joinMulticastV6(group, interfaceIndex(membership.interface))
      : this.#conn.joinMulticastV4(group, membership.interface ?? "0.0.0.0");
    this.#groups.set(key, joined);
    joined.catch((error: unknown) => {
      this.#groups.delete(key);
      this.#tell(error, doing);
    });
  }

  leave(membership: MulticastMembership): void {
    if (this.#closing) return;
    const doing = `Cannot leave the group ${membership.group}`;
    const key = keyOf(membership);
    const joined = this.#groups.get(key);
    if (joined === undefined) {
      throw new Fault("address-not-available", `${doing}: it is not joined`);
    }
    this.#groups.delete(key);
    joined.then((handle) => handle.leave()).catch((error: unknown) => {
      this.#tell(error, doing);
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#held !== undefined) queueMicrotask(this.#releaseHeld);
    else this.#receive();
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#held = undefined;
    if (this.#waiting === 0) this.#finish();
  }

  // Hot: once per datagram received. One receive at a time: two come out of order.
  #receive(): void {
    if (
      this.#receiving || this.#closing || this.#paused ||
      this.#held !== undefined
    ) return;
    this.#receiving = true;
    this.#conn.receive(this.#buffer).then(
      this.#onReceived,
      this.#onReceiveFailed,
    );
  }

  // Hot: once per datagram received.
  readonly #onReceived = ([data, from]: [Uint8Array, DenoAddress]): void => {
    this.#receiving = false;
    if (this.#gone) {
      this.#settle();
      return;
    }
    if (this.#closing) return;
    this.#failures = 0;
    const host = this.#isIpv6
      ? stripMapped(from.hostname ?? "")
      : from.hostname ?? "";
    const port = from.port ?? 0;
    if (
      this.#peerHost === undefined ||
      (port === this.#peerPort && host === this.#peerHost)
    ) {
      // The buffer is used again.
      const bytes = data.slice();
      if (this.#paused) {
        this.#held = bytes;
        this.#heldHost = host;
        this.#heldPort = port;
        return;
      }
      this.#events.message(bytes, host, port);
    }
    this.#receive();
  };

  readonly #onReceiveFailed = (error: unknown): void => {
    this.#receiving = false;
    if (this.#gone) {
      this.#settle();
      return;
    }
    if (this.#closing) return;
    const fault = faultFrom(error, "Cannot receive");
    if (isLocalClose(error) || ++this.#failures === MAX_FAILURES) {
      this.#fault = fault;
      this.#closing = true;
      this.#finish();
      return;
    }
    this.#events.fault(fault);
    this.#receive();
  };

  readonly #releaseHeld = (): void => {
    const bytes = this.#held;
    if (bytes === undefined || this.#paused || this.#closing) return;
    this.#held = undefined;
    this.#events.message(bytes, this.#heldHost, this.#heldPort);
    this.#receive();
  };

  // Hot: once per datagram sent.
  readonly #onSent = (size: number): void => {
    this.#pending -= size;
    this.#afterSend();
  };

  readonly #onSendFailed = (error: unknown): void => {
    this.#tell(error, "Cannot send a datagram");
    this.#afterSend();
  };

  #afterSend(): void {
    const next = this.#queue.shift();
    if (next !== undefined) this.#start(next.data, next.to);
    if (--this.#waiting > 0) return;
    // Nobody tells the size of a send that failed: it is let go here.
    this.#pending = 0;
    if (this.#gone) this.#settle();
    else if (this.#closing) this.#finish();
    else this.#events.drain();
  }

  #tell(error: unknown, doing: string): void {
    if (!this.#closing) this.#events.fault(faultFrom(error, doing));
  }

  #finish(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#held = undefined;
    this.#conn.close();
    this.#settle();
  }

  /** Reports the end once the operations that the close has cancelled are over. */
  #settle(): void {
    if (this.#receiving || this.#waiting > 0 || this.#reported) return;
    this.#reported = true;
    queueMicrotask(() => this.#events.closed(this.#fault));
  }
}

/** Where a datagram goes, and why it cannot. */
interface Destination {
  readonly host: string;
  readonly address: DenoAddress;
  readonly refusal: Fault | undefined;
}

function destination(host: string, port: number, isIpv6: boolean): Destination {
  const transport = "udp";
  try {
    if (stripMapped(host) === "255.255.255.255") {
      // Deno switches broadcast on for every socket; here it is asked for first.
      throw new Fault(
        "permission-denied",
        "Cannot send a datagram: broadcast is off",
      );
    }
    const hostname = reachableHost(host, isIpv6);
    return { host, address: { transport, hostname, port }, refusal: undefined };
  } catch (error) {
    const refusal = faultFrom(error, "Cannot send a datagram");
    return { host, address: { transport, hostname: host, port }, refusal };
  }
}

function isIpv6(conn: DenoDatagramConn): boolean {
  return conn.addr.hostname?.includes(":") ?? false;
}

function keyOf(membership: MulticastMembership): string {
  return `${canonicalGroup(membership.group)} ${membership.interface ?? ""}`;
}

/** A numeric host as Deno writes it; undefined for a name, a zone and a wildcard. */
function canonicalHost(address: SocketAddress): string | undefined {
  const host = stripMapped(address.hostname);
  if (host === "0.0.0.0" || host === "::") return undefined;
  if (/^(?:\d{1,3}\.){3}\d{1,3}$/.test(host)) return host;
  if (!host.includes(":")) return undefined;
  const url = URL.parse(`http://[${host}]`);
  return url === null ? undefined : url.hostname.slice(1, -1);
}
