/**
 * The contract of a framing: how messages are cut out of a byte stream.
 *
 * A framing is pure: it knows bytes and nothing of sockets, time or runtimes.
 * One {@linkcode Framing} value serves any number of connections; the state of
 * one direction of one connection lives in its {@linkcode FrameDecoder}.
 *
 * @module
 */

/** Takes the messages that a decoder finds. */
export interface MessageSink {
  /**
   * One whole message.
   *
   * @param data A view into the chunk that was pushed, or a buffer of its own if
   * the message spanned chunks that do not lie in a row. It is never written again.
   * @param tag The tag that came with it; 0 in framings without tags.
   * @returns False to stop: the decoder drops the rest and decodes no more.
   */
  message(data: Uint8Array, tag: number): boolean;
}

/** Why a stream cannot be decoded any further. */
export interface FramingFault {
  /** `message-too-big`: the length passes the limit. `protocol`: the bytes are not of this framing. */
  readonly code: "message-too-big" | "protocol";
  /** What was wrong, for a person: a sentence without a final period. */
  readonly message: string;
}

/** Cuts the messages of one connection out of its chunks, however these were cut. */
export interface FrameDecoder {
  /**
   * Takes the next chunk and hands each message that is now complete to `sink`, in order.
   *
   * @param chunk Must not change from now on: messages are views of it, and so
   * may be one of which it holds only a part, when the next chunk lies behind it
   * in the same memory.
   * @returns undefined while the stream is sound; else why it is not. After a
   * fault, and after `sink` returned false, the decoder is spent: later pushes do nothing.
   */
  push(chunk: Uint8Array, sink: MessageSink): FramingFault | undefined;
  /** Bytes held of a message (or its head) that is not complete; 0 between messages. */
  readonly buffered: number;
}

/** One way to put messages into a byte stream. */
export interface Framing {
  /** A short name for logs: `"varint"`. */
  readonly name: string;
  /** The largest payload that the head can express, in bytes. */
  readonly maxPayloadSize: number;
  /** A decoder for one connection that refuses messages above `maxMessageSize` bytes before it buffers them. */
  createDecoder(maxMessageSize: number): FrameDecoder;
  /** Says why a message cannot be sent in this framing, or returns undefined if it can. */
  refuses(payload: Uint8Array, tag: number): string | undefined;
  /** The number of bytes before a payload of this size. */
  headSize(payloadSize: number): number;
  /** Writes exactly `headSize(payloadSize)` bytes at `offset`. */
  writeHead(
    target: Uint8Array,
    offset: number,
    payloadSize: number,
    tag: number,
  ): void;
  /** The number of bytes after every payload: 0 for all framings but those with a delimiter. */
  readonly tailSize: number;
  /** Writes exactly `tailSize` bytes at `offset`. */
  writeTail(target: Uint8Array, offset: number): void;
}
