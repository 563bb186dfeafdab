/** @typedef {"deno" | "bun" | "node"} Runtime */

/** @type {readonly Runtime[]} */
export const RUNTIMES = Object.freeze(["deno", "bun", "node"]);

/** What a runtime is called in tables. @type {Readonly<Record<string, string>>} */
export const RUNTIME_NAMES = Object.freeze({
  deno: "Deno",
  bun: "Bun",
  node: "Node",
});
