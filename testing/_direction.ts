/**
 * One direction between two hosts: what it does to packets, whichever they are.
 *
 * @module
 */

import {
  changedConditions,
  type FullLinkConditions,
  latencyBounds,
  type LinkConditions,
} from "./conditions.ts";
import type { SimulationRandom } from "./random.ts";

/** One direction between two hosts. */
export class Direction {
  /** The names of the hosts. */
  readonly from: string;
  readonly to: string;
  readonly random: SimulationRandom;
  /** Whether all is lost. */
  isBlocked = false;
  #conditions: FullLinkConditions;
  readonly #now: () => number;
  /** What has arrived and is kept back; undefined while nothing is. */
  #held: (() => void)[] | undefined;
  #busyUntil = 0;
  #lastDatagramAt = 0;

  constructor(
    from: string,
    to: string,
    random: SimulationRandom,
    conditions: FullLinkConditions,
    now: () => number,
  ) {
    this.from = from;
    this.to = to;
    this.random = random;
    this.#conditions = conditions;
    this.#now = now;
  }

  get conditions(): FullLinkConditions {
    return this.#conditions;
  }

  /** Changes some. */
  change(change: LinkConditions): void {
    this.#conditions = changedConditions(this.#conditions, change);
    const { bytesPerSecond } = this.#conditions;
    if (bytesPerSecond === Infinity) this.#busyUntil = 0;
  }

  /** Keeps back what arrives from now on. */
  hold(): void {
    this.#held ??= [];
  }

  /** Lets go of what was kept back, in order. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const arrive of held) arrive();
  }

  /** Whether something was kept back, to be called again at the release. */
  keepsBack(arrive: () => void): boolean {
    this.#held?.push(arrive);
    return this.#held !== undefined;
  }

  /** The longest latency, jitter apart. */
  get maxLatencyMs(): number {
    return latencyBounds(this.#conditions)[1];
  }

  /** Draws whether a packet is lost. */
  loses(): boolean {
    const { lossRate } = this.#conditions;
    return lossRate > 0 && this.random.chance(lossRate);
  }

  /** Whether more waits for its turn than the queue holds. */
  get isFull(): boolean {
    const { bytesPerSecond, queueBytes } = this.#conditions;
    if (bytesPerSecond === Infinity) return false;
    const waitingMs = Math.max(0, this.#busyUntil - this.#now());
    return waitingMs * bytesPerSecond / 1_000 > queueBytes;
  }

  /** When a packet that sets out now arrives. */
  arrivalOf(size: number): number {
    const { bytesPerSecond, jitterMs } = this.#conditions;
    let leaves = this.#now();
    if (bytesPerSecond !== Infinity) {
      leaves = Math.max(leaves, this.#busyUntil) +
        size * 1_000 / bytesPerSecond;
      this.#busyUntil = leaves;
    }
    const [min, max] = latencyBounds(this.#conditions);
    const latency = min === max ? min : min + this.random.next() * (max - min);
    const jitter = jitterMs === 0 ? 0 : this.random.exponential() * jitterMs;
    return leaves + latency + jitter;
  }

  /** When a datagram that sets out now arrives, not before those that set out earlier. */
  datagramArrivalOf(size: number): number {
    const at = Math.max(this.arrivalOf(size), this.#lastDatagramAt);
    this.#lastDatagramAt = at;
    return at;
  }
}
