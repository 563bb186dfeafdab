import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { Transport } from "../../mod.ts";
import { conforms, type World } from "../conformance/_nodes.ts";
import {
  currentRuntimeCommand,
  type RunningProcess,
  start,
} from "../_support.ts";
import { TRUSTING } from "./_tls.ts";

const FEW = 128;

/** A crowd that takes all descriptors; resolves when it has connected to what end there is. */
type Crowd = (
  world: World,
  program: RunningProcess,
  address: { hostname: string; port: number },
) => Promise<{ leave(): Promise<void> }>;

/** Peers that come when the one before is wholly in. */
const inTurn: Crowd = async (world, program, address) => {
  const crowd = world.node("the crowd");
  let isOut = false;
  const fault = program.output(/fault \S+/).finally(() => isOut = true);
  for (let n = 0; n < FEW + 20 && !isOut; n += 1) {
    await Promise.race([
      crowd.network.connectAsync(Transport.FramedTcp, address, {
        tls: TRUSTING,
      }).catch(() => {}),
      fault,
    ]);
  }
  return { leave: () => crowd.handler.stop() };
};

/** Peers that are all there when the program looks. */
const atOneBlow: Crowd = async (world, { child }, { hostname, port }) => {
  const closed: Promise<void>[] = [];
  const sockets: Socket[] = [];
  const leave = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
  };
  world.defer(leave);
  // Not by `child.kill`: Deno's does nothing the second time.
  assert(child.pid !== undefined);
  process.kill(child.pid, "SIGSTOP");
  await Promise.all(Array.from({ length: FEW * 2 }, () => {
    const socket = connect({ host: hostname, port });
    sockets.push(socket);
    socket.on("error", () => {});
    closed.push(
      new Promise((resolve) => socket.once("close", () => resolve())),
    );
    socket.resume();
    return new Promise<void>((resolve) => socket.once("connect", resolve));
  }));
  process.kill(child.pid, "SIGCONT");
  return { leave };
};

const crowds: readonly [string, Crowd][] = process.platform === "win32" ? [] : [
  ["one after the other", inTurn],
  ["at one blow", atOneBlow],
];

for (const [how, gather] of crowds) {
  conforms(
    "FramedTcp",
    `a listener with TLS whose peers take the last file descriptors ${how} tells of it, and accepts again once there are some`,
    async (world) => {
      const { command, args } = currentRuntimeCommand(
        new URL("./descriptors_fixture.ts", import.meta.url),
      );
      const program = start({
        command: "sh",
        args: ["-c", `ulimit -n ${FEW}; exec "$0" "$@"`, command, ...args],
      });
      world.defer(async () => {
        // Also one that is stopped.
        await program.stop("SIGKILL");
      });
      const [, port = ""] = await program.output(/port (\d+)/);
      const address = { hostname: "127.0.0.1", port: Number(port) };
      const crowd = await gather(world, program, address);
      const [, code] = await program.output(/fault (\S+)/);
      assert.equal(code, "too-many-open-files");
      await crowd.leave();
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
