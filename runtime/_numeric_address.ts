/**
 * Host names to numeric addresses, for the native sockets that take no names or
 * do not tell which address they bound.
 *
 * @module
 */

import { nodeBuiltin } from "./_node_builtins.ts";
import { inetAddress, reachableHost } from "./_socket_address.ts";
import type { SocketAddress } from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";

/**
 * The address to bind: a host name is looked up, and without a host it is all
 * interfaces of the family.
 *
 * @param anyHost What stands for all interfaces where the family is unknown.
 * @param signal Ends the look-up.
 * @throws {Fault} by rejection: `host-not-found`, `aborted`.
 */
export async function numericBinding(
  address: SocketAddress,
  anyHost: "::" | "0.0.0.0",
  signal: AbortSignal | undefined,
): Promise<SocketAddress> {
  const { hostname, port } = address;
  if (hostname !== "") return await numericAddress(address, signal);
  return inetAddress(wildcard(address) ?? anyHost, port);
}

function wildcard({ family }: SocketAddress): string | undefined {
  if (family === "ipv4") return "0.0.0.0";
  return family === "ipv6" ? "::" : undefined;
}

/**
 * The address with its host name looked up.
 *
 * @param signal Ends the look-up.
 * @param family The one that the socket can reach: 4, 6, or 0 for either, when
 * the system says which comes first.
 * @throws {Fault} by rejection: `host-not-found`; `aborted`; `invalid-address` for an IPv6
 * address where the family is 4.
 */
export async function numericAddress(
  address: SocketAddress,
  signal: AbortSignal | undefined,
  family: 0 | 4 | 6 = 0,
): Promise<SocketAddress> {
  const { hostname, port } = address;
  const given = nodeBuiltin("node:net").isIP(hostname);
  if (given === 0) {
    return inetAddress(await lookUp(hostname, family, signal), port);
  }
  const host = family === 0 ? hostname : reachableHost(hostname, family === 6);
  // Not `inetAddress`: what was mapped must stay so.
  return {
    family: host.includes(":") ? "ipv6" : "ipv4",
    hostname: host,
    port,
    path: "",
  };
}

/**
 * No runtime can break the system's look-up off: once the signal has fired its
 * answer is not waited for, but a process lives until it is there.
 */
function lookUp(
  hostname: string,
  family: 0 | 4 | 6,
  signal: AbortSignal | undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const abort = () =>
      reject(
        new Fault("aborted", `Cannot look up ${hostname}: it was aborted`, {
          cause: signal?.reason,
        }),
      );
    if (signal?.aborted === true) return abort();
    signal?.addEventListener("abort", abort);
    nodeBuiltin("node:dns").lookup(hostname, { family }, (error, found) => {
      signal?.removeEventListener("abort", abort);
      if (error === null) resolve(found);
      else reject(faultFrom(error, `Cannot look up ${hostname}`));
    });
  });
}
