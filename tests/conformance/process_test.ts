import assert from "node:assert/strict";
import { currentRuntimeCommand, run } from "../_support.ts";
import { conforms } from "./_nodes.ts";

const script = new URL("./_process.ts", import.meta.url);

conforms(
  "Node",
  "a process whose node has stopped ends by itself, whatever was open",
  async () => {
    const { code, stdout, stderr } = await run(
      currentRuntimeCommand(script, ["stops"]),
    );
    assert.equal(stderr.replaceAll(/.*[Ww]arning.*\n?/g, ""), "");
    assert.match(stdout, /message\n(?:.*\n)*stopped\n$/);
    assert.equal(code, 0);
  },
);

conforms(
  "Node",
  "an error of the callback that nobody awaits ends the process with it",
  async () => {
    const { code, stderr } = await run(
      currentRuntimeCommand(script, ["throws"]),
    );
    assert.match(stderr, /nobody awaits this/);
    assert.notEqual(code, 0);
  },
);
