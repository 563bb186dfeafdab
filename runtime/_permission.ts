/**
 * What the runtime lets the program do: Deno without asking its user, and Node
 * under its permission model.
 *
 * @module
 */

import { nodeProcess } from "./_node_builtins.ts";
import { Fault } from "./fault.ts";

/** One permission, as `Deno.permissions` names it. */
export type Permission =
  | { readonly name: "env"; readonly variable: string }
  | { readonly name: "read"; readonly path: string };

interface DenoPermissions {
  querySync(permission: Permission): { readonly state: string };
}

function isPermissions(value: unknown): value is DenoPermissions {
  return typeof value === "object" && value !== null && "querySync" in value;
}

/** Whether something may be done now; true on every other runtime. What is only good to know is not worth a question. */
export function isGranted(permission: Permission): boolean {
  const deno: unknown = Reflect.get(globalThis, "Deno");
  if (typeof deno !== "object" || deno === null) return true;
  const permissions: unknown = Reflect.get(deno, "permissions");
  return isPermissions(permissions) &&
    permissions.querySync(permission).state === "granted";
}

/**
 * Refuses to listen where Node runs with `--permission` and without `--allow-net`:
 * its `net.Server` would throw a turn later, where nobody can catch it.
 *
 * @param doing To open the message: "Cannot listen on 127.0.0.1:80".
 * @throws {Fault} `permission-denied`.
 */
export function checkMayListen(doing: string): void {
  const process = nodeProcess();
  // Before Node 25 the model knows no network, and denies what it does not know.
  if (
    process?.permission?.has("net") === false &&
    process.allowedNodeEnvironmentFlags?.has("--allow-net") === true
  ) {
    throw new Fault("permission-denied", `${doing}: Node needs --allow-net`);
  }
}
