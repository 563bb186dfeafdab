/**
 * Making and checking {@linkcode SocketAddress}es, the same on all drivers.
 *
 * @module
 */

import type { SocketAddress } from "./driver.ts";
import { Fault } from "./fault.ts";

/** The address of a socket that the runtime tells nothing about. */
export const UNKNOWN_ADDRESS: SocketAddress = {
  family: "unknown",
  hostname: "",
  port: 0,
  path: "",
};

/** The address of a Unix socket; `""` for one without a name. */
export function unixAddress(path: string): SocketAddress {
  return { family: "unix", hostname: "", port: 0, path };
}

/**
 * The address of a numeric host; the family is read off the host. An IPv4
 * address in IPv6 clothes (`::ffff:192.0.2.1`) becomes the IPv4 address.
 */
export function inetAddress(hostname: string, port: number): SocketAddress {
  const host = stripMapped(hostname);
  return {
    family: host.includes(":") ? "ipv6" : "ipv4",
    hostname: host,
    port,
    path: "",
  };
}

/** The address of one end of a socket; unknown where the runtime has forgotten it. */
export function addressOf(
  hostname: string | undefined,
  port: number | undefined,
): SocketAddress {
  return hostname === undefined || port === undefined
    ? UNKNOWN_ADDRESS
    : inetAddress(hostname, port);
}

/** An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) as plain IPv4; any other text as it is. */
export function stripMapped(hostname: string): string {
  return hostname.startsWith("::ffff:") && hostname.includes(".")
    ? hostname.slice(7)
    : hostname;
}

/**
 * A numeric host as a socket of one family must be told it: an IPv6 socket knows
 * IPv4 hosts by their mapped addresses only (RFC 4291, 2.5.5.2).
 *
 * @throws {Fault} `invalid-address` for an IPv6 host of an IPv4 socket, which
 * the runtimes refuse each under a name of its own.
 */
// Hot: once per datagram sent.
export function reachableHost(hostname: string, isIpv6: boolean): string {
  if (hostname.includes(":") === isIpv6) return hostname;
  if (isIpv6) return `::ffff:${hostname}`;
  throw new Fault(
    "invalid-address",
    `Cannot reach ${hostname} from an IPv4 socket`,
  );
}

/** Whether an address to bind takes in every IPv6 address, however it is spelled. */
export function isAnyIpv6({ family, hostname }: SocketAddress): boolean {
  return family !== "unix" && /^[0:]*$/.test(hostname);
}

/** The address as people read it: `127.0.0.1:80`, `[::1]:80`, a path. */
export function addressText(address: SocketAddress): string {
  if (address.path !== "") return address.path.replace("\0", "@");
  return address.hostname.includes(":")
    ? `[${address.hostname}]:${address.port}`
    : `${address.hostname}:${address.port}`;
}

/**
 * Refuses a port that no socket can have.
 *
 * @throws {Fault} `invalid-address`.
 */
export function checkPort(address: SocketAddress): void {
  const { port } = address;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Fault(
      "invalid-address",
      `Cannot use ${
        addressText(address)
      }: a port is a whole number from 0 to 65535`,
    );
  }
}

/**
 * Refuses a path that a Unix socket cannot have: empty, or too long for
 * `sockaddr_un`, which the system would cut or refuse under a vague name.
 *
 * @param platform `process.platform`; Windows pipes have no such limit.
 * @throws {Fault} `invalid-address`.
 */
export function checkPath(path: string, platform: string): void {
  if (path === "") {
    throw new Fault("invalid-address", "Cannot use an empty path");
  }
  if (platform === "win32") return;
  const limit = platform === "linux" ? 107 : 103;
  const size = new TextEncoder().encode(path).byteLength;
  if (size > limit) {
    throw new Fault(
      "invalid-address",
      `Cannot use the path ${path}: it has ${size} bytes, the system takes ${limit}`,
    );
  }
  if (path.indexOf("\0", 1) > 0) {
    throw new Fault("invalid-address", "Cannot use a path with a zero byte");
  }
}
