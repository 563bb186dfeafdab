import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import process from "node:process";
import { type Endpoint, Udp } from "../../mod.ts";
import { conforms, text, utf8 } from "../conformance/_nodes.ts";
import { besieged, residentMiB } from "./_bystander.ts";

/** What a listener remembers, `maxKnownPeers` by default. */
const KNOWN_PEERS = 4_096;
const WAVE = 64;

/** A source that no other has: every address of 127.0.0.0/8 is this host on Linux, and only there. */
function sourceAddress(index: number): string {
  return process.platform === "linux"
    ? `127.${1 + (index >> 8)}.${index & 0xff}.1`
    : "127.0.0.1";
}

async function bound(host: string): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(0, host, resolve);
  });
  return socket;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(() => resolve());
  });
}

conforms(
  "Udp",
  "more forged sources than a listener remembers are answered, and those before forgotten",
  async (world) => {
    const { server, listening, good } = await besieged(world, Udp, {});
    const { port } = listening.address;
    const seen = new Map<string, Endpoint>();
    server.onEvent = (event) => {
      if (event.type !== "message") return;
      server.network.send(event.endpoint, event.data);
      seen.set(text(event.data), event.endpoint);
      // The test would keep what the listener forgets.
      server.events.length = 0;
    };
    const say = async (socket: Socket, what: string): Promise<void> => {
      let isAnswered = false;
      const answered = new Promise<void>((resolve) => {
        const hear = (answer: Buffer) => {
          // What was said twice is answered twice, the second time too late.
          if (text(answer) !== what) return;
          isAnswered = true;
          socket.off("message", hear);
          resolve();
        };
        socket.on("message", hear);
      });
      // A datagram may be lost: said again until it is answered.
      while (!isAnswered) {
        socket.send(utf8(what), port, "127.0.0.1");
        let timer: ReturnType<typeof setTimeout> | undefined;
        const late = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, 250);
        });
        await Promise.race([answered, late]);
        clearTimeout(timer);
      }
    };
    const first = await bound("127.0.0.1");
    await say(first, "first");
    await say(first, "first again");
    assert.equal(seen.get("first"), seen.get("first again"));
    for (let index = 0; index < KNOWN_PEERS; index += WAVE) {
      const sockets = await Promise.all(
        Array.from({ length: WAVE }, (_, i) => bound(sourceAddress(index + i))),
      );
      await Promise.all(
        sockets.map((socket, i) => say(socket, `s${index + i}`)),
      );
      if (index % (16 * WAVE) === 0) await good.check();
      await Promise.all(sockets.map(closed));
    }
    await say(first, "after the flood");
    // Forgotten, and so known by another object; it is answered all the same.
    assert.notEqual(seen.get("after the flood"), seen.get("first"));
    assert.equal(
      seen.get("after the flood")?.toString(),
      seen.get("first")?.toString(),
    );
    await closed(first);
    await good.check();
  },
);

conforms(
  "Udp",
  "a flood that nobody answers leaves the memory of a listener flat, and a good peer in touch",
  async (world) => {
    const { server, listening, good } = await besieged(world, Udp, {});
    server.onEvent = (event) => {
      if (event.type !== "message" || event.data.length > 100) return;
      server.network.send(event.endpoint, event.data);
      server.events.length = 0;
    };
    const { port } = listening.address;
    const sockets = await Promise.all(
      Array.from({ length: 32 }, (_, i) => bound(sourceAddress(i))),
    );
    const junk = new Uint8Array(1_200);
    let before = 0;
    for (let round = 0; round < 100; round += 1) {
      for (const socket of sockets) socket.send(junk, port, "127.0.0.1");
      await new Promise<void>((resolve) => setTimeout(resolve, 1));
      server.events.length = 0;
      if (round === 20) before = await residentMiB();
    }
    await good.check();
    const grown = await residentMiB() - before;
    assert(grown < 48, `${grown.toFixed(1)} MiB more`);
    await Promise.all(sockets.map(closed));
  },
);
