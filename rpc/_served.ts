/**
 * The calls that this side answers.
 *
 * @module
 */

import { checkSchema } from "../codec/codec.ts";
import type { Endpoint } from "../network/endpoint.ts";
import type { NetworkError } from "../network/errors.ts";
import { type Core, messageOf, type Method } from "./_core.ts";
import type { Parcel, Sender } from "./_sender.ts";
import type { RpcContext } from "./contract.ts";
import { encodeEnvelope, type WireErrorCode } from "./envelope.ts";
import { RpcError } from "./errors.ts";

/**
 * Credit above this is not believed: a peer that grants without end would
 * otherwise have a generator run without a pause.
 */
const MAX_CREDIT = 65_536;

const NOTHING = new Uint8Array(0);

/** What a served call needs of its peer. */
export interface ServingPeer {
  readonly core: Core;
  readonly sender: Sender;
  /** The answer is out, or nobody wants it: the id is free. */
  answered(call: ServedCall): void;
  /** The handler is done. */
  settled(): void;
}

class Context implements RpcContext {
  readonly endpoint: Endpoint;
  readonly method: string;
  #controller: AbortController | undefined;
  #reason: RpcError | undefined;

  constructor(endpoint: Endpoint, method: string) {
    this.endpoint = endpoint;
    this.method = method;
  }

  // Made when asked for: most handlers never do, and it costs more than the rest of a call.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: RpcError): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/** One call that a handler works on. */
export class ServedCall implements Parcel {
  readonly id: number;
  bytes: Uint8Array = NOTHING;
  readonly #peer: ServingPeer;
  readonly #context: Context;
  readonly #isStream: boolean;
  #state: "running" | "answering" | "over" = "running";
  #isErrorAnswer = false;
  #isSettled = false;
  #credit: number;
  #wake: (() => void) | undefined;
  #iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;

  /** `credit` is undefined for a call with one answer. */
  constructor(
    peer: ServingPeer,
    id: number,
    endpoint: Endpoint,
    method: string,
    credit: number | undefined,
  ) {
    this.#peer = peer;
    this.id = id;
    this.#context = new Context(endpoint, method);
    this.#isStream = credit !== undefined;
    this.#credit = Math.min(credit ?? 0, MAX_CREDIT);
  }

  /** Decodes the request, runs the handler and sees to its answer. */
  run({ serve, schema }: Method, payload: Uint8Array): void {
    let request: unknown;
    try {
      request = this.#peer.core.codec.decode(payload);
      if (schema !== undefined) request = checkSchema(schema, request);
    } catch (error) {
      this.#answerError("protocol", `Bad request: ${messageOf(error)}`);
      this.#settle();
      return;
    }
    let result: unknown;
    try {
      result = serve(request, this.#context);
    } catch (error) {
      this.#handlerThrew(error);
      return;
    }
    if (this.#isStream) this.#stream(result);
    else if (isThenable(result)) {
      result.then(
        (value) => this.#answer(value),
        (error) => this.#handlerThrew(error),
      );
    } else this.#answer(result);
  }

  /** Nobody waits for the answer any more. `tell` answers all the same: the peer still waits. */
  cancel(reason: RpcError, tell: boolean): void {
    if (this.#state === "over") return;
    if (!tell) {
      this.#peer.sender.withdraw(this);
      this.#over();
    } else if (this.#state === "running") {
      this.#answerError("cancelled", reason.message);
    }
    this.#context.abort(reason);
    this.#wake?.();
    const iterator = this.#iterator;
    if (iterator !== undefined) void this.#endIterator(iterator);
  }

  addCredit(items: number): void {
    this.#credit = Math.min(this.#credit + items, MAX_CREDIT);
    this.#wake?.();
  }

  sent(): void {
    this.#over();
  }

  refused(error: NetworkError): void {
    if (this.#isErrorAnswer) this.#over();
    else this.#answerError("failed", `Cannot answer: ${error.message}`);
  }

  /** An item could not be sent. */
  itemRefused(error: NetworkError): void {
    if (this.#state === "running") {
      this.#answerError("failed", `Cannot answer: ${error.message}`);
    }
  }

  #stream(result: unknown): void {
    const iterator = iteratorOf(result);
    if (iterator === undefined) {
      // It is not wanted, but its failure is a failure of the handler.
      if (isThenable(result)) {
        result.then(undefined, (error) => this.#report(error));
      }
      this.#answerError("protocol", "The method has one answer, no stream");
      this.#settle();
      return;
    }
    this.#iterator = iterator;
    void this.#pump(iterator);
  }

  /** Sends items, one at a time and in turn with other streams, as far as the credit goes. */
  async #pump(
    iterator: AsyncIterator<unknown> | Iterator<unknown>,
  ): Promise<void> {
    const { sender, core } = this.#peer;
    let count = 0;
    let isDone = false;
    let failure: { readonly error: unknown } | undefined;
    try {
      for (;;) {
        while (this.#credit === 0 && this.#state === "running") {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
        if (this.#state !== "running") break;
        const result = await iterator.next();
        isDone = result.done === true;
        if (this.#state !== "running") break;
        const value = isDone ? undefined : await result.value;
        // Streams that find the way blocked go on in the order in which they came.
        while (sender.isBlocked && this.#state === "running") {
          await sender.turn();
        }
        if (this.#state !== "running") break;
        if (isDone) {
          this.#send(encodeEnvelope({ kind: "end", id: this.id, count }));
          break;
        }
        const payload = core.codec.encode(value);
        this.#credit -= 1;
        count += 1;
        sender.send(
          new Item(
            this,
            encodeEnvelope({ kind: "item", id: this.id, payload }),
          ),
        );
      }
    } catch (error) {
      failure = { error };
    }
    const isOpen = this.#iterator !== undefined && !isDone;
    this.#iterator = undefined;
    if (failure !== undefined) this.#handlerThrew(failure.error);
    if (isOpen) await this.#endIterator(iterator);
    this.#settle();
  }

  async #endIterator(
    iterator: AsyncIterator<unknown> | Iterator<unknown>,
  ): Promise<void> {
    this.#iterator = undefined;
    try {
      await iterator.return?.();
    } catch (error) {
      this.#report(error);
    }
  }

  #answer(value: unknown): void {
    if (isStreamLike(value)) {
      void this.#endIterator(value);
      this.#answerError("protocol", "The method is a stream");
      this.#settle();
      return;
    }
    try {
      if (this.#state === "running") {
        const payload = this.#peer.core.codec.encode(value);
        this.#send(encodeEnvelope({ kind: "response", id: this.id, payload }));
      }
    } catch (error) {
      this.#handlerThrew(error);
      return;
    }
    this.#settle();
  }

  #handlerThrew(error: unknown): void {
    const code = error instanceof RpcError &&
        (error.code === "cancelled" || error.code === "overloaded")
      ? error.code
      : "failed";
    this.#answerError(code, messageOf(error));
    this.#settle();
    this.#report(error);
  }

  #report(error: unknown): void {
    this.#peer.core.handlerFailed(error, this.#context);
  }

  #answerError(code: WireErrorCode, message: string): void {
    if (this.#state === "over") return;
    this.#isErrorAnswer = true;
    this.#send(encodeEnvelope({ kind: "error", id: this.id, code, message }));
  }

  #send(bytes: Uint8Array): void {
    this.#state = "answering";
    this.bytes = bytes;
    this.#peer.sender.send(this);
  }

  #over(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#peer.answered(this);
  }

  #settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#peer.settled();
  }
}

class Item implements Parcel {
  readonly bytes: Uint8Array;
  readonly #call: ServedCall;

  constructor(call: ServedCall, bytes: Uint8Array) {
    this.#call = call;
    this.bytes = bytes;
  }

  sent(): void {}

  refused(error: NetworkError): void {
    this.#call.itemRefused(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

function iteratorOf(
  value: unknown,
): AsyncIterator<unknown> | Iterator<unknown> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (Symbol.asyncIterator in value) {
    return (value as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  }
  if (Symbol.iterator in value) {
    return (value as Iterable<unknown>)[Symbol.iterator]();
  }
  return undefined;
}

/** Whether a handler returned a generator or the like: never the one answer of a method. */
function isStreamLike(
  value: unknown,
): value is AsyncIterator<unknown> | Iterator<unknown> {
  return typeof value === "object" && value !== null && "next" in value &&
    typeof value.next === "function" &&
    (Symbol.asyncIterator in value || Symbol.iterator in value);
}
