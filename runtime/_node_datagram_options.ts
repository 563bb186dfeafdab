/**
 * The options of UDP sockets, as `node:dgram` takes them.
 *
 * @module
 */

import type * as dgram from "node:dgram";
import {
  checkGroup,
  interfaceFault,
  interfaceName,
  type JoinedGroups,
} from "./_multicast.ts";
import { hasReusePort, nodeProcess } from "./_node_builtins.ts";
import { socketFault, systemCode } from "./_socket_fault.ts";
import type { DatagramBindRequest, MulticastMembership } from "./driver.ts";
import { Fault } from "./fault.ts";

/** Refuses what the runtime would ignore or get wrong. */
export function refuseUnsupported(request: DatagramBindRequest): void {
  refuseNoHops(request);
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

/**
 * Refuses to keep multicast on this host: Bun and Deno take 1 to 255 hops only.
 *
 * @throws {Fault} `not-supported`.
 */
export function refuseNoHops({ multicastTtl }: DatagramBindRequest): void {
  const { bun, deno } = nodeProcess()?.versions ?? {};
  if (multicastTtl !== 0 || (bun ?? deno) === undefined) return;
  throw new Fault(
    "not-supported",
    `Cannot send multicast with 0 hops: the UDP sockets of ${
      bun === undefined ? "Deno" : "Bun"
    } take 1 to 255`,
  );
}

/** Sets the options of a socket that is bound, and joins its groups. */
export function applyDatagramOptions(
  socket: dgram.Socket,
  request: DatagramBindRequest,
  isIpv6: boolean,
  groups: JoinedGroups,
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
  if (from !== undefined) {
    try {
      socket.setMulticastInterface(from);
    } catch (error) {
      throw interfaceFault(from, error);
    }
  }
  for (const membership of request.memberships ?? []) {
    changeMembership(socket, membership, "join", isIpv6, groups);
  }
}

/**
 * Joins or leaves a group.
 *
 * @throws {Fault} `invalid-address` for what is no group, `address-in-use` for a
 * group that is joined already, `address-not-available` for an interface that is
 * not there or a group that was not joined.
 */
export function changeMembership(
  socket: dgram.Socket,
  membership: MulticastMembership,
  verb: "join" | "leave",
  isIpv6: boolean,
  groups: JoinedGroups,
): void {
  const { group, interface: from } = membership;
  const doing = `Cannot ${verb} the group ${group}`;
  checkGroup(group, isIpv6, doing);
  const on = interfaceName(from, isIpv6);
  try {
    if (verb === "join") {
      socket.addMembership(group, on);
      groups.joined(membership);
    } else {
      socket.dropMembership(group, on);
      groups.left(membership);
    }
  } catch (error) {
    if (
      verb === "join" && systemCode(error) === "EINVAL" &&
      groups.isTwice(membership, isIpv6)
    ) {
      throw new Fault("address-in-use", `${doing}: it is joined already`, {
        cause: error,
      });
    }
    throw socketFault(error, doing);
  }
}
