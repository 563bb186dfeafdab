/**
 * A side that serves calls, attacked with envelopes.
 *
 * @module
 */

import { FramedTcp } from "../../mod.ts";
import { type NoMethods, Rpc } from "../../rpc/rpc.ts";
import { MAX_MESSAGE_SIZE, WatchedNode } from "./_live_node.ts";
import { rawTarget } from "./_live_streams.ts";
import { concat } from "./_mutate.ts";
import type { Random } from "./_random.ts";
import { attackStream } from "./_raw_attack.ts";
import type { LiveSession, LiveTarget } from "./_target.ts";
import { envelopeSource } from "./_text_targets.ts";

const LIMITS = { maxMessageSize: MAX_MESSAGE_SIZE };

/** What the listener of calls serves. */
interface Service {
  echo: { request: unknown; response: unknown };
  add: { request: [number, number]; response: number };
  count: { request: number; item: number };
}

/** Envelopes behind their varint lengths: whole frames, so that the calls are reached. */
export const liveCalls: LiveTarget = {
  ...envelopeSource,
  name: "live-rpc",
  async open(): Promise<LiveSession> {
    const server = new WatchedNode();
    const client = new WatchedNode();
    const served = new Rpc<Service, NoMethods>(server.handler, {
      handlers: {
        echo: (value) => value,
        add: ([a, b]) => a + b,
        *count(to) {
          for (let item = 0; item < Math.min(100, to); item++) yield item;
        },
      },
      maxCallsPerConnection: 16,
    });
    server.onEvent = (event) => void served.handle(event);
    const { address } = await server.handler.network.listen(
      FramedTcp,
      "127.0.0.1:0",
      LIMITS,
    );
    const calls = new Rpc<NoMethods, Service>(client.handler, { handlers: {} });
    client.onEvent = (event) => void calls.handle(event);
    const toServer = await client.handler.network.connectAsync(
      FramedTcp,
      address,
    );
    let turn: Promise<unknown> = Promise.resolve();
    let count = 0;
    const use = async (): Promise<number> => {
      const start = performance.now();
      count += 1;
      const answer = await calls.call(toServer, "add", [count, 1]);
      if (answer !== count + 1) throw new Error(`the call answers ${answer}`);
      return performance.now() - start;
    };
    return {
      attack: (input, random) =>
        attackStream(rawTarget(address), framed(input, random), random),
      useGood: () => {
        const next = turn.then(use);
        turn = next.catch(() => {});
        return next;
      },
      left: () =>
        server.handler.stats().connections - 1 + served.stats().serving,
      get violations() {
        return [...server.violations, ...client.violations];
      },
      async close() {
        calls.close();
        served.close();
        await client.stop();
        await server.stop();
      },
    };
  },
};

/** The input as one message, or cut into several. */
function framed(input: Uint8Array, random: Random): Uint8Array {
  const size = random.oneIn(2) ? input.length : random.from(1, 40);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < input.length; at += size) {
    const part = input.subarray(at, at + Math.min(size, MAX_MESSAGE_SIZE));
    const head = part.length < 0x80
      ? [part.length]
      : [(part.length % 0x80) | 0x80, part.length >> 7];
    frames.push(Uint8Array.from(head), part);
  }
  return concat(frames);
}
