/**
 * Messages that end with a line feed: lines of text, NDJSON.
 *
 * @module
 */

import type {
  FrameDecoder,
  Framing,
  FramingFault,
  MessageSink,
} from "./framing.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const EMPTY = new Uint8Array(0);

/** The first buffer of a line that spans chunks, in bytes. */
const FIRST_CAPACITY = 1024;

/** How lines are read. */
export interface NewlineOptions {
  /**
   * Whether one `\r` before the `\n` is taken off what is received, as of a peer that ends its lines with `\r\n`.
   * What is sent ends with `\n` alone. Default: false.
   */
  readonly stripCarriageReturn?: boolean;
}

class NewlineDecoder implements FrameDecoder {
  readonly #maxMessageSize: number;
  readonly #stripsReturn: boolean;
  #line: Uint8Array = EMPTY;
  #received = 0;
  #isSpent = false;

  constructor(maxMessageSize: number, stripsReturn: boolean) {
    this.#maxMessageSize = maxMessageSize;
    this.#stripsReturn = stripsReturn;
  }

  get buffered(): number {
    return this.#received;
  }

  push(chunk: Uint8Array, sink: MessageSink): FramingFault | undefined {
    if (this.#isSpent) return undefined;
    // Spent until this push ends well: so a sink that throws leaves no decoder
    // that has lost its place, and one that pushes again does no harm.
    this.#isSpent = true;
    const stripsReturn = this.#stripsReturn;
    const max = this.#maxMessageSize;
    let at = 0;
    if (this.#received > 0) {
      const feed = chunk.indexOf(LINE_FEED);
      const end = feed < 0 ? chunk.length : feed;
      if (!this.#append(chunk, 0, end)) return this.#tooBig();
      if (feed < 0) {
        this.#isSpent = false;
        return undefined;
      }
      const size = this.#messageEnd(this.#line, 0, this.#received);
      const message = this.#line.subarray(0, size);
      this.#clear();
      if (!sink.message(message, 0)) return undefined;
      at = feed + 1;
    }
    // Hot: one turn a message.
    for (;;) {
      const feed = chunk.indexOf(LINE_FEED, at);
      if (feed < 0) break;
      const end = stripsReturn ? this.#messageEnd(chunk, at, feed) : feed;
      if (end - at > max) return this.#tooBig();
      if (!sink.message(chunk.subarray(at, end), 0)) return undefined;
      at = feed + 1;
    }
    if (!this.#append(chunk, at, chunk.length)) return this.#tooBig();
    this.#isSpent = false;
    return undefined;
  }

  #messageEnd(bytes: Uint8Array, start: number, end: number): number {
    return this.#stripsReturn && end > start &&
        bytes[end - 1] === CARRIAGE_RETURN
      ? end - 1
      : end;
  }

  /** Keeps the bytes of a line that has not ended; false if it is too long already, and then keeps nothing. */
  #append(chunk: Uint8Array, start: number, end: number): boolean {
    if (end === start) return true;
    const received = this.#received + end - start;
    // A last `\r` may yet turn out to be no part of the message.
    const size = this.#received + this.#messageEnd(chunk, start, end) - start;
    if (size > this.#maxMessageSize) return false;
    if (received > this.#line.length) {
      const larger = new Uint8Array(
        Math.min(
          this.#maxMessageSize + 1,
          Math.max(FIRST_CAPACITY, received * 2),
        ),
      );
      larger.set(this.#line.subarray(0, this.#received));
      this.#line = larger;
    }
    this.#line.set(chunk.subarray(start, end), this.#received);
    this.#received = received;
    return true;
  }

  #clear(): void {
    this.#line = EMPTY;
    this.#received = 0;
  }

  #tooBig(): FramingFault {
    this.#clear();
    return {
      code: "message-too-big",
      message:
        `The peer sent a line above the limit of ${this.#maxMessageSize} bytes`,
    };
  }
}

/**
 * Makes a framing of lines.
 *
 * Guarantees and faults are those of {@linkcode newlineFraming}. With
 * `stripCarriageReturn` a message that ends with `\r` is refused, because the
 * other end would take it off.
 *
 * @param options How lines are read.
 * @example
 * ```ts
 * import { createNewlineFraming, framedTcp } from "@signalbox/signalbox";
 *
 * const lines = framedTcp({
 *   framing: createNewlineFraming({ stripCarriageReturn: true }),
 * });
 * ```
 */
export function createNewlineFraming(options: NewlineOptions = {}): Framing {
  const stripsReturn = options.stripCarriageReturn ?? false;
  return {
    name: "newline",
    maxPayloadSize: Number.MAX_SAFE_INTEGER,
    tailSize: 1,
    createDecoder: (maxMessageSize: number): FrameDecoder =>
      new NewlineDecoder(
        Math.min(maxMessageSize, Number.MAX_SAFE_INTEGER),
        stripsReturn,
      ),
    refuses(payload: Uint8Array, tag: number): string | undefined {
      if (tag !== 0) return "The newline framing carries no tags";
      if (payload.indexOf(LINE_FEED) >= 0) {
        return "The newline framing carries no message with a line feed in it";
      }
      if (stripsReturn && payload[payload.length - 1] === CARRIAGE_RETURN) {
        return "A carriage return at the end of a message would be taken off";
      }
      return undefined;
    },
    headSize: (): number => 0,
    writeHead() {},
    writeTail(target: Uint8Array, offset: number): void {
      target[offset] = LINE_FEED;
    },
  };
}

/**
 * Messages that end with `\n`, which no message may contain.
 *
 * Empty messages are legal; there are no tags. A decoder faults with
 * `message-too-big` once a line passes its limit, whether its end has come or
 * not. A last line without `\n` is not a message. A push from inside the sink
 * does nothing; a sink that throws leaves the decoder spent.
 */
export const newlineFraming: Framing = createNewlineFraming();
