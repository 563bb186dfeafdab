/**
 * The node of a soak that connects.
 *
 * @module
 */

import {
  createNode,
  type Endpoint,
  type NodeEvent,
  type NodePair,
  type ResourceId,
} from "../../mod.ts";
import { Kind } from "./_book.ts";
import type { Conversation } from "./_conversation.ts";
import { weighted } from "./_desk.ts";
import type { Desk, Party, Signal } from "./_desk.ts";
import { undress } from "./_dress.ts";
import { MARKS, ROWS, TIMES } from "./_rows.ts";
import type { Manner, Row, Way } from "./_rows.ts";
import { DRAIN_MS, Talk } from "./_talk.ts";
import { count } from "./_tally.ts";

const MANNERS: readonly (readonly [Manner, number])[] = [
  ["direct", 10],
  ["cut", 1],
  ["delay", 2],
  ["stall", 2],
  ["reset", 2],
  ["half", 1],
  ["close", 1],
];

/** While the servers have yet to hear of so many conversations, no more are begun: a slow machine has less to do. */
const MAX_UNHEARD = 150;
/** One in so many conversations is with the slow node. */
const SLOW_SHARE = 12;

/** Keeps slots busy with one conversation after the other. */
export class Client implements Party {
  readonly isClient = true;
  readonly pair: NodePair<Signal> = createNode<Signal>();
  readonly #desk: Desk;
  readonly #talk: Talk;
  readonly #ways: ReadonlyMap<string, Way>;
  readonly #rows: readonly Row[];
  /** By connection: that of the moment, or the last before it is made again. */
  readonly #conversations = new Map<ResourceId, Conversation>();

  /** @param ways By the server's name, the transport's and the manner. */
  constructor(desk: Desk, ways: ReadonlyMap<string, Way>) {
    this.#desk = desk;
    this.#ways = ways;
    this.#rows = ROWS.flatMap((row) => Array<Row>(row.weight).fill(row));
    this.#talk = new Talk(desk, this, (conversation, resourceId) => {
      this.#next(conversation, resourceId);
    });
  }

  /** Takes the events of the node until it stops. */
  start(): PromiseLike<void> {
    return this.pair.listener.forEach((event) => this.#onEvent(event));
  }

  /** Opens a conversation in a slot after a time. */
  openSoon(slot: number, delayMs: number): void {
    this.#desk.signal(this, delayMs, (dueAt) => ({ do: "open", slot, dueAt }));
  }

  /** Stops the node with a drain: what it has sent must still arrive. */
  async stop(): Promise<void> {
    const stopping = this.pair.handler.stop({ drain: DRAIN_MS });
    const now = performance.now();
    for (const conversation of this.#desk.conversations.values()) {
      if (conversation.client.ending !== undefined) continue;
      conversation.end(conversation.client, "drained", "by stop", now);
      this.#desk.check(conversation);
    }
    await stopping;
  }

  #onEvent(event: NodeEvent<Signal>): void {
    if (event.type === "signal") return this.#onSignal(event.signal);
    if (event.type === "accepted") return;
    const desk = this.#desk;
    const { resourceId } = event.endpoint;
    const conversation = this.#conversations.get(resourceId);
    if (conversation === undefined) {
      desk.tally.complain(`${event.type} came after the end`);
      return;
    }
    if (event.type === "message") {
      const data = undress(conversation.row.isText, event.data);
      conversation.downCutter.push(data, (message) => {
        desk.take(conversation, conversation.down, message);
      });
    } else if (event.type === "connected") {
      if (event.ok) this.#connected(conversation, event.endpoint);
      else this.#failed(conversation, event.error.code);
    } else {
      count(desk.tally.reasons, event.reason);
      desk.told(conversation, conversation.client, event.reason);
      if (!event.willReconnect) this.#next(conversation, resourceId);
    }
  }

  #onSignal(signal: Signal): void {
    this.#desk.heard(signal);
    if (signal.do === "open") this.#open(signal.slot);
    else if (signal.do === "tick") this.#talk.tick(signal.conversation);
  }

  #open(slot: number): void {
    if (this.#desk.isClosing) return;
    if (this.#desk.unheard > MAX_UNHEARD) return this.openSoon(slot, 200);
    const { random } = this.#desk;
    const row = random.pick(this.#rows);
    const server = random.oneIn(SLOW_SHARE) ? "slow" : "fast";
    const manner = weighted(random, MANNERS);
    const way = this.#ways.get(`${server} ${row.name} ${manner}`) ??
      this.#ways.get(`${server} ${row.name} direct`);
    if (way === undefined) {
      throw new TypeError(`There is no way to ${row.name}`);
    }
    const conversation = this.#desk.begin(slot, way);
    const isKept = way.manner === "reset" && random.oneIn(2);
    const { network } = this.pair.handler;
    const endpoint = network.connect(row.adapter, way.address, {
      ...MARKS,
      ...TIMES,
      ...(isKept && {
        reconnect: { initialDelayMs: 20, maxDelayMs: 500, maxAttempts: 20 },
      }),
    });
    conversation.client.endpoint = endpoint;
    this.#conversations.set(endpoint.resourceId, conversation);
  }

  #connected(before: Conversation, endpoint: Endpoint): void {
    const desk = this.#desk;
    let conversation = before;
    if (before.client.ending !== undefined) {
      desk.tally.reconnects += 1;
      const { slot, row, manner } = before;
      conversation = desk.begin(slot, {
        row,
        manner,
        address: endpoint.address,
      });
      conversation.client.endpoint = endpoint;
      this.#conversations.set(endpoint.resourceId, conversation);
    }
    desk.send(this, conversation, Kind.Hello, 0);
    desk.signalTick(this, conversation);
  }

  #failed(conversation: Conversation, code: string): void {
    const desk = this.#desk;
    if (conversation.isSafe) {
      desk.tally.complain(`${code} to connect: ${conversation}`);
    }
    desk.tally.connectsFailed += 1;
    desk.told(conversation, conversation.client, code);
    if (conversation.server.endpoint === undefined) desk.settle(conversation);
    const { endpoint } = conversation.client;
    if (endpoint !== undefined) this.#next(conversation, endpoint.resourceId);
  }

  /** The slot is free again. */
  #next({ slot }: Conversation, resourceId: ResourceId): void {
    this.#conversations.delete(resourceId);
    this.openSoon(slot, this.#desk.random.below(300));
  }
}
