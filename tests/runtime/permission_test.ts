import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { currentRuntimeCommand, run, runtimeName } from "../_support.ts";
import { test } from "../_test.ts";

const fixture = fileURLToPath(
  new URL("./permission_fixture.ts", import.meta.url),
);

/** The runtime's options that forbid the network and nothing that modules need; undefined where there are none. */
const forbidding = runtimeName === "deno"
  ? ["run", "--no-prompt", "--no-lock", "--allow-read", "--allow-env"]
  : process.allowedNodeEnvironmentFlags?.has("--allow-net")
  ? ["--permission", "--allow-fs-read=*"]
  : undefined;

test(
  forbidding === undefined
    ? "permission: this runtime forbids no network"
    : "permission: without the network's, each kind of socket is permission-denied",
  async () => {
    // Nobody listens on port 1.
    const command = forbidding === undefined
      ? currentRuntimeCommand(fixture, ["1"])
      : { command: process.execPath, args: [...forbidding, fixture, "1"] };
    const { stdout, stderr, code } = await run(command);
    const outcome = forbidding === undefined ? "done" : "permission-denied";
    const connecting = forbidding === undefined
      ? "connection-refused"
      : "permission-denied";
    assert.deepEqual(stdout.trim().split("\n"), [
      `streams: ${outcome}`,
      `WebSockets: ${outcome}`,
      `datagrams: ${outcome}`,
      `connecting: ${connecting}`,
    ], stderr);
    assert.equal(code, 0);
  },
);
