/**
 * The desk that all nodes of a soak report to: it begins and settles
 * conversations, books what goes over them, and sets their timers.
 *
 * @module
 */

import {
  type Endpoint,
  type NodePair,
  SendStatus,
  type TimerId,
} from "../../mod.ts";
import type { Random } from "../fuzz/_random.ts";
import { Payloads } from "./_book.ts";
import type { Book, Message } from "./_book.ts";
import { Conversation } from "./_conversation.ts";
import type { Plan, Side } from "./_conversation.ts";
import { hexadecimal, plain } from "./_dress.ts";
import type { Way } from "./_rows.ts";
import { count, Tally } from "./_tally.ts";

/** What the nodes tell themselves by timer. */
export type Signal =
  | { readonly do: "open"; readonly slot: number; readonly dueAt: number }
  | {
    readonly do: "tick";
    readonly conversation: Conversation;
    readonly dueAt: number;
  }
  | { readonly do: "broadcast"; readonly dueAt: number };

/** One node, on one side of its conversations. */
export interface Party {
  readonly pair: NodePair<Signal>;
  readonly isClient: boolean;
}

const PLANS: readonly (readonly [Plan, number])[] = [
  ["goodbye", 4],
  ["client drains", 3],
  ["server drains", 3],
  ["abrupt", 1],
];

/** How long the second side may take to end after the first, in milliseconds. */
export const PATIENCE_MS = 60_000;
/** The same where the server may never have heard of a conversation, or over UDP. */
const GRACE_MS = 2_000;

/** The books of all nodes. */
export class Desk {
  readonly tally: Tally = new Tally();
  readonly random: Random;
  readonly payloads: Payloads;
  /** Those that are not settled. */
  readonly conversations: Map<number, Conversation> = new Map();
  /** Messages under way. */
  underWay = 0;
  /** Conversations that no server has heard of. */
  unheard = 0;
  /** Whether no more conversations are begun. */
  isClosing = false;
  readonly #maxLifeMs: number;
  #lastId = 0;

  /** @param maxLifeMs The longest that a conversation lasts, in milliseconds. */
  constructor(random: Random, maxLifeMs: number) {
    this.random = random;
    this.payloads = new Payloads(random);
    this.#maxLifeMs = maxLifeMs;
  }

  /** Begins a conversation. */
  begin(slot: number, way: Way): Conversation {
    const { random } = this;
    const conversation = new Conversation(
      this.#lastId += 1,
      slot,
      way,
      weighted(random, PLANS),
      performance.now() + random.from(this.#maxLifeMs >> 3, this.#maxLifeMs),
    );
    this.conversations.set(conversation.id, conversation);
    this.unheard += 1;
    this.tally.conversations += 1;
    count(this.tally.transports, way.row.name);
    return conversation;
  }

  /** Whether there ever was a conversation of that number. */
  hasBegun(id: number): boolean {
    return id > 0 && id <= this.#lastId;
  }

  /** Sends a message of a conversation, and books it. */
  send(
    party: Party,
    conversation: Conversation,
    kind: number,
    size: number,
  ): SendStatus {
    const { endpoint } = sideOf(party, conversation);
    if (endpoint === undefined) return SendStatus.ResourceNotFound;
    const book = outgoing(party, conversation);
    const number = book.accepted;
    const message = this.payloads.message(conversation.id, number, kind, size);
    const { isText, isReliable } = conversation.row;
    const data = (isText ? hexadecimal : plain).wrap(message);
    const status = party.pair.handler.network.send(endpoint, data);
    if (isReliable) this.book(book, status, number, kind);
    else if (isAccepted(status)) {
      book.accept(number, kind);
      this.underWay += 1;
    }
    return status;
  }

  /** Books what became of a send over a reliable transport. */
  book(book: Book, status: SendStatus, number: number, kind: number): void {
    if (isAccepted(status)) {
      book.accept(number, kind);
      this.underWay += 1;
      this.tally.sent += 1;
      if (status === SendStatus.Congested) this.tally.congested += 1;
    } else if (status === SendStatus.QueueFull) this.tally.refused += 1;
    else if (status === SendStatus.MaxPacketSizeExceeded) {
      this.tally.complain("a message was too large");
    }
  }

  /** Books what came. */
  take(conversation: Conversation, book: Book, message: Message): void {
    if (this.conversations.has(conversation.id)) this.underWay -= 1;
    const complaint = book.receive(message);
    if (complaint !== undefined) {
      this.tally.complain(`${complaint}: ${conversation}`);
    }
  }

  /** Notes that a server has heard of a conversation. */
  hear({ server }: Conversation, endpoint: Endpoint): void {
    if (server.endpoint !== undefined) return;
    server.endpoint = endpoint;
    this.unheard -= 1;
  }

  /** Notes that `disconnected` told a side of its end. */
  told(conversation: Conversation, side: Side, reason: string): void {
    conversation.end(side, "told", reason, performance.now());
    this.check(conversation);
  }

  /** Closes the books of a conversation that both sides have ended. */
  check(conversation: Conversation): void {
    if (conversation.isOver) this.settle(conversation);
  }

  /** Closes the books of a conversation. */
  settle(conversation: Conversation): void {
    if (!this.conversations.delete(conversation.id)) return;
    const { up, down, server } = conversation;
    this.underWay -= up.missing + down.missing;
    if (server.endpoint === undefined) this.unheard -= 1;
    conversation.settle(this.tally);
    conversation.client.forgetTimer();
    conversation.server.forgetTimer();
  }

  /** Looks for conversations that one side never ends. */
  sweep(): void {
    const now = performance.now();
    for (const conversation of this.conversations.values()) {
      const age = now - conversation.endedAt;
      if (age < GRACE_MS) continue;
      const { row, client, server, up } = conversation;
      const isUnheard = server.endpoint === undefined &&
        client.ending !== undefined &&
        (up.accepted === 0 || !conversation.mustKeepUp);
      if (!row.isReliable || isUnheard) {
        this.settle(conversation);
      } else if (age > PATIENCE_MS) {
        this.tally.complain(`one side never ended: ${conversation}`);
        this.settle(conversation);
      }
    }
  }

  /** Sets a timer of a node. */
  signal(
    { pair }: Party,
    delayMs: number,
    make: (dueAt: number) => Signal,
  ): TimerId {
    this.tally.signalsSent += 1;
    return pair.handler.signals.sendWithTimer(
      make(performance.now() + delayMs),
      delayMs,
    );
  }

  /** Sets the timer of what a side of a conversation does next. */
  signalTick(party: Party, conversation: Conversation): void {
    const id = this.signal(
      party,
      this.random.from(300, 1_500),
      (dueAt) => ({ do: "tick", conversation, dueAt }),
    );
    const { signals } = party.pair.handler;
    sideOf(party, conversation).forgetTimer = () => {
      if (signals.cancelTimer(id)) this.tally.signalsSent -= 1;
    };
  }

  /** Notes that a timer fired. */
  heard({ dueAt }: Signal): void {
    this.tally.signalsReceived += 1;
    const lateMs = performance.now() - dueAt;
    if (lateMs < -1) this.tally.complain("a timer fired early");
    this.tally.latestMs = Math.max(this.tally.latestMs, lateMs);
  }
}

/** The side of a conversation that a node is on. */
export function sideOf(party: Party, conversation: Conversation): Side {
  return party.isClient ? conversation.client : conversation.server;
}

/** The book of what a node sends. */
export function outgoing(party: Party, conversation: Conversation): Book {
  return party.isClient ? conversation.up : conversation.down;
}

/** Whether a message was taken. */
export function isAccepted(status: SendStatus): boolean {
  return status === SendStatus.Sent || status === SendStatus.Congested;
}

/** One of several, the heavier the likelier. */
export function weighted<T>(
  random: Random,
  choices: readonly (readonly [T, number])[],
): T {
  return random.pick(
    choices.flatMap(([choice, weight]) => Array<T>(weight).fill(choice)),
  );
}
