/**
 * The decoder of the framings whose heads have one fixed size.
 *
 * @module
 */

import { NEED_MORE, PartialFrame } from "./_partial_frame.ts";
import type { HeadFormat } from "./_partial_frame.ts";
import type { FrameDecoder, FramingFault, MessageSink } from "./framing.ts";

/** Decodes frames of a head of `format.maxHeadSize` bytes and a payload. */
export class PrefixDecoder implements FrameDecoder {
  readonly #format: HeadFormat;
  /** Made for the first frame that a chunk cuts: an idle connection has none. */
  #partial: PartialFrame | undefined;
  readonly #maxMessageSize: number;
  #isSpent = false;

  constructor(format: HeadFormat, maxMessageSize: number) {
    this.#format = format;
    this.#maxMessageSize = maxMessageSize;
  }

  get buffered(): number {
    return this.#partial?.buffered ?? 0;
  }

  push(chunk: Uint8Array, sink: MessageSink): FramingFault | undefined {
    if (this.#isSpent) return undefined;
    // Spent until this push ends well: so a sink that throws leaves no decoder
    // that has lost its place, and one that pushes again does no harm.
    this.#isSpent = true;
    const partial = this.#partial;
    const format = this.#format;
    const headSize = format.maxHeadSize;
    const max = this.#maxMessageSize;
    const end = chunk.length;
    let at = 0;
    if (partial !== undefined && partial.buffered !== 0) {
      at = partial.take(chunk, 0);
      if (at < 0) return partial.fault(at);
      if (partial.isComplete) {
        const tag = partial.tag;
        if (!sink.message(partial.release(), tag)) return undefined;
      }
    }
    // Hot: one turn a message.
    while (at < end) {
      const size = format.read(chunk, at, end, max);
      const start = at + headSize;
      const next = start + size;
      if (size < 0 || next > end) {
        if (size < 0 && size !== NEED_MORE) return this.#gather().fault(size);
        this.#gather().take(chunk, at);
        break;
      }
      const tag = format.tag(chunk, at);
      if (!sink.message(chunk.subarray(start, next), tag)) return undefined;
      at = next;
    }
    this.#isSpent = false;
    return undefined;
  }

  #gather(): PartialFrame {
    return this.#partial ??= new PartialFrame(
      this.#format,
      this.#maxMessageSize,
    );
  }
}
