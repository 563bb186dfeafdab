/**
 * The environment of the process, for whoever only wants to look.
 *
 * @module
 */

import { isGranted } from "./_permission.ts";

/**
 * A variable of the environment; undefined where there is none, or where Deno's
 * permissions keep it: the user is not asked for them.
 */
export function environmentVariable(name: string): string | undefined {
  if (!isGranted({ name: "env", variable: name })) return undefined;
  const process: unknown = Reflect.get(globalThis, "process");
  if (typeof process !== "object" || process === null) return undefined;
  const environment: unknown = Reflect.get(process, "env");
  if (typeof environment !== "object" || environment === null) return undefined;
  const value: unknown = Reflect.get(environment, name);
  return typeof value === "string" ? value : undefined;
}
