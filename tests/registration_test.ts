import assert from "node:assert/strict";
import { currentRunnerCommand, run, runtimeName } from "./_support.ts";
import { test } from "./_test.ts";

/** One pattern for the lines in which the three runners tell that a test failed or passed. */
function outcome(name: string, output: string): "passed" | "failed" | "none" {
  const quoted = name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const failed: Record<typeof runtimeName, RegExp> = {
    deno: new RegExp(`^${quoted} \\.\\.\\. FAILED`, "m"),
    bun: new RegExp(`^\\(fail\\) ${quoted}`, "m"),
    node: new RegExp(`^✖ ${quoted}`, "m"),
  };
  const passed: Record<typeof runtimeName, RegExp> = {
    deno: new RegExp(`^${quoted} \\.\\.\\. ok`, "m"),
    bun: new RegExp(`^\\(pass\\) ${quoted}`, "m"),
    node: new RegExp(`^✔ ${quoted}`, "m"),
  };
  if (failed[runtimeName].test(output)) return "failed";
  return passed[runtimeName].test(output) ? "passed" : "none";
}

test("a test that leaks, throws or takes too long fails, and a clean one passes", async () => {
  const file = new URL("./fixtures/leaks.ts", import.meta.url);
  const result = await run(currentRunnerCommand(file));
  const output = result.stdout + result.stderr;
  assert.notEqual(result.code, 0, output);

  const failing = [
    "leaks a timer",
    "leaks an interval",
    "leaks a server",
    "leaks a connection",
    "leaks a datagram socket",
    "throws",
    "takes too long",
  ];
  if (runtimeName !== "node") {
    failing.push("leaks a listener of the runtime's own");
  }
  assert.equal(outcome("closes all that it opened", output), "passed", output);
  for (const name of failing) {
    assert.equal(outcome(name, output), "failed", `${name}\n${output}`);
  }
});
