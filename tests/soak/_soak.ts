/**
 * The nodes of a soak and what they do: conversations that begin, go on and end
 * at random, over every transport and through every kind of bad network.
 *
 * @module
 */

import {
  createNode,
  type Endpoint,
  type NodeEvent,
  type NodeHandler,
  type NodePair,
  type ResourceId,
  SendStatus,
  type TimerId,
} from "../../mod.ts";
import type { Random } from "../fuzz/_random.ts";
import { Cutter, Kind, Payloads } from "./_book.ts";
import type { Book, Message } from "./_book.ts";
import { Conversation } from "./_conversation.ts";
import type { Plan, Side } from "./_conversation.ts";
import { hexadecimal, plain } from "./_dress.ts";
import { HANDSHAKE_MS, ROWS } from "./_rows.ts";
import type { Manner, Paths, Proxies, Row, Way } from "./_rows.ts";
import { count, Tally } from "./_tally.ts";

/** What the nodes tell themselves by timer. */
type Signal =
  | { readonly do: "open"; readonly slot: number; readonly dueAt: number }
  | {
    readonly do: "tick";
    readonly conversation: Conversation;
    readonly dueAt: number;
  }
  | { readonly do: "broadcast"; readonly dueAt: number };

type Pair = NodePair<Signal>;

const MANNERS: readonly (readonly [Manner, number])[] = [
  ["direct", 10],
  ["cut", 1],
  ["delay", 2],
  ["stall", 2],
  ["reset", 2],
  ["half", 1],
  ["close", 1],
];

const PLANS: readonly (readonly [Plan, number])[] = [
  ["goodbye", 4],
  ["client drains", 3],
  ["server drains", 3],
  ["abrupt", 1],
];

/** Small, so that bursts pass the marks. */
const MARKS = { highWaterMark: 32 * 1024, outboxLimit: 256 * 1024 };
const TIMES = {
  connectTimeoutMs: HANDSHAKE_MS,
  handshakeTimeoutMs: HANDSHAKE_MS,
};
const DRAIN_MS = 40_000;
/** How long the second side may take to end after the first, in milliseconds. */
const PATIENCE_MS = 60_000;
/** The same where the server may never have heard of a conversation, or over UDP. */
const GRACE_MS = 2_000;
/** Above so many messages under way a side sends no more: a machine that is too slow has less to do. */
const MAX_UNDER_WAY = 30;
/** One in so many conversations is with the slow node. */
const SLOW_SHARE = 12;

/** What is known of an accepted connection. */
interface Guest {
  readonly row: Row;
  readonly cutter: Cutter;
  conversation: Conversation | undefined;
}

/** A soak under way. */
export class Soak {
  readonly tally: Tally = new Tally();
  readonly #random: Random;
  readonly #payloads: Payloads;
  readonly #client: Pair = createNode<Signal>();
  readonly #fast: Pair = createNode<Signal>();
  /** Takes its events slowly, so that its sockets pause. */
  readonly #slow: Pair = createNode<Signal>({ maxQueuedEvents: 128 });
  readonly #ways = new Map<string, Way>();
  readonly #rows: Row[] = [];
  readonly #listeners = new Map<ResourceId, Row>();
  readonly #conversations = new Map<number, Conversation>();
  /** By the client's connection: that of the moment, or the last before it is made again. */
  readonly #clients = new Map<ResourceId, Conversation>();
  readonly #guests = new Map<ResourceId, Guest>();
  readonly #tasks: PromiseLike<void>[] = [];
  #lastId = 0;
  #isClosing = false;
  readonly #maxLifeMs: number;

  /** @param maxLifeMs The longest that a conversation lasts, in milliseconds. */
  constructor(random: Random, maxLifeMs: number) {
    this.#random = random;
    this.#maxLifeMs = maxLifeMs;
    this.#payloads = new Payloads(random);
  }

  /** Conversations of which a side is open. */
  get open(): number {
    return this.#conversations.size;
  }

  /** Listens on everything. */
  async listen(proxies: Proxies, paths: Paths): Promise<void> {
    for (const row of ROWS) {
      for (let weight = 0; weight < row.weight; weight += 1) {
        this.#rows.push(row);
      }
      for (const [name, { handler }] of this.#servers()) {
        const place = row.through === "path"
          ? { path: paths.next() }
          : row.through === undefined && row.isReliable
          ? `memory:soak-${name}`
          : "127.0.0.1:0";
        const { address, resourceId } = await handler.network.listen(
          row.adapter,
          place,
          { ...MARKS, ...TIMES },
        );
        this.#listeners.set(resourceId, row);
        this.#add(name, { row, manner: "direct", address });
        if (name === "slow") continue;
        for (const way of await proxies.before(row, address, paths)) {
          this.#add(name, way);
        }
      }
    }
  }

  /** Opens a conversation in each slot, spread over so many milliseconds, and keeps all slots busy. */
  start(slots: number, withinMs: number): void {
    this.#tasks.push(
      this.#client.listener.forEach((event) => this.#onClient(event)),
      this.#fast.listener.forEach((event) => this.#onServer(this.#fast, event)),
      this.#consumeSlowly(),
    );
    for (let slot = 0; slot < slots; slot += 1) {
      this.#signalOpen(slot, this.#random.below(withinMs));
    }
    this.#signal(this.#fast.handler, 500, (dueAt) => ({
      do: "broadcast",
      dueAt,
    }));
  }

  /** Ends most conversations as they had planned, and keeps the rest. */
  wane(withinMs: number): void {
    this.#isClosing = true;
    const now = performance.now();
    for (const conversation of this.#conversations.values()) {
      conversation.endsAt = this.#random.oneIn(3)
        ? Infinity
        : Math.min(conversation.endsAt, now + this.#random.below(withinMs));
    }
  }

  /** Stops the nodes, the client first, each with a drain. */
  async stop(): Promise<void> {
    const stopping = this.#client.handler.stop({ drain: DRAIN_MS });
    const now = performance.now();
    for (const conversation of this.#conversations.values()) {
      if (conversation.client.ending !== undefined) continue;
      conversation.end(conversation.client, "drained", "by stop", now);
      this.#check(conversation);
    }
    await stopping;
    const end = performance.now() + PATIENCE_MS;
    while (this.open > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      this.sweep();
    }
    for (const conversation of this.#conversations.values()) {
      this.tally.complain(`it never ended: ${conversation}`);
    }
    await Promise.all([
      this.#fast.handler.stop({ drain: DRAIN_MS }),
      this.#slow.handler.stop({ drain: DRAIN_MS }),
    ]);
    await Promise.all(this.#tasks);
  }

  /** Looks for conversations that one side never ends. */
  sweep(): void {
    const now = performance.now();
    for (const conversation of this.#conversations.values()) {
      const age = now - conversation.endedAt;
      if (age < GRACE_MS) continue;
      const { row, client, server } = conversation;
      const isUnheard = server.endpoint === undefined &&
        client.ending !== undefined &&
        !conversation.mustKeepUp;
      if (!row.isReliable || isUnheard) {
        this.#settle(conversation);
      } else if (age > PATIENCE_MS) {
        this.tally.complain(`one side never ended: ${conversation}`);
        this.#settle(conversation);
      }
    }
  }

  #servers(): [string, Pair][] {
    return [["fast", this.#fast], ["slow", this.#slow]];
  }

  #add(server: string, way: Way): void {
    this.#ways.set(`${server} ${way.row.name} ${way.manner}`, way);
  }

  async #consumeSlowly(): Promise<void> {
    for await (const event of this.#slow.listener) {
      this.#onServer(this.#slow, event);
      if (event.type === "message" && this.#random.oneIn(8)) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  // What the client does.

  #onClient(event: NodeEvent<Signal>): void {
    if (event.type === "signal") return this.#onSignal(this.#client, event);
    if (event.type === "accepted") return;
    const { resourceId } = event.endpoint;
    const conversation = this.#clients.get(resourceId);
    if (conversation === undefined) {
      this.tally.complain(`${event.type} came after the end`);
      return;
    }
    if (event.type === "message") {
      conversation.downCutter.push(undress(conversation.row, event.data), (
        message,
      ) => this.#take(conversation, conversation.down, message));
    } else if (event.type === "connected") {
      if (event.ok) this.#connected(conversation, event.endpoint);
      else this.#failed(conversation, event.error.code);
    } else {
      count(this.tally.reasons, event.reason);
      conversation.end(
        conversation.client,
        "told",
        event.reason,
        performance.now(),
      );
      this.#check(conversation);
      if (!event.willReconnect) this.#next(conversation, resourceId);
    }
  }

  #open(slot: number): void {
    if (this.#isClosing) return;
    const random = this.#random;
    const row = random.pick(this.#rows);
    const server = random.oneIn(SLOW_SHARE) ? "slow" : "fast";
    const manner = weighted(random, MANNERS);
    const way = this.#ways.get(`${server} ${row.name} ${manner}`) ??
      this.#ways.get(`${server} ${row.name} direct`);
    if (way === undefined) {
      throw new TypeError(`There is no way to ${row.name}`);
    }
    const conversation = this.#begin(slot, way);
    const isKept = way.manner === "reset" && random.oneIn(2);
    const { network } = this.#client.handler;
    const endpoint = network.connect(row.adapter, way.address, {
      ...MARKS,
      ...TIMES,
      ...(isKept && {
        reconnect: { initialDelayMs: 20, maxDelayMs: 500, maxAttempts: 20 },
      }),
    });
    conversation.client.endpoint = endpoint;
    this.#clients.set(endpoint.resourceId, conversation);
  }

  #begin(slot: number, way: Way): Conversation {
    const random = this.#random;
    const conversation = new Conversation(
      this.#lastId += 1,
      slot,
      way,
      weighted(random, PLANS),
      performance.now() + random.from(this.#maxLifeMs >> 3, this.#maxLifeMs),
    );
    this.#conversations.set(conversation.id, conversation);
    this.tally.conversations += 1;
    count(this.tally.transports, way.row.name);
    return conversation;
  }

  #connected(before: Conversation, endpoint: Endpoint): void {
    let conversation = before;
    if (before.client.ending !== undefined) {
      this.tally.reconnects += 1;
      conversation = this.#begin(before.slot, {
        row: before.row,
        manner: before.manner,
        address: endpoint.address,
      });
      conversation.client.endpoint = endpoint;
      this.#clients.set(endpoint.resourceId, conversation);
    }
    this.#send(this.#client, conversation, Kind.Hello, 0);
    this.#signalTick(this.#client, conversation);
  }

  #failed(conversation: Conversation, code: string): void {
    if (conversation.isSafe) {
      this.tally.complain(`${code} to connect: ${conversation}`);
    }
    this.tally.connectsFailed += 1;
    const { resourceId } = conversation.client.endpoint ?? {};
    conversation.end(conversation.client, "told", code, performance.now());
    if (conversation.server.endpoint === undefined) this.#settle(conversation);
    if (resourceId !== undefined) this.#next(conversation, resourceId);
  }

  /** The slot is free again. */
  #next({ slot }: Conversation, resourceId: ResourceId): void {
    this.#clients.delete(resourceId);
    this.#signalOpen(slot, this.#random.below(300));
  }

  /** What the side with that timer does next. */
  #tick(pair: Pair, conversation: Conversation): void {
    const side = this.#sideOf(pair, conversation);
    side.timer = undefined;
    if (side.ending !== undefined || conversation.saidGoodbye) return;
    const isEnding = performance.now() >= conversation.endsAt;
    if (isEnding && this.#endsBy(pair, conversation)) return;
    const book = pair === this.#client ? conversation.up : conversation.down;
    if (book.missing > MAX_UNDER_WAY) {
      this.#signalTick(pair, conversation);
      return;
    }
    const random = this.#random;
    let [messages, size] = [random.from(1, 3), random.below(400)];
    if (random.oneIn(60)) [messages, size] = [random.from(20, 200), 3_000];
    else if (random.oneIn(200)) [messages, size] = [4, random.below(100_000)];
    if (!conversation.row.isReliable) size = Math.min(size, 1_200);
    for (let sent = 0; sent < messages; sent += 1) {
      const status = this.#send(pair, conversation, Kind.Data, size);
      if (status === SendStatus.Sent) continue;
      if (status === SendStatus.Congested && !random.oneIn(4)) continue;
      void this.#tickOnceWritable(pair, conversation);
      return;
    }
    this.#signalTick(pair, conversation);
  }

  async #tickOnceWritable(
    pair: Pair,
    conversation: Conversation,
  ): Promise<void> {
    const { endpoint } = this.#sideOf(pair, conversation);
    if (endpoint === undefined) return;
    const isUp = await pair.handler.network.writable(endpoint);
    if (isUp) this.#signalTick(pair, conversation);
  }

  /** Ends a conversation as planned, if that is this side's. */
  #endsBy(pair: Pair, conversation: Conversation): boolean {
    const isClient = pair === this.#client;
    const side = this.#sideOf(pair, conversation);
    switch (conversation.row.isReliable ? conversation.plan : "abrupt") {
      case "goodbye": {
        if (!isClient) return false;
        const status = this.#send(pair, conversation, Kind.Goodbye, 0);
        conversation.saidGoodbye = isAccepted(status);
        return conversation.saidGoodbye;
      }
      case "client drains":
        if (isClient) this.#remove(pair, conversation, side, true);
        return isClient;
      case "server drains":
        if (!isClient) this.#remove(pair, conversation, side, true);
        return !isClient;
      case "abrupt":
        if (isClient) this.#remove(pair, conversation, side, false);
        return isClient;
    }
  }

  #remove(
    pair: Pair,
    conversation: Conversation,
    side: Side,
    drain: boolean,
  ): void {
    const { endpoint } = side;
    if (endpoint === undefined) return;
    const { resourceId } = endpoint;
    const { network } = pair.handler;
    // False: it is gone, and the event that says so is on its way.
    if (!network.remove(resourceId, { drain: drain && DRAIN_MS })) return;
    const ending = drain ? "drained" : "removed";
    conversation.end(side, ending, "", performance.now());
    this.#check(conversation);
    if (pair === this.#client) this.#next(conversation, resourceId);
    else this.#guests.delete(resourceId);
  }

  // What the servers do.

  #onServer(pair: Pair, event: NodeEvent<Signal>): void {
    if (event.type === "signal") return this.#onSignal(pair, event);
    const { resourceId } = event.endpoint;
    if (event.type === "accepted") {
      const row = event.listener && this.#listeners.get(event.listener);
      if (row === undefined) throw new TypeError("There is no such listener");
      this.#guests.set(resourceId, {
        row,
        cutter: new Cutter(row.isPacket),
        conversation: undefined,
      });
    } else if (event.type === "message") {
      const guest = this.#guests.get(resourceId);
      if (guest === undefined) {
        this.#datagram(pair, event.endpoint, event.data);
      } else this.#guestSent(pair, guest, event.endpoint, event.data);
    } else if (event.type === "disconnected") {
      count(this.tally.reasons, event.reason);
      const conversation = this.#guests.get(resourceId)?.conversation;
      if (!this.#guests.delete(resourceId)) {
        this.tally.complain("a server was told of an end twice");
      }
      if (conversation === undefined) return;
      conversation.end(
        conversation.server,
        "told",
        event.reason,
        performance.now(),
      );
      this.#check(conversation);
    }
  }

  #guestSent(
    pair: Pair,
    guest: Guest,
    endpoint: Endpoint,
    data: Uint8Array,
  ): void {
    guest.cutter.push(undress(guest.row, data), (message) => {
      if (guest.conversation === undefined) {
        const conversation = this.#conversations.get(message.conversation);
        // One that was given up because nothing had come of it.
        if (conversation === undefined) {
          if (!message.isSound || message.conversation > this.#lastId) {
            this.tally.complain("a first message came changed");
          }
          return;
        }
        guest.conversation = conversation;
        conversation.server.endpoint = endpoint;
        this.#signalTick(pair, conversation);
      }
      const { conversation } = guest;
      this.#take(conversation, conversation.up, message);
      if (message.kind === Kind.Goodbye) {
        conversation.heardGoodbye = true;
        // As soon as there is room: the last word may be refused like any other.
        void this.#sayFarewell(pair, conversation);
      }
    });
  }

  async #sayFarewell(pair: Pair, conversation: Conversation): Promise<void> {
    const { server } = conversation;
    while (server.ending === undefined && server.endpoint !== undefined) {
      if (isAccepted(this.#send(pair, conversation, Kind.Farewell, 0))) {
        this.#remove(pair, conversation, server, true);
        return;
      }
      if (!await pair.handler.network.writable(server.endpoint)) return;
    }
  }

  #datagram(pair: Pair, endpoint: Endpoint, data: Uint8Array): void {
    new Cutter(true).push(data, (message) => {
      const conversation = this.#conversations.get(message.conversation);
      if (conversation === undefined) {
        if (!message.isSound) this.tally.complain("a datagram came changed");
        return;
      }
      conversation.server.endpoint ??= endpoint;
      this.#take(conversation, conversation.up, message);
      this.#send(pair, conversation, Kind.Data, this.#random.below(600));
    });
  }

  #broadcast(): void {
    const { handler } = this.#fast;
    const guests = [...this.#guests.values()];
    const targets: Conversation[] = [];
    const isText = this.#random.oneIn(12);
    for (let tries = 0; tries < Math.min(64, guests.length); tries += 1) {
      const { conversation } = this.#random.pick(guests);
      if (
        conversation?.server.ending === undefined &&
        conversation !== undefined && !conversation.heardGoodbye &&
        conversation.row.isText === isText && !targets.includes(conversation)
      ) targets.push(conversation);
    }
    const number = this.tally.broadcasts += 1;
    const message = this.#payloads.message(
      0,
      number,
      Kind.Broadcast,
      this.#random.below(2_000),
    );
    const endpoints = targets.flatMap(({ server }) => server.endpoint ?? []);
    const data = (isText ? hexadecimal : plain).wrap(message);
    for (
      const [at, status] of handler.network.sendAll(endpoints, data).entries()
    ) {
      const conversation = targets[at];
      if (conversation !== undefined) {
        this.#book(conversation.down, status, number, Kind.Broadcast);
      }
    }
    this.#signal(handler, 200, (dueAt) => ({ do: "broadcast", dueAt }));
  }

  // What both do.

  #send(
    pair: Pair,
    conversation: Conversation,
    kind: number,
    size: number,
  ): SendStatus {
    const { endpoint } = this.#sideOf(pair, conversation);
    if (endpoint === undefined) return SendStatus.ResourceNotFound;
    const book = pair === this.#client ? conversation.up : conversation.down;
    const number = book.accepted;
    const message = this.#payloads.message(conversation.id, number, kind, size);
    const { isText, isReliable } = conversation.row;
    const data = (isText ? hexadecimal : plain).wrap(message);
    const status = pair.handler.network.send(endpoint, data);
    if (isReliable) this.#book(book, status, number, kind);
    else if (isAccepted(status)) book.accept(number, kind);
    return status;
  }

  #book(book: Book, status: SendStatus, number: number, kind: number): void {
    if (isAccepted(status)) {
      book.accept(number, kind);
      this.tally.sent += 1;
      if (status === SendStatus.Congested) this.tally.congested += 1;
    } else if (status === SendStatus.QueueFull) this.tally.refused += 1;
    else if (status === SendStatus.MaxPacketSizeExceeded) {
      this.tally.complain("a message was too large");
    }
  }

  #take(conversation: Conversation, book: Book, message: Message): void {
    const complaint = book.receive(message);
    if (complaint !== undefined) {
      this.tally.complain(`${complaint}: ${conversation}`);
    }
  }

  #check(conversation: Conversation): void {
    if (conversation.isOver) this.#settle(conversation);
  }

  #settle(conversation: Conversation): void {
    if (!this.#conversations.delete(conversation.id)) return;
    conversation.settle(this.tally);
    this.#cancel(this.#client, conversation.client);
    for (const [, pair] of this.#servers()) {
      this.#cancel(pair, conversation.server);
    }
  }

  #cancel({ handler }: Pair, side: Side): void {
    if (side.timer === undefined) return;
    if (handler.signals.cancelTimer(side.timer)) {
      side.timer = undefined;
      this.tally.signalsSent -= 1;
    }
  }

  #sideOf(pair: Pair, conversation: Conversation): Side {
    return pair === this.#client ? conversation.client : conversation.server;
  }

  #onSignal(pair: Pair, { signal }: { readonly signal: Signal }): void {
    this.tally.signalsReceived += 1;
    const lateMs = performance.now() - signal.dueAt;
    if (lateMs < -1) this.tally.complain("a timer fired early");
    this.tally.latestMs = Math.max(this.tally.latestMs, lateMs);
    if (signal.do === "open") this.#open(signal.slot);
    else if (signal.do === "tick") this.#tick(pair, signal.conversation);
    else if (!this.#isClosing) this.#broadcast();
  }

  #signalOpen(slot: number, delayMs: number): void {
    this.#signal(
      this.#client.handler,
      delayMs,
      (dueAt) => ({ do: "open", slot, dueAt }),
    );
  }

  #signalTick(pair: Pair, conversation: Conversation): void {
    const side = this.#sideOf(pair, conversation);
    side.timer = this.#signal(
      pair.handler,
      this.#random.from(300, 1_500),
      (dueAt) => ({ do: "tick", conversation, dueAt }),
    );
  }

  #signal(
    handler: NodeHandler<Signal>,
    delayMs: number,
    make: (dueAt: number) => Signal,
  ): TimerId {
    this.tally.signalsSent += 1;
    return handler.signals.sendWithTimer(
      make(performance.now() + delayMs),
      delayMs,
    );
  }
}

function isAccepted(status: SendStatus): boolean {
  return status === SendStatus.Sent || status === SendStatus.Congested;
}

function undress(row: Row, data: Uint8Array): Uint8Array {
  return row.isText ? hexadecimal.unwrap(data) : data;
}

function weighted<T>(
  random: Random,
  choices: readonly (readonly [T, number])[],
): T {
  return random.pick(
    choices.flatMap(([choice, weight]) => Array<T>(weight).fill(choice)),
  );
}
