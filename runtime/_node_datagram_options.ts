/**
 * The options of UDP sockets, as `node:dgram` takes them.
 *
 * @module
 */

import type * as dgram from "node:dgram";
import { hasReusePort, nodeBuiltin, nodeProcess } from "./_node_builtins.ts";
import type { DatagramBindRequest, MulticastMembership } from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";

/** Refuses what the runtime would ignore or get wrong. */
export function refuseUnsupported(request: DatagramBindRequest): void {
  if (request.reusePort !== true) return;
  if (nodeProcess()?.versions.deno !== undefined) {
    throw new Fault(
      "not-supported",
      "Cannot share the port: Deno's UDP sockets do not take reusePort",
    );
  }
  if (!hasReusePort()) {
    throw new Fault(
      "not-supported",
      "Cannot share the port: reusePort needs Node 22.12 or 23.1",
    );
  }
}

/** Sets the options of a socket that is bound, and joins its groups. */
export function applyDatagramOptions(
  socket: dgram.Socket,
  request: DatagramBindRequest,
  isIpv6: boolean,
): void {
  if (request.broadcast === true) socket.setBroadcast(true);
  if (request.ttl !== undefined) socket.setTTL(request.ttl);
  if (request.receiveBufferSize !== undefined) {
    socket.setRecvBufferSize(request.receiveBufferSize);
  }
  if (request.sendBufferSize !== undefined) {
    socket.setSendBufferSize(request.sendBufferSize);
  }
  if (request.multicastTtl !== undefined) {
    socket.setMulticastTTL(request.multicastTtl);
  }
  if (request.multicastLoopback !== undefined) {
    socket.setMulticastLoopback(request.multicastLoopback);
  }
  const from = membershipInterface(request.multicastInterface, isIpv6);
  if (from !== undefined) socket.setMulticastInterface(from);
  for (const membership of request.memberships ?? []) {
    changeMembership(socket, membership, "join", isIpv6);
  }
}

/**
 * Joins or leaves a group.
 *
 * @throws {Fault} `invalid-address` for what is no group, `address-not-available`
 * for an interface that is not there or a group that was not joined.
 */
export function changeMembership(
  socket: dgram.Socket,
  { group, interface: from }: MulticastMembership,
  verb: "join" | "leave",
  isIpv6: boolean,
): void {
  const doing = `Cannot ${verb} the group ${group}`;
  if (!isMulticast(group)) {
    throw new Fault("invalid-address", `${doing}: it is no multicast address`);
  }
  try {
    const on = membershipInterface(from, isIpv6);
    if (verb === "join") socket.addMembership(group, on);
    else socket.dropMembership(group, on);
  } catch (error) {
    const fault = datagramFault(error, doing);
    // Deno says EINVAL where Node says EADDRNOTAVAIL.
    throw fault.code === "invalid-option"
      ? new Fault("address-not-available", fault.message, { cause: error })
      : fault;
  }
}

/** Whether an address is in 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291, 2.7). */
function isMulticast(address: string): boolean {
  return address.includes(":")
    ? /^ff[0-9a-f]{2}:/i.test(address)
    : /^2(2[4-9]|3[0-9])\./.test(address);
}

/**
 * An interface as `node:dgram` names it: an IPv4 address, or `::%eth0`.
 *
 * @throws {Fault} `address-not-available` for an IPv6 interface that is not there:
 * the system would take its own choice instead, without a word.
 */
export function membershipInterface(
  given: string | undefined,
  isIpv6: boolean,
): string | undefined {
  if (given === undefined || !isIpv6) return given;
  const wanted = given.slice(given.indexOf("%") + 1);
  const all = nodeBuiltin("node:os").networkInterfaces();
  for (const [name, addresses] of Object.entries(all)) {
    if (name === wanted) return `::%${name}`;
    for (const address of addresses ?? []) {
      if (address.family === "IPv6" && String(address.scopeid) === wanted) {
        return `::%${name}`;
      }
    }
  }
  throw new Fault(
    "address-not-available",
    `Cannot use the interface ${given}: there is none of that name or index`,
  );
}

/** As `faultFrom`, with the codes that mean something of their own to UDP sockets. */
export function datagramFault(error: unknown, doing: string): Fault {
  const fault = faultFrom(error, doing);
  if (fault.code === "io" && error instanceof Error) {
    const code: unknown = Reflect.get(error, "code");
    if (code === "ENODEV") {
      return new Fault("address-not-available", fault.message, {
        cause: error,
      });
    }
  }
  return fault;
}
