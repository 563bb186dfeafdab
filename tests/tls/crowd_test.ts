import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { type Listening, Transport } from "../../mod.ts";
import { conforms, eventually, type World } from "../conformance/_nodes.ts";
import { identity } from "./_certificates.ts";
import { at, ends, lastFault, TRUSTING } from "./_tls.ts";

/** The head of a handshake that would go on for minutes: of the largest record that there is. */
const HALF_HELLO = Uint8Array.of(0x16, 3, 1, 0x40, 0, 1);

/** Begins a handshake, and drips bytes that keep it from being idle. */
function stall(world: World, { address }: Listening): Socket {
  const socket = connect({ host: "127.0.0.1", port: address.port });
  socket.on("error", () => {});
  socket.write(HALF_HELLO);
  const drip = setInterval(() => socket.write(Uint8Array.of(0)), 20);
  socket.once("close", () => clearInterval(drip));
  socket.once("end", () => socket.destroy());
  socket.resume();
  world.defer(() =>
    new Promise<void>((resolve) => {
      if (socket.closed) return resolve();
      socket.once("close", () => resolve());
      socket.destroy();
    })
  );
  return socket;
}

conforms(
  "FramedTcp",
  "200 handshakes are done side by side while 20 stall",
  async (world) => {
    const { server, client, listening } = await ends(
      world,
      Transport.FramedTcp,
      // All are under way at once: a slow machine takes its time for the last.
      { ...identity("server"), handshakeTimeoutMs: 0 },
    );
    const stalled = Array.from({ length: 20 }, () => stall(world, listening));
    await eventually(
      "the stalled to be connected",
      () => stalled.every(({ connecting }) => !connecting),
    );
    await Promise.all(
      Array.from(
        { length: 200 },
        () =>
          client.network.connectAsync(Transport.FramedTcp, at(listening), {
            connectTimeoutMs: 0,
            tls: { ...TRUSTING, handshakeTimeoutMs: 0 },
          }),
      ),
    );
    await server.until(
      "200 to be accepted",
      () => server.count("accepted") === 200,
    );
    assert(stalled.every(({ destroyed }) => !destroyed));
  },
  { timeoutMs: 60_000 },
);

conforms(
  "FramedTcp",
  "a handshake that drips is ended at its time limit, and told by the listener",
  async (world) => {
    const nodes = await ends(world, Transport.FramedTcp, {
      ...identity("server"),
      // Time enough for the good handshake below, also on a busy machine.
      handshakeTimeoutMs: 2_000,
    });
    const stalled = stall(world, nodes.listening);
    const { code } = await lastFault(nodes);
    assert.equal(code, "timed-out");
    await eventually("its end", () => stalled.destroyed);
    await nodes.client.network.connectAsync(
      Transport.FramedTcp,
      at(nodes.listening),
      { tls: TRUSTING },
    );
  },
);

conforms(
  "FramedTcp",
  "connections beyond maxHandshakes are closed, and room that is made is used",
  async (world) => {
    const nodes = await ends(world, Transport.FramedTcp, {
      ...identity("server"),
      maxHandshakes: 3,
    });
    const stalled = Array.from(
      { length: 5 },
      () => stall(world, nodes.listening),
    );
    const { code } = await lastFault(nodes);
    assert.equal(code, "overflow");
    await eventually(
      "two to be closed",
      () => stalled.filter(({ destroyed }) => destroyed).length === 2,
    );
    for (const socket of stalled) socket.destroy();
    let isIn = false;
    while (!isIn) {
      isIn = await nodes.client.network.connectAsync(
        Transport.FramedTcp,
        at(nodes.listening),
        { tls: TRUSTING },
      ).then(() => true, () => false);
    }
  },
);

conforms(
  "FramedTcp",
  "a listener that is removed drops its handshakes",
  async (world) => {
    const { server, listening } = await ends(world, Transport.FramedTcp);
    const stalled = stall(world, listening);
    await eventually("it to be connected", () => !stalled.connecting);
    // A turn for the listener to have it too.
    await new Promise<void>((resolve) => setTimeout(resolve, 20));
    server.network.remove(listening.resourceId);
    await eventually("its end", () => stalled.destroyed);
  },
);
