/**
 * The environment of the process, for whoever only wants to look.
 *
 * @module
 */

interface DenoPermissions {
  querySync(descriptor: { name: "env"; variable: string }): { state: string };
}

function isPermissions(value: unknown): value is DenoPermissions {
  return typeof value === "object" && value !== null && "querySync" in value;
}

/**
 * A variable of the environment; undefined where there is none, or where Deno's
 * permissions keep it: the user is not asked for them.
 */
export function environmentVariable(name: string): string | undefined {
  const deno: unknown = Reflect.get(globalThis, "Deno");
  if (typeof deno === "object" && deno !== null) {
    const permissions: unknown = Reflect.get(deno, "permissions");
    if (!isPermissions(permissions)) return undefined;
    const { state } = permissions.querySync({ name: "env", variable: name });
    if (state !== "granted") return undefined;
  }
  const process: unknown = Reflect.get(globalThis, "process");
  if (typeof process !== "object" || process === null) return undefined;
  const environment: unknown = Reflect.get(process, "env");
  if (typeof environment !== "object" || environment === null) return undefined;
  const value: unknown = Reflect.get(environment, name);
  return typeof value === "string" ? value : undefined;
}
