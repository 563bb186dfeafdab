/**
 * What every driver must do when the process has no file descriptor left.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Watch } from "./_probe.ts";
import type { Row } from "./driver_contract.ts";

const FEW = 64;

/** Connects, and resolves to whether a byte came back. */
function isEchoed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("x"));
    socket.once("data", () => {
      resolve(true);
      socket.destroy();
    });
    socket.on("error", () => {});
    socket.once("close", () => resolve(false));
  });
}

export const descriptorRows: readonly Row[] = process.platform === "win32"
  ? []
  : [{
    name:
      "a listener that ran out of file descriptors accepts again once there are some",
    run: async ({ name }) => {
      const fixture = fileURLToPath(
        new URL("./descriptors_fixture.ts", import.meta.url),
      );
      const child = spawn("sh", [
        "-c",
        `ulimit -n ${FEW}; exec "$0" "$@"`,
        process.execPath,
        ...("Deno" in globalThis ? ["run", "--allow-all"] : []),
        fixture,
        name,
      ], { stdio: ["pipe", "pipe", "inherit"] });
      const gone = new Promise((resolve) => child.once("close", resolve));
      const watch = new Watch();
      let output = "";
      child.stdout.on("data", (text) => {
        output += String(text);
        watch.changed();
      });
      const clients: Socket[] = [];
      try {
        await watch.until(() => output.includes("port "));
        const port = Number(/port (\d+)/.exec(output)?.[1]);
        let settled = 0;
        for (let i = 0; i < FEW + 20; i++) {
          const client = connect(port, "127.0.0.1");
          clients.push(client);
          client.on("error", () => {});
          client.once("connect", () => {
            settled++;
            watch.changed();
          });
        }
        await watch.until(() => settled === clients.length);
        for (const client of clients) client.resume();
        child.stdin.write("free\n");
        await watch.until(() => output.includes("freed"));
        // Those left in the queue are accepted now, and leave for the one after them.
        for (const client of clients) client.destroy();
        while (!await isEchoed(port));
        for (const [, code] of output.matchAll(/fault (.*)/g)) {
          assert.equal(code, "too-many-open-files");
        }
      } finally {
        for (const client of clients) client.destroy();
        child.stdin.end();
        await gone;
      }
    },
  }];
