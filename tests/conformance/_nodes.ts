/**
 * Nodes under test: each keeps its events, holds them to the rules that every
 * event obeys, and is closed at the end of its test, even when that failed.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type Address,
  type ConnectOptions,
  createNode,
  type Endpoint,
  type Listening,
  type ListenOptions,
  NetworkError,
  type NetworkErrorCode,
  type NodeEvent,
  type NodeHandler,
  type NodeListener,
  type NodeOptions,
  type NodeTask,
  type RemoveOptions,
  type ResourceId,
  resourceType,
} from "../../mod.ts";
import { test, type TestOptions } from "../_test.ts";
import { lastingAddress, type TransportRow } from "./_transports.ts";

/** What nodes under test send to themselves. */
export type Signal = string | number;

type Event = NodeEvent<Signal>;

/** One kind of event. */
export type EventOf<Type extends Event["type"]> = Extract<
  Event,
  { readonly type: Type }
>;

const WAIT_MS = 20_000;

/** A node whose events are kept, and checked as they come. */
export class TestNode {
  readonly handler: NodeHandler<Signal>;
  readonly listener: NodeListener<Signal>;
  readonly events: Event[] = [];
  /** Rules broken, in words. */
  readonly violations: string[] = [];
  /** Called for each event, after it was kept. */
  onEvent: ((event: Event) => void) | undefined;
  task: NodeTask | undefined;
  readonly #name: string;
  readonly #alive = new Map<ResourceId, Endpoint>();
  readonly #gone = new Set<ResourceId>();
  readonly #counts = new Map<Event["type"], number>();
  readonly #waiting = new Set<() => void>();
  #isInside = false;

  constructor(name: string, options: NodeOptions) {
    this.#name = name;
    const { handler, listener } = createNode<Signal>(options);
    this.handler = handler;
    this.listener = listener;
  }

  get network(): NodeHandler<Signal>["network"] {
    return this.handler.network;
  }

  /** Consumes the listener. */
  start(): this {
    this.task = this.listener.forEach((event) => this.take(event));
    return this;
  }

  /** Keeps one event: the callback of `forEach`, and for tests that ask for events themselves. */
  take(event: Event): void {
    if (this.#isInside) this.#violate(event, "inside another callback");
    this.#isInside = true;
    try {
      this.#check(event);
      this.events.push(event);
      this.#counts.set(event.type, this.count(event.type) + 1);
      this.onEvent?.(event);
    } finally {
      this.#isInside = false;
    }
    for (const look of [...this.#waiting]) look();
  }

  /** The events of one kind so far. */
  all<Type extends Event["type"]>(type: Type): EventOf<Type>[] {
    return this.events.filter((event): event is EventOf<Type> =>
      event.type === type
    );
  }

  /** How many events of one kind have come. */
  count(type: Event["type"]): number {
    return this.#counts.get(type) ?? 0;
  }

  /** The messages so far, each as text. */
  texts(): string[] {
    return this.all("message").map(({ data }) => text(data));
  }

  /** The bytes of all messages so far, joined. */
  bytes(): Uint8Array {
    return join(this.all("message").map(({ data }) => data));
  }

  /** The signals so far. */
  signals(): Signal[] {
    return this.all("signal").map(({ signal }) => signal);
  }

  /** Waits until events have made something true. */
  until(what: string, isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`${this.#name} waited for ${what}; ${this.#told()}`));
      }, WAIT_MS);
      const look = () => {
        let met: boolean;
        try {
          met = isMet();
        } catch (error) {
          clearTimeout(timer);
          this.#waiting.delete(look);
          reject(error);
          return;
        }
        if (!met) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** Waits for the event of a kind that is number `index` of its kind. */
  async event<Type extends Event["type"]>(
    type: Type,
    index = 0,
  ): Promise<EventOf<Type>> {
    await this.until(
      `${type} ${index}`,
      () => this.count(type) > index,
    );
    const event = this.all(type)[index];
    assert(event !== undefined);
    return event;
  }

  /** Waits until so many messages have come. */
  messages(count: number): Promise<void> {
    return this.until(
      `${count} messages`,
      () => this.count("message") >= count,
    );
  }

  /** Waits until so many bytes of messages have come. */
  async received(size: number): Promise<void> {
    let seen = 0;
    let bytes = 0;
    await this.until(`${size} bytes`, () => {
      for (; seen < this.events.length; seen += 1) {
        const event = this.events[seen];
        if (event?.type === "message") bytes += event.data.length;
      }
      return bytes >= size;
    });
  }

  /** Removes, and from then on holds the node to its silence about it. */
  remove(id: ResourceId, options?: RemoveOptions): boolean {
    const removed = this.network.remove(id, options);
    this.#gone.add(id);
    return removed;
  }

  listen(row: TransportRow, options?: ListenOptions): Promise<Listening> {
    return this.network.listen(row.adapter, row.listenAddress(), options);
  }

  /** Listens at an address that is still free when this node has let go of it. */
  async listenLasting(
    row: TransportRow,
    options?: ListenOptions,
  ): Promise<Listening> {
    for (;;) {
      try {
        return await this.network.listen(
          row.adapter,
          lastingAddress(row),
          options,
        );
      } catch (error) {
        isNetworkError("address-in-use")(error);
      }
    }
  }

  connect(
    row: TransportRow,
    listening: Listening,
    options?: ConnectOptions,
  ): Endpoint {
    return this.network.connect(
      row.adapter,
      row.peerAddress(listening.address),
      options,
    );
  }

  #check(event: Event): void {
    if (!this.handler.isRunning && this.task !== undefined) {
      this.#violate(event, "after the node stopped");
    }
    if (event.type === "signal") return;
    const { endpoint } = event;
    const id = endpoint.resourceId;
    if (this.#gone.has(id)) this.#violate(event, "after the end");
    if (resourceType(id) === "local") return;
    const known = this.#alive.get(id);
    switch (event.type) {
      case "connected":
        if (known !== undefined) this.#violate(event, "twice");
        if (event.ok ? event.error !== undefined : !isError(event.error)) {
          this.#violate(event, "with the wrong error");
        }
        if (event.ok) this.#alive.set(id, endpoint);
        else this.#gone.add(id);
        return;
      case "accepted":
        if (known !== undefined) this.#violate(event, "twice");
        this.#alive.set(id, endpoint);
        return;
      case "message":
        if (known === undefined) this.#violate(event, "before the start");
        else if (known !== endpoint) this.#violate(event, "of another object");
        return;
      case "disconnected":
        if (known === undefined) this.#violate(event, "before the start");
        else if (known !== endpoint) this.#violate(event, "of another object");
        if (event.willReconnect) this.#alive.delete(id);
        else this.#gone.add(id);
    }
  }

  #violate(event: Event, how: string): void {
    this.violations.push(`${this.#name}: ${describe(event)} came ${how}`);
  }

  #told(): string {
    if (this.events.length === 0) return "no event has come";
    const last = this.events.slice(-5).map(describe).join("; ");
    return `${this.events.length} events have come, at last: ${last}`;
  }
}

function isError(error: unknown): boolean {
  return error instanceof NetworkError;
}

function describe(event: Event): string {
  switch (event.type) {
    case "signal":
      return `signal ${event.signal}`;
    case "message":
      return `message of ${event.data.length} bytes`;
    case "connected":
      return `connected ${event.ok} ${event.error?.message ?? ""}`;
    case "disconnected":
      return `disconnected ${event.reason} ${event.error?.message ?? ""}`;
    default:
      return event.type;
  }
}

/** What one test has opened. */
export class World {
  readonly #nodes: TestNode[] = [];
  readonly #closers: (() => void | Promise<void>)[] = [];

  /** A node whose events are taken. */
  node(name = "the node", options: NodeOptions = {}): TestNode {
    return this.idle(name, options).start();
  }

  /** A node whose listener is not consumed yet. */
  idle(name = "the node", options: NodeOptions = {}): TestNode {
    const node = new TestNode(name, options);
    this.#nodes.push(node);
    return node;
  }

  /** Something else to close at the end, in reverse order. */
  defer(close: () => void | Promise<void>): void {
    this.#closers.push(close);
  }

  /** Closes everything; throws if a node has broken a rule, or its task failed. */
  async close(isFailed: boolean): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    for (const node of this.#nodes) await node.handler.stop();
    if (isFailed) return;
    for (const node of this.#nodes) {
      assert.deepEqual(node.violations, []);
      await node.task;
    }
  }
}

/** Runs with nodes that are closed at the end. */
export async function inWorld(
  run: (world: World) => void | Promise<void>,
): Promise<void> {
  const world = new World();
  let isFailed = true;
  try {
    await run(world);
    isFailed = false;
  } finally {
    await world.close(isFailed);
  }
}

/** Registers one row of the table. `subject` is a transport's name, or `Node`, `Signals`, `Address`. */
export function conforms(
  subject: string,
  behaviour: string,
  run: (world: World) => void | Promise<void>,
  options?: TestOptions,
): void {
  test(`${subject}: ${behaviour}`, () => inWorld(run), options);
}

/** Registers one behaviour for each of several transports. */
export function conformsOn(
  rows: readonly TransportRow[],
  behaviour: string,
  run: (world: World, row: TransportRow) => void | Promise<void>,
  options?: TestOptions,
): void {
  for (const row of rows) {
    conforms(row.name, behaviour, (world) => run(world, row), options);
  }
}

/** What {@linkcode pair} is asked for. */
export interface PairOptions {
  /** Whether the address is to stay free once nobody listens there. Default: false. */
  readonly isLasting?: boolean;
  readonly listen?: ListenOptions;
  readonly connect?: ConnectOptions;
  readonly server?: NodeOptions;
  readonly client?: NodeOptions;
}

/** Two nodes with one connection between them. */
export interface Pair {
  readonly server: TestNode;
  readonly client: TestNode;
  readonly listening: Listening;
  /** The client's endpoint. */
  readonly toServer: Endpoint;
}

/** A pair with the server's end of a connection. */
export interface OrientedPair extends Pair {
  readonly toClient: Endpoint;
}

/** Two nodes, connected; on Udp the server has not heard of the client yet. */
export async function halfPair(
  world: World,
  row: TransportRow,
  options: PairOptions = {},
): Promise<Pair> {
  const server = world.node("the server", options.server);
  const client = world.node("the client", options.client);
  const listening = options.isLasting === true
    ? await server.listenLasting(row, options.listen)
    : await server.listen(row, options.listen);
  const toServer = client.connect(row, listening, options.connect);
  const { ok, error } = await client.event("connected");
  assert.ifError(error);
  assert.equal(ok, true);
  return { server, client, listening, toServer };
}

/** Two nodes, connected, both ends known. */
export async function pair(
  world: World,
  row: TransportRow,
  options: PairOptions = {},
): Promise<OrientedPair> {
  const half = await halfPair(world, row, options);
  const { endpoint } = await half.server.event("accepted");
  return { ...half, toClient: endpoint };
}

/** An address where nobody listens, nor will by chance: somebody did a moment ago. */
export async function deadAddress(
  world: World,
  row: TransportRow,
): Promise<Address> {
  const node = world.node("the node that was");
  const { address } = await node.listenLasting(row);
  await node.handler.stop();
  return row.peerAddress(address);
}

/** For `assert.throws` and `assert.rejects`: a NetworkError of this code. */
export function isNetworkError(
  code: NetworkErrorCode,
  message?: RegExp,
): (error: unknown) => true {
  return (error) => {
    assert(error instanceof NetworkError, `not a NetworkError: ${error}`);
    assert.equal(error.code, code, error.message);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };
}

/** Lets the runtime take several turns: what was about to happen has then happened. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise<void>((resolve) => setTimeout(resolve, 2));
  }
}

/** Bytes that differ from place to place, and from seed to seed. */
export function pattern(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** Fails unless both are the same bytes; says where they part, not what they are. */
export function sameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(actual.length, expected.length, "the length differs");
  for (let at = 0; at < expected.length; at += 1) {
    if (actual[at] !== expected[at]) assert.fail(`byte ${at} differs`);
  }
}

/** The bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of bytes. */
export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** Several pieces as one. */
export function join(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(
    pieces.reduce((size, piece) => size + piece.length, 0),
  );
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Waits for something that no event tells of. */
export async function eventually(
  what: string,
  isTrue: () => boolean,
): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`In vain waited for ${what}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  }
}

/** A client connected to a server that takes no events, and so reads nothing, until it is started. */
export async function stalledPair(
  world: World,
  row: TransportRow,
  connect: ConnectOptions = {},
  server: NodeOptions = { maxQueuedEvents: 1 },
): Promise<Pair> {
  const stalled = world.idle("the server", server);
  const client = world.node("the client");
  const listening = await stalled.listen(row);
  const toServer = client.connect(row, listening, connect);
  assert.ifError((await client.event("connected")).error);
  return { server: stalled, client, listening, toServer };
}
