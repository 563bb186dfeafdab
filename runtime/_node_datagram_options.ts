/**
 * The options of UDP sockets, as `node:dgram` takes them.
 *
 * @module
 */

import type * as dgram from "node:dgram";
import { checkGroup, interfaceName } from "./_multicast.ts";
import { hasReusePort, nodeProcess } from "./_node_builtins.ts";
import { socketFault } from "./_socket_fault.ts";
import type { DatagramBindRequest, MulticastMembership } from "./driver.ts";
import { Fault } from "./fault.ts";

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
  const from = interfaceName(request.multicastInterface, isIpv6);
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
  checkGroup(group, isIpv6, doing);
  const on = interfaceName(from, isIpv6);
  try {
    if (verb === "join") socket.addMembership(group, on);
    else socket.dropMembership(group, on);
  } catch (error) {
    throw socketFault(error, doing);
  }
}
