/**
 * Multicast groups and the interfaces they are joined on, the same on all drivers.
 *
 * @module
 */

import { nodeBuiltin } from "./_node_builtins.ts";
import { Fault } from "./fault.ts";

/**
 * Refuses what is no group of the socket's family: 224.0.0.0/4 (RFC 5771) or
 * ff00::/8 (RFC 4291, 2.7). The runtimes say EINVAL or nothing.
 *
 * @throws {Fault} `invalid-address`.
 */
export function checkGroup(
  group: string,
  isIpv6: boolean,
  doing: string,
): void {
  const isGroup = isIpv6
    ? /^ff[\da-f]{2}:[\da-f:.]+(%|$)/i
    : /^2(2[4-9]|3\d)(\.\d{1,3}){3}$/;
  if (!isGroup.test(group)) {
    throw new Fault(
      "invalid-address",
      `${doing}: it is no multicast address of the socket's family`,
    );
  }
}

/**
 * An interface as `node:dgram` and Bun name it: an IPv4 address, or `::%eth0`.
 *
 * @throws {Fault} `address-not-available` for an IPv6 interface that is not there:
 * the system would take its own choice instead, without a word.
 */
export function interfaceName(
  given: string | undefined,
  isIpv6: boolean,
): string | undefined {
  if (given === undefined || !isIpv6) return given;
  return `::%${findInterface(given).name}`;
}

/**
 * The index of an IPv6 interface; 0 is the system's choice.
 *
 * @throws {Fault} `address-not-available` for one that is not there.
 */
export function interfaceIndex(given: string | undefined): number {
  return given === undefined ? 0 : findInterface(given).index;
}

/** An interface by its name or index, which may follow a `%`. */
function findInterface(given: string): { name: string; index: number } {
  const wanted = given.slice(given.indexOf("%") + 1);
  const all = nodeBuiltin("node:os").networkInterfaces();
  for (const [name, addresses] of Object.entries(all)) {
    let index = 0;
    for (const address of addresses ?? []) {
      if (address.family === "IPv6") index ||= address.scopeid;
    }
    if (name === wanted || (index > 0 && String(index) === wanted)) {
      return { name, index };
    }
  }
  throw new Fault(
    "address-not-available",
    `Cannot use the interface ${given}: there is none of that name or index`,
  );
}
