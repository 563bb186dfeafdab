/**
 * Ports and who holds them, on one host of the memory network.
 *
 * @module
 */

import type { SocketAddress } from "./driver.ts";
import { Fault } from "./fault.ts";
import { addressText, checkPort, inetAddress } from "./_socket_address.ts";

/** Something bound to a port. */
export interface Binding {
  /** Where. */
  readonly address: SocketAddress;
  /** Whether others that say the same may have the address too. */
  readonly isShared: boolean;
  /** Whether `::` leaves IPv4 alone. */
  readonly ipv6Only: boolean;
}

/** Whether a host stands for all addresses of its family. */
export function isWildcard(hostname: string): boolean {
  return hostname === "0.0.0.0" || hostname === "::";
}

/** Whether a host means the machine that says it. */
export function isLoopback(hostname: string): boolean {
  return hostname === "::1" || hostname.startsWith("127.");
}

/** Whether something bound to a host hears what is sent to another. */
function hears(binding: Binding, hostname: string): boolean {
  const own = binding.address.hostname;
  if (own === hostname) return true;
  if (own === "::") return hostname.includes(":") || !binding.ipv6Only;
  return own === "0.0.0.0" && !hostname.includes(":");
}

/** Who holds which port. */
export class AddressTable<Entry extends Binding> {
  readonly #byPort = new Map<number, Entry[]>();

  /** Whether a port has a holder. */
  isTaken(port: number): boolean {
    return this.#byPort.has(port);
  }

  /**
   * Lets an entry hold its port.
   *
   * @throws {Fault} `address-in-use`.
   */
  add(entry: Entry): void {
    const { port, hostname } = entry.address;
    const holders = this.#byPort.get(port);
    if (holders === undefined) {
      this.#byPort.set(port, [entry]);
      return;
    }
    for (const holder of holders) {
      const isClash = hears(holder, hostname) ||
        hears(entry, holder.address.hostname);
      if (isClash && !(holder.isShared && entry.isShared)) {
        throw new Fault(
          "address-in-use",
          `Cannot bind ${addressText(entry.address)}: the address is in use`,
        );
      }
    }
    holders.push(entry);
  }

  /** Frees the port of an entry. */
  remove(entry: Entry): void {
    const { port } = entry.address;
    const holders = this.#byPort.get(port);
    const place = holders?.indexOf(entry) ?? -1;
    if (holders === undefined || place < 0) return;
    holders.splice(place, 1);
    if (holders.length === 0) this.#byPort.delete(port);
  }

  /**
   * Who hears what is sent to a host and port: the holder of exactly that host
   * before those of all.
   *
   * @param turn Which of several that share the address, counted round; the last when not given.
   */
  find(hostname: string, port: number, turn?: number): Entry | undefined {
    let found: Entry[] = [];
    let isExact = false;
    for (const holder of this.#byPort.get(port) ?? []) {
      if (!hears(holder, hostname)) continue;
      const isBetter = holder.address.hostname === hostname;
      if (isBetter && !isExact) found = [];
      if (isBetter || !isExact) found.push(holder);
      isExact ||= isBetter;
    }
    return turn === undefined ? found.at(-1) : found[turn % found.length];
  }
}

/**
 * An address of a request with its host made numeric.
 *
 * @param lookup The address of a name.
 * @throws {Fault} `invalid-address`, `host-not-found`.
 */
export function numericAddress(
  address: SocketAddress,
  lookup: (name: string) => string | undefined,
): SocketAddress {
  checkPort(address);
  const { hostname, port } = address;
  if (hostname === "") {
    return inetAddress(address.family === "ipv4" ? "0.0.0.0" : "::", port);
  }
  const found = lookup(hostname);
  if (found === undefined) {
    throw new Fault(
      "host-not-found",
      `Cannot find the host ${hostname} in the memory network`,
    );
  }
  return inetAddress(found, port);
}

/** Whether a host is an IP address, as far as the memory network cares. */
export function isNumeric(hostname: string): boolean {
  return hostname.includes(":") || /^\d+(\.\d+){3}$/.test(hostname);
}

/** Whether a host is a multicast group (RFC 1112, 4; RFC 4291, 2.7). */
export function isGroup(hostname: string): boolean {
  if (hostname.includes(":")) return /^ff/i.test(hostname);
  const first = Number.parseInt(hostname, 10);
  return first >= 224 && first <= 239;
}
