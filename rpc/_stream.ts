/**
 * The streams that this side reads.
 *
 * @module
 */

import { OutgoingCall } from "./_outgoing.ts";
import type { CallPeer, CallRequest } from "./_outgoing.ts";
import type { RpcError } from "./errors.ts";

interface Waiter {
  readonly resolve: (result: IteratorResult<unknown>) => void;
  readonly reject: (error: RpcError) => void;
}

const DONE: IteratorResult<unknown> = { done: true, value: undefined };

/** A call with many answers. */
export class StreamCall extends OutgoingCall {
  readonly #window: number;
  readonly #buffer: Uint8Array[] = [];
  #waiters: Waiter[] = [];
  /** Items that came, and items that may come. */
  #received = 0;
  #granted: number;
  /** Items that the consumer took since the last credit. */
  #taken = 0;
  /** What is still to be told when the buffer is empty. */
  #error: RpcError | undefined;

  constructor(peer: CallPeer, request: CallRequest) {
    super(peer, request);
    this.#window = peer.core.streamWindow;
    this.#granted = this.#window;
  }

  /** The next item; the first call sends the request. */
  next(): Promise<IteratorResult<unknown>> {
    const payload = this.#buffer.shift();
    if (payload !== undefined) {
      return new Promise((resolve, reject) =>
        this.#deliver(payload, { resolve, reject })
      );
    }
    if (this.isOver) {
      const error = this.#error;
      this.#error = undefined;
      return error === undefined
        ? Promise.resolve(DONE)
        : Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      if (this.#waiters.length === 1) this.setTimer();
    });
  }

  /** Nobody wants more: the peer is told, unless it is at its end. */
  return(): Promise<IteratorResult<unknown>> {
    this.#buffer.length = 0;
    this.#error = undefined;
    this.leave(true);
    this.#release(undefined);
    return Promise.resolve(DONE);
  }

  override giveUp(error: RpcError): void {
    // What was asked to stop, stops: what came before is of no use any more.
    this.#buffer.length = 0;
    super.giveUp(error);
  }

  response(): void {
    this.fail(this.broken("an answer instead of items"));
  }

  // Hot: one call an item.
  item(payload: Uint8Array): void {
    this.#received += 1;
    if (this.#received > this.#granted) {
      this.giveUp(this.broken("more items than it gave credit for"));
      return;
    }
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#buffer.push(payload);
      return;
    }
    this.clearTimer();
    if (this.#waiters.length > 0) this.setTimer();
    this.#deliver(payload, waiter);
  }

  ended(count: number): void {
    if (count !== this.#received) {
      this.fail(this.broken(`${this.#received} of ${count} items`));
    } else if (this.leave(false)) {
      this.#release(undefined);
    }
  }

  protected failed(error: RpcError): void {
    this.#release(error);
  }

  #deliver(payload: Uint8Array, waiter: Waiter): void {
    let value: unknown;
    try {
      value = this.peer.core.codec.decode(payload);
    } catch (cause) {
      const error = this.broken("an item that cannot be read", cause);
      this.#buffer.length = 0;
      this.#error = undefined;
      this.leave(true);
      waiter.reject(error);
      this.#release(undefined);
      return;
    }
    if (!this.isOver) {
      this.#taken += 1;
      if (this.#taken * 2 >= this.#window) {
        this.#granted += this.#taken;
        this.peer.credit(this.id, this.#taken);
        this.#taken = 0;
      }
    }
    waiter.resolve({ done: false, value });
  }

  /** Tells whoever waits of the end: the first of the error, if any, the others that all is over. */
  #release(error: RpcError | undefined): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    const [first, ...others] = waiters;
    if (error === undefined) first?.resolve(DONE);
    else if (first === undefined) this.#error = error;
    else first.reject(error);
    for (const { resolve } of others) resolve(DONE);
  }
}
