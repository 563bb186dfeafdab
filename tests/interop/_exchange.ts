/**
 * Messages to an echo and back, compared.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Endpoint, SendStatus } from "../../mod.ts";
import { sameBytes, type TestNode } from "../conformance/_nodes.ts";
import { SEED } from "./_messages.ts";

/** Bytes that may be on their way. */
const MAX_BYTES_IN_FLIGHT = 4 << 20;

/** What is exchanged, and how. */
export interface Exchange {
  readonly messages: readonly Uint8Array[];
  /** Messages that may be on their way. */
  readonly window: number;
  /** Nothing keeps the messages apart. */
  readonly isStream?: boolean;
  /** The tag of each. Default: 0. */
  readonly tags?: readonly number[];
  /** The echo answers from another address than it is sent to. */
  readonly isFromElsewhere?: boolean;
}

/** Sends messages to an echo, and fails unless each comes back as it was, in order. */
export async function exchange(
  node: TestNode,
  endpoint: Endpoint,
  { messages, window, isStream, tags, isFromElsewhere }: Exchange,
): Promise<void> {
  const total = messages.reduce((size, { length }) => size + length, 0);
  let sent = 0;
  let sentBytes = 0;
  let back = 0;
  let backBytes = 0;
  let failure: unknown;
  const pump = () => {
    for (; sent < messages.length; sent += 1) {
      const message = messages[sent];
      assert(message !== undefined);
      const inFlight = sentBytes - backBytes;
      if (!isStream && sent - back >= window) return;
      if (inFlight > 0 && inFlight + message.length > MAX_BYTES_IN_FLIGHT) {
        return;
      }
      const status = node.network.send(endpoint, message, {
        tag: tags?.[sent] ?? 0,
      });
      if (status === SendStatus.QueueFull) {
        // The system has no room for a datagram: it has, a moment later.
        node.network.writable(endpoint).then(pump).catch((error) => {
          failure = error;
        });
        return;
      }
      assert(
        status === SendStatus.Sent || status === SendStatus.Congested,
        `message ${sent} of ${message.length} bytes was answered with ${status}`,
      );
      sentBytes += message.length;
    }
  };
  const check = (data: Uint8Array, tag: number | undefined) => {
    const expected = messages[back];
    assert(expected !== undefined, "a message too many");
    sameBytes(data, expected);
    assert.equal(tag ?? 0, tags?.[back] ?? 0);
  };
  const all = isStream ? joined(messages, total) : undefined;
  node.onEvent = (event) => {
    if (event.type !== "message" || failure !== undefined) return;
    if (event.endpoint !== endpoint && !isFromElsewhere) return;
    const { data, tag } = event;
    try {
      if (all === undefined) check(data, tag);
      else sameBytes(data, all.subarray(backBytes, backBytes + data.length));
      back += 1;
      backBytes += data.length;
      pump();
    } catch (error) {
      failure = new Error(
        `message ${back} of seed ${SEED}, after ${backBytes} bytes`,
        { cause: error },
      );
    }
  };
  pump();
  await node.until("all messages to be back", () => {
    if (failure !== undefined) throw failure;
    return isStream ? backBytes === total : back === messages.length;
  });
  node.onEvent = undefined;
}

function joined(messages: readonly Uint8Array[], total: number): Uint8Array {
  const all = new Uint8Array(total);
  let at = 0;
  for (const message of messages) {
    all.set(message, at);
    at += message.length;
  }
  return all;
}
