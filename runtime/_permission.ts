/**
 * What Deno lets the program do without asking its user.
 *
 * @module
 */

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
