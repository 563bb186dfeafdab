/**
 * The transports of the fault tests, and pairs of nodes with a bad network
 * between them.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type ConnectOptions,
  type Endpoint,
  framedTcp,
  type Framing,
  type Listening,
  type ListenOptions,
  messagePackFraming,
  newlineFraming,
  type NodeOptions,
  taggedFraming,
} from "../../mod.ts";
import type { TestNode, World } from "../conformance/_nodes.ts";
import { type TransportRow, transports } from "../conformance/_transports.ts";
import { type Dress, hexadecimal, Incoming, plain } from "./_ledger.ts";
import { type Link, openProxy, type ProxyManners } from "./_proxy.ts";

/** A transport, and how messages are dressed for it. */
export interface FaultRow extends TransportRow {
  readonly dress: Dress;
}

function named(name: string): FaultRow[] {
  return transports.filter((row) => row.name === name)
    .map((row) => ({ ...row, dress: plain }));
}

function framed(
  name: string,
  framing: Framing,
  dress: Dress = plain,
): FaultRow[] {
  return named("FramedTcp").map((row) => ({
    ...row,
    name: `FramedTcp (${name})`,
    adapter: framedTcp({ framing }),
    isVarint: false,
    dress,
  }));
}

/** The framings beside the usual one. */
const otherFramings: readonly FaultRow[] = [
  ...framed("tagged", taggedFraming),
  ...framed("MessagePack", messagePackFraming),
  ...framed("lines", newlineFraming, hexadecimal),
];

/** Those whose connections can be reset: what runs over TCP. */
export const tcpRows: readonly FaultRow[] = [
  ...named("Tcp"),
  ...named("FramedTcp"),
  ...otherFramings,
  ...named("Ws"),
];

/** Every stream that a proxy can stand in. */
export const streamRows: readonly FaultRow[] = [
  ...tcpRows,
  ...named("FramedUnix"),
];

/** One of each transport, where the framing makes no difference. */
export const transportRows: readonly FaultRow[] = streamRows.filter((row) =>
  !otherFramings.includes(row)
);

/** What {@linkcode faultyPair} is asked for. */
export interface FaultyPairOptions {
  readonly manners?: ProxyManners;
  readonly listen?: ListenOptions;
  readonly connect?: ConnectOptions;
  /** Whether the server's listener is left unconsumed; then `toClient` is not to be had. */
  readonly isServerIdle?: boolean;
  readonly server?: NodeOptions;
}

/** A pair of nodes with a proxy between them, and the books of what arrives. */
export interface FaultyPair {
  readonly server: TestNode;
  readonly client: TestNode;
  readonly listening: Listening;
  readonly link: Link;
  readonly toServer: Endpoint;
  /** What arrives at the server. */
  readonly atServer: Incoming;
  /** What arrives at the client. */
  readonly atClient: Incoming;
}

/** Books every message of a node. */
export function book(node: TestNode, row: FaultRow): Incoming {
  const incoming = new Incoming(row.isPacket, row.dress);
  node.onEvent = (event) => {
    if (event.type !== "message") return;
    incoming.take(event.data);
    // Only the count of them is looked at: the bytes need not be kept.
    node.events.pop();
  };
  return incoming;
}

/** Two nodes, connected through a proxy. */
export async function faultyPair(
  world: World,
  row: FaultRow,
  options: FaultyPairOptions = {},
): Promise<FaultyPair> {
  const server = options.isServerIdle === true
    ? world.idle("the server", options.server)
    : world.node("the server", options.server);
  const client = world.node("the client");
  const atServer = book(server, row);
  const atClient = book(client, row);
  const listening = await server.listen(row, options.listen);
  const proxy = await openProxy(world, row, listening, options.manners);
  const toServer = client.network.connect(
    row.adapter,
    proxy.address,
    options.connect,
  );
  assert.ifError((await client.event("connected")).error);
  if (options.isServerIdle !== true) await server.event("accepted");
  return {
    server,
    client,
    listening,
    link: await proxy.link(),
    toServer,
    atServer,
    atClient,
  };
}

/** The server's end of the only connection. */
export function clientOf({ server }: Pick<FaultyPair, "server">): Endpoint {
  const accepted = server.all("accepted")[0];
  assert(accepted !== undefined);
  return accepted.endpoint;
}
