/**
 * What a node, its transports and its resources have done.
 *
 * @module
 */

import type { Adapter } from "../adapters/adapter.ts";
import type { LocalResource } from "./local_resource.ts";
import type { RemoteResource } from "./remote_resource.ts";
import type { TrafficTotals } from "./traffic.ts";

/** What `network.stats` returns: a snapshot of one connection or listener. */
export interface ResourceStats extends TrafficTotals {
  /** The name of its transport. */
  readonly transport: string;
  /** Bytes that `send` accepted and that have not yet reached the operating system. */
  readonly queuedBytes: number;
  /** How often the node stopped reading from it, because too much waited for the listener. */
  readonly pauses: number;
  /** How often the connection was made again (`reconnect`). The counts of messages go on. */
  readonly reconnects: number;
  /** How long it has been up, in milliseconds: a connection since its last handshake, 0 while it has none; a listener since it was bound. */
  readonly upMs: number;
}

/** What all resources of one transport have done, those that have ended included. */
export interface TransportStats extends TrafficTotals {
  /** Connections, those that are not ready included. */
  readonly connections: number;
  /** Listeners. */
  readonly listeners: number;
  /** Connections that listeners refused: for `maxConnections`, or because too much waits for the listener. */
  readonly connectionsRefused: number;
  /** Failures of listeners that did not end them: refused handshakes, no descriptors left. */
  readonly listenerFaults: number;
  /** How often connections were made again (`reconnect`). */
  readonly reconnects: number;
  /** Bytes that `send` accepted and that have not yet reached the operating system. */
  readonly queuedBytes: number;
}

type Sum = { -readonly [Name in keyof TransportStats]: TransportStats[Name] };

const NOTHING: TransportStats = {
  messagesSent: 0,
  messagesReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
  sendsRefused: 0,
  connections: 0,
  listeners: 0,
  connectionsRefused: 0,
  listenerFaults: 0,
  reconnects: 0,
  queuedBytes: 0,
};

const NAMES = Object.keys(NOTHING) as (keyof TransportStats)[];

function add(sum: Sum, more: Partial<TransportStats>): void {
  for (const name of NAMES) sum[name] += more[name] ?? 0;
}

function addTo(
  sums: Map<string, Sum>,
  { name }: Adapter,
  ...parts: Partial<TransportStats>[]
): void {
  let sum = sums.get(name);
  if (sum === undefined) sums.set(name, sum = { ...NOTHING });
  for (const part of parts) add(sum, part);
}

/** What a listener has counted beside its datagrams. */
function counted(local: LocalResource): Partial<TransportStats> {
  const { connectionsRefused, faults } = local;
  return { connectionsRefused, listenerFaults: faults };
}

/** The sums of all transports. */
export function totalOf(all: Iterable<TransportStats>): TransportStats {
  const total: Sum = { ...NOTHING };
  for (const stats of all) add(total, stats);
  return total;
}

/** Keeps the sums of what has ended, by transport. */
export class Statistics {
  readonly #ended = new Map<string, Sum>();

  /** A connection has ended. */
  left({ adapter, traffic }: RemoteResource): void {
    addTo(this.#ended, adapter, traffic);
  }

  /** A connection was made again. */
  reconnected({ adapter }: RemoteResource): void {
    addTo(this.#ended, adapter, { reconnects: 1 });
  }

  /** A listener has ended. */
  closed(local: LocalResource): void {
    addTo(this.#ended, local.adapter, local.traffic, counted(local));
  }

  /** The sums of each transport that was used, by its name. */
  transports(
    remotes: Iterable<RemoteResource>,
    locals: Iterable<LocalResource>,
  ): Map<string, TransportStats> {
    const sums = new Map<string, Sum>();
    for (const [name, sum] of this.#ended) sums.set(name, { ...sum });
    for (const { adapter, traffic, queuedBytes } of remotes) {
      addTo(sums, adapter, traffic, { connections: 1, queuedBytes });
    }
    for (const local of locals) {
      const { queuedBytes } = local.listener;
      addTo(sums, local.adapter, local.traffic, counted(local), {
        listeners: 1,
        queuedBytes,
      });
    }
    return sums;
  }
}
