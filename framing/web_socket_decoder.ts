/**
 * Finds the messages in a stream of WebSocket frames (RFC 6455, sections 5 and 8.1).
 *
 * @module
 */

import { GatherBuffer } from "./_gather_buffer.ts";
import { applyMask } from "./_mask.ts";
import { Utf8Check } from "./_utf8_check.ts";
import { headProblem, headSize, int32 } from "./_web_socket_head.ts";
import {
  CLOSE_NO_STATUS,
  isCloseCode,
  WebSocketOpcode,
} from "./web_socket_frame.ts";

/** Takes what a {@linkcode WebSocketDecoder} finds. */
export interface WebSocketSink {
  /**
   * One whole message.
   *
   * @param data A view into the chunk that was pushed, or a buffer of its own if
   * the message came in pieces that do not lie in a row. It is never written again.
   * @param isText Whether it is text; then it is valid UTF-8.
   * @returns False to stop: the decoder drops the rest and decodes no more.
   */
  message(data: Uint8Array, isText: boolean): boolean;
  /** The peer asks for a pong with the same data. */
  ping(data: Uint8Array): void;
  /** The peer answered a ping, or says unasked that it lives. */
  pong(data: Uint8Array): void;
  /** The peer's last word, with code 1005 if it gave none. The decoder decodes no more. */
  close(code: number, reason: string): void;
}

/** Why a stream cannot be decoded any further. */
export interface WebSocketFault {
  /** `message-too-big`: the length, or the number of fragments, passes the limit. `protocol`: RFC 6455 is broken. */
  readonly code: "message-too-big" | "protocol";
  /** What was wrong, for a person: a sentence without a final period. */
  readonly message: string;
  /** What the close frame that answers it says (RFC 6455, section 7.4.1). */
  readonly closeCode: 1002 | 1007 | 1009;
}

/** How a {@linkcode WebSocketDecoder} judges. */
export interface WebSocketDecoderOptions {
  /** Whether frames come from a client, and so must be masked; else they must not be. */
  readonly isServer: boolean;
  /** The largest message, all fragments together, in bytes. */
  readonly maxMessageSize: number;
  /** The largest number of frames in one message, empty ones too. Default: 65,536. */
  readonly maxFragments?: number;
}

const DEFAULT_MAX_FRAGMENTS = 65_536;

/** The first buffer of a message that spans chunks, in bytes. */
const FIRST_CAPACITY = 256;

/** A claimed length alone allocates next to nothing: so many times what came, at most. */
const GROWTH = 4;

/** The first byte of a message of one frame. */
const FINAL_TEXT = 0x80 | WebSocketOpcode.text;
const FINAL_BINARY = 0x80 | WebSocketOpcode.binary;

/** The largest payload whose length is in the second byte. */
const MAX_SHORT_PAYLOAD = 125;

/** 2 bytes, 8 of length, 4 of mask. */
const MAX_HEAD_SIZE = 14;

/**
 * Cuts the messages of one direction of one connection out of its chunks,
 * however these were cut.
 *
 * Payloads are unmasked where they are. A frame that lies in one chunk, or in
 * chunks that lie in a row, is handed out as a view; what else spans chunks or
 * frames is copied, once. A length is judged as soon as it is claimed, and
 * memory follows the bytes that came, never the claim. Text is checked as it
 * comes: wrong UTF-8 is a fault at its first byte.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { WebSocketDecoder } from "./web_socket_decoder.ts";
 *
 * const decoder = new WebSocketDecoder({ isServer: false, maxMessageSize: 1024 });
 * const texts: string[] = [];
 * decoder.push(new Uint8Array([0x81, 0x02, 0x48, 0x69]), {
 *   message: (data) => texts.push(new TextDecoder().decode(data)) > 0,
 *   ping() {},
 *   pong() {},
 *   close() {},
 * });
 * assert.deepEqual(texts, ["Hi"]);
 * ```
 */
export class WebSocketDecoder {
  readonly #isServer: boolean;
  readonly #maxMessageSize: number;
  readonly #maxFragments: number;
  readonly #utf8 = new Utf8Check();
  readonly #gathered = new GatherBuffer(FIRST_CAPACITY, GROWTH);
  readonly #control = new GatherBuffer(FIRST_CAPACITY, GROWTH);
  readonly #head = new Uint8Array(MAX_HEAD_SIZE);
  #headLength = 0;
  #fault: WebSocketFault | undefined;
  #isSpent = false;
  // The frame whose payload is being read.
  #isInFrame = false;
  #isFinal = false;
  #opcode = 0;
  #size = 0;
  #taken = 0;
  #maskKey = 0;
  // The message of which the first fragment came.
  #isInMessage = false;
  #isText = false;
  #fragments = 0;
  /** Bytes of payload that the frames of the message have claimed. */
  #claimed = 0;

  /**
   * A decoder for one direction of one connection.
   *
   * @param options Which side this is, and the limits.
   */
  constructor(options: WebSocketDecoderOptions) {
    this.#isServer = options.isServer;
    this.#maxMessageSize = options.maxMessageSize;
    this.#maxFragments = options.maxFragments ?? DEFAULT_MAX_FRAGMENTS;
  }

  /** Bytes held of a frame or message that is not complete; 0 between messages, and when spent. */
  get buffered(): number {
    return this.#headLength + this.#gathered.length + this.#control.length;
  }

  /**
   * Takes the next chunk, which is the decoder's alone from now on: it changes
   * it, and hands out views of it. What is now complete goes to `sink`, in order.
   *
   * @returns undefined while the stream is sound; else why it is not. After a
   * fault, a close frame, and after `message` returned false, the decoder is
   * spent: later pushes do nothing.
   */
  push(chunk: Uint8Array, sink: WebSocketSink): WebSocketFault | undefined {
    // Hot: one turn a frame, or a run of short messages.
    const end = chunk.length;
    let at = 0;
    while (at < end && !this.#isSpent) {
      if (!this.#isInFrame) {
        if (this.#headLength === 0 && !this.#isInMessage) {
          at = this.#readShort(chunk, at, end, sink);
          if (at === end || this.#isSpent) break;
        }
        at = this.#readHead(chunk, at, end);
        if (!this.#isInFrame) continue;
      }
      const stop = Math.min(end, at + this.#size - this.#taken);
      if (this.#opcode >= WebSocketOpcode.close) {
        this.#readControl(chunk, at, stop, sink);
      } else {
        this.#readData(chunk, at, stop, sink);
      }
      at = stop;
    }
    const fault = this.#fault;
    this.#fault = undefined;
    return fault;
  }

  /**
   * Reads messages of one short frame as long as they lie whole in the chunk;
   * returns the offset behind them. Whatever else is there, wrong or right, is
   * left to the general way.
   */
  #readShort(
    chunk: Uint8Array,
    start: number,
    end: number,
    sink: WebSocketSink,
  ): number {
    const isServer = this.#isServer;
    const headSize = isServer ? 6 : 2;
    const maskBit = isServer ? 0x80 : 0;
    const max = Math.min(this.#maxMessageSize, MAX_SHORT_PAYLOAD);
    // Hot: one turn a message.
    let at = start;
    while (at + headSize <= end) {
      const first = chunk[at]!;
      const isText = first === FINAL_TEXT;
      if (!isText && first !== FINAL_BINARY) return at;
      const size = chunk[at + 1]! ^ maskBit;
      const from = at + headSize;
      const to = from + size;
      if (size > max || to > end) return at;
      if (isServer) applyMask(chunk, from, to, int32(chunk, at + 2), 0);
      if (isText && !this.#acceptText(chunk, from, to, true)) return to;
      at = to;
      if (!sink.message(chunk.subarray(from, to), isText)) {
        this.#stop();
        return at;
      }
    }
    return at;
  }

  /** Reads a head, or the part of it that is there; returns the offset behind it. */
  #readHead(chunk: Uint8Array, start: number, end: number): number {
    if (this.#headLength === 0 && start + 1 < end) {
      const behind = start + headSize(chunk[start + 1] ?? 0);
      if (behind <= end) {
        this.#beginFrame(chunk, start);
        return behind;
      }
    }
    const head = this.#head;
    let at = start;
    while (at < end) {
      head[this.#headLength] = chunk[at] ?? 0;
      this.#headLength += 1;
      at += 1;
      if (this.#headLength < 2) continue;
      // Nothing more is waited for when the first two bytes are wrong.
      if (this.#headLength === 2 && !this.#admits(head, 0)) return at;
      if (this.#headLength === headSize(head[1] ?? 0)) {
        this.#headLength = 0;
        this.#beginFrame(head, 0);
        return at;
      }
    }
    return at;
  }

  /** Judges the first two bytes of a head. */
  #admits(head: Uint8Array, at: number): boolean {
    const problem = headProblem(
      head[at] ?? 0,
      head[at + 1] ?? 0,
      this.#isServer,
      this.#isInMessage,
    );
    return problem === undefined || this.#fail(problem);
  }

  /** Takes a whole head. */
  #beginFrame(head: Uint8Array, start: number): void {
    if (!this.#admits(head, start)) return;
    let size = (head[start + 1] ?? 0) & 0x7f;
    let at = start + 2;
    if (size === 126) {
      size = ((head[at] ?? 0) << 8) | (head[at + 1] ?? 0);
      at += 2;
      if (size < 126) {
        this.#fail("A length is not in its shortest form");
        return;
      }
    } else if (size === 127) {
      const high = int32(head, at);
      size = int32(head, at + 4);
      at += 8;
      if (high < 0) {
        this.#fail("The highest bit of a length is set");
        return;
      }
      if (high !== 0 || size < 0) {
        // Apart, so that the size of all others stays an integer: from one that
        // may be a double, Bun makes doubles of all offsets, and unmasks fifty
        // times slower.
        const huge = high * 0x1_0000_0000 + (size >>> 0);
        this.#enterFrame(head, start, at, huge);
        return;
      }
      if (size <= 0xffff) {
        this.#fail("A length is not in its shortest form");
        return;
      }
    }
    this.#enterFrame(head, start, at, size);
  }

  /** Turns to the payload of a frame whose head is sound; its mask is at `at`. */
  #enterFrame(
    head: Uint8Array,
    start: number,
    at: number,
    size: number,
  ): void {
    const first = head[start] ?? 0;
    const opcode = first & 0x0f;
    if (opcode < WebSocketOpcode.close && !this.#countData(opcode, size)) {
      return;
    }
    this.#maskKey = this.#isServer ? int32(head, at) : 0;
    this.#isFinal = (first & 0x80) !== 0;
    this.#opcode = opcode;
    this.#size = size;
    this.#taken = 0;
    this.#isInFrame = true;
  }

  /** Judges a data frame against the limits before a byte of it is kept. */
  #countData(opcode: number, size: number): boolean {
    if (opcode !== WebSocketOpcode.continuation) {
      this.#isText = opcode === WebSocketOpcode.text;
      this.#claimed = 0;
      this.#fragments = 0;
    }
    this.#claimed += size;
    this.#fragments += 1;
    if (this.#claimed > this.#maxMessageSize) {
      return this.#tooBig(
        `A message of at least ${this.#claimed} bytes is larger than the limit of ${this.#maxMessageSize}`,
      );
    }
    if (this.#fragments > this.#maxFragments) {
      return this.#tooBig(
        `A message has more than ${this.#maxFragments} fragments`,
      );
    }
    return true;
  }

  #readData(
    chunk: Uint8Array,
    start: number,
    end: number,
    sink: WebSocketSink,
  ): void {
    const count = end - start;
    const isWholeFrame = count === this.#size;
    if (isWholeFrame && this.#isFinal && !this.#isInMessage) {
      if (this.#isServer) applyMask(chunk, start, end, this.#maskKey, 0);
      this.#isInFrame = false;
      if (this.#isText && !this.#acceptText(chunk, start, end, true)) return;
      if (!sink.message(chunk.subarray(start, end), this.#isText)) this.#stop();
      return;
    }
    if (this.#isServer) {
      applyMask(chunk, start, end, this.#maskKey, this.#taken);
    }
    this.#taken += count;
    const isEnd = this.#taken === this.#size;
    if (isEnd) {
      this.#isInFrame = false;
      this.#isInMessage = !this.#isFinal;
    }
    const isLast = isEnd && this.#isFinal;
    if (this.#isText && !this.#acceptText(chunk, start, end, isLast)) return;
    const gathered = this.#gathered;
    if (count > 0) gathered.append(chunk, start, end, this.#claimed, isLast);
    if (isLast && !sink.message(gathered.take(), this.#isText)) this.#stop();
  }

  #acceptText(
    bytes: Uint8Array,
    start: number,
    end: number,
    isLast: boolean,
  ): boolean {
    const utf8 = this.#utf8;
    if (
      !utf8.accept(bytes, start, end) || (isLast && !utf8.isComplete)
    ) {
      return this.#fail("A text message is not valid UTF-8", 1007);
    }
    return true;
  }

  #readControl(
    chunk: Uint8Array,
    start: number,
    end: number,
    sink: WebSocketSink,
  ): void {
    const count = end - start;
    if (this.#isServer) {
      applyMask(chunk, start, end, this.#maskKey, this.#taken);
    }
    this.#taken += count;
    const isWhole = this.#taken === this.#size;
    const control = this.#control;
    if (count > 0) control.append(chunk, start, end, this.#size, isWhole);
    if (!isWhole) return;
    const data = control.take();
    this.#isInFrame = false;
    if (this.#opcode === WebSocketOpcode.ping) sink.ping(data);
    else if (this.#opcode === WebSocketOpcode.pong) sink.pong(data);
    else this.#readClose(data, sink);
  }

  #readClose(data: Uint8Array, sink: WebSocketSink): void {
    if (data.length === 0) {
      this.#stop();
      sink.close(CLOSE_NO_STATUS, "");
      return;
    }
    if (data.length === 1) {
      this.#fail("A close frame has half a code");
      return;
    }
    const code = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
    if (!isCloseCode(code)) {
      this.#fail(`The close code ${code} must not be sent`);
      return;
    }
    const utf8 = new Utf8Check();
    if (!utf8.accept(data, 2, data.length) || !utf8.isComplete) {
      this.#fail("A close reason is not valid UTF-8", 1007);
      return;
    }
    this.#stop();
    sink.close(
      code,
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(data.subarray(2)),
    );
  }

  #stop(): void {
    this.#isSpent = true;
    this.#headLength = 0;
    this.#gathered.clear();
    this.#control.clear();
  }

  #fail(message: string, closeCode: 1002 | 1007 = 1002): false {
    this.#fault = { code: "protocol", message, closeCode };
    this.#stop();
    return false;
  }

  #tooBig(message: string): false {
    this.#fault = { code: "message-too-big", message, closeCode: 1009 };
    this.#stop();
    return false;
  }
}
