/**
 * How many files the process may still open.
 *
 * @module
 */

import { nodeBuiltin, nodeProcess } from "./_node_builtins.ts";
import { isGranted } from "./_permission.ts";
import { Fault } from "./fault.ts";

/** How many descriptors are kept free of accepted sockets. */
export const SPARE_DESCRIPTORS = 8;

const LIMITS = "/proc/self/limits";
const PROBE = "/dev/null";

/** The soft limit of open files; infinite where it cannot be read, as on Deno without leave to read files. */
export function descriptorLimit(): number {
  if (nodeProcess()?.platform !== "linux") return Infinity;
  if (
    !isGranted({ name: "read", path: LIMITS }) ||
    !isGranted({ name: "read", path: PROBE })
  ) return Infinity;
  let limits: string;
  try {
    limits = nodeBuiltin("node:fs").readFileSync(LIMITS, "utf8");
  } catch {
    // No /proc in this container: no limit is known.
    return Infinity;
  }
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Infinity : Number(soft);
}

/**
 * The descriptor that the next file would get: the system hands out the lowest
 * free number, so a high one means that all below are taken. Infinite if there is none left.
 */
function nextDescriptor(): number {
  const fs = nodeBuiltin("node:fs");
  try {
    const descriptor = fs.openSync(PROBE, "r");
    fs.closeSync(descriptor);
    return descriptor;
  } catch {
    return Infinity;
  }
}

/**
 * Keeps the last descriptors of the process from accepted sockets, and tells of it:
 * no listener by `node:net` says that it has run out of them.
 *
 * A crowd may take them for a moment: on Deno a socket that is dropped is closed
 * only after others were accepted.
 */
export class DescriptorGuard {
  readonly #limit: number = descriptorLimit();

  /** Why the connection that was just accepted is to be dropped; undefined if it is not. */
  refusal(): Fault | undefined {
    const limit = this.#limit;
    if (limit === Infinity || nextDescriptor() < limit - SPARE_DESCRIPTORS) {
      return undefined;
    }
    return new Fault(
      "too-many-open-files",
      `Refused a connection: all but ${SPARE_DESCRIPTORS} of ${limit} descriptors are open`,
    );
  }
}
