/**
 * One direction of a stream over links that lose: nothing of it is lost,
 * doubled or reordered, or the stream fails.
 *
 * @module
 */

import { Fault } from "../runtime/fault.ts";
import type {
  Arrival,
  DataArrival,
  MemoryPipe,
  MemoryRoute,
  PacketKind,
} from "../runtime/memory_carrier.ts";
import type { MemoryHost } from "../runtime/memory_host.ts";
import type { Carrier } from "./_carrier.ts";
import type { Direction } from "./_direction.ts";
import type { TraceEntry } from "./trace.ts";

/** The most bytes that arrive as one, as a TCP stack with offloading hands them up. */
const MAX_SEGMENT = 64 * 1024;

/** How long the first repetition waits, beside a round trip (RFC 6298 says a second, the systems of today less). */
const FIRST_RETRY_MS = 200;

/** The longest wait between two repetitions. */
const MAX_RETRY_MS = 5_000;

interface Segment {
  readonly entry: Omit<TraceEntry, "type">;
  readonly arrive: Arrival;
  /** `lost`: it has to set out again. */
  state: "flying" | "lost" | "arrived";
  tries: number;
}

/** One direction of a stream. */
export class Pipe implements MemoryPipe {
  readonly from: MemoryHost;
  readonly route: MemoryRoute;
  readonly #carrier: Carrier;
  readonly #there: Direction;
  readonly #back: Direction;
  readonly #failed: (fault: Fault) => void;
  readonly #ended: () => void;
  /** What was sent and has not been handed out at the other end, in order. */
  #queue: Segment[] = [];
  #isReleased = false;
  #isBroken = false;
  /** Since when nothing has come through, and how often it was tried. */
  #stalledSince: number | undefined;
  #retries = 0;
  #isRetrying = false;
  /** Since when an acknowledgement is missing that cannot come back. */
  #unacknowledgedSince: number | undefined;

  constructor(
    carrier: Carrier,
    from: MemoryHost,
    route: MemoryRoute,
    failed: (fault: Fault) => void,
    ended: () => void,
  ) {
    this.#carrier = carrier;
    this.from = from;
    this.route = route;
    this.#failed = failed;
    this.#ended = ended;
    this.#there = carrier.directionOf(route);
    this.#back = carrier.direction(this.#there.to, this.#there.from);
  }

  send(kind: PacketKind, size: number, arrive: Arrival): void {
    if (this.#isBroken) return;
    const segment: Segment = {
      entry: this.#carrier.entryOf(this.route, kind, size),
      arrive,
      state: "lost",
      tries: 0,
    };
    this.#queue.push(segment);
    // Behind one that stalls it could arrive, and would wait there.
    if (this.#stalledSince === undefined) this.#try(segment);
  }

  sendData(chunk: Uint8Array, arrive: DataArrival): void {
    const { random, conditions: { splitRate } } = this.#there;
    for (let at = 0; at < chunk.byteLength; at += MAX_SEGMENT) {
      const piece = chunk.subarray(at, at + MAX_SEGMENT);
      const size = piece.byteLength;
      const isSplit = size > 1 && splitRate > 0 && random.chance(splitRate);
      const cut = isSplit ? random.integer(1, size - 1) : size;
      for (const part of [piece.subarray(0, cut), piece.subarray(cut)]) {
        if (part.byteLength === 0) continue;
        this.send("data", part.byteLength, (host) => arrive(host, part));
      }
    }
  }

  release(): void {
    this.#isReleased = true;
    this.#endIfDone();
  }

  /** Ends the stream on this side. */
  fail(fault: Fault): void {
    if (this.#isBroken) return;
    this.abandon();
    if (!this.#isReleased) this.#failed(fault);
  }

  /** Sends nothing more, and tells nobody. */
  abandon(): void {
    this.#isBroken = true;
    this.#queue = [];
    this.#ended();
  }

  #endIfDone(): void {
    if (!this.#isReleased || this.#queue.length > 0) return;
    if (this.#unacknowledgedSince === undefined) this.#ended();
  }

  #try(segment: Segment): void {
    const { scheduler, trace } = this.#carrier.parts;
    segment.tries++;
    trace.add({
      ...segment.entry,
      type: segment.tries === 1 ? "send" : "retransmit",
    });
    if (this.#there.isBlocked) return this.#lose(segment, "partition");
    if (this.#there.loses()) return this.#lose(segment, "loss");
    segment.state = "flying";
    const at = this.#there.arrivalOf(segment.entry.size ?? 0);
    const land = (): void => {
      if (this.#isBroken || this.#there.keepsBack(land)) return;
      if (this.#there.isBlocked) return this.#lose(segment, "partition");
      if (this.#hostThere() === undefined) {
        return this.#lose(segment, "host down");
      }
      // It waits there for what was sent before it.
      segment.state = "arrived";
      this.#handOut();
    };
    scheduler.schedule(at - scheduler.now(), land, false);
  }

  #hostThere(): MemoryHost | undefined {
    return this.#carrier.parts.hostAt(this.route.to);
  }

  #lose(segment: Segment, detail: string): void {
    segment.state = "lost";
    this.#carrier.parts.trace.add({ ...segment.entry, type: "drop", detail });
    // Those behind the first are repeated when it has come through, as by a selective acknowledgement.
    if (segment === this.#queue[0]) this.#stall();
  }

  #stall(): void {
    const { scheduler, streamTimeoutMs } = this.#carrier.parts;
    this.#stalledSince ??= scheduler.now();
    if (scheduler.now() - this.#stalledSince >= streamTimeoutMs) {
      return this.#giveUp();
    }
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    scheduler.schedule(this.#nextRetryMs(this.#stalledSince), () => {
      this.#isRetrying = false;
      const first = this.#queue[0];
      if (!this.#isBroken && first?.state === "lost") this.#try(first);
    }, false);
  }

  /** Twice as long each time, and not beyond the end of all patience. */
  #nextRetryMs(since: number): number {
    const { scheduler, streamTimeoutMs } = this.#carrier.parts;
    const roundTrip = this.#there.maxLatencyMs + this.#back.maxLatencyMs;
    const wait = (FIRST_RETRY_MS + roundTrip) * 2 ** this.#retries;
    this.#retries++;
    return Math.min(
      wait,
      Math.max(MAX_RETRY_MS, roundTrip),
      Math.max(0.001, since + streamTimeoutMs - scheduler.now()),
    );
  }

  #giveUp(): void {
    const { trace, streamTimeoutMs } = this.#carrier.parts;
    const entry = this.#carrier.entryOf(this.route, "data", 0);
    trace.add({ ...entry, packet: "", type: "give-up" });
    this.fail(
      new Fault(
        "timed-out",
        `The peer has acknowledged nothing for ${streamTimeoutMs} ms`,
      ),
    );
  }

  #handOut(): void {
    const { trace } = this.#carrier.parts;
    while (this.#queue[0]?.state === "arrived") {
      const segment = this.#queue.shift();
      const host = this.#hostThere();
      if (segment === undefined || host === undefined) return;
      trace.add({ ...segment.entry, type: "deliver" });
      segment.arrive(host);
      if (this.#isBroken) return;
      this.#stalledSince = undefined;
      this.#retries = 0;
    }
    if (this.#back.isBlocked) this.#awaitAcknowledgement();
    // What was lost meanwhile, or could not set out, does so now.
    for (const segment of [...this.#queue]) {
      if (this.#stalledSince !== undefined || this.#isBroken) break;
      if (segment.state === "lost") this.#try(segment);
    }
    this.#endIfDone();
  }

  /** What arrived cannot be acknowledged: sent again and again, until it can be, or for too long. */
  #awaitAcknowledgement(): void {
    const { scheduler, streamTimeoutMs } = this.#carrier.parts;
    if (this.#unacknowledgedSince !== undefined) return;
    const since = scheduler.now();
    this.#unacknowledgedSince = since;
    const look = (): void => {
      if (this.#isBroken) return;
      if (!this.#back.isBlocked) {
        this.#unacknowledgedSince = undefined;
        this.#endIfDone();
      } else if (scheduler.now() - since >= streamTimeoutMs) this.#giveUp();
      else scheduler.schedule(this.#nextRetryMs(since), look, false);
    };
    scheduler.schedule(this.#nextRetryMs(since), look, false);
  }
}
