import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { FramedTcp, Ws } from "../../mod.ts";
import { conforms, eventually, type World } from "../conformance/_nodes.ts";
import { type Besieged, besieged, residentMiB } from "./_bystander.ts";

// `npm run fuzz -- --target live-silent --inputs 100000` makes a hundred thousand.
const WAVE = 170;

/** Connects, says nothing, and waits for the server to end it. */
function silent(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => {});
    socket.resume();
    socket.once("close", () => resolve());
  });
}

const LIMITS: readonly [
  string,
  waves: number,
  (world: World) => Promise<Besieged>,
][] = [
  [
    "handshakeTimeoutMs of Ws",
    16,
    (world) => besieged(world, Ws, { handshakeTimeoutMs: 100 }),
  ],
  [
    "idleTimeoutMs",
    4,
    (world) =>
      besieged<{ idleTimeoutMs: number }>(world, FramedTcp, {
        idleTimeoutMs: 1_000,
      }),
  ],
  [
    "maxConnections",
    10,
    (world) => besieged(world, FramedTcp, { maxConnections: 1 }),
  ],
];

for (const [limit, waves, open] of LIMITS) {
  conforms(
    "Node",
    `${
      WAVE * waves
    } connects that say nothing are ended by ${limit}, and leave no memory behind`,
    async (world) => {
      const { server, listening, good } = await open(world);
      const { port } = listening.address;
      let before = 0;
      for (let wave = 0; wave < waves; wave += 1) {
        const ended = Promise.all(
          Array.from({ length: WAVE }, () => silent(port)),
        );
        await good.check();
        // The good one must stay lively where silence is what ends connections.
        const beat = setInterval(() => void good.check(), 100);
        await ended;
        clearInterval(beat);
        if (wave === 1) before = await residentMiB();
      }
      await eventually(
        "the end of the silent",
        () => server.handler.stats().connections === 1,
      );
      await good.check();
      const grown = await residentMiB() - before;
      assert(grown < 48, `${grown.toFixed(1)} MiB more than after two waves`);
    },
  );
}
