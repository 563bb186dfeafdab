/**
 * All calls with one peer, both ways.
 *
 * @module
 */

import type { Endpoint } from "../network/endpoint.ts";
import type { Core } from "./_core.ts";
import type { CallPeer, OutgoingCall } from "./_outgoing.ts";
import { type Parcel, Sender } from "./_sender.ts";
import { ServedCall, type ServingPeer } from "./_served.ts";
import {
  encodeEnvelope,
  type Envelope,
  type WireErrorCode,
} from "./envelope.ts";
import { RpcError } from "./errors.ts";

/** A short message that nobody waits for. */
class Note implements Parcel {
  readonly bytes: Uint8Array;

  constructor(envelope: Envelope) {
    this.bytes = encodeEnvelope(envelope);
  }

  sent(): void {}

  // A transport that cannot carry these few bytes has refused the call itself.
  refused(): void {}
}

/** All calls with one peer. */
export class Peer implements CallPeer, ServingPeer {
  readonly core: Core;
  readonly endpoint: Endpoint;
  readonly sender: Sender;
  readonly #calls = new Map<number, OutgoingCall>();
  readonly #served = new Map<number, ServedCall>();
  /** Handlers that have not returned: also those whose caller has cancelled. */
  #running = 0;

  constructor(core: Core, endpoint: Endpoint, gone: () => void) {
    this.core = core;
    this.endpoint = endpoint;
    const { network, timers } = core;
    this.sender = new Sender({ network, timers, gone }, endpoint);
  }

  get calls(): number {
    return this.#calls.size;
  }

  get isIdle(): boolean {
    return this.#calls.size === 0 && this.#served.size === 0 &&
      this.#running === 0 && this.sender.waiting === 0;
  }

  begin(call: OutgoingCall): void {
    this.#calls.set(call.id, call);
    this.sender.send(call);
  }

  finish(call: OutgoingCall, cancel: boolean): void {
    this.#calls.delete(call.id);
    if (!this.sender.withdraw(call) && cancel) {
      this.#note({ kind: "cancel", id: call.id });
    }
  }

  credit(id: number, items: number): void {
    this.sender.send(new Note({ kind: "credit", id, credit: items }));
  }

  answered(call: ServedCall): void {
    if (this.#served.get(call.id) === call) this.#served.delete(call.id);
  }

  settled(): void {
    this.#running -= 1;
    this.core.running -= 1;
  }

  /** What the peer sent. Ids that name nothing are ignored: the call may just have ended here. */
  receive(envelope: Envelope): void {
    const { id } = envelope;
    switch (envelope.kind) {
      case "request":
        this.#serve(id, envelope.method, undefined, envelope.payload);
        return;
      case "stream":
        this.#serve(id, envelope.method, envelope.credit, envelope.payload);
        return;
      case "response":
        this.#calls.get(id)?.response(envelope.payload);
        return;
      case "error":
        this.#calls.get(id)?.fail(
          new RpcError(envelope.code, envelope.message),
        );
        return;
      case "item":
        this.#calls.get(id)?.item(envelope.payload);
        return;
      case "end":
        this.#calls.get(id)?.ended(envelope.count);
        return;
      case "credit":
        this.#served.get(id)?.addCredit(envelope.credit);
        return;
      case "cancel":
        this.#served.get(id)?.cancel(
          new RpcError("cancelled", `${this.endpoint} cancelled the call`),
          false,
        );
    }
  }

  /** The peer is gone, or nobody may talk to it any more: every call ends. */
  drop(why: string): void {
    this.sender.end();
    const error = () =>
      new RpcError("disconnected", `${this.endpoint}: ${why}`);
    for (const call of this.#calls.values()) call.fail(error());
    for (const call of this.#served.values()) call.cancel(error(), false);
  }

  /** This side wants no more: every call ends, and the peer hears of it. */
  close(): void {
    for (const call of this.#calls.values()) {
      call.giveUp(new RpcError("aborted", "This side was closed"));
    }
    for (const call of this.#served.values()) {
      call.cancel(
        new RpcError("cancelled", "The serving side was closed"),
        true,
      );
    }
  }

  /** Answers a call that is not served. */
  refuse(id: number, code: WireErrorCode, message: string): void {
    this.#note({ kind: "error", id, code, message });
  }

  #serve(
    id: number,
    name: string,
    credit: number | undefined,
    payload: Uint8Array,
  ): void {
    const { core } = this;
    if (this.#served.has(id)) {
      this.refuse(id, "protocol", `Call ${id} is still running`);
      return;
    }
    if (
      Math.max(this.#running, this.#served.size) >= core.maxCallsPerConnection
    ) {
      this.refuse(id, "overloaded", "Too many calls on this connection");
      return;
    }
    if (core.running >= core.maxCalls) {
      this.refuse(id, "overloaded", "Too many calls");
      return;
    }
    const method = core.methods.get(name);
    if (method === undefined) {
      const called = name.length > 64 ? `${name.slice(0, 64)}…` : name;
      this.refuse(id, "unknown-method", `There is no method ${called}`);
      return;
    }
    const call = new ServedCall(this, id, this.endpoint, name, credit);
    this.#served.set(id, call);
    this.#running += 1;
    core.running += 1;
    call.run(method, payload);
  }

  /** Bounded: a peer that asks and asks and never reads the answers gets some of them not at all. */
  #note(envelope: Envelope): void {
    if (this.sender.waiting < this.core.maxCallsPerConnection * 4) {
      this.sender.send(new Note(envelope));
    }
  }
}
