/**
 * Calls with answers, over the messages of a node.
 *
 * @module
 */

import type { Endpoint } from "../network/endpoint.ts";
import { resourceType } from "../network/resource_id.ts";
import type { NodeEvent } from "../node/events.ts";
import { TimerService } from "../signals/timer_service.ts";
import { type Core, messageOf } from "./_core.ts";
import { count, jsonOrNothing, methodsOf, timeLimit } from "./_options.ts";
import { abortedError, UnaryCall } from "./_outgoing.ts";
import { Peer } from "./_peer.ts";
import { StreamCall } from "./_stream.ts";
import type {
  ItemOf,
  RequestOf,
  ResponseOf,
  RpcContract,
  StreamName,
  UnaryName,
} from "./contract.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  isEnvelope,
} from "./envelope.ts";
import { RpcError } from "./errors.ts";
import type { CallOptions, RpcNode, RpcOptions, RpcStats } from "./options.ts";

export type {
  ItemOf,
  NoMethods,
  RequestOf,
  ResponseOf,
  RpcContext,
  RpcContract,
  RpcHandlers,
  StreamMethod,
  StreamName,
  UnaryMethod,
  UnaryName,
} from "./contract.ts";
export { RpcError } from "./errors.ts";
export type { RpcErrorCode } from "./errors.ts";
export type { CallOptions, RpcNode, RpcOptions, RpcStats } from "./options.ts";

/** How soon a connection that was removed, or a node that was stopped, is noticed by itself. */
const SWEEP_MS = 100;

/**
 * Calls with one answer or many, over any transport that keeps messages whole.
 * Both sides may call and serve on one connection.
 *
 * Give every event to `handle`. Every call ends, and says how: see
 * {@linkcode RpcError}. No promise is left pending, whatever becomes of the
 * peer, the connection or the node.
 *
 * Messages whose first byte is from 0xF8 on belong to calls: no text begins so,
 * but bytes of your own may, and then need a byte in front.
 *
 * @typeParam Local The methods that this side serves.
 * @typeParam Remote The methods that the other side serves.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { createNode, type NoMethods, Rpc, Transport } from "@signalbox/signalbox";
 *
 * interface Calc {
 *   add: { request: [number, number]; response: number };
 *   count: { request: number; item: number };
 * }
 *
 * const server = createNode();
 * const calc = new Rpc<Calc, NoMethods>(server.handler, {
 *   handlers: {
 *     add: ([a, b]) => a + b,
 *     *count(to) {
 *       for (let i = 1; i <= to; i++) yield i;
 *     },
 *   },
 * });
 * server.listener.forEach((event) => void calc.handle(event));
 * const { address } = await server.handler.network.listen(Transport.FramedTcp, "127.0.0.1:0");
 *
 * const client = createNode();
 * const rpc = new Rpc<NoMethods, Calc>(client.handler, { handlers: {} });
 * client.listener.forEach((event) => void rpc.handle(event));
 * const endpoint = client.handler.network.connect(Transport.FramedTcp, address);
 *
 * assert.equal(await rpc.call(endpoint, "add", [1, 2]), 3);
 * const items: number[] = [];
 * for await (const item of rpc.stream(endpoint, "count", 3)) items.push(item);
 * assert.deepEqual(items, [1, 2, 3]);
 *
 * await client.handler.stop();
 * await server.handler.stop();
 * rpc.close();
 * calc.close();
 * ```
 */
export class Rpc<
  Local extends RpcContract<Local>,
  Remote extends RpcContract<Remote>,
> {
  readonly #node: RpcNode;
  readonly #core: Core;
  readonly #timeoutMs: number;
  readonly #peers = new Map<number | string, Peer>();
  readonly #sweep = () => this.#lookAround();
  #lastId = 0;
  #malformed = 0;
  #isSweeping = false;
  #isClosed = false;

  /**
   * Adds calls to a node. It opens nothing.
   *
   * @param node The node's handler.
   * @param options The handlers, and the limits.
   * @throws {NetworkError} `invalid-option`.
   */
  constructor(node: RpcNode, options: RpcOptions<Local>) {
    this.#node = node;
    const { maxCallsPerConnection, maxCalls, streamWindow } = options;
    this.#timeoutMs = timeLimit(options.timeoutMs ?? 30_000);
    this.#core = {
      network: node.network,
      timers: new TimerService(node.clock),
      codec: options.codec ?? jsonOrNothing,
      methods: methodsOf(options.handlers, options.requests ?? {}),
      maxCallsPerConnection: count(
        "maxCallsPerConnection",
        maxCallsPerConnection ?? 1_024,
      ),
      maxCalls: count("maxCalls", maxCalls ?? 65_536),
      streamWindow: count("streamWindow", streamWindow ?? 64),
      running: 0,
      handlerFailed: options.onHandlerError ?? (() => {}),
    };
  }

  // Hot: one call an event.
  /**
   * Deals with an event of the node, if it has to do with calls.
   *
   * @param event Any event.
   * @returns True for a message of a call: there is nothing left to do with it. False for everything
   * else, a `disconnected` included, which ends the calls with that peer.
   */
  handle(event: NodeEvent<unknown>): boolean {
    switch (event.type) {
      case "message": {
        const { data, endpoint } = event;
        if (!isEnvelope(data)) return false;
        const envelope = decodeEnvelope(data);
        if (envelope === undefined) this.#malformed += 1;
        else this.#receive(endpoint, envelope);
        return true;
      }
      case "disconnected":
        this.#drop(event.endpoint, `disconnected (${event.reason})`);
        return false;
      case "connected":
        if (!event.ok) this.#drop(event.endpoint, event.error.message);
        return false;
      default:
        return false;
    }
  }

  /**
   * Calls a method that has one answer. A connection that is not ready yet is waited for.
   *
   * @param endpoint The peer.
   * @param method The method.
   * @param request What it is asked.
   * @param options `timeoutMs`, `signal`.
   * @returns The answer.
   * @throws {RpcError} (as a rejection) any of its codes.
   * @throws {NetworkError} (as a rejection) `invalid-option`.
   */
  call<Name extends UnaryName<Remote> & string>(
    endpoint: Endpoint,
    method: Name,
    request: RequestOf<Remote, Name>,
    options: CallOptions = {},
  ): Promise<ResponseOf<Remote, Name>> {
    return new Promise((resolve, reject) => {
      // What the checks throw is the promise's rejection.
      const { peer, subject, timeoutMs, payload } = this.#prepare(
        endpoint,
        method,
        request,
        options,
      );
      const { signal } = options;
      const id = this.#lastId += 1;
      const bytes = encodeEnvelope({ kind: "request", id, method, payload });
      new UnaryCall(
        peer,
        { id, bytes, subject, timeoutMs, signal },
        (value) => resolve(value as ResponseOf<Remote, Name>),
        reject,
      ).begin();
    });
  }

  /**
   * Calls a method that has many answers. Nothing is sent before the first item
   * is asked for. To leave the loop early cancels the call; who calls `next` by
   * hand ends by `return`.
   *
   * The items that came before an error are given out before it, unless this
   * side gave up itself. At most `streamWindow` items are kept.
   *
   * @param endpoint The peer.
   * @param method The method.
   * @param request What it is asked.
   * @param options `timeoutMs` (from asking for an item until it comes), `signal`.
   * @returns The items, to be iterated once. Its `next` rejects as `call` does.
   */
  stream<Name extends StreamName<Remote> & string>(
    endpoint: Endpoint,
    method: Name,
    request: RequestOf<Remote, Name>,
    options: CallOptions = {},
  ): AsyncIterableIterator<ItemOf<Remote, Name>> {
    let call: StreamCall | undefined;
    let isOver = false;
    const begin = (): StreamCall => {
      const { peer, subject, timeoutMs, payload } = this.#prepare(
        endpoint,
        method,
        request,
        options,
      );
      const { signal } = options;
      const id = this.#lastId += 1;
      const credit = this.#core.streamWindow;
      const bytes = encodeEnvelope({
        kind: "stream",
        id,
        credit,
        method,
        payload,
      });
      const begun = new StreamCall(peer, {
        id,
        bytes,
        subject,
        timeoutMs,
        signal,
      });
      begun.begin();
      return begun;
    };
    type Result = IteratorResult<ItemOf<Remote, Name>>;
    const done: Result = { done: true, value: undefined };
    return {
      next: async () => {
        if (isOver) return done;
        if (call === undefined) {
          // A stream that cannot begin is over: the next `next` says so.
          isOver = true;
          call = begin();
          isOver = false;
        }
        return await call.next() as Result;
      },
      return: async () => {
        isOver = true;
        await call?.return();
        return done;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /**
   * Ends all calls with a peer, both ways, with `disconnected`; to be called
   * after `network.remove`, of which no event tells. (It would be noticed
   * within 100 ms without.) The peer is not told.
   *
   * @param endpoint The peer.
   */
  release(endpoint: Endpoint): void {
    this.#drop(endpoint, "it was released");
  }

  /**
   * Ends everything: own calls with `aborted`, and those of the peers with
   * `cancelled`, also those that come from now on. May be called again. The
   * node runs on.
   */
  close(): void {
    this.#isClosed = true;
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
    this.#core.timers.stop();
  }

  /** What is going on. */
  stats(): RpcStats {
    let calls = 0;
    for (const peer of this.#peers.values()) calls += peer.calls;
    return { calls, serving: this.#core.running, malformed: this.#malformed };
  }

  #receive(endpoint: Endpoint, envelope: Envelope): void {
    const isRequest = envelope.kind === "request" || envelope.kind === "stream";
    if (this.#isClosed) {
      if (!isRequest) return;
      const { id } = envelope;
      new Peer(this.#core, endpoint, () => {})
        .refuse(id, "cancelled", "The serving side was closed");
    } else if (isRequest) this.#peer(endpoint).receive(envelope);
    // Anything else that comes out of the blue belongs to no call.
    else this.#peers.get(keyOf(endpoint))?.receive(envelope);
  }

  /** All that can be wrong with a call before it is made. */
  #prepare(
    endpoint: Endpoint,
    method: string,
    request: unknown,
    { signal, timeoutMs }: CallOptions,
  ): {
    readonly peer: Peer;
    readonly subject: string;
    readonly timeoutMs: number;
    readonly payload: Uint8Array;
  } {
    const limit = timeoutMs === undefined
      ? this.#timeoutMs
      : timeLimit(timeoutMs);
    const subject = `The call of ${method} to ${endpoint}`;
    if (signal?.aborted === true) throw abortedError({ subject, signal });
    if (this.#isClosed) {
      throw new RpcError("aborted", `${subject} came after the close`);
    }
    if (!this.#node.isRunning) {
      throw new RpcError(
        "disconnected",
        `${subject} is not possible: the node is stopped`,
      );
    }
    const peer = this.#peer(endpoint);
    if (peer.calls >= this.#core.maxCallsPerConnection) {
      throw new RpcError(
        "overloaded",
        `${subject} is one too many: ${peer.calls} are in flight`,
      );
    }
    let payload: Uint8Array;
    try {
      payload = this.#core.codec.encode(request);
    } catch (cause) {
      throw new RpcError(
        "protocol",
        `${subject} cannot be encoded: ${messageOf(cause)}`,
        { cause },
      );
    }
    return { peer, subject, timeoutMs: limit, payload };
  }

  #peer(endpoint: Endpoint): Peer {
    const key = keyOf(endpoint);
    let peer = this.#peers.get(key);
    if (peer === undefined) {
      peer = new Peer(
        this.#core,
        endpoint,
        () => this.#drop(endpoint, "there is no connection"),
      );
      this.#peers.set(key, peer);
      if (!this.#isSweeping) this.#sweepLater();
    }
    return peer;
  }

  #drop(endpoint: Endpoint, why: string): void {
    const key = keyOf(endpoint);
    const peer = this.#peers.get(key);
    if (peer === undefined) return;
    this.#peers.delete(key);
    peer.drop(why);
  }

  #sweepLater(): void {
    this.#isSweeping = true;
    this.#core.timers.setTimer(this.#sweep, SWEEP_MS);
  }

  /** Finds what no event tells of: a local `remove`, the stop of the node, peers with nothing going on. */
  #lookAround(): void {
    const { network, isRunning } = this.#node;
    for (const [key, peer] of this.#peers) {
      const { endpoint } = peer;
      if (!isRunning) this.#drop(endpoint, "the node was stopped");
      else if (network.isReady(endpoint.resourceId) === undefined) {
        this.#drop(endpoint, "the connection was removed");
      } else if (peer.isIdle) this.#peers.delete(key);
    }
    this.#isSweeping = false;
    if (this.#peers.size > 0) this.#sweepLater();
  }
}

/** A connection is known by its number; the peers of a datagram listener share one. */
function keyOf(endpoint: Endpoint): number | string {
  const { resourceId } = endpoint;
  return resourceType(resourceId) === "remote"
    ? resourceId
    : endpoint.toString();
}
