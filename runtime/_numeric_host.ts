/**
 * Host names to numeric addresses, for the runtimes that do not tell which
 * address they bound.
 *
 * @module
 */

import { nodeBuiltin } from "./_node_builtins.ts";
import type { SocketAddress } from "./driver.ts";
import { faultFrom } from "./fault.ts";

/**
 * The address with its host name looked up; a numeric one is returned as it is.
 *
 * @param family 4 or 6 for one family alone, 0 for whichever the system puts first.
 * @throws {Fault} by rejection: `host-not-found`.
 */
export async function numericHost(
  hostname: string,
  family: 0 | 4 | 6 = 0,
): Promise<string> {
  if (nodeBuiltin("node:net").isIP(hostname) !== 0) return hostname;
  const { lookup } = nodeBuiltin("node:dns");
  return await new Promise<string>((resolve, reject) => {
    lookup(hostname, { family }, (error, found) => {
      if (error === null) resolve(found);
      else reject(faultFrom(error, `Cannot look up ${hostname}`));
    });
  });
}

/** The host to bind when none is given: all interfaces of the family. */
export function anyHost(address: SocketAddress): string {
  return address.family === "ipv4" ? "0.0.0.0" : "::";
}
