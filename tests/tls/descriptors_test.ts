import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { Transport } from "../../mod.ts";
import { conforms, eventually } from "../conformance/_nodes.ts";
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
      const sockets: Socket[] = [];
      world.defer(async () => {
        for (const socket of sockets) socket.destroy();
        await program.stop();
      });
      const [, port = ""] = await program.output(/port (\d+)/);
      const address = { hostname: "127.0.0.1", port: Number(port) };
      for (let i = 0; i < FEW + 20; i += 1) {
        const socket = connect({ host: "127.0.0.1", port: address.port });
        socket.on("error", () => {});
        socket.on("end", () => socket.destroy());
        socket.resume();
        sockets.push(socket);
        // One after the other: Deno ends with a panic when many at once take its last descriptors.
        await new Promise<void>((resolve) => socket.once("connect", resolve));
        await new Promise<void>((resolve) => setTimeout(resolve, 3));
      }
      const [, code] = await program.output(/fault (\S+)/);
      assert.equal(code, "too-many-open-files");
      for (const socket of sockets) socket.destroy();
      await eventually(
        "their end",
        () => sockets.every(({ closed }) => closed),
      );
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
