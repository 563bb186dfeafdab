/** How long an answer may take to a peer that has sent its FIN, in virtual time. */
import assert from "node:assert/strict";
import { type StreamSocket, Transport } from "../../mod.ts";
import { conforms, join, pattern, sameBytes, utf8 } from "./_nodes.ts";
import { varintFrame } from "./_raw.ts";
import { virtualTime } from "./_virtual.ts";

/** More than can be under way, so that the rest waits for the peer to read. */
const ANSWER = pattern(1 << 20);

for (
  const [readsAfterMs, isWhole] of [[29_000, true], [31_000, false]] as const
) {
  conforms(
    "Memory",
    `a peer that reads ${readsAfterMs} ms after its FIN ${
      isWhole ? "gets all that was accepted" : "is cut off before"
    }`,
    async (world) => {
      const { driver, clock, pass } = virtualTime();
      const server = world.node("the server", { driver });
      server.onEvent = (event) => {
        if (event.type === "message") {
          server.network.send(event.endpoint, ANSWER);
        }
      };
      const listening = server.network.listen(
        Transport.FramedTcp,
        "127.0.0.1:0",
      );
      await pass(5);
      const { address } = await listening;
      const chunks: Uint8Array[] = [];
      let isEnded = false;
      let isClosed = false;
      const peer: StreamSocket = driver.connectStream({ address }, {
        open() {
          peer.pause();
          peer.write(varintFrame(utf8("ask")));
          peer.shutdown();
        },
        data: (chunk) => void chunks.push(chunk),
        drain() {},
        end: () => isEnded = true,
        closed: () => isClosed = true,
      });
      await pass(5);
      assert.equal(server.count("disconnected"), 1);
      clock.advance(readsAfterMs);
      await pass(5);
      assert.equal(isClosed, !isWhole);
      peer.resume();
      await pass(20);
      if (isWhole) {
        assert.equal(isEnded, true);
        sameBytes(join(chunks), varintFrame(ANSWER));
      }
      peer.abort();
      const stopping = server.handler.stop();
      await pass(5);
      await stopping;
      assert.equal(clock.pending, 0);
    },
  );
}
