/**
 * A soak: conversations that begin, go on and end at random, over every
 * transport and through every kind of bad network.
 *
 * @module
 */

import type { Random } from "../fuzz/_random.ts";
import { Client } from "./_client.ts";
import { Desk, PATIENCE_MS } from "./_desk.ts";
import { ROWS } from "./_rows.ts";
import type { Paths, Proxies, Way } from "./_rows.ts";
import { Server } from "./_server.ts";
import type { Tally } from "./_tally.ts";

/** A soak under way. */
export class Soak {
  readonly #desk: Desk;
  readonly #ways = new Map<string, Way>();
  readonly #client: Client;
  readonly #fast: Server;
  readonly #slow: Server;
  readonly #tasks: PromiseLike<void>[] = [];

  /** @param maxLifeMs The longest that a conversation lasts, in milliseconds. */
  constructor(random: Random, maxLifeMs: number) {
    this.#desk = new Desk(random, maxLifeMs);
    this.#client = new Client(this.#desk, this.#ways);
    this.#fast = new Server(this.#desk, "fast", {});
    this.#slow = new Server(this.#desk, "slow", { maxQueuedEvents: 128 });
  }

  /** What was counted so far. */
  get tally(): Tally {
    return this.#desk.tally;
  }

  /** Conversations of which a side is open. */
  get open(): number {
    return this.#desk.conversations.size;
  }

  /** Listens on everything. */
  async listen(proxies: Proxies, paths: Paths): Promise<void> {
    for (const row of ROWS) {
      const address = await this.#fast.listen(row, paths);
      this.#add(this.#fast, { row, manner: "direct", address });
      for (const way of await proxies.before(row, address, paths)) {
        this.#add(this.#fast, way);
      }
      this.#add(this.#slow, {
        row,
        manner: "direct",
        address: await this.#slow.listen(row, paths),
      });
    }
  }

  /** Opens a conversation in each slot, spread over so many milliseconds, and keeps all slots busy. */
  start(slots: number, withinMs: number): void {
    this.#tasks.push(
      this.#client.start(),
      this.#fast.start(),
      this.#slow.startSlowly(),
    );
    for (let slot = 0; slot < slots; slot += 1) {
      this.#client.openSoon(slot, this.#desk.random.below(withinMs));
    }
  }

  /** Looks for conversations that one side never ends. */
  sweep(): void {
    this.#desk.sweep();
  }

  /** Begins no more conversations, ends most as they had planned, and keeps the rest. */
  wane(withinMs: number): void {
    const { random, conversations } = this.#desk;
    this.#desk.isClosing = true;
    const now = performance.now();
    for (const conversation of conversations.values()) {
      conversation.endsAt = random.oneIn(3)
        ? Infinity
        : Math.min(conversation.endsAt, now + random.below(withinMs));
    }
  }

  /** Stops the nodes, the client first, each with a drain. */
  async stop(): Promise<void> {
    await this.#endOf("the client", this.#client.stop());
    const end = performance.now() + PATIENCE_MS;
    while (this.open > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      this.sweep();
    }
    for (const conversation of this.#desk.conversations.values()) {
      this.tally.complain(`it never ended: ${conversation}`);
    }
    await this.#endOf("the fast server", this.#fast.stop());
    await this.#endOf("the slow server", this.#slow.stop());
    for (const [at, task] of this.#tasks.entries()) {
      await this.#endOf(`task ${at}`, task);
    }
  }

  /** Waits for something to stop, and not for ever: a soak that hangs tells nothing. */
  async #endOf(name: string, ending: PromiseLike<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        const nodes = [this.#client, this.#fast, this.#slow];
        const stats = nodes.map(({ pair }) => pair.handler.stats());
        this.tally.complain(`${name} did not end: ${JSON.stringify(stats)}`);
        resolve();
      }, PATIENCE_MS);
    });
    await Promise.race([ending, late]);
    clearTimeout(timer);
  }

  #add({ name }: Server, way: Way): void {
    this.#ways.set(`${name} ${way.row.name} ${way.manner}`, way);
  }
}
