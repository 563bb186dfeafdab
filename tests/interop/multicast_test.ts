/** Groups that message-io has joined, or sends to. */

import assert from "node:assert/strict";
import { Endpoint, Transport } from "../../mod.ts";
import { exchange } from "./_exchange.ts";
import { peerMessages, random, randomMessages, SEED } from "./_messages.ts";
import { startPeer } from "./_peers.ts";
import { inWorld, sameBytes } from "../conformance/_nodes.ts";
import { test } from "../_test.ts";

const COUNT = 1_000;
/** What a network carries in one piece. */
const MAX_SIZE = 1_472;
/** Datagrams that fit into the buffer of a socket. */
const WINDOW = 16;

test(`message-io Udp multicast: ${COUNT} random messages to a group that the peer has joined are answered`, () =>
  inWorld(async (world) => {
    const peer = startPeer(world, "message-io", [
      "echo",
      "--transport",
      "udp",
      "--listen",
      "239.255.77.1:0",
    ]);
    const port = (await peer.address()).split(":")[1];
    const node = world.node();
    // The peer answers who has sent, not the group.
    const { resourceId } = await node.network.listen(
      Transport.Udp,
      "0.0.0.0:0",
    );
    const group = Endpoint.fromListener(resourceId, `239.255.77.1:${port}`);
    await exchange(node, group, {
      messages: randomMessages(random(SEED), COUNT, 0, MAX_SIZE),
      window: WINDOW,
      isFromElsewhere: true,
    });
  }));

test(`message-io Udp multicast: ${COUNT} random messages of the peer to a group that we have joined arrive`, () =>
  inWorld(async (world) => {
    const node = world.node();
    const { address } = await node.network.listen(
      Transport.Udp,
      "239.255.77.2:0",
    );
    const peer = startPeer(world, "message-io", [
      "source",
      "--transport",
      "udp",
      "--connect",
      `239.255.77.2:${address.port}`,
      "--random",
      SEED,
      "--size",
      MAX_SIZE,
      "--messages",
      COUNT,
      // It has no other means not to send more than a socket holds.
      "--stepped",
    ]);
    await peer.event("connected");
    for (let asked = 0; asked < COUNT;) {
      const more = Math.min(WINDOW, COUNT - asked);
      peer.step(more);
      asked += more;
      await node.messages(asked);
    }
    const expected = peerMessages(SEED, COUNT, MAX_SIZE);
    for (const [index, { data }] of node.all("message").entries()) {
      const message = expected[index];
      assert(message !== undefined, `message ${index} of seed ${SEED}`);
      sameBytes(data, message);
    }
  }));
