/**
 * Raises the limit of open files for programs that need thousands.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";

/**
 * The same command, with as many descriptors as the system lets it have.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {[string, string[]]}
 */
export function withDescriptors(command, args) {
  if (process.platform === "win32") return [command, args];
  const hard = spawnSync("sh", ["-c", "ulimit -H -n"], { encoding: "utf8" });
  const raise = `ulimit -n ${hard.stdout.trim()} 2>/dev/null; exec "$@"`;
  return ["sh", ["-c", raise, "sh", command, ...args]];
}
