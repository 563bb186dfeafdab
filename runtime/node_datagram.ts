/**
 * UDP sockets on `node:dgram`, which Node, Deno and Bun all have.
 *
 * @module
 */

import type * as dgram from "node:dgram";
import { JoinedGroups } from "./_multicast.ts";
import { nodeBuiltin, nodeProcess } from "./_node_builtins.ts";
import { numericAddress, numericBinding } from "./_numeric_address.ts";
import {
  addressText,
  checkPort,
  inetAddress,
  reachableHost,
  stripMapped,
} from "./_socket_address.ts";
import {
  applyDatagramOptions,
  changeMembership,
  refuseUnsupported,
} from "./_node_datagram_options.ts";
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
const MAX_WAITING = 1_024;
/** How many bytes of them. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** From this size on a backing buffer that is mostly empty is not handed out. */
const LARGE_BACKING = 4_096;

interface QueuedDatagram {
  readonly data: Uint8Array;
  readonly hostname: string;
  readonly port: number;
}

class NodeDatagram implements DatagramSocket {
  readonly localAddress: SocketAddress;
  readonly #socket: dgram.Socket;
  readonly #events: DatagramEvents;
  readonly #isIpv6: boolean;
  readonly #groups: JoinedGroups;
  readonly #peer: SocketAddress | undefined;
  /** Deno has no name for the error of the system, so that the answer is given here. */
  readonly #refusesBroadcast: boolean;
  /** Deno starts the sends of one turn last first: there each waits here for the one before it. */
  readonly #queue: QueuedDatagram[] | undefined;
  /** The sizes of what waits, oldest first, as a ring: the runtime tells no size of a send that failed. */
  readonly #sizes = new Uint32Array(MAX_WAITING);
  #oldest = 0;
  #waiting = 0;
  #pending = 0;
  #isPaused = false;
  #isClosed = false;

  constructor(
    socket: dgram.Socket,
    localAddress: SocketAddress,
    peer: SocketAddress | undefined,
    events: DatagramEvents,
    isIpv6: boolean,
    groups: JoinedGroups,
    refusesBroadcast: boolean,
    isDeno: boolean,
  ) {
    this.#socket = socket;
    this.localAddress = localAddress;
    this.#peer = peer;
    this.#events = events;
    this.#isIpv6 = isIpv6;
    this.#groups = groups;
    this.#refusesBroadcast = refusesBroadcast;
    this.#queue = isDeno ? [] : undefined;
    socket.on("message", this.#onMessage);
    socket.on("error", this.#onError);
    socket.on("close", () => events.closed(undefined));
  }

  get pending(): number {
    return this.#pending;
  }

  // Hot: once per datagram sent.
  send(data: Uint8Array, hostname: string, port: number): boolean {
    if (this.#isClosed) return false;
    const size = data.byteLength;
    if (
      this.#waiting === MAX_WAITING ||
      (this.#waiting > 0 && this.#pending + size > MAX_WAITING_BYTES)
    ) return false;
    this.#sizes[(this.#oldest + this.#waiting) % MAX_WAITING] = size;
    this.#waiting++;
    this.#pending += size;
    if (this.#queue !== undefined && this.#waiting > 1) {
      this.#queue.push({ data, hostname, port });
    } else this.#start(data, hostname, port);
    return true;
  }

  // Hot: once per datagram sent.
  #start(data: Uint8Array, hostname: string, port: number): void {
    try {
      if (this.#refusesBroadcast && hostname === "255.255.255.255") {
        throw new Fault(
          "permission-denied",
          "Cannot send a datagram: broadcast is off",
        );
      }
      if (this.#peer !== undefined) this.#socket.send(data, this.#onSent);
      else {
        const host = reachableHost(hostname, this.#isIpv6);
        this.#socket.send(data, port, host, this.#onSent);
      }
    } catch (error) {
      // A port that cannot be, say: told like every other failed send.
      defer(() => this.#onSent(asError(error)));
    }
  }

  join(membership: MulticastMembership): void {
    this.#change(membership, "join");
  }

  leave(membership: MulticastMembership): void {
    this.#change(membership, "leave");
  }

  /** `node:dgram` cannot stop reading: what arrives while paused is dropped. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // What waits in the own queue goes out first, as the system's does.
    if (this.#queue === undefined || this.#waiting === 0) this.#socket.close();
  }

  #change(membership: MulticastMembership, verb: "join" | "leave"): void {
    if (this.#isClosed) return;
    changeMembership(
      this.#socket,
      membership,
      verb,
      this.#isIpv6,
      this.#groups,
    );
  }

  // Hot: once per datagram received.
  readonly #onMessage = (data: Uint8Array, from: dgram.RemoteInfo): void => {
    if (this.#isPaused || this.#isClosed) return;
    const hostname = this.#isIpv6 ? stripMapped(from.address) : from.address;
    const peer = this.#peer;
    // What came between bind and connect is in the socket's queue already, and
    // some runtimes leave connecting to their own code.
    if (
      peer !== undefined &&
      (from.port !== peer.port ||
        (hostname !== peer.hostname &&
          withoutZone(hostname) !== withoutZone(peer.hostname)))
    ) return;
    const { buffer, byteOffset, byteLength } = data;
    const bytes =
      buffer.byteLength > LARGE_BACKING && byteLength * 2 < buffer.byteLength
        ? new Uint8Array(data)
        : new Uint8Array(buffer, byteOffset, byteLength);
    this.#events.message(bytes, hostname, from.port);
  };

  // Hot: once per datagram sent.
  readonly #onSent = (error: Error | null): void => {
    this.#pending -= this.#sizes[this.#oldest] ?? 0;
    this.#oldest = (this.#oldest + 1) % MAX_WAITING;
    this.#waiting--;
    const next = this.#queue?.shift();
    if (next !== undefined) this.#start(next.data, next.hostname, next.port);
    if (this.#isClosed) {
      if (this.#queue !== undefined && this.#waiting === 0) {
        this.#socket.close();
      }
      return;
    }
    if (error !== null) {
      this.#events.fault(faultFrom(error, "Cannot send a datagram"));
    }
    if (this.#waiting === 0) this.#events.drain();
  };

  readonly #onError = (error: Error): void => {
    if (this.#isClosed) return;
    this.#events.fault(faultFrom(error, "The socket failed"));
  };
}

/** Bun tells the zone of a sender (`fe80::1%eth0`), but not that of its peer. */
function withoutZone(hostname: string): string {
  const zone = hostname.indexOf("%");
  return zone < 0 ? hostname : hostname.slice(0, zone);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Hosts are numeric here: the runtime's look-up would cost a thread's round trip or a tick per datagram. */
const passThrough = (
  hostname: string,
  _options: unknown,
  callback: (
    error: NodeJS.ErrnoException | null,
    address: string,
    family: number,
  ) => void,
): void => callback(null, hostname, hostname.includes(":") ? 6 : 4);

/**
 * Binds a socket of `node:dgram`, as `Driver.bindDatagram` asks.
 *
 * An IPv6 socket that is bound to `::` serves IPv4 as well, unless `ipv6Only`.
 * At most 1,024 datagrams or 4 MiB wait for the system. `pause` drops what
 * arrives. ICMP errors are told as `fault` where the runtime tells them.
 *
 * @throws {Fault} by rejection: `address-in-use`, `address-not-available`,
 * `permission-denied`, `invalid-address`, `host-not-found`, `invalid-option`;
 * `not-supported` for `reusePort` on Node before 22.12 and on Deno, and for a
 * `multicastTtl` of 0 on Bun and Deno.
 */
export async function bindNodeDatagram(
  request: DatagramBindRequest,
  events: DatagramEvents,
): Promise<DatagramSocket> {
  refuseUnsupported(request);
  checkPort(request.address);
  if (request.peer !== undefined) checkPort(request.peer);
  const { signal } = request;
  const address = await numericBinding(request.address, "0.0.0.0", signal);
  const isIpv6 = address.family === "ipv6";
  const doing = `Cannot bind ${addressText(address)}`;
  let socket: dgram.Socket;
  try {
    socket = nodeBuiltin("node:dgram").createSocket({
      type: isIpv6 ? "udp6" : "udp4",
      lookup: passThrough,
      ...(request.reuseAddress === true ? { reuseAddr: true } : undefined),
      ...(request.reusePort === true ? { reusePort: true } : undefined),
      ...(request.ipv6Only === true ? { ipv6Only: true } : undefined),
    });
  } catch (error) {
    throw faultFrom(error, doing);
  }
  try {
    await settle(socket, (done) => {
      socket.bind({ port: address.port, address: address.hostname }, done);
    });
    const groups = new JoinedGroups();
    applyDatagramOptions(socket, request, isIpv6, groups);
    let peer: SocketAddress | undefined;
    if (request.peer !== undefined) {
      const { hostname, port } = await numericAddress(
        request.peer,
        signal,
        isIpv6 ? 6 : 4,
      );
      await settle(socket, (done) => socket.connect(port, hostname, done));
      const remote = socket.remoteAddress();
      peer = inetAddress(remote.address, remote.port);
    }
    const local = socket.address();
    const isDeno = nodeProcess()?.versions.deno !== undefined;
    return new NodeDatagram(
      socket,
      inetAddress(local.address, local.port),
      peer,
      events,
      isIpv6,
      groups,
      request.broadcast !== true && isDeno,
      isDeno,
    );
  } catch (error) {
    socket.on("error", () => {}); // It is closing, and its error is on its way to the caller.
    socket.close();
    throw faultFrom(error, doing);
  }
}

/** Waits for one step of setting a socket up, or for its error. */
async function settle(
  socket: dgram.Socket,
  step: (done: (error?: Error) => void) => void,
): Promise<void> {
  let fail: ((error: Error) => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      fail = reject;
      socket.once("error", reject);
      // A connect that fails tells its callback, and not `error`.
      step((error) => error instanceof Error ? reject(error) : resolve());
    });
  } finally {
    if (fail !== undefined) socket.off("error", fail);
  }
}
