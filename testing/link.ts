/**
 * Links between hosts, and what can be done to them.
 *
 * @module
 */

import type { FullLinkConditions, LinkConditions } from "./conditions.ts";
import type { Direction } from "./_direction.ts";
import type { Kernel } from "./_kernel.ts";

/**
 * The way between two hosts, or two groups of hosts: in both directions
 * (`simulation.link`) or in one (`simulation.route`). Each call takes effect at
 * once, for what is under way too.
 */
export class SimulatedLink {
  readonly #kernel: Kernel;
  readonly #directions: readonly Direction[];
  readonly #isOneWay: boolean;

  /** `Simulation.link` and `Simulation.route` make it. */
  constructor(
    kernel: Kernel,
    directions: readonly Direction[],
    isOneWay: boolean,
  ) {
    this.#kernel = kernel;
    this.#directions = directions;
    this.#isOneWay = isOneWay;
  }

  /** What it does to what it carries; of a link between several hosts, the first direction. */
  get conditions(): FullLinkConditions | undefined {
    return this.#directions[0]?.conditions;
  }

  /** Whether it is parted, in any of its directions. */
  get isPartitioned(): boolean {
    return this.#directions.some((direction) => direction.isBlocked);
  }

  /**
   * Changes conditions; what is not named stays.
   *
   * @throws {NetworkError} `invalid-option`.
   */
  set(conditions: LinkConditions): this {
    return this.#each(`set ${JSON.stringify(conditions)}`, (direction) => {
      direction.change(conditions);
    });
  }

  /**
   * Lets nothing through, as if the cable were out: datagrams are lost, those
   * under way too. Streams stall, and time out at the side that has something
   * to send after `streamTimeoutMs`; one that only listens notices nothing.
   * Connects wait likewise.
   */
  partition(): this {
    return this.#each("partition", (direction) => {
      direction.isBlocked = true;
    });
  }

  /** Ends a partition. Streams go on when they repeat next, within 5 s. */
  heal(): this {
    return this.#each("heal", (direction) => {
      direction.isBlocked = false;
    });
  }

  /** Keeps back what arrives from now on, and loses nothing of it. Nothing times out by that alone. */
  hold(): this {
    return this.#each("hold", (direction) => direction.hold());
  }

  /** Delivers what was held, at once and in order. */
  release(): this {
    return this.#each("release", (direction) => direction.release());
  }

  /**
   * Resets all streams between the hosts, on both sides at once, as a firewall
   * that forgets them might. New ones can be made. Of a route: those of both
   * directions, for a stream is one.
   */
  cut(): this {
    return this.#each("cut", (direction) => {
      this.#kernel.carrier.cut(direction.from, direction.to);
    });
  }

  #each(what: string, act: (direction: Direction) => void): this {
    const told = new Set<string>();
    for (const direction of this.#directions) {
      const { from, to } = direction;
      // One line for both directions.
      if (this.#isOneWay || !told.has(JSON.stringify([to, from]))) {
        this.#kernel.trace.add({ type: "link", from, to, detail: what });
      }
      told.add(JSON.stringify([from, to]));
      act(direction);
    }
    return this;
  }
}
