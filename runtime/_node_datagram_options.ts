/**
 * The options of UDP sockets, as `node:dgram` takes them.
 *
 * @module
 */

import type * as dgram from "node:dgram";
import { hasReusePort, nodeBuiltin, nodeProcess } from "./_node_builtins.ts";
import type { DatagramBindRequest } from "./driver.ts";
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
    const { group } = membership;
    try {
      socket.addMembership(
        group,
        membershipInterface(membership.interface, isIpv6),
      );
    } catch (error) {
      throw datagramFault(error, `Cannot join the group ${group}`);
    }
  }
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
  const code: unknown = error instanceof Error
    ? Reflect.get(error, "code")
    : undefined;
  if (code === "ENODEV") {
    return new Fault("address-not-available", fault.message, { cause: error });
  }
  return fault;
}
