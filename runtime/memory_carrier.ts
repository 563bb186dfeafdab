/**
 * The contract between a memory network and what carries things between its
 * hosts: without a carrier everything arrives at once and nothing is lost.
 *
 * @module
 */

import type { SocketAddress } from "./driver.ts";
import type { Fault } from "./fault.ts";
import type { MemoryHost } from "./memory_host.ts";

/** What is carried. */
export type PacketKind =
  /** One datagram. */
  | "datagram"
  /** The answer that nobody receives datagrams at a port. */
  | "unreachable"
  /** A stream is asked for, is granted, and the grant is acknowledged. */
  | "connect"
  | "accept"
  | "established"
  /** A stream is refused. */
  | "refuse"
  /** Bytes of a stream. */
  | "data"
  /** The end of a direction of a stream. */
  | "fin"
  /** The end of a stream by force. */
  | "reset"
  /** Whether the peer of a silent stream is still there. */
  | "probe"
  /** The reader has made room. */
  | "credit";

/** From where to where something goes. */
export interface MemoryRoute {
  /** The host that sends: its address. */
  readonly from: string;
  /** The host that it is meant for: its address. */
  readonly to: string;
  /** The socket that sends. */
  readonly source: SocketAddress;
  /** The socket that it is meant for. */
  readonly target: SocketAddress;
}

/** What a packet does when it is there. */
export type Arrival = (host: MemoryHost) => void;

/** One direction of a stream: what is sent arrives once, in order, or the pipe fails. */
export interface MemoryPipe {
  /** Sends a packet; `arrive` is called with the host that is there by then. */
  send(kind: PacketKind, size: number, arrive: Arrival): void;
  /** Sends bytes; they may arrive in several pieces. */
  sendData(chunk: Uint8Array, arrive: DataArrival): void;
  /** The stream has no owner any more: what was sent goes on, failures interest nobody. */
  release(): void;
}

/** What bytes do when they are there. */
export type DataArrival = (host: MemoryHost, chunk: Uint8Array) => void;

/** What carries things between the hosts of a network. */
export interface MemoryCarrier {
  /** The address of a host by its name, or undefined. */
  lookup(name: string): string | undefined;
  /** Sends one packet: it arrives, or is lost; a datagram may arrive twice. */
  packet(
    route: MemoryRoute,
    kind: PacketKind,
    size: number,
    arrive: Arrival,
  ): void;
  /**
   * Opens one direction of a stream.
   *
   * @param from The host that sends; once it is down the pipe sends no more.
   * @param failed Called when the pipe gives up, or is cut.
   */
  pipe(
    from: MemoryHost,
    route: MemoryRoute,
    failed: (fault: Fault) => void,
  ): MemoryPipe;
}
