/**
 * How many files the process may still open.
 *
 * @module
 */

import { nodeBuiltin, nodeProcess } from "./_node_builtins.ts";

/** The soft limit of open files; infinite where it cannot be read. */
export function descriptorLimit(): number {
  if (nodeProcess()?.platform !== "linux") return Infinity;
  let limits: string;
  try {
    limits = nodeBuiltin("node:fs").readFileSync("/proc/self/limits", "utf8");
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
export function nextDescriptor(): number {
  const fs = nodeBuiltin("node:fs");
  try {
    const descriptor = fs.openSync("/dev/null", "r");
    fs.closeSync(descriptor);
    return descriptor;
  } catch {
    return Infinity;
  }
}
