/** Streams with TLS keep the contract that plain ones keep. */

import assert from "node:assert/strict";
import { detectDriver } from "../../runtime/detect.ts";
import { openResources } from "../_resources.ts";
import { test } from "../_test.ts";
import {
  type Ability,
  calling,
  type DriverUnderTest,
  type End,
  inet,
  isFault,
  pattern,
  withPair,
} from "./_probe.ts";
import { streamRows } from "./_stream_contract.ts";
import { streamFlowRows } from "./_stream_flow_contract.ts";
import { withTls } from "./_tls_requests.ts";

const own = detectDriver();

const under: DriverUnderTest = {
  name: own.name,
  driver: withTls(own),
  lacks: new Set<Ability>(["reset"]),
};

test(`${own.name} driver with TLS: aborting an accepted stream resets it`, () =>
  withPair(under.driver, inet("127.0.0.1"), async (client, server) => {
    calling(() => server.socket.write(pattern(5)));
    await client.probe.until(() => client.probe.received === 5);
    client.probe.onEnd = () => client.socket.shutdown();
    server.abort();
    await client.probe.untilClosed();
    isFault("connection-reset")(client.probe.fault);
    assert.equal(client.probe.ended, 0);
  }));

/** None on a system that does not list them. */
function openSockets(): number {
  return openResources().get("socket descriptor") ?? 0;
}

/** The two ends, told to go, leave in whatever order: with each `closed` one more socket is gone. */
async function leavesNothing(
  client: End,
  server: End,
  leave: () => void,
): Promise<void> {
  const both = openSockets();
  let told = 0;
  const tooMany: string[] = [];
  for (const { probe } of [client, server]) {
    const closed = probe.closed.bind(probe);
    probe.closed = (fault) => {
      told++;
      const open = openSockets();
      if (open > Math.max(0, both - told)) {
        tooMany.push(`${open} of ${both} after closed ${told}`);
      }
      closed(fault);
    };
  }
  leave();
  await client.probe.untilClosed();
  await server.probe.untilClosed();
  assert.deepEqual(tooMany, []);
}

const leaving: readonly [string, (one: End, other: End) => void][] = [
  ["a close", (one, other) => {
    other.probe.onEnd = () => other.socket.shutdown();
    one.close();
  }],
  ["an abort", (one, other) => {
    other.probe.onEnd = () => other.socket.shutdown();
    one.abort();
  }],
  ["an end in order", (one, other) => {
    other.probe.onEnd = () => calling(() => other.socket.shutdown());
    calling(() => one.socket.shutdown());
  }],
];

for (const driver of [own, under.driver]) {
  const name = `${own.name} driver${driver === own ? "" : " with TLS"}`;
  for (const [how, leave] of leaving) {
    test(`${name}: once closed is told after ${how}, nothing of the socket is left`, async () => {
      for (const isClient of [true, false]) {
        await withPair(driver, inet("127.0.0.1"), (client, server) => {
          const ends: [End, End] = isClient
            ? [client, server]
            : [server, client];
          return leavesNothing(client, server, () => leave(...ends));
        });
      }
    });
  }
}

for (const row of [...streamRows, ...streamFlowRows]) {
  test(`${own.name} driver with TLS: ${row.name}`, () => row.run(under));
}
