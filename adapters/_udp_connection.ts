/**
 * A UDP socket with one peer.
 *
 * @module
 */

import type {
  DatagramBindRequest,
  DatagramEvents,
  DatagramSocket,
  SocketAddress,
} from "../runtime/driver.ts";
import { Fault, faultFrom } from "../runtime/fault.ts";
import { SendStatus } from "./adapter.ts";
import type { AdapterHost, Connection, ConnectionEvents } from "./adapter.ts";

/** RFC 919: all hosts of this network. */
const LIMITED_BROADCAST = "255.255.255.255";
/** All hosts of the loopback network: a peer, but none that a socket is bound for. */
const LOOPBACK_BROADCAST = "127.255.255.255";

/** Binds, fixes the peer, and is ready: there is no handshake, and no end but the local one. */
export class UdpConnection implements Connection, DatagramEvents {
  // A datagram has no frame to share.
  readonly frameKey = undefined;
  readonly #peer: SocketAddress;
  readonly #maxMessageSize: number;
  readonly #events: ConnectionEvents;
  /** Ends a look-up that nobody waits for any more. */
  readonly #abort = new AbortController();
  #socket: DatagramSocket | undefined;
  #isClosing = false;
  #wasFull = false;

  constructor(
    host: AdapterHost,
    peer: SocketAddress,
    source: SocketAddress | undefined,
    options: Omit<DatagramBindRequest, "address" | "peer">,
    maxMessageSize: number,
    events: ConnectionEvents,
  ) {
    this.#peer = peer;
    this.#maxMessageSize = maxMessageSize;
    this.#events = events;
    void this.#bind(host, source, options);
  }

  async #bind(
    host: AdapterHost,
    source: SocketAddress | undefined,
    options: Omit<DatagramBindRequest, "address" | "peer">,
  ): Promise<void> {
    let socket: DatagramSocket;
    try {
      // Deno would allow it without being asked, or refuse each datagram.
      if (
        this.#peer.hostname === LIMITED_BROADCAST && options.broadcast !== true
      ) {
        await new Promise<void>((resolve) => host.defer(resolve));
        throw new Fault(
          "permission-denied",
          `Cannot connect to ${LIMITED_BROADCAST}: the option broadcast is off`,
        );
      }
      socket = await host.driver.bindDatagram({
        ...options,
        address: source ?? sourceFor(this.#peer),
        peer: this.#peer,
        signal: this.#abort.signal,
      }, this);
    } catch (error) {
      if (!this.#isClosing) {
        this.#events.closed(
          "error",
          faultFrom(error, "Cannot bind a datagram socket"),
        );
      }
      this.#events.released();
      return;
    }
    this.#socket = socket;
    if (this.#isClosing) socket.close();
    else this.#events.ready();
  }

  get localAddress(): SocketAddress {
    return this.#socket?.localAddress ?? sourceFor(this.#peer);
  }

  get peerAddress(): SocketAddress {
    return this.#peer;
  }

  get queuedBytes(): number {
    return this.#socket?.pending ?? 0;
  }

  // Hot: one call a datagram sent.
  send(data: Uint8Array): SendStatus {
    if (data.length > this.#maxMessageSize) {
      return SendStatus.MaxPacketSizeExceeded;
    }
    if (this.#socket === undefined) return SendStatus.ResourceNotAvailable;
    if (this.#socket.send(data, this.#peer.hostname, this.#peer.port)) {
      return SendStatus.Sent;
    }
    this.#wasFull = true;
    return SendStatus.QueueFull;
  }

  frame(): undefined {
    return undefined;
  }

  sendFrame(frame: Uint8Array): SendStatus {
    return this.send(frame);
  }

  // Hot: one call a datagram received.
  message(data: Uint8Array): void {
    if (!this.#isClosing && data.length <= this.#maxMessageSize) {
      this.#events.message(data, false, 0);
    }
  }

  drain(): void {
    if (!this.#wasFull) return;
    this.#wasFull = false;
    if (!this.#isClosing) this.#events.writable();
  }

  /** An ICMP answer to an earlier datagram says nothing of the next one: UDP has no broken connections. */
  fault(_fault: Fault): void {}

  closed(fault: Fault | undefined): void {
    if (!this.#isClosing) this.#events.closed("error", fault);
    this.#events.released();
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#socket === undefined) this.#abort.abort();
    else this.#socket.close();
  }
}

/**
 * The address to send from: all of the peer's family, or the loopback one for a
 * peer there, which the system would choose too, and which Deno wants no further
 * permission for. A name's family is not known before the look-up, so the driver
 * sees to it.
 */
function sourceFor(peer: SocketAddress): SocketAddress {
  const { family, hostname } = peer;
  const isLoopback = family === "ipv6"
    ? hostname === "::1"
    : /^127(\.\d{1,3}){3}$/.test(hostname) && hostname !== LOOPBACK_BROADCAST;
  const [loopback, every] = family === "ipv6"
    ? ["::1", "::"]
    : ["127.0.0.1", "0.0.0.0"];
  return { family, hostname: isLoopback ? loopback : every, port: 0, path: "" };
}
