/**
 * One connection of a soak, seen from both its ends.
 *
 * @module
 */

import type { Endpoint } from "../../mod.ts";
import { Book, Cutter } from "./_book.ts";
import { isDamaging } from "./_rows.ts";
import type { Manner, Row, Way } from "./_rows.ts";
import type { Tally } from "./_tally.ts";

/** Who ends a conversation, and how. */
export type Plan =
  /** The client says goodbye, the server answers and ends: nothing may be lost either way. */
  | "goodbye"
  /** The client removes it and drains: nothing that it sent may be lost. */
  | "client drains"
  /** The server removes it and drains: nothing that it sent may be lost. */
  | "server drains"
  /** The client removes it at once. */
  | "abrupt";

/** How one side came to its end. */
export type Ending = "drained" | "removed" | "told";

/** One side of a conversation. */
export class Side {
  endpoint: Endpoint | undefined;
  /** Cancels the timer of what the side does next. */
  forgetTimer: () => void = () => {};
  ending: Ending | undefined;
  /** What `disconnected` said. */
  reason = "";
}

/** One connection, from `connect` or the end of the one before it, until both sides have ended. */
export class Conversation {
  readonly id: number;
  readonly slot: number;
  readonly row: Row;
  readonly manner: Manner;
  readonly plan: Plan;
  readonly client: Side = new Side();
  readonly server: Side = new Side();
  /** What the client sends. */
  readonly up: Book;
  /** What the server sends. */
  readonly down: Book;
  readonly downCutter: Cutter;
  /** When it is to be ended. */
  endsAt: number;
  /** When its first side ended. */
  endedAt = Infinity;
  saidGoodbye = false;
  heardGoodbye = false;

  constructor(id: number, slot: number, way: Way, plan: Plan, endsAt: number) {
    this.id = id;
    this.slot = slot;
    this.row = way.row;
    this.manner = way.manner;
    this.plan = plan;
    this.endsAt = endsAt;
    this.up = new Book(way.row.isReliable);
    this.down = new Book(way.row.isReliable);
    this.downCutter = new Cutter(way.row.isPacket);
  }

  /** Notes how a side ended. */
  end(side: Side, ending: Ending, reason: string, now: number): void {
    side.ending = ending;
    side.reason = reason;
    this.endedAt = Math.min(this.endedAt, now);
  }

  /** Whether both sides have ended. */
  get isOver(): boolean {
    return this.client.ending !== undefined && this.server.ending !== undefined;
  }

  /** Whether nothing but the two sides can end it. */
  get isSafe(): boolean {
    return !isDamaging(this.manner);
  }

  /** Whether all that the client sent must have come. */
  get mustKeepUp(): boolean {
    return this.isSafe && (this.heardGoodbye ||
      (this.client.ending === "drained" && this.server.ending !== "drained"));
  }

  /** Whether all that the server sent must have come. */
  get mustKeepDown(): boolean {
    return this.isSafe && this.server.ending === "drained" &&
      this.client.ending === "told";
  }

  /** Closes the books. */
  settle(tally: Tally): void {
    if (!this.row.isReliable) {
      tally.datagramsSent += this.up.accepted + this.down.accepted;
      tally.datagramsReceived += this.up.received + this.down.received;
      return;
    }
    for (
      const [book, mustKeep, direction] of [
        [this.up, this.mustKeepUp, "to the server"],
        [this.down, this.mustKeepDown, "to the client"],
      ] as const
    ) {
      tally.received += book.received;
      if (!mustKeep) tally.cutOff += book.missing;
      else if (book.missing > 0) {
        tally.lost += book.missing;
        tally.complain(
          `${book.missing} of ${book.accepted} messages ${direction} were lost: ${this}`,
        );
      }
    }
    if (
      this.isSafe && this.client.ending === "told" &&
      this.server.ending === "told"
    ) tally.complain(`nobody ended it: ${this}`);
  }

  toString(): string {
    return `conversation ${this.id}, ${this.row.name}, ${this.manner}, ${this.plan}; ` +
      `the client ${this.client.ending} ${this.client.reason}, ` +
      `the server ${this.server.ending} ${this.server.reason}`;
  }
}
