/**
 * The faults of binding, listening and connecting, the same on all drivers.
 *
 * @module
 */

import { nodeBuiltin } from "./_node_builtins.ts";
import { addressText, stripMapped } from "./_socket_address.ts";
import type { SocketAddress } from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";

/** The system's name of an error (`"EADDRINUSE"`), if it has one. */
export function systemCode(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, "code") : undefined;
}

/** As `faultFrom`, for calls where the address is all that the system can find invalid. */
export function socketFault(error: unknown, doing: string): Fault {
  const fault = faultFrom(error, doing);
  // Deno says EINVAL where Node says EADDRNOTAVAIL.
  return fault.code === "invalid-option"
    ? new Fault("address-not-available", fault.message, { cause: error })
    : fault;
}

/** The fault of a connect that failed. */
export function connectFault(error: unknown, address: SocketAddress): Fault {
  const fault = socketFault(error, `Cannot connect to ${addressText(address)}`);
  // Bun says ECONNREFUSED whatever it was; here nobody can have refused.
  return fault.code === "connection-refused" && isOfNobody(address)
    ? new Fault("unreachable", fault.message, { cause: error })
    : fault;
}

/** Whether TCP cannot lead there: broadcast (RFC 919) and groups (RFC 5771; RFC 4291, 2.7). */
function isOfNobody({ hostname }: SocketAddress): boolean {
  const host = stripMapped(hostname);
  return host === "255.255.255.255" ||
    /^2(2[4-9]|3\d)(\.\d{1,3}){3}$/.test(host) ||
    /^ff[\da-f]{2}:/i.test(host);
}

/** The fault of a listen that failed; a folder that is not there is told as such. */
export function listenFault(error: unknown, address: SocketAddress): Fault {
  const doing = `Cannot listen on ${addressText(address)}`;
  if (isWithoutFolder(error, address)) {
    return new Fault(
      "address-not-available",
      `${doing}: the folder does not exist`,
      { cause: error },
    );
  }
  return socketFault(error, doing);
}

/** Node says EACCES where the others say ENOENT, and means either. */
function isWithoutFolder(error: unknown, { path }: SocketAddress): boolean {
  if (path === "" || path.startsWith("\0")) return false;
  const code = systemCode(error);
  return code === "ENOENT" || (code === "EACCES" &&
    !nodeBuiltin("node:fs").existsSync(nodeBuiltin("node:path").dirname(path)));
}
