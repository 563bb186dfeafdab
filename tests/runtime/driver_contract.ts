/**
 * The behaviour that `runtime/driver.ts` asks of every driver, as a table of tests.
 *
 * @module
 */

import { test } from "../_test.ts";
import { datagramRows } from "./_datagram_contract.ts";
import { descriptorRows } from "./_descriptor_contract.ts";
import { socketFaultRows, systemFaultRows } from "./_fault_contract.ts";
import { multicastRows } from "./_multicast_contract.ts";
import type { Ability, DriverUnderTest } from "./_probe.ts";
import { streamRows } from "./_stream_contract.ts";
import { streamFlowRows } from "./_stream_flow_contract.ts";
import { timerRows } from "./_timer_contract.ts";
import { unixRows } from "./_unix_contract.ts";
import { webSocketRows } from "./_web_socket_contract.ts";
import { webSocketRawRows } from "./_web_socket_raw_contract.ts";

/** One behaviour. */
export interface Row {
  /** What is proved, as a sentence. */
  readonly name: string;
  /** What the driver must be able to do for the row to prove anything. */
  readonly needs?: Ability;
  /** Proves it, or throws. */
  run(under: DriverUnderTest): void | Promise<void>;
}

/** Registers the whole table for one driver. */
export function testDriver(under: DriverUnderTest): void {
  const tables = [
    timerRows,
    socketFaultRows,
    systemFaultRows,
    streamRows,
    streamFlowRows,
    unixRows,
    descriptorRows,
    datagramRows,
    multicastRows,
    webSocketRows,
    webSocketRawRows,
  ];
  for (const rows of tables) {
    for (const row of rows) {
      const { needs } = row;
      if (needs !== undefined && under.lacks.has(needs)) {
        test(`${under.name} driver: NOT PROVED, it cannot: ${row.name}`, () => {});
        continue;
      }
      test(`${under.name} driver: ${row.name}`, () => row.run(under));
    }
  }
}
