/**
 * What a node, its transports and its resources have done.
 *
 * @module
 */

import type { LocalResource } from "./local_resource.ts";
import type { RemoteResource } from "./remote_resource.ts";
import { Traffic } from "./traffic.ts";
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

/** What has ended, and what only a sum is kept of. */
interface Tally {
  readonly traffic: Traffic;
  connectionsRefused: number;
  listenerFaults: number;
  reconnects: number;
}

/** Keeps the sums of what has ended, by transport. */
export class Statistics {
  readonly #tallies = new Map<string, Tally>();

  /** A connection has ended. */
  left({ adapter, traffic }: RemoteResource): void {
    this.#tally(adapter.name).traffic.add(traffic);
  }

  /** A connection was made again. */
  reconnected({ adapter }: RemoteResource): void {
    this.#tally(adapter.name).reconnects += 1;
  }

  /** A listener has ended. */
  closed(local: LocalResource): void {
    const tally = this.#tally(local.adapter.name);
    tally.traffic.add(local.traffic);
    tally.connectionsRefused += local.connectionsRefused;
    tally.listenerFaults += local.faults;
  }

  /** The sums of each transport that was used, by its name. */
  transports(
    remotes: Iterable<RemoteResource>,
    locals: Iterable<LocalResource>,
  ): Map<string, TransportStats> {
    const sums = new Map<string, Sum>();
    for (const [name, tally] of this.#tallies) {
      sumOf(sums, name).addTally(tally);
    }
    for (const remote of remotes) {
      const sum = sumOf(sums, remote.adapter.name);
      sum.traffic.add(remote.traffic);
      sum.connections += 1;
      sum.queuedBytes += remote.queuedBytes;
    }
    for (const local of locals) {
      const sum = sumOf(sums, local.adapter.name);
      sum.traffic.add(local.traffic);
      sum.listeners += 1;
      sum.queuedBytes += local.listener.queuedBytes;
      sum.connectionsRefused += local.connectionsRefused;
      sum.listenerFaults += local.faults;
    }
    const stats = new Map<string, TransportStats>();
    for (const [name, sum] of sums) stats.set(name, sum.stats());
    return stats;
  }

  #tally(transport: string): Tally {
    let tally = this.#tallies.get(transport);
    if (tally === undefined) {
      tally = {
        traffic: new Traffic(),
        connectionsRefused: 0,
        listenerFaults: 0,
        reconnects: 0,
      };
      this.#tallies.set(transport, tally);
    }
    return tally;
  }
}

/** The sums of all transports. */
export function totalOf(all: Iterable<TransportStats>): TransportStats {
  const total = new Sum();
  for (const stats of all) total.add(stats);
  return total.stats();
}

class Sum {
  readonly traffic = new Traffic();
  connections = 0;
  listeners = 0;
  connectionsRefused = 0;
  listenerFaults = 0;
  reconnects = 0;
  queuedBytes = 0;

  addTally(tally: Tally): void {
    this.traffic.add(tally.traffic);
    this.connectionsRefused += tally.connectionsRefused;
    this.listenerFaults += tally.listenerFaults;
    this.reconnects += tally.reconnects;
  }

  add(stats: TransportStats): void {
    this.traffic.add(stats);
    this.connections += stats.connections;
    this.listeners += stats.listeners;
    this.connectionsRefused += stats.connectionsRefused;
    this.listenerFaults += stats.listenerFaults;
    this.reconnects += stats.reconnects;
    this.queuedBytes += stats.queuedBytes;
  }

  stats(): TransportStats {
    const {
      connections,
      listeners,
      connectionsRefused,
      listenerFaults,
      reconnects,
      queuedBytes,
    } = this;
    return {
      ...this.traffic.totals(),
      connections,
      listeners,
      connectionsRefused,
      listenerFaults,
      reconnects,
      queuedBytes,
    };
  }
}

function sumOf(sums: Map<string, Sum>, name: string): Sum {
  let sum = sums.get(name);
  if (sum === undefined) sums.set(name, sum = new Sum());
  return sum;
}
