/**
 * The calls that this side makes.
 *
 * @module
 */

import type { NetworkError } from "../network/errors.ts";
import type { TimerId } from "../signals/timer_queue.ts";
import type { Core } from "./_core.ts";
import type { Parcel } from "./_sender.ts";
import { RpcError } from "./errors.ts";

/** What a call needs of its peer. */
export interface CallPeer {
  readonly core: Core;
  /** Takes note of a call and sends its request. */
  begin(call: OutgoingCall): void;
  /** Forgets a call; `cancel` tells the peer that nobody waits for it any more. */
  finish(call: OutgoingCall, cancel: boolean): void;
  /** Lets a stream send more items. */
  credit(id: number, items: number): void;
}

/** What all calls are made from. */
export interface CallRequest {
  readonly id: number;
  /** The request. */
  readonly bytes: Uint8Array;
  /** For people: who calls what. */
  readonly subject: string;
  /** 0: none. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One call from its request to its end. */
export abstract class OutgoingCall implements Parcel {
  readonly id: number;
  readonly bytes: Uint8Array;
  protected readonly peer: CallPeer;
  protected readonly request: CallRequest;
  #state: "new" | "live" | "over" = "new";
  #timer: TimerId | undefined;
  readonly #abort = () => this.giveUp(abortedError(this.request));
  readonly #timeOut = () => {
    const { subject, timeoutMs } = this.request;
    this.#timer = undefined;
    this.giveUp(
      new RpcError("timed-out", `${subject} took over ${timeoutMs} ms`),
    );
  };

  constructor(peer: CallPeer, request: CallRequest) {
    this.peer = peer;
    this.request = request;
    this.id = request.id;
    this.bytes = request.bytes;
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  begin(): void {
    this.#state = "live";
    this.request.signal?.addEventListener("abort", this.#abort);
    this.peer.begin(this);
  }

  sent(): void {}

  refused(cause: NetworkError): void {
    this.fail(
      new RpcError(
        "protocol",
        `${this.request.subject} cannot be sent: ${cause.message}`,
        { cause },
      ),
    );
  }

  /** Ends the call by this side's wish: the peer is told. */
  giveUp(error: RpcError): void {
    if (this.leave(true)) this.failed(error);
  }

  /** Ends the call by the peer's or the network's doing. */
  fail(error: RpcError): void {
    if (this.leave(false)) this.failed(error);
  }

  abstract response(payload: Uint8Array): void;
  abstract item(payload: Uint8Array): void;
  abstract ended(count: number): void;
  /** The call is over; to be told to whoever waits. */
  protected abstract failed(error: RpcError): void;

  /** Lets go of everything that the call holds. False if it did before. */
  protected leave(cancel: boolean): boolean {
    const was = this.#state;
    this.#state = "over";
    if (was !== "live") return was === "new";
    this.clearTimer();
    this.request.signal?.removeEventListener("abort", this.#abort);
    this.peer.finish(this, cancel);
    return true;
  }

  protected setTimer(): void {
    const { timeoutMs } = this.request;
    if (timeoutMs === 0 || this.isOver) return;
    this.#timer = this.peer.core.timers.setTimer(this.#timeOut, timeoutMs);
  }

  protected clearTimer(): void {
    if (this.#timer !== undefined) {
      this.peer.core.timers.clearTimer(this.#timer);
    }
    this.#timer = undefined;
  }

  protected broken(why: string, cause?: unknown): RpcError {
    return new RpcError(
      "protocol",
      `${this.request.subject} got ${why}`,
      cause === undefined ? undefined : { cause },
    );
  }
}

/** The error of a call whose signal fired. */
export function abortedError(
  { subject, signal }: Pick<CallRequest, "subject" | "signal">,
): RpcError {
  return new RpcError("aborted", `${subject} was aborted`, {
    cause: signal?.reason,
  });
}

/** A call with one answer. */
export class UnaryCall extends OutgoingCall {
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: RpcError) => void;

  constructor(
    peer: CallPeer,
    request: CallRequest,
    resolve: (value: unknown) => void,
    reject: (error: RpcError) => void,
  ) {
    super(peer, request);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  override begin(): void {
    this.setTimer();
    super.begin();
  }

  response(payload: Uint8Array): void {
    if (!this.leave(false)) return;
    let value: unknown;
    try {
      value = this.peer.core.codec.decode(payload);
    } catch (cause) {
      this.#reject(this.broken("an answer that cannot be read", cause));
      return;
    }
    this.#resolve(value);
  }

  item(): void {
    this.giveUp(this.broken("an item instead of an answer"));
  }

  ended(): void {
    this.fail(this.broken("an end instead of an answer"));
  }

  protected failed(error: RpcError): void {
    this.#reject(error);
  }
}
