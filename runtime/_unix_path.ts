/**
 * The paths of Unix sockets: telling a stale one from a live one.
 *
 * The system leaves the path of a listener whose process died. No runtime
 * removes it, so every driver listens through `listenTakingOver`.
 *
 * @module
 */

import { nodeBuiltin } from "./_node_builtins.ts";
import { listenFault, systemCode } from "./_socket_fault.ts";
import type { SocketAddress } from "./driver.ts";

/**
 * Listens; a path whose owner died is taken over: it is removed if it is a
 * socket and connecting to it is refused, and left alone otherwise.
 *
 * @param listen Tries to bind. Called once more when the address has been freed.
 * @throws {Fault} by rejection, whatever `listen` throws.
 */
export async function listenTakingOver<Listener>(
  address: SocketAddress,
  listen: () => Listener | Promise<Listener>,
): Promise<Listener> {
  try {
    return await listen();
  } catch (error) {
    const fault = listenFault(error, address);
    if (
      fault.code !== "address-in-use" || !await removeStale(address.path)
    ) throw fault;
  }
  try {
    return await listen();
  } catch (error) {
    throw listenFault(error, address);
  }
}

/** Removes a path if it is a socket that nobody listens on; tells whether it did. */
async function removeStale(path: string): Promise<boolean> {
  if (path === "" || path.startsWith("\0")) return false;
  const fs = nodeBuiltin("node:fs");
  try {
    if (!fs.lstatSync(path).isSocket() || !await isRefused(path)) return false;
    fs.unlinkSync(path);
    return true;
  } catch {
    // Not there any more, or not ours to see or remove: the error of listen stands.
    return false;
  }
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = nodeBuiltin("node:net").connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error) => {
      resolve(systemCode(error) === "ECONNREFUSED");
    });
  });
}
