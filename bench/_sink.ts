/**
 * The sink of every peer in TypeScript, whatever it is on: so all are counted alike.
 *
 * @module
 */

import process from "node:process";
import { Meter } from "./_meters.ts";
import {
  beforeEnd,
  DEFAULT_SIZE,
  type PeerCommand,
  report,
} from "./_peer_command.ts";

/** A sink of datagrams ends so long after the last one. */
const QUIET_MS = 1_000;

/** What carries the messages. */
export interface SinkTraits {
  /** Nothing keeps messages apart. */
  readonly isStream?: boolean | undefined;
  /** There are no connections. */
  readonly isDatagram?: boolean | undefined;
}

/** Counts what comes, tells the result when all has come, and ends the program. */
export class Sink {
  readonly #meter: Meter;
  readonly #isStream: boolean;
  readonly #isDatagram: boolean;
  readonly #size: number;
  /** Of messages, or of a stream bytes. */
  readonly #limit: number;
  #open = 0;
  #most = 0;
  #bytes = 0;
  #isWatched = false;

  constructor(
    { messages, size = DEFAULT_SIZE, warmup }: PeerCommand,
    { isStream = false, isDatagram = false }: SinkTraits,
  ) {
    this.#meter = new Meter(warmup);
    this.#isStream = isStream;
    this.#isDatagram = isDatagram;
    this.#size = size;
    this.#limit = isStream ? messages * size : messages;
    if (isDatagram) beforeEnd(() => this.#end());
  }

  /** A connection is there. */
  opened(): void {
    this.#open += 1;
    this.#most = Math.max(this.#most, this.#open);
  }

  // Hot: one call a message received.
  /** A message came, or some bytes of a stream. */
  message(size: number): void {
    this.#meter.note(size);
    this.#bytes += size;
    if ((this.#isStream ? this.#bytes : this.#meter.total) >= this.#limit) {
      this.#meter.look();
      this.#end();
    }
    if (this.#isDatagram && !this.#isWatched) this.#endWhenQuiet();
  }

  /** A connection has ended. */
  closed(): void {
    this.#open -= 1;
    if (this.#open > 0 || this.#isDatagram) return;
    this.#meter.look();
    this.#end();
  }

  #endWhenQuiet(): void {
    this.#isWatched = true;
    let seen = 0;
    setInterval(() => {
      if (this.#meter.total === seen) this.#end();
      seen = this.#meter.total;
    }, QUIET_MS);
  }

  #end(): void {
    const result = this.#meter.result();
    if (this.#isStream) {
      result.messages = Math.floor(result.bytes / this.#size);
    }
    const connections = Math.max(this.#most, 1);
    report({ ...result, connections, total: this.#meter.total });
    process.exit(0);
  }
}
