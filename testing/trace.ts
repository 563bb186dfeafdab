/**
 * What happened in a simulation.
 *
 * @module
 */

/** What kind of thing happened. */
export type SimulationEventType =
  /** A packet set out. */
  | "send"
  /** A packet of a stream set out again, because it was lost. */
  | "retransmit"
  /** A packet arrived. */
  | "deliver"
  /** A packet was lost; `detail` tells by what. */
  | "drop"
  /** A datagram was doubled. */
  | "duplicate"
  /** A datagram was held up, so that later ones may overtake it. */
  | "reorder"
  /** One direction of a stream was given up: nothing was acknowledged for too long. */
  | "give-up"
  /** What was done to a host. */
  | "host"
  /** What was done to a link. */
  | "link"
  /** What the test noted. */
  | "note";

/** One thing that happened. All values are plain, so that traces can be compared. */
export interface SimulationEvent {
  /** When, in milliseconds of simulated time. */
  readonly atMs: number;
  /** What. */
  readonly type: SimulationEventType;
  /** The name of the host that it came from, or that it happened to; else `""`. */
  readonly from: string;
  /** The name of the host that it was meant for; else `""`. */
  readonly to: string;
  /** Of packets: which kind. `datagram`, `data`, `connect`, `fin`, `reset`, …; else `""`. */
  readonly packet: string;
  /** Of packets: the socket that sent it, as `host:port`; else `""`. */
  readonly source: string;
  /** Of packets: the socket that it was meant for; else `""`. */
  readonly target: string;
  /** Of packets: the bytes of user data; else 0. */
  readonly size: number;
  /** More: why a packet was dropped, what was done, the text of a note. */
  readonly detail: string;
}

/** One event as one line: `120.5 ms  drop  client → server  datagram 10.0.0.1:40000 → 10.0.0.2:53, 12 bytes (loss)`. */
export function formatSimulationEvent(event: SimulationEvent): string {
  const { atMs, type, from, to, packet, source, target, size, detail } = event;
  const parts = [`${atMs} ms`, type];
  if (from !== "") parts.push(to === "" ? from : `${from} → ${to}`);
  if (packet !== "") {
    parts.push(
      `${packet} ${source} → ${target}${size > 0 ? `, ${size} bytes` : ""}`,
    );
  }
  if (detail !== "") parts.push(packet === "" ? detail : `(${detail})`);
  return parts.join("  ");
}

/** What a {@linkcode Trace} is told; what is left out is `""` or 0. */
export type TraceEntry =
  & Pick<SimulationEvent, "type">
  & Partial<Omit<SimulationEvent, "type" | "atMs">>;

/** Keeps what happened: all, or the last of it. */
export class Trace {
  readonly #now: () => number;
  readonly #limit: number;
  readonly #onEvent: ((event: SimulationEvent) => void) | undefined;
  #events: SimulationEvent[] = [];

  constructor(
    now: () => number,
    limit: number,
    onEvent: ((event: SimulationEvent) => void) | undefined,
  ) {
    this.#now = now;
    this.#limit = limit;
    this.#onEvent = onEvent;
  }

  /** What is kept, oldest first. */
  get events(): readonly SimulationEvent[] {
    return this.#events.slice(-this.#limit);
  }

  /** Adds one. */
  add(entry: TraceEntry): void {
    const event: SimulationEvent = {
      atMs: this.#now(),
      type: entry.type,
      from: entry.from ?? "",
      to: entry.to ?? "",
      packet: entry.packet ?? "",
      source: entry.source ?? "",
      target: entry.target ?? "",
      size: entry.size ?? 0,
      detail: entry.detail ?? "",
    };
    // Twice the limit before it is cut: each event is then moved once at most.
    if (this.#events.length >= 2 * this.#limit) {
      this.#events = this.#limit === 0 ? [] : this.#events.slice(-this.#limit);
    }
    this.#events.push(event);
    this.#onEvent?.(event);
  }
}
