/** TCP_NODELAY is always on: what is sent does not wait for the answer to what was sent before. */
import assert from "node:assert/strict";
import { conformsOn, pair, text } from "./_nodes.ts";
import { oriented } from "./_transports.ts";

/** One fast round each way is enough; a busy machine may need several. */
const MOST_ROUNDS = 40;
/** At first the system acknowledges at once, whatever comes. */
const EAGER_ROUNDS = 5;
/** Below the delayed acknowledgement of any system, 40 ms and more, that Nagle's algorithm would wait for. */
const DELAYED_MS = 30;

conformsOn(
  oriented.filter(({ name }) => /^(?:Tcp|FramedTcp|Ws)/.test(name)),
  "a second small message leaves before the peer has answered the first, both ways",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    const ways = [
      { from: client, to: server, via: toServer, fastest: Infinity },
      { from: server, to: client, via: toClient, fastest: Infinity },
    ];
    for (
      let round = 0;
      round < MOST_ROUNDS &&
      !ways.every(({ fastest }) => fastest < DELAYED_MS);
      round += 1
    ) {
      // By turns: who has something to send as well is slow to acknowledge.
      for (const way of ways) {
        const { from, to, via } = way;
        const before = performance.now();
        const seen = to.bytes().length;
        from.network.send(via, "ab");
        await to.received(seen + 2);
        from.network.send(via, "c");
        await new Promise<void>((resolve) => setTimeout(resolve, 0));
        from.network.send(via, "d");
        await to.received(seen + 4);
        const took = performance.now() - before;
        if (round >= EAGER_ROUNDS) way.fastest = Math.min(way.fastest, took);
        assert.equal(text(to.bytes()).at(-1), "d");
      }
    }
    for (const { fastest } of ways) {
      assert(fastest < DELAYED_MS, `the fastest of one way took ${fastest} ms`);
    }
  },
);
