/** Streams with TLS keep the contract that plain ones keep. */

import assert from "node:assert/strict";
import { detectDriver } from "../../runtime/detect.ts";
import { test } from "../_test.ts";
import {
  type Ability,
  calling,
  type DriverUnderTest,
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

for (const row of [...streamRows, ...streamFlowRows]) {
  test(`${own.name} driver with TLS: ${row.name}`, () => row.run(under));
}
