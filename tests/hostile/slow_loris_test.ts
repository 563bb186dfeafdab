import assert from "node:assert/strict";
import { type Address, Ws } from "../../mod.ts";
import { requestText, wsRow } from "../adapters/_web_socket.ts";
import {
  conforms,
  eventually,
  isNetworkError,
  utf8,
} from "../conformance/_nodes.ts";
import { rawConnect, rawListen, type RawPeer } from "../conformance/_raw.ts";
import { besieged } from "./_bystander.ts";

const LIMIT_MS = 300;
const BYTE_MS = 10;

/** Says one byte after the other until the other side has enough. */
async function dribble(peer: RawPeer, text: string): Promise<void> {
  for (const byte of utf8(text)) {
    if (peer.isEnded || peer.isClosed) return;
    peer.write(Uint8Array.of(byte));
    await new Promise<void>((resolve) => setTimeout(resolve, BYTE_MS));
  }
}

conforms(
  "Ws",
  "handshakes that come a byte at a time are ended by handshakeTimeoutMs, however lively",
  async (world) => {
    const { server, listening, good } = await besieged(world, Ws, {
      handshakeTimeoutMs: LIMIT_MS,
    });
    const start = performance.now();
    const peers: RawPeer[] = [];
    for (let i = 0; i < 30; i += 1) {
      peers.push(await rawConnect(world, wsRow, listening));
    }
    const padded = requestText([`X-Slow: ${"s".repeat(2_000)}`]);
    const dribbles = peers.map((peer) => dribble(peer, padded));
    await good.check();
    await Promise.all(peers.map((peer) => peer.over()));
    assert(performance.now() - start >= LIMIT_MS - 50);
    await Promise.all(dribbles);
    await eventually(
      "the end of the slow",
      () => server.handler.stats().connections === 1,
    );
    // None of them was ever a connection.
    assert.equal(server.count("accepted"), 1);
    assert.equal(server.count("disconnected"), 0);
    await good.check();
  },
);

conforms(
  "Ws",
  "a server that answers a byte at a time is given up after handshakeTimeoutMs",
  async (world) => {
    const slow = await rawListen(world, (peer) => {
      peer.socket.once("data", () => {
        void dribble(
          peer,
          `HTTP/1.1 101 Switching Protocols\r\nX-Slow: ${"s".repeat(2_000)}`,
        );
      });
    });
    const client = world.node("the client");
    const address: Address = `127.0.0.1:${slow.port}`;
    client.network.connect(Ws, address, { handshakeTimeoutMs: LIMIT_MS });
    isNetworkError("timed-out")((await client.event("connected")).error);
    await slow.peers[0]?.over();
  },
);
