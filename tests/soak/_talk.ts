/**
 * What either side of a conversation does from time to time: send, wait for
 * room, and end it as planned.
 *
 * @module
 */

import { type ResourceId, SendStatus } from "../../mod.ts";
import { Kind } from "./_book.ts";
import type { Conversation } from "./_conversation.ts";
import { isAccepted, outgoing, sideOf } from "./_desk.ts";
import type { Desk, Party } from "./_desk.ts";

/** How long a drain may take, in milliseconds. */
export const DRAIN_MS = 40_000;

/** Above so many messages under way on one side, or on all, a side sends no more: a slow machine has less to do. */
const MAX_UNDER_WAY = 30;
const MAX_UNDER_WAY_OF_ALL = 5_000;

/** One node's part in its conversations. */
export class Talk {
  readonly #desk: Desk;
  readonly #party: Party;
  readonly #removed: (
    conversation: Conversation,
    resourceId: ResourceId,
  ) => void;

  /** @param removed Hears of each connection that this removes. */
  constructor(
    desk: Desk,
    party: Party,
    removed: (conversation: Conversation, resourceId: ResourceId) => void,
  ) {
    this.#desk = desk;
    this.#party = party;
    this.#removed = removed;
  }

  /** Sends something, or ends the conversation when it is time. */
  tick(conversation: Conversation): void {
    const desk = this.#desk;
    const party = this.#party;
    const { ending } = sideOf(party, conversation);
    if (ending !== undefined || conversation.saidGoodbye) return;
    const isEnding = performance.now() >= conversation.endsAt;
    if (isEnding && this.#endsBy(conversation)) return;
    if (
      outgoing(party, conversation).missing > MAX_UNDER_WAY ||
      desk.underWay > MAX_UNDER_WAY_OF_ALL
    ) {
      desk.signalTick(party, conversation);
      return;
    }
    const { random } = desk;
    let [messages, size] = [random.from(1, 3), random.below(400)];
    if (random.oneIn(60)) [messages, size] = [random.from(20, 200), 3_000];
    else if (random.oneIn(200)) [messages, size] = [4, random.below(100_000)];
    if (!conversation.row.isReliable) size = Math.min(size, 1_200);
    for (let sent = 0; sent < messages; sent += 1) {
      const status = desk.send(party, conversation, Kind.Data, size);
      if (status === SendStatus.Sent) continue;
      if (status === SendStatus.Congested && !random.oneIn(4)) continue;
      void this.#tickOnceWritable(conversation);
      return;
    }
    desk.signalTick(party, conversation);
  }

  /** Removes the connection of a conversation. */
  remove(conversation: Conversation, drain: boolean): void {
    const side = sideOf(this.#party, conversation);
    const { endpoint } = side;
    if (endpoint === undefined) return;
    const { resourceId } = endpoint;
    const { network } = this.#party.pair.handler;
    // False: it is gone, and the event that says so is on its way.
    if (!network.remove(resourceId, { drain: drain && DRAIN_MS })) return;
    const ending = drain ? "drained" : "removed";
    conversation.end(side, ending, "", performance.now());
    this.#desk.check(conversation);
    this.#removed(conversation, resourceId);
  }

  async #tickOnceWritable(conversation: Conversation): Promise<void> {
    const { endpoint } = sideOf(this.#party, conversation);
    if (endpoint === undefined) return;
    const isUp = await this.#party.pair.handler.network.writable(endpoint);
    if (isUp) this.#desk.signalTick(this.#party, conversation);
  }

  /** Ends a conversation as planned, if that is this side's part. */
  #endsBy(conversation: Conversation): boolean {
    const { isClient } = this.#party;
    switch (conversation.row.isReliable ? conversation.plan : "abrupt") {
      case "goodbye": {
        if (!isClient) return false;
        const status = this.#desk.send(
          this.#party,
          conversation,
          Kind.Goodbye,
          0,
        );
        conversation.saidGoodbye = isAccepted(status);
        return conversation.saidGoodbye;
      }
      case "client drains":
        if (isClient) this.remove(conversation, true);
        return isClient;
      case "server drains":
        if (!isClient) this.remove(conversation, true);
        return !isClient;
      case "abrupt":
        if (isClient) this.remove(conversation, false);
        return isClient;
    }
  }
}
