/**
 * The nodes of a soak that listen.
 *
 * @module
 */

import {
  createNode,
  type Endpoint,
  type NodeEvent,
  type NodeOptions,
  type NodePair,
  type ResourceId,
  type SocketAddress,
} from "../../mod.ts";
import { Cutter, Kind } from "./_book.ts";
import type { Conversation } from "./_conversation.ts";
import { isAccepted } from "./_desk.ts";
import type { Desk, Party, Signal } from "./_desk.ts";
import { hexadecimal, plain, undress } from "./_dress.ts";
import { MARKS, TIMES } from "./_rows.ts";
import type { Paths, Row } from "./_rows.ts";
import { DRAIN_MS, Talk } from "./_talk.ts";
import { count } from "./_tally.ts";

/** What is known of an accepted connection. */
interface Guest {
  readonly row: Row;
  readonly cutter: Cutter;
  conversation: Conversation | undefined;
}

/** Answers whoever connects, and sends to all at times. */
export class Server implements Party {
  readonly isClient = false;
  readonly name: string;
  readonly pair: NodePair<Signal>;
  readonly #desk: Desk;
  readonly #talk: Talk;
  readonly #listeners = new Map<ResourceId, Row>();
  readonly #guests = new Map<ResourceId, Guest>();

  constructor(desk: Desk, name: string, options: NodeOptions) {
    this.#desk = desk;
    this.name = name;
    this.pair = createNode<Signal>(options);
    this.#talk = new Talk(desk, this, (_, id) => void this.#guests.delete(id));
  }

  /** Listens with one transport. */
  async listen(row: Row, paths: Paths): Promise<SocketAddress> {
    const place = row.through === "path"
      ? { path: paths.next() }
      : row.through === undefined && row.isReliable
      ? `memory:soak-${this.name}`
      : "127.0.0.1:0";
    const { address, resourceId } = await this.pair.handler.network.listen(
      row.adapter,
      place,
      { ...MARKS, ...TIMES },
    );
    this.#listeners.set(resourceId, row);
    return address;
  }

  /** Takes the events of the node as they come, until it stops; sends to all at times. */
  start(): PromiseLike<void> {
    this.#broadcastSoon();
    return this.pair.listener.forEach((event) => this.#onEvent(event));
  }

  /** Takes the events of the node slowly, so that its sockets pause. */
  async startSlowly(): Promise<void> {
    for await (const event of this.pair.listener) {
      this.#onEvent(event);
      if (event.type === "message" && this.#desk.random.oneIn(8)) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  /** Stops the node. */
  stop(): Promise<void> {
    return this.pair.handler.stop({ drain: DRAIN_MS });
  }

  #onEvent(event: NodeEvent<Signal>): void {
    if (event.type === "signal") return this.#onSignal(event.signal);
    const { resourceId } = event.endpoint;
    if (event.type === "accepted") {
      const row = event.listener && this.#listeners.get(event.listener);
      if (row === undefined) throw new TypeError("There is no such listener");
      const cutter = new Cutter(row.isPacket);
      this.#guests.set(resourceId, { row, cutter, conversation: undefined });
    } else if (event.type === "message") {
      const guest = this.#guests.get(resourceId);
      if (guest === undefined) this.#datagram(event.endpoint, event.data);
      else this.#guestSent(guest, event.endpoint, event.data);
    } else if (event.type === "disconnected") {
      count(this.#desk.tally.reasons, event.reason);
      const conversation = this.#guests.get(resourceId)?.conversation;
      if (!this.#guests.delete(resourceId)) {
        this.#desk.tally.complain("a server was told of an end twice");
      }
      if (conversation === undefined) return;
      this.#desk.told(conversation, conversation.server, event.reason);
    }
  }

  #onSignal(signal: Signal): void {
    this.#desk.heard(signal);
    if (signal.do === "tick") this.#talk.tick(signal.conversation);
    else if (signal.do === "broadcast" && !this.#desk.isClosing) {
      this.#broadcast();
    }
  }

  #guestSent(guest: Guest, endpoint: Endpoint, data: Uint8Array): void {
    const desk = this.#desk;
    guest.cutter.push(undress(guest.row.isText, data), (message) => {
      if (guest.conversation === undefined) {
        const conversation = desk.conversations.get(message.conversation);
        if (conversation === undefined) {
          // One that was given up because nothing had come of it.
          if (message.isSound && desk.hasBegun(message.conversation)) return;
          desk.tally.complain("a first message came changed");
          return;
        }
        guest.conversation = conversation;
        desk.hear(conversation, endpoint);
        desk.signalTick(this, conversation);
      }
      const { conversation } = guest;
      desk.take(conversation, conversation.up, message);
      if (message.kind === Kind.Goodbye) {
        conversation.heardGoodbye = true;
        // As soon as there is room: the last word may be refused like any other.
        void this.#sayFarewell(conversation);
      }
    });
  }

  async #sayFarewell(conversation: Conversation): Promise<void> {
    const { server } = conversation;
    while (server.ending === undefined && server.endpoint !== undefined) {
      if (isAccepted(this.#desk.send(this, conversation, Kind.Farewell, 0))) {
        this.#talk.remove(conversation, true);
        return;
      }
      const { network } = this.pair.handler;
      if (!await network.writable(server.endpoint)) return;
    }
  }

  #datagram(endpoint: Endpoint, data: Uint8Array): void {
    const desk = this.#desk;
    new Cutter(true).push(data, (message) => {
      const conversation = desk.conversations.get(message.conversation);
      if (conversation === undefined) {
        if (!message.isSound) desk.tally.complain("a datagram came changed");
        return;
      }
      desk.hear(conversation, endpoint);
      desk.take(conversation, conversation.up, message);
      desk.send(this, conversation, Kind.Data, desk.random.below(600));
    });
  }

  #broadcastSoon(): void {
    this.#desk.signal(this, 200, (dueAt) => ({ do: "broadcast", dueAt }));
  }

  #broadcast(): void {
    const desk = this.#desk;
    const isText = desk.random.oneIn(12);
    const targets = this.#someGuests(isText);
    const number = desk.tally.broadcasts += 1;
    const size = desk.random.below(2_000);
    const message = desk.payloads.message(0, number, Kind.Broadcast, size);
    const statuses = this.pair.handler.network.sendAll(
      targets.flatMap(({ server }) => server.endpoint ?? []),
      (isText ? hexadecimal : plain).wrap(message),
    );
    for (const [at, status] of statuses.entries()) {
      const conversation = targets[at];
      if (conversation === undefined) continue;
      desk.book(conversation.down, status, number, Kind.Broadcast);
    }
    this.#broadcastSoon();
  }

  /** Conversations that take a broadcast in the same dress. */
  #someGuests(isText: boolean): Conversation[] {
    const guests = [...this.#guests.values()];
    const chosen = new Set<Conversation>();
    for (let tries = Math.min(64, guests.length); tries > 0; tries -= 1) {
      const { conversation } = this.#desk.random.pick(guests);
      if (
        conversation !== undefined && !conversation.heardGoodbye &&
        conversation.server.ending === undefined &&
        conversation.row.isText === isText
      ) chosen.add(conversation);
    }
    return [...chosen];
  }
}
