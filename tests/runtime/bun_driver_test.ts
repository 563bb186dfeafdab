/**
 * What the shared table cannot see: what a throwing callback does under Bun, and the
 * driver of Bun elsewhere.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bunDriver } from "../../runtime/bun.ts";
import { test } from "../_test.ts";
import { isFault } from "./_probe.ts";

if ("Bun" in globalThis) {
  test("bun driver: an error thrown in a callback is uncaught, not swallowed", () => {
    const fixture = fileURLToPath(
      new URL("./throw_fixture.ts", import.meta.url),
    );
    for (const where of ["accept", "data", "end", "closed", "message"]) {
      const { status, stderr } = spawnSync(process.execPath, [fixture, where], {
        encoding: "utf8",
        timeout: 20_000,
      });
      assert.equal(status, 1, `${where}: ${stderr}`);
      assert.match(stderr, new RegExp(`thrown in ${where}`));
    }
  });
} else {
  test("bun driver: on another runtime it is not-supported", () => {
    assert.throws(() => bunDriver(), isFault("not-supported"));
  });
}
