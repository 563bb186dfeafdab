/**
 * Runs other programs for the scripts here: output gathered, never interactive,
 * and gone with all their children when they take too long or Ctrl-C comes.
 */
import { spawn } from "node:child_process";
import process from "node:process";
import { root } from "./runtimes.mjs";

/**
 * @typedef {object} Ended
 * @property {number} code exit status; 1 if a signal ended it
 * @property {string} output what it wrote to both streams
 * @property {boolean} timedOut
 */

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.once(signal, () => {
    for (const child of running) killTree(child);
    process.exit(130);
  });
}

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd] default: the top folder
 * @param {Record<string, string | undefined>} [options.env] added to the own
 * @param {number} [options.timeoutMs] default: 15 minutes
 * @param {(text: string) => void} [options.onOutput] told everything as it comes
 * @returns {Promise<Ended>}
 */
export function execute(
  command,
  args,
  { cwd = root, env = {}, timeoutMs = 900_000, onOutput } = {},
) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      cwd,
      env: {
        ...process.env,
        NO_COLOR: "1",
        FORCE_COLOR: undefined,
        DENO_NO_UPDATE_CHECK: "1",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that its children can be ended with it.
      detached: process.platform !== "win32",
    });
    running.add(child);
    let output = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killTree(child);
    }, timeoutMs);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
        onOutput?.(text);
      });
    }
    child.on("error", (error) => {
      clearTimeout(timer);
      running.delete(child);
      reject(error);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      running.delete(child);
      if (timedOut) output += `\nEnded after ${timeoutMs / 1000} s.\n`;
      resolve({ code: timedOut ? 1 : code ?? 1, output, timedOut });
    });
  });
}

/** @param {import("node:child_process").ChildProcess} child */
function killTree(child) {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") {
      spawn("taskkill", ["/pid", String(child.pid), "/T", "/F"]);
    } else {
      process.kill(-child.pid, "SIGKILL");
    }
  } catch {
    // It ended by itself in the meantime.
  }
}
