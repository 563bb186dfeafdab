/**
 * Multicast groups and the interfaces they are joined on, the same on all drivers.
 *
 * @module
 */

import type * as os from "node:os";
import { nodeBuiltin } from "./_node_builtins.ts";
import type { MulticastMembership } from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";

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

/** Why multicast cannot be sent from an interface, for which the runtimes have three names. */
export function interfaceFault(given: string, cause?: unknown): Fault {
  return new Fault(
    "address-not-available",
    `Cannot send multicast from ${given}: it is no interface of this host`,
    cause === undefined ? undefined : { cause },
  );
}

/**
 * The groups that one socket is in. Deno has one answer (EINVAL) to a group that
 * is joined twice and to an interface that is not there.
 */
export class JoinedGroups {
  readonly #counts = new Map<string, number>();

  /** Counts a join that worked. */
  joined({ group }: MulticastMembership): void {
    this.#count(group, 1);
  }

  /** Counts a leave that worked. */
  left({ group }: MulticastMembership): void {
    this.#count(group, -1);
  }

  /** Whether a join failed because the group is joined already. */
  isTwice(membership: MulticastMembership, isIpv6: boolean): boolean {
    const { group, interface: from } = membership;
    // An IPv6 interface that is not there was refused before the join.
    return (this.#counts.get(canonicalGroup(group)) ?? 0) > 0 &&
      (isIpv6 || isOwnAddress(from));
  }

  #count(group: string, by: number): void {
    const key = canonicalGroup(group);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }
}

/** One text for all spellings of a group. */
export function canonicalGroup(group: string): string {
  if (!group.includes(":")) return group;
  const zone = group.indexOf("%");
  const host = zone < 0 ? group : group.slice(0, zone);
  const url = `http://[${host}]`;
  // Not URL.parse, which Node 20 does not have.
  return URL.canParse(url) ? new URL(url).hostname : host;
}

/** Whether an IPv4 address is one of an interface of this host; none means the system's choice. */
export function isOwnAddress(given: string | undefined): boolean {
  return given === undefined || given === "0.0.0.0" ||
    Object.values(interfaces()).some((all) =>
      all?.some(({ address }) => address === given)
    );
}

/** Deno asks for a permission (`--allow-sys`). */
function interfaces(): ReturnType<typeof os.networkInterfaces> {
  try {
    return nodeBuiltin("node:os").networkInterfaces();
  } catch (error) {
    throw faultFrom(error, "Cannot list the network interfaces");
  }
}

/** An interface by its name or index, which may follow a `%`. */
function findInterface(given: string): { name: string; index: number } {
  const wanted = given.slice(given.indexOf("%") + 1);
  for (const [name, addresses] of Object.entries(interfaces())) {
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
