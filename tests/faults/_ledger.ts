/**
 * Numbered messages with checksums: what one side books out, the other books
 * in, and whatever is lost, doubled, reordered or changed is found at once.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  type Endpoint,
  type NetworkController,
  SendStatus,
} from "../../mod.ts";
import type { Random } from "./_random.ts";

/** Number, size of the payload, checksum of the payload: 4 bytes each, big-endian. */
const HEAD_SIZE = 12;

/** FNV-1a, of 32 bits. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at += 1) {
    sum = Math.imul(sum ^ (bytes[at] ?? 0), 0x01000193);
  }
  return sum >>> 0;
}

/** How the bytes of a message look in a framing that cannot carry all. */
export interface Dress {
  wrap(message: Uint8Array): Uint8Array;
  unwrap(data: Uint8Array): Uint8Array;
}

/** As they are. */
export const plain: Dress = {
  wrap: (message) => message,
  unwrap: (data) => data,
};

/** As hexadecimal digits: for lines. */
export const hexadecimal: Dress = {
  wrap(message) {
    const digits = new Uint8Array(message.length * 2);
    for (const [at, byte] of message.entries()) {
      digits[at * 2] = digit(byte >> 4);
      digits[at * 2 + 1] = digit(byte & 15);
    }
    return digits;
  },
  unwrap(data) {
    const message = new Uint8Array(data.length >> 1);
    for (let at = 0; at < message.length; at += 1) {
      message[at] = value(data[at * 2]) * 16 + value(data[at * 2 + 1]);
    }
    return message;
  },
};

function digit(nibble: number): number {
  return nibble + (nibble < 10 ? 48 : 87);
}

function value(code = 48): number {
  return code - (code < 58 ? 48 : 87);
}

/** Makes the messages of one direction. */
export class Outgoing {
  /** How many were accepted. */
  accepted = 0;
  /** How often a message was refused for want of room. */
  refused = 0;
  /** How often a message was accepted with a warning. */
  congested = 0;
  readonly #random: Random;
  readonly #sizeOf: (random: Random) => number;
  readonly #dress: Dress;
  #next: Uint8Array | undefined;

  constructor(
    random: Random,
    sizeOf: (random: Random) => number,
    dress: Dress = plain,
  ) {
    this.#random = random;
    this.#sizeOf = sizeOf;
    this.#dress = dress;
  }

  /** Sends the next message; one that is refused is next again. */
  send(network: NetworkController, endpoint: Endpoint): SendStatus {
    const message = this.#next ?? this.#make();
    const status = network.send(endpoint, message);
    if (status === SendStatus.Sent || status === SendStatus.Congested) {
      this.accepted += 1;
      this.#next = undefined;
      if (status === SendStatus.Congested) this.congested += 1;
    } else {
      this.#next = message;
      if (status === SendStatus.QueueFull) this.refused += 1;
    }
    return status;
  }

  /** Sends until so many are accepted; at times it heeds no warning until it is refused. False when the connection ended. */
  async sendAll(
    network: NetworkController,
    endpoint: Endpoint,
    count: number,
  ): Promise<boolean> {
    while (this.accepted < count) {
      const status = this.send(network, endpoint);
      const mustWait = status === SendStatus.QueueFull ||
        (status === SendStatus.Congested && this.#random.below(4) === 0);
      if (status === SendStatus.ResourceNotFound) return false;
      assert.notEqual(status, SendStatus.MaxPacketSizeExceeded);
      if (mustWait && !await network.writable(endpoint)) return false;
    }
    return true;
  }

  #make(): Uint8Array {
    const payload = this.#random.bytes(this.#sizeOf(this.#random));
    const message = new Uint8Array(HEAD_SIZE + payload.length);
    const head = new DataView(message.buffer);
    head.setUint32(0, this.accepted);
    head.setUint32(4, payload.length);
    head.setUint32(8, checksum(payload));
    message.set(payload, HEAD_SIZE);
    return this.#dress.wrap(message);
  }
}

/** Checks the messages of one direction, whole or cut anew as a stream of bytes. */
export class Incoming {
  /** How many have come. */
  count = 0;
  readonly #isPacket: boolean;
  readonly #dress: Dress;
  #rest: Uint8Array = new Uint8Array(0);
  #error: unknown;

  constructor(isPacket: boolean, dress: Dress = plain) {
    this.#isPacket = isPacket;
    this.#dress = dress;
  }

  /** Bytes of a message that is not complete. */
  get rest(): number {
    return this.#rest.length;
  }

  /** Whether exactly so many have come. Throws once anything that came was wrong. */
  has(count: number): boolean {
    if (this.#error !== undefined) throw this.#error;
    return this.count === count;
  }

  /** Books what came; what is wrong with it is told by `has`. */
  take(data: Uint8Array): void {
    try {
      this.#take(data);
    } catch (error) {
      this.#error ??= error;
    }
  }

  #take(data: Uint8Array): void {
    if (this.#isPacket) {
      const message = this.#dress.unwrap(data);
      assert.equal(this.#book(message), message.length, "more than a message");
      return;
    }
    let bytes = new Uint8Array(this.#rest.length + data.length);
    bytes.set(this.#rest);
    bytes.set(data, this.#rest.length);
    for (;;) {
      const size = this.#book(bytes);
      if (size === 0) break;
      bytes = bytes.subarray(size);
    }
    this.#rest = bytes;
  }

  /** Checks the message at the beginning; returns its size, or 0 if it is not all there. */
  #book(bytes: Uint8Array): number {
    if (bytes.length < HEAD_SIZE) return 0;
    const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const number = head.getUint32(0);
    assert.equal(number, this.count, "the number of a message");
    const end = HEAD_SIZE + head.getUint32(4);
    if (bytes.length < end) return 0;
    assert.equal(
      checksum(bytes.subarray(HEAD_SIZE, end)),
      head.getUint32(8),
      `the checksum of message ${number}`,
    );
    this.count += 1;
    return end;
  }
}
