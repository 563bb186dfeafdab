/**
 * The clocks of sinks and pings: they leave out the time of warming up, and cost
 * next to nothing a message.
 *
 * @module
 */

/** Reads the clock once in so many messages. */
const MESSAGES_A_LOOK = 32;
/** Messages of this size are so few a second that each may look. */
const BIG_MESSAGE = 4_096;

/** Counts what a sink receives, from its first message to its last. */
export class Meter {
  readonly #warmupMs: number;
  /** Messages since the clock was started. */
  #messages = 0;
  #bytes = 0;
  #total = 0;
  #startedAt = NaN;
  #lastAt = NaN;
  /** What had been counted when the clock was last looked at. */
  #messagesThen = 0;
  #bytesThen = 0;
  #isWarm: boolean;

  /** @param warmupSeconds What comes in so long after the first message does not count. */
  constructor(warmupSeconds: number) {
    this.#warmupMs = warmupSeconds * 1_000;
    this.#isWarm = warmupSeconds === 0;
  }

  /** Everything that came, warm-up and all. */
  get total(): number {
    return this.#total;
  }

  // Hot: one call a message received.
  /** One message came. */
  note(size: number): void {
    this.#total += 1;
    this.#messages += 1;
    this.#bytes += size;
    if (
      this.#total === 1 || size >= BIG_MESSAGE ||
      this.#total % MESSAGES_A_LOOK === 0
    ) this.look();
  }

  /** Looks at the clock: everything so far had come by now. */
  look(): void {
    const now = performance.now();
    if (Number.isNaN(this.#startedAt)) this.#startedAt = now;
    if (!this.#isWarm && now - this.#startedAt >= this.#warmupMs) {
      this.#isWarm = true;
      this.#startedAt = now;
      this.#messages = 0;
      this.#bytes = 0;
    }
    this.#lastAt = now;
    this.#messagesThen = this.#messages;
    this.#bytesThen = this.#bytes;
  }

  /** What came from the end of the warm-up until the clock was last looked at. */
  result(): { messages: number; bytes: number; seconds: number } {
    if (!this.#isWarm) throw new Error("it ended before it was warm");
    return {
      messages: this.#messagesThen,
      bytes: this.#bytesThen,
      seconds: (this.#lastAt - this.#startedAt) / 1_000,
    };
  }
}

/** The round trips of a ping, in microseconds. */
export class Latencies {
  #micros = new Float64Array(1 << 16);
  #count = 0;

  /** Notes one. */
  note(micros: number): void {
    if (this.#count === this.#micros.length) {
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#micros);
      this.#micros = larger;
    }
    this.#micros[this.#count] = micros;
    this.#count += 1;
  }

  /** Forgets all: the warm-up is over. */
  clear(): void {
    this.#count = 0;
  }

  /** The usual figures. */
  summary(): { mean: number; p50: number; p99: number; max: number } {
    const sorted = this.#micros.subarray(0, this.#count).toSorted();
    const at = (quantile: number) =>
      sorted[
        Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))
      ] ??
        NaN;
    let sum = 0;
    for (const micros of sorted) sum += micros;
    return {
      mean: sum / sorted.length,
      p50: at(0.5),
      p99: at(0.99),
      max: at(1),
    };
  }
}
