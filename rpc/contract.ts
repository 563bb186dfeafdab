/**
 * What two sides agree on: the methods of each, and the types of their values.
 *
 * @module
 */

import type { Endpoint } from "../network/endpoint.ts";

/** A method with one answer. */
export interface UnaryMethod {
  /** What the caller sends. */
  readonly request: unknown;
  /** What the handler answers. */
  readonly response: unknown;
}

/** A method with many answers, one after the other. */
export interface StreamMethod {
  /** What the caller sends. */
  readonly request: unknown;
  /** What the handler answers, any number of times. */
  readonly item: unknown;
}

/**
 * What a contract must look like: an interface whose members are methods.
 *
 * @example
 * ```ts
 * interface Calc {
 *   add: { request: [number, number]; response: number };
 *   count: { request: number; item: number };
 * }
 * ```
 */
export type RpcContract<Contract> = {
  readonly [Method in keyof Contract]: UnaryMethod | StreamMethod;
};

/** The contract of a side that serves nothing. */
export type NoMethods = Record<never, never>;

/** The names of the methods with one answer. */
export type UnaryName<Contract> = {
  [Method in keyof Contract]: Contract[Method] extends UnaryMethod ? Method
    : never;
}[keyof Contract];

/** The names of the methods with many answers. */
export type StreamName<Contract> = {
  [Method in keyof Contract]: Contract[Method] extends StreamMethod ? Method
    : never;
}[keyof Contract];

/** What a method is asked. */
export type RequestOf<Contract, Method extends keyof Contract> =
  Contract[Method] extends { readonly request: infer Request } ? Request
    : never;

/** What a method answers. */
export type ResponseOf<Contract, Method extends keyof Contract> =
  Contract[Method] extends { readonly response: infer Response } ? Response
    : never;

/** One of the many answers of a method. */
export type ItemOf<Contract, Method extends keyof Contract> =
  Contract[Method] extends { readonly item: infer Item } ? Item : never;

/** What a handler is told beside the request. */
export interface RpcContext {
  /** Who called. */
  readonly endpoint: Endpoint;
  /** The name by which the handler was called. */
  readonly method: string;
  /**
   * Fires when nobody waits for the answer any more: the caller cancelled, its
   * connection ended, or this side was closed. The handler counts as running
   * until it returns all the same.
   */
  readonly signal: AbortSignal;
}

/**
 * The functions that serve a contract, by name. A method with one answer returns
 * it or a promise of it; one with many returns something to iterate, such as a
 * generator.
 */
export type RpcHandlers<Contract> = {
  readonly [Method in keyof Contract]: Contract[Method] extends StreamMethod ? (
      request: RequestOf<Contract, Method>,
      context: RpcContext,
    ) =>
      | AsyncIterable<ItemOf<Contract, Method>>
      | Iterable<ItemOf<Contract, Method>>
    : (
      request: RequestOf<Contract, Method>,
      context: RpcContext,
    ) =>
      | ResponseOf<Contract, Method>
      | Promise<ResponseOf<Contract, Method>>;
};
