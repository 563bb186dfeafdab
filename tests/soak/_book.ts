/**
 * The books of one conversation: what each side was allowed to send, and what
 * the other received of it, message by message.
 *
 * @module
 */

import type { Random } from "../fuzz/_random.ts";

/** Conversation, number, kind, size of the payload, checksum: 4 bytes each, big-endian. */
const HEAD_SIZE = 20;

/** What a message says beside its payload. */
export const Kind = {
  /** Nothing. */
  Data: 0,
  /** The client is there. */
  Hello: 1,
  /** The client has sent its last: the server answers with its own last, and ends. */
  Goodbye: 2,
  /** The server has sent its last. */
  Farewell: 3,
  /** Sent to many at once, with a number of its own. */
  Broadcast: 4,
} as const;

/** One message. */
export interface Message {
  readonly conversation: number;
  readonly number: number;
  readonly kind: number;
  readonly isSound: boolean;
  /** Bytes with the head. */
  readonly size: number;
}

/** Where payloads are cut from. */
export class Payloads {
  readonly #pool: Uint8Array;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
    this.#pool = random.bytes(256 * 1024);
  }

  /** A message with an arbitrary payload of `size` bytes. */
  message(
    conversation: number,
    number: number,
    kind: number,
    size: number,
  ): Uint8Array {
    const start = this.#random.below(this.#pool.length - size);
    const message = new Uint8Array(HEAD_SIZE + size);
    message.set(this.#pool.subarray(start, start + size), HEAD_SIZE);
    const head = new DataView(message.buffer);
    head.setUint32(0, conversation);
    head.setUint32(4, number);
    head.setUint32(8, kind);
    head.setUint32(12, size);
    head.setUint32(16, checksum(message));
    return message;
  }
}

/** FNV-1a of everything but the checksum itself. */
function checksum(message: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < message.length; at += 1) {
    if (at === 16) at = HEAD_SIZE;
    if (at === message.length) break;
    sum = Math.imul(sum ^ (message[at] ?? 0), 0x01000193);
  }
  return sum >>> 0;
}

/** The first message in the bytes; undefined while it is not all there. */
function read(bytes: Uint8Array): Message | undefined {
  if (bytes.length < HEAD_SIZE) return undefined;
  const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = HEAD_SIZE + head.getUint32(12);
  if (bytes.length < size) return undefined;
  return {
    conversation: head.getUint32(0),
    number: head.getUint32(4),
    kind: head.getUint32(8),
    size,
    isSound: head.getUint32(16) === checksum(bytes.subarray(0, size)),
  };
}

const BROKEN: Message = {
  conversation: 0,
  number: 0,
  kind: Kind.Data,
  size: 0,
  isSound: false,
};

/** Cuts messages out of what a connection delivers. */
export class Cutter {
  readonly #isPacket: boolean;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(isPacket: boolean) {
    this.#isPacket = isPacket;
  }

  /** Hands on each message that is whole now. */
  push(data: Uint8Array, then: (message: Message) => void): void {
    if (this.#isPacket) {
      const message = read(data);
      then(message?.size === data.length ? message : BROKEN);
      return;
    }
    let bytes = data;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + data.length);
      bytes.set(this.#rest);
      bytes.set(data, this.#rest.length);
    }
    for (;;) {
      const message = read(bytes);
      if (message === undefined) break;
      bytes = bytes.subarray(message.size);
      then(message);
    }
    // A copy, so that no large chunk hangs on a small rest.
    this.#rest = bytes.slice();
  }
}

/** One direction of one conversation. */
export class Book {
  /** Messages that `send` took. */
  accepted = 0;
  /** Messages that came. */
  received = 0;
  readonly #isReliable: boolean;
  /** What is under way, oldest first: numbers, those of broadcasts below 0. */
  #expected: number[] = [];
  #next = 0;

  constructor(isReliable: boolean) {
    this.#isReliable = isReliable;
  }

  /** Messages accepted that have not come. */
  get missing(): number {
    return this.accepted - this.received;
  }

  /** Notes that a message was taken. */
  accept(number: number, kind: number): void {
    this.accepted += 1;
    if (this.#isReliable) this.#expected.push(key(number, kind));
  }

  /** Notes that a message came. Returns what is wrong with it, if anything is. */
  receive({ number, kind, isSound }: Message): string | undefined {
    if (!isSound) return "a message came changed";
    this.received += 1;
    if (!this.#isReliable) {
      return number < this.accepted ? undefined : "a message came from nowhere";
    }
    const expected = this.#expected[this.#next];
    if (expected === undefined) return `message ${number} came from nowhere`;
    if (expected !== key(number, kind)) {
      return `message ${key(number, kind)} came instead of ${expected}`;
    }
    this.#next += 1;
    if (this.#next > 64 && this.#next * 2 > this.#expected.length) {
      this.#expected.splice(0, this.#next);
      this.#next = 0;
    }
    return undefined;
  }
}

function key(number: number, kind: number): number {
  return kind === Kind.Broadcast ? -1 - number : number;
}
