/**
 * No framing at all: a chunk of the stream is a message.
 *
 * @module
 */

import type {
  FrameDecoder,
  Framing,
  FramingFault,
  MessageSink,
} from "./framing.ts";

class RawDecoder implements FrameDecoder {
  readonly buffered = 0;
  #isSpent = false;

  push(chunk: Uint8Array, sink: MessageSink): FramingFault | undefined {
    if (!this.#isSpent && chunk.length > 0) {
      this.#isSpent = !sink.message(chunk, 0);
    }
    return undefined;
  }
}

/** Passes the bytes on as they are; the boundaries that come out are the network's, not the sender's. */
export const rawFraming: Framing = {
  name: "raw",
  maxPayloadSize: Infinity,
  tailSize: 0,
  createDecoder: () => new RawDecoder(),
  refuses: (_payload, tag) =>
    tag === 0 ? undefined : "Cannot send a tag: raw bytes carry none",
  headSize: () => 0,
  writeHead() {},
  writeTail() {},
};
