/** Streams with TLS keep the contract that plain ones keep. */

import { detectDriver } from "../../runtime/detect.ts";
import { test } from "../_test.ts";
import type { Ability, DriverUnderTest } from "./_probe.ts";
import { streamRows } from "./_stream_contract.ts";
import { streamFlowRows } from "./_stream_flow_contract.ts";
import { withTls } from "./_tls_requests.ts";

const own = detectDriver();

const under: DriverUnderTest = {
  name: own.name,
  driver: withTls(own),
  lacks: new Set<Ability>(["reset"]),
};

for (const row of [...streamRows, ...streamFlowRows]) {
  test(`${own.name} driver with TLS: ${row.name}`, () => row.run(under));
}
