/**
 * How long one message of 64 bytes takes there and back over FramedTcp, beside
 * the same bytes over the runtime's bare sockets, both ends in this process.
 *
 *     deno run --allow-net bench/echo_latency.ts     (bun …, node …)
 *
 * The two take turns, so that a machine that drifts favours neither. The exit
 * status is 1 when the median passes `--limit` times the bare one's (default 1.5).
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { createNode, FramedTcp } from "../mod.ts";
import { bareEcho } from "./_bare_echo.ts";
import { numberOf, readOptions } from "./_options.ts";
import { median, quantile } from "./_statistics.mjs";

const SIZE = 64;
/** The varint before the payload: the bare sockets carry as many bytes. */
const HEAD_SIZE = 1;
const ROUNDS = 9;
const ECHOES = 4_000;

const limit = readOptions(() => {
  const { values } = parseArgs({
    options: { limit: { type: "string", default: "1.5" } },
  });
  return numberOf("limit", values.limit, 0);
});

async function framedEcho(count: number, size: number): Promise<Float64Array> {
  const server = createNode();
  const client = createNode();
  const micros = new Float64Array(count);
  const payload = new Uint8Array(size);
  let done = 0;
  let startedAt = 0;
  const { address } = await server.handler.network.listen(
    FramedTcp,
    "127.0.0.1:0",
  );
  const served = server.listener.forEach((event) => {
    if (event.type === "message") {
      server.handler.network.send(event.endpoint, event.data);
    }
  });
  client.handler.network.connect(FramedTcp, address);
  await client.listener.forEach((event) => {
    switch (event.type) {
      case "connected":
        if (!event.ok) throw event.error;
        startedAt = performance.now();
        client.handler.network.send(event.endpoint, payload);
        break;
      case "message": {
        const now = performance.now();
        micros[done] = (now - startedAt) * 1_000;
        startedAt = now;
        done += 1;
        if (done < count) client.handler.network.send(event.endpoint, payload);
        else void client.handler.stop();
        break;
      }
      case "disconnected":
        throw new Error(`the server ended the connection: ${event.reason}`);
    }
  });
  await server.handler.stop();
  await served;
  return micros;
}

const bare = bareEcho();
const framedMedians: number[] = [];
const bareMedians: number[] = [];
const framedTails: number[] = [];
const bareTails: number[] = [];

// One round of each that does not count: the compilers are warm after it.
await framedEcho(ECHOES, SIZE);
await bare.run(ECHOES, SIZE + HEAD_SIZE);
for (let round = 0; round < ROUNDS; round += 1) {
  const framed = await framedEcho(ECHOES, SIZE);
  framedMedians.push(median(framed));
  framedTails.push(quantile(framed, 0.99));
  const raw = await bare.run(ECHOES, SIZE + HEAD_SIZE);
  bareMedians.push(median(raw));
  bareTails.push(quantile(raw, 0.99));
}

function line(name: string, medians: number[], tails: number[]): string {
  const spread = `${Math.min(...medians).toFixed(1)} to ${
    Math.max(...medians).toFixed(1)
  }`;
  return `${name.padEnd(14)} p50 ${
    median(medians).toFixed(1)
  } us (${spread})   p99 ${median(tails).toFixed(1)} us`;
}

const ratio = median(framedMedians) / median(bareMedians);
console.log(
  `echo of ${SIZE} bytes, one in flight: median of ${ROUNDS} rounds of ${ECHOES}, in turn`,
);
console.log(line("FramedTcp", framedMedians, framedTails));
console.log(line(bare.name, bareMedians, bareTails));
console.log(
  `FramedTcp takes ${ratio.toFixed(2)} times as long (limit ${limit})`,
);
if (!(ratio <= limit)) process.exitCode = 1;
