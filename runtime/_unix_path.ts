/**
 * The paths of Unix sockets: telling a stale one from a live one.
 *
 * @module
 */

import { nodeBuiltin } from "./_node_builtins.ts";
import { addressText } from "./_socket_address.ts";
import type { SocketAddress } from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";

/** Removes a path if it is a socket that nobody listens on; tells whether it did. */
export async function removeStalePath(path: string): Promise<boolean> {
  if (path === "" || path.startsWith("\0")) return false;
  const fs = nodeBuiltin("node:fs");
  try {
    if (!fs.lstatSync(path).isSocket()) return false;
  } catch {
    // Not there any more, or not ours to see: the error of listen stands.
    return false;
  }
  if (!await isRefused(path)) return false;
  fs.unlinkSync(path);
  return true;
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = nodeBuiltin("node:net").connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error) => resolve(codeOf(error) === "ECONNREFUSED"));
  });
}

/** The fault of a listen that failed; a folder that is not there is told as such. */
export function unixListenFault(error: unknown, address: SocketAddress): Fault {
  const doing = `Cannot listen on ${addressText(address)}`;
  if (address.family === "unix" && !address.path.startsWith("\0")) {
    const folder = nodeBuiltin("node:path").dirname(address.path);
    const code = codeOf(error);
    if (
      (code === "EACCES" || code === "ENOENT") &&
      !nodeBuiltin("node:fs").existsSync(folder)
    ) {
      return new Fault(
        "address-not-available",
        `${doing}: there is no folder ${folder}`,
        { cause: error },
      );
    }
  }
  return faultFrom(error, doing);
}

/** The system's name of an error (`"EADDRINUSE"`), if it has one. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, "code") : undefined;
}
