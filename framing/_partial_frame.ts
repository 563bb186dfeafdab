/**
 * A frame of which only a part has come: its head may be cut at any byte, its payload is gathered.
 *
 * @module
 */

import { GatherBuffer } from "./_gather_buffer.ts";
import type { FramingFault } from "./framing.ts";

/** What a head reader answers when the head goes on in the next chunk. */
export const NEED_MORE = -1;
/** What a head reader answers when no further byte can make this a head. */
export const MALFORMED = -2;
/** What a head reader answers when the size cannot but pass the limit. */
export const TOO_BIG = -3;

/** The head of a framing that says the size before the payload. */
export interface HeadFormat {
  /** The longest head, in bytes. */
  readonly maxHeadSize: number;
  /** What to tell a person of a malformed head: a sentence without a final period. */
  readonly complaint: string;
  /**
   * Reads the head that begins at `start`.
   *
   * The answer for some bytes must be the first answer but {@linkcode NEED_MORE}
   * that any prefix of them gets: so the cut of the stream cannot change it.
   *
   * @returns The payload's size, or one of the negative answers above.
   */
  read(
    bytes: Uint8Array,
    start: number,
    end: number,
    maxMessageSize: number,
  ): number;
  /** The tag in the whole head that begins at `start`. */
  tag(bytes: Uint8Array, start: number): number;
}

const EMPTY = new Uint8Array(0);

/** The first buffer of a gathered payload, in bytes, unless the payload is smaller. */
const FIRST_CAPACITY = 64 * 1024;

/** Collects one frame that spans chunks, and can be used again for the next one. */
export class PartialFrame {
  readonly #format: HeadFormat;
  readonly #maxMessageSize: number;
  #head: Uint8Array = EMPTY;
  #headSize = 0;
  /** The claimed payload size; negative until the head is whole. */
  #size = NEED_MORE;
  readonly #payload = new GatherBuffer(FIRST_CAPACITY, 2);

  constructor(format: HeadFormat, maxMessageSize: number) {
    this.#format = format;
    this.#maxMessageSize = maxMessageSize;
  }

  /** Bytes taken of the frame, its head included. */
  get buffered(): number {
    return this.#headSize + this.#payload.length;
  }

  /** Whether the whole frame is there. */
  get isComplete(): boolean {
    return this.#payload.length === this.#size;
  }

  /** The tag of a frame whose head is whole. */
  get tag(): number {
    return this.#format.tag(this.#head, 0);
  }

  /**
   * Takes from `chunk`, beginning at `at`, what the frame still lacks.
   *
   * @returns Where the rest of the chunk begins, or the negative answer of the head reader.
   */
  take(chunk: Uint8Array, at: number): number {
    if (this.#size >= 0) return this.#takePayload(chunk, at);
    if (this.#head.length === 0) {
      this.#head = new Uint8Array(this.#format.maxHeadSize);
    }
    while (at < chunk.length) {
      this.#head[this.#headSize++] = chunk[at++]!;
      const size = this.#format.read(
        this.#head,
        0,
        this.#headSize,
        this.#maxMessageSize,
      );
      if (size === NEED_MORE) continue;
      if (size < 0) return size;
      this.#size = size;
      return this.#takePayload(chunk, at);
    }
    return at;
  }

  #takePayload(chunk: Uint8Array, at: number): number {
    const whole = at + this.#size - this.#payload.length;
    const end = Math.min(chunk.length, whole);
    if (end > at) {
      this.#payload.append(chunk, at, end, this.#size, end === whole);
    }
    return end;
  }

  /** Gives the payload of a complete frame away and is ready for the next. */
  release(): Uint8Array {
    const payload = this.#payload.take();
    this.clear();
    return payload;
  }

  /** Forgets the frame. */
  clear(): void {
    this.#headSize = 0;
    this.#size = NEED_MORE;
    this.#payload.clear();
  }

  /** Forgets the frame and says what a negative answer of the head reader means. */
  fault(answer: number): FramingFault {
    this.clear();
    return answer === TOO_BIG
      ? {
        code: "message-too-big",
        message:
          `The peer announced a message above the limit of ${this.#maxMessageSize} bytes`,
      }
      : { code: "protocol", message: this.#format.complaint };
  }
}
