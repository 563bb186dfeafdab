/**
 * Messages that wait for a connection.
 *
 * @module
 */

import { SendStatus } from "../adapters/adapter.ts";
import type { Connection } from "../adapters/adapter.ts";
import { Fault } from "../runtime/fault.ts";

/** What keeping a message costs beside its bytes: without it, empty ones could be queued without end. */
const OVERHEAD = 64;

interface HeldMessage {
  readonly data: Uint8Array;
  readonly isText: boolean;
  readonly tag: number;
}

/** Takes the place of a message that is gone, so that the list does not keep it. */
const GONE: HeldMessage = { data: new Uint8Array(0), isText: false, tag: 0 };

/** The messages of one endpoint that were accepted during an outage, in order. */
export class HeldMessages {
  readonly #limit: number;
  readonly #maxMessageSize: number;
  #messages: HeldMessage[] = [];
  #next = 0;
  #size = 0;
  #bytes = 0;
  #isHandingOver = false;

  /**
   * @param limit How many bytes may wait, the overhead included.
   * @param maxMessageSize The largest message that the connection will take.
   */
  constructor(limit: number, maxMessageSize: number) {
    this.#limit = limit;
    this.#maxMessageSize = maxMessageSize;
  }

  /** The bytes of the messages. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a message, if there is room for it. */
  push(data: Uint8Array, isText: boolean, tag: number): SendStatus {
    const size = data.length + OVERHEAD;
    if (data.length > this.#maxMessageSize || size > this.#limit) {
      return SendStatus.MaxPacketSizeExceeded;
    }
    if (this.#size + size > this.#limit) return SendStatus.QueueFull;
    this.#messages.push({ data, isText, tag });
    this.#size += size;
    this.#bytes += data.length;
    return SendStatus.Sent;
  }

  /**
   * Sends them, until the connection takes no more.
   *
   * @returns True when none is left; false when the connection is full; a fault for a message that it
   * will never take, which is forgotten.
   */
  handOver(connection: Connection): boolean | Fault {
    // A send may leave at once, and the connection say from within it that there is room: who sends goes on.
    if (this.#isHandingOver) return false;
    this.#isHandingOver = true;
    const outcome = this.#sendAll(connection);
    this.#isHandingOver = false;
    return outcome;
  }

  #sendAll(connection: Connection): boolean | Fault {
    const messages = this.#messages;
    for (; this.#next < messages.length; this.#forgetFirst()) {
      const { data, isText, tag } = messages[this.#next] ?? GONE;
      let status: SendStatus;
      try {
        status = connection.send(data, isText, tag);
      } catch (error) {
        this.#forgetFirst();
        return error instanceof Fault ? error : new Fault(
          "invalid-message",
          "Cannot send a message that was queued",
          { cause: error },
        );
      }
      switch (status) {
        case SendStatus.Sent:
        case SendStatus.Congested:
          continue;
        case SendStatus.MaxPacketSizeExceeded:
          this.#forgetFirst();
          return new Fault(
            "message-too-big",
            "Cannot send a message that was queued: it is larger than the connection takes",
          );
        default:
          return false;
      }
    }
    this.#messages = [];
    this.#next = 0;
    return true;
  }

  #forgetFirst(): void {
    const bytes = this.#messages[this.#next]?.data.length ?? 0;
    this.#bytes -= bytes;
    this.#size -= bytes + OVERHEAD;
    this.#messages[this.#next] = GONE;
    this.#next += 1;
    // Half of the list is gone: to cut it now and then costs less than a shift each time.
    if (this.#next < 1_024 || this.#next * 2 < this.#messages.length) return;
    this.#messages.splice(0, this.#next);
    this.#next = 0;
  }
}
