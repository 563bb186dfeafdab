import assert from "node:assert/strict";
import process from "node:process";
import { Transport } from "../../mod.ts";
import { conforms } from "../conformance/_nodes.ts";
import { currentRuntimeCommand, start } from "../_support.ts";
import { TRUSTING } from "./_tls.ts";

const FEW = 128;

if (process.platform !== "win32") {
  conforms(
    "FramedTcp",
    "a listener with TLS that runs out of file descriptors tells of it, and accepts again once there are some",
    async (world) => {
      const { command, args } = currentRuntimeCommand(
        new URL("./descriptors_fixture.ts", import.meta.url),
      );
      const program = start({
        command: "sh",
        args: ["-c", `ulimit -n ${FEW}; exec "$0" "$@"`, command, ...args],
      });
      world.defer(async () => {
        await program.stop();
      });
      const [, port = ""] = await program.output(/port (\d+)/);
      const address = { hostname: "127.0.0.1", port: Number(port) };
      let isOut = false;
      const fault = program.output(/fault (\S+)/).finally(() => isOut = true);
      const crowd = world.node("the crowd");
      for (let n = 0; n < FEW + 20 && !isOut; n += 1) {
        // One after the other, each wholly in: Deno ends with a panic, or accepts
        // no more, when many at once take its last descriptors.
        await Promise.race([
          crowd.network.connectAsync(Transport.FramedTcp, address, {
            tls: TRUSTING,
          }).catch(() => {}),
          fault,
        ]);
      }
      const [, code] = await fault;
      assert.equal(code, "too-many-open-files");
      await crowd.handler.stop();
      const client = world.node("the client");
      let isIn = false;
      while (!isIn) {
        isIn = await client.network.connectAsync(
          Transport.FramedTcp,
          address,
          { tls: TRUSTING },
        ).then(
          (endpoint) => client.network.send(endpoint, "here") === "Sent",
          () => false,
        );
      }
      await client.messages(1);
    },
  );
}
