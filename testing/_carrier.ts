/**
 * What carries things between the hosts of a simulation.
 *
 * @module
 */

import { formatAddress } from "../network/address.ts";
import { Fault } from "../runtime/fault.ts";
import type {
  Arrival,
  MemoryCarrier,
  MemoryPipe,
  MemoryRoute,
  PacketKind,
} from "../runtime/memory_carrier.ts";
import type { MemoryHost } from "../runtime/memory_host.ts";
import { changedConditions, type FullLinkConditions } from "./conditions.ts";
import { Direction } from "./_direction.ts";
import { Pipe } from "./_pipe.ts";
import type { Scheduler } from "./_scheduler.ts";
import type { SimulationRandom } from "./random.ts";
import type { Trace, TraceEntry } from "./trace.ts";

/** What a carrier stands on. */
export interface CarrierParts {
  readonly scheduler: Scheduler;
  readonly random: SimulationRandom;
  readonly trace: Trace;
  /** What links do until they are told otherwise. */
  readonly conditions: FullLinkConditions;
  /** How long a stream goes without an acknowledgement, in milliseconds. */
  readonly streamTimeoutMs: number;
  /** The host that is up at an address. */
  hostAt(address: string): MemoryHost | undefined;
}

/** Carries packets and streams over links that lose, delay and break. */
export class Carrier implements MemoryCarrier {
  readonly parts: CarrierParts;
  /** Addresses by name, and names by address. */
  readonly #addresses = new Map<string, string>();
  readonly #names = new Map<string, string>();
  readonly #directions = new Map<string, Direction>();
  readonly #pipes = new Set<Pipe>();

  constructor(parts: CarrierParts) {
    this.parts = parts;
  }

  /** Gives an address a name. */
  register(name: string, address: string): void {
    this.#addresses.set(name, address);
    this.#names.set(address, name);
  }

  lookup(nameOrAddress: string): string | undefined {
    return this.#names.has(nameOrAddress)
      ? nameOrAddress
      : this.#addresses.get(nameOrAddress);
  }

  /** The name of an address. */
  nameOf(address: string): string {
    return this.#names.get(address) ?? address;
  }

  /** One direction between two hosts, by their names; made when it is asked for first. */
  direction(from: string, to: string): Direction {
    const key = JSON.stringify([from, to]);
    let direction = this.#directions.get(key);
    if (direction === undefined) {
      const { random, conditions, scheduler } = this.parts;
      direction = new Direction(
        from,
        to,
        random.derive(`link ${key}`),
        changedConditions(conditions, {}),
        scheduler.now,
      );
      this.#directions.set(key, direction);
    }
    return direction;
  }

  /** All directions that anything was sent over, or done to. */
  directions(): Iterable<Direction> {
    return this.#directions.values();
  }

  packet(
    route: MemoryRoute,
    kind: PacketKind,
    size: number,
    arrive: Arrival,
  ): void {
    const { trace } = this.parts;
    const direction = this.directionOf(route);
    const entry = this.entryOf(route, kind, size);
    trace.add({ ...entry, type: "send" });
    const drop = (detail: string) =>
      trace.add({ ...entry, type: "drop", detail });
    if (direction.isBlocked) return drop("partition");
    if (direction.loses()) return drop("loss");
    const { random } = direction;
    if (kind !== "datagram") {
      this.#fly(direction, entry, direction.arrivalOf(size), route, arrive);
      return;
    }
    if (direction.isFull) return drop("queue");
    const { duplicateRate, reorderRate, reorderMs } = direction.conditions;
    if (duplicateRate > 0 && random.chance(duplicateRate)) {
      trace.add({ ...entry, type: "duplicate" });
      const at = direction.datagramArrivalOf(size);
      this.#fly(direction, entry, at, route, arrive);
    }
    let at = direction.datagramArrivalOf(size);
    if (reorderRate > 0 && random.chance(reorderRate)) {
      trace.add({ ...entry, type: "reorder" });
      at += random.next() * reorderMs;
    }
    this.#fly(direction, entry, at, route, arrive);
  }

  pipe(
    from: MemoryHost,
    route: MemoryRoute,
    failed: (fault: Fault) => void,
  ): MemoryPipe {
    const pipe = new Pipe(this, from, route, failed, () => {
      this.#pipes.delete(pipe);
    });
    this.#pipes.add(pipe);
    return pipe;
  }

  /** Resets all streams between two hosts, on both sides at once. */
  cut(one: string, other: string): void {
    for (const pipe of [...this.#pipes]) {
      const { from, to } = this.directionOf(pipe.route);
      if (
        (from === one && to === other) || (from === other && to === one)
      ) pipe.fail(new Fault("connection-reset", "The connection was cut"));
    }
  }

  /** Lets go of what a host that is down would still have sent. */
  abandon(host: MemoryHost): void {
    for (const pipe of [...this.#pipes]) {
      if (pipe.from === host) pipe.abandon();
    }
  }

  /** The direction that a route leads over. */
  directionOf({ from, to }: MemoryRoute): Direction {
    return this.direction(this.nameOf(from), this.nameOf(to));
  }

  /** What the trace says of a packet, without what happened to it. */
  entryOf(
    route: MemoryRoute,
    packet: PacketKind,
    size: number,
  ): Omit<TraceEntry, "type"> {
    return {
      from: this.nameOf(route.from),
      to: this.nameOf(route.to),
      packet,
      source: formatAddress(route.source),
      target: formatAddress(route.target),
      size,
    };
  }

  #fly(
    direction: Direction,
    entry: Omit<TraceEntry, "type">,
    at: number,
    { to }: MemoryRoute,
    arrive: Arrival,
  ): void {
    const { scheduler, trace } = this.parts;
    const land = (): void => {
      if (direction.keepsBack(land)) return;
      const host = this.parts.hostAt(to);
      if (direction.isBlocked || host === undefined) {
        const detail = direction.isBlocked ? "partition" : "host down";
        return trace.add({ ...entry, type: "drop", detail });
      }
      trace.add({ ...entry, type: "deliver" });
      arrive(host);
    };
    scheduler.schedule(at - scheduler.now(), land, false);
  }
}
