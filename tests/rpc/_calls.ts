/**
 * Two sides that call each other.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Endpoint } from "../../mod.ts";
import {
  type CallOptions,
  type NoMethods,
  Rpc,
  RpcError,
  type RpcErrorCode,
  type RpcHandlers,
  type RpcOptions,
} from "../../rpc/rpc.ts";
import {
  pair,
  type PairOptions,
  type TestNode,
  type World,
} from "../conformance/_nodes.ts";
import type { TransportRow } from "../conformance/_transports.ts";

/** What the tests call. */
export interface Service {
  add: { request: [number, number]; response: number };
  echo: { request: unknown; response: unknown };
  nothing: { request: undefined; response: undefined };
  fail: { request: string; response: null };
  shed: { request: "cancelled" | "overloaded" | "timed-out"; response: null };
  /** Answers when its signal fires, which nobody hears. */
  hang: { request: null; response: null };
  count: { request: number; item: number };
  /** Goes on until somebody leaves. */
  endless: { request: string; item: string };
  failing: { request: number; item: number };
  silent: { request: null; item: number };
}

/** What the handlers have seen. */
export class Log {
  started: string[] = [];
  aborted: string[] = [];
  finished: string[] = [];
  thrown: unknown[] = [];
  items = 0;
}

/** Handlers that keep a log. */
export function handlersOf(log: Log): RpcHandlers<Service> {
  return {
    add: ([a, b]) => a + b,
    echo: (value) => Promise.resolve(value),
    nothing: () => undefined,
    fail: (message) => {
      throw new Error(message);
    },
    shed: (code) => Promise.reject(new RpcError(code, `is ${code}`)),
    hang: (_, { signal, method }) =>
      new Promise((resolve) => {
        log.started.push(method);
        signal.addEventListener("abort", () => {
          log.aborted.push(signal.reason.code);
          resolve(null);
        });
      }),
    *count(to) {
      for (let item = 1; item <= to; item += 1) {
        log.items += 1;
        yield item;
      }
    },
    async *endless(item) {
      log.started.push("endless");
      try {
        for (;;) {
          log.items += 1;
          yield await Promise.resolve(item);
        }
      } finally {
        log.finished.push("endless");
      }
    },
    async *failing(after) {
      for (let item = 1; item <= after; item += 1) yield item;
      await Promise.resolve();
      throw new RangeError("no more");
    },
    async *silent(_, { signal, method }) {
      log.started.push(method);
      await new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => resolve())
      );
      log.aborted.push(signal.reason.code);
      yield 1;
    },
  };
}

/** A side that calls. */
export type Caller = Rpc<NoMethods, Service>;

/** Adds a side that calls to a node. */
export function caller(
  world: World,
  node: TestNode,
  options: Partial<RpcOptions<NoMethods>> = {},
): Caller {
  const rpc = new Rpc<NoMethods, Service>(node.handler, {
    handlers: {},
    ...options,
  });
  attach(world, node, rpc);
  return rpc;
}

/** Adds a side that serves to a node. */
export function service(
  world: World,
  node: TestNode,
  log: Log,
  options: Partial<RpcOptions<Service>> = {},
): Rpc<Service, NoMethods> {
  const rpc = new Rpc<Service, NoMethods>(node.handler, {
    handlers: handlersOf(log),
    onHandlerError: (error) => log.thrown.push(error),
    ...options,
  });
  attach(world, node, rpc);
  return rpc;
}

function attach(
  world: World,
  node: TestNode,
  rpc: { handle: Caller["handle"]; close(): void },
): void {
  node.onEvent = (event) => void rpc.handle(event);
  world.defer(() => rpc.close());
}

/** Two nodes, one that calls and one that serves. */
export interface CallPair {
  readonly server: TestNode;
  readonly client: TestNode;
  readonly toServer: Endpoint;
  readonly toClient: Endpoint;
  readonly rpc: Caller;
  readonly served: Rpc<Service, NoMethods>;
  readonly log: Log;
}

/** A connection, calls from one side of it, and handlers on the other. */
export async function callPair(
  world: World,
  row: TransportRow,
  options: {
    readonly caller?: Partial<RpcOptions<NoMethods>>;
    readonly service?: Partial<RpcOptions<Service>>;
    readonly nodes?: PairOptions;
  } = {},
): Promise<CallPair> {
  const { server, client, toServer, toClient } = await pair(
    world,
    row,
    options.nodes,
  );
  const log = new Log();
  return {
    server,
    client,
    toServer,
    toClient,
    rpc: caller(world, client, options.caller),
    served: service(world, server, log, options.service),
    log,
  };
}

/** For `assert.rejects`: an RpcError of this code. */
export function isRpcError(
  code: RpcErrorCode,
  message?: RegExp,
): (error: unknown) => true {
  return (error) => {
    assert(error instanceof RpcError, `not an RpcError: ${error}`);
    assert.equal(error.code, code, error.message);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };
}

/** All items of a stream. */
export async function collect<Item>(
  stream: AsyncIterable<Item>,
): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** No time limit: the test's own is enough. */
export const patient: CallOptions = { timeoutMs: 0 };
