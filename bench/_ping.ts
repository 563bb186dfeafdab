/**
 * The ping of every peer in TypeScript, whatever it is on: so all are timed alike.
 *
 * @module
 */

import process from "node:process";
import { Latencies } from "./_meters.ts";
import { DEFAULT_SIZE, type PeerCommand, report } from "./_peer_command.ts";

/** The messages in flight on one connection. */
export interface Flight {
  /** When each was sent, in a ring: answers come in order. */
  readonly sentAt: Float64Array;
  sent: number;
  answered: number;
  /** Bytes of an answer that is not whole yet, where nothing keeps messages apart. */
  partial: number;
}

/** Keeps messages in flight on connections, and times each until its answer is back. */
export class Ping<To> {
  readonly #command: PeerCommand;
  readonly #isStream: boolean;
  readonly #send: (to: To, payload: Uint8Array) => void;
  readonly #payload: Uint8Array;
  readonly #latencies = new Latencies();
  #connections = 0;
  /** Connections that still wait for answers. */
  #open = 0;
  #counted = 0;
  #startedAt = 0;
  #warmAt = 0;
  #endsAt = Infinity;
  #isWarm: boolean;

  /** @param isStream Whether nothing keeps messages apart. */
  constructor(
    command: PeerCommand,
    isStream: boolean,
    send: (to: To, payload: Uint8Array) => void,
  ) {
    this.#command = command;
    this.#isStream = isStream;
    this.#send = send;
    this.#payload = new Uint8Array(command.size ?? DEFAULT_SIZE).fill(0x5a);
    this.#isWarm = command.warmup === 0;
  }

  /** Starts the clock for so many connections. */
  begin(connections: number): void {
    const { warmup, seconds } = this.#command;
    this.#connections = connections;
    this.#open = connections;
    this.#startedAt = performance.now();
    this.#warmAt = this.#startedAt + warmup * 1_000;
    this.#endsAt = this.#startedAt + seconds * 1_000;
  }

  /** Sends the first messages of one of them. */
  launch(to: To): Flight {
    const { depth, messages } = this.#command;
    const flight = {
      sentAt: new Float64Array(depth),
      sent: 0,
      answered: 0,
      partial: 0,
    };
    const count = Math.min(depth, messages);
    for (let index = 0; index < count; index += 1) {
      this.#sendOne(to, flight, performance.now());
    }
    return flight;
  }

  // Hot: one call an answer, or of a stream a read.
  /** So many bytes came back. */
  land(to: To, flight: Flight, size: number): void {
    if (!this.#isStream) return this.#landOne(to, flight);
    flight.partial += size;
    while (flight.partial >= this.#payload.length) {
      flight.partial -= this.#payload.length;
      this.#landOne(to, flight);
    }
  }

  #sendOne(to: To, flight: Flight, now: number): void {
    flight.sentAt[flight.sent % this.#command.depth] = now;
    flight.sent += 1;
    this.#send(to, this.#payload);
  }

  #landOne(to: To, flight: Flight): void {
    const now = performance.now();
    const { depth, messages } = this.#command;
    const sentAt = flight.sentAt[flight.answered % depth] ?? NaN;
    flight.answered += 1;
    this.#counted += 1;
    if (!this.#isWarm && now >= this.#warmAt) {
      this.#isWarm = true;
      this.#startedAt = now;
      this.#counted = 0;
      this.#latencies.clear();
    }
    this.#latencies.note((now - sentAt) * 1_000);
    if (flight.sent < messages && now < this.#endsAt) {
      this.#sendOne(to, flight, now);
    } else if (flight.answered === flight.sent) {
      this.#open -= 1;
      if (this.#open === 0) this.#end(now);
    }
  }

  #end(now: number): void {
    report({
      messages: this.#counted,
      bytes: this.#counted * this.#payload.length,
      seconds: (now - this.#startedAt) / 1_000,
      connections: this.#connections,
      latencyMicros: this.#latencies.summary(),
    });
    process.exit(0);
  }
}
