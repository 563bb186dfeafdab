/**
 * Host names to numeric addresses, for the native sockets that take no names or
 * do not tell which address they bound.
 *
 * @module
 */

import { nodeBuiltin } from "./_node_builtins.ts";
import { inetAddress, reachableHost } from "./_socket_address.ts";
import type { SocketAddress } from "./driver.ts";
import { faultFrom } from "./fault.ts";

/**
 * The address to bind: a host name is looked up, and without a host it is all
 * interfaces of the family.
 *
 * @param anyHost What stands for all interfaces where the family is unknown.
 * @throws {Fault} by rejection: `host-not-found`.
 */
export async function numericBinding(
  address: SocketAddress,
  anyHost: "::" | "0.0.0.0",
): Promise<SocketAddress> {
  const { hostname, port } = address;
  if (hostname !== "") return await numericAddress(address);
  return inetAddress(wildcard(address) ?? anyHost, port);
}

function wildcard({ family }: SocketAddress): string | undefined {
  if (family === "ipv4") return "0.0.0.0";
  return family === "ipv6" ? "::" : undefined;
}

/**
 * The address with its host name looked up.
 *
 * @param family The one that the socket can reach: 4, 6, or 0 for either, when
 * the system says which comes first.
 * @throws {Fault} by rejection: `host-not-found`; `invalid-address` for an IPv6
 * address where the family is 4.
 */
export async function numericAddress(
  address: SocketAddress,
  family: 0 | 4 | 6 = 0,
): Promise<SocketAddress> {
  const { hostname, port } = address;
  const given = nodeBuiltin("node:net").isIP(hostname);
  if (given === 0) return inetAddress(await lookUp(hostname, family), port);
  const host = family === 0 ? hostname : reachableHost(hostname, family === 6);
  // Not `inetAddress`: what was mapped must stay so.
  return {
    family: host.includes(":") ? "ipv6" : "ipv4",
    hostname: host,
    port,
    path: "",
  };
}

function lookUp(hostname: string, family: 0 | 4 | 6): Promise<string> {
  return new Promise((resolve, reject) => {
    nodeBuiltin("node:dns").lookup(hostname, { family }, (error, found) => {
      if (error === null) resolve(found);
      else reject(faultFrom(error, `Cannot look up ${hostname}`));
    });
  });
}
