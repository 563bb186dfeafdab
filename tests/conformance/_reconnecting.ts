/**
 * Clients that reconnect, and servers that come and go.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Address, ReconnectOptions } from "../../mod.ts";
import {
  type OrientedPair,
  pair,
  type TestNode,
  type World,
} from "./_nodes.ts";
import type { TransportRow } from "./_transports.ts";

/** Waits that a test can wait for. */
export const QUICK: ReconnectOptions = { initialDelayMs: 1, maxDelayMs: 20 };

/** A wait that the test never sees the end of. */
export const SLOW: ReconnectOptions = { initialDelayMs: 2_147_483_647 };

/** A pair whose client reconnects. */
export function reconnecting(
  world: World,
  row: TransportRow,
  reconnect: ReconnectOptions | boolean = QUICK,
): Promise<OrientedPair> {
  return pair(world, row, { connect: { reconnect }, isLasting: true });
}

/** A pair whose server has ended the connection; the client waits. */
export async function broken(
  world: World,
  row: TransportRow,
  reconnect: ReconnectOptions = SLOW,
): Promise<OrientedPair> {
  const both = await reconnecting(world, row, reconnect);
  both.server.remove(both.toClient.resourceId);
  const { willReconnect } = await both.client.event("disconnected");
  assert.equal(willReconnect, true);
  return both;
}

/** Listens where `deadAddress` says. */
export async function revive(
  world: World,
  row: TransportRow,
  address: Address,
): Promise<TestNode> {
  const node = world.node("the server");
  await node.network.listen(row.adapter, address);
  return node;
}
