/**
 * Puts messages and control frames of one WebSocket into its outbox.
 *
 * @module
 */

import {
  RandomMaskKeys,
  webSocketHeadSize,
  WebSocketOpcode,
  writeMaskedFrame,
  writeMaskedHead,
  writeMaskedPart,
  writeWebSocketHead,
} from "../framing/web_socket_frame.ts";
import { SendStatus } from "./adapter.ts";
import type { Outbox } from "./adapter.ts";
import type { ConnectionLimits } from "./_framed_connection.ts";

/** Frames of servers are not masked, so that all their connections share them. */
const SERVER_FRAMES: object = {};

/** The keys of all clients of the process. */
const maskKeys = new RandomMaskKeys();

/** The sending half of one WebSocket. */
export class WsSender {
  /** As `Connection.frameKey`. */
  readonly frameKey: object | undefined;
  readonly #isMasked: boolean;
  readonly #maxMessageSize: number;
  #outbox: Outbox | undefined;

  constructor(isServer: boolean, limits: ConnectionLimits) {
    this.frameKey = isServer ? SERVER_FRAMES : undefined;
    this.#isMasked = !isServer;
    this.#maxMessageSize = limits.maxMessageSize;
  }

  /** Says where frames go; to be called once, before anything is sent. */
  attach(outbox: Outbox): void {
    this.#outbox = outbox;
  }

  // Hot: one call a message sent.
  send(data: Uint8Array, isText: boolean): SendStatus {
    const size = data.length;
    if (size > this.#maxMessageSize) return SendStatus.MaxPacketSizeExceeded;
    const outbox = this.#attached();
    const headSize = webSocketHeadSize(size, this.#isMasked);
    if (!outbox.hasRoom(headSize + size)) {
      return outbox.refusal(headSize + size);
    }
    const opcode = isText ? WebSocketOpcode.text : WebSocketOpcode.binary;
    if (size <= outbox.copyLimit) {
      this.#copy(outbox, opcode, data, headSize);
    } else if (this.#isMasked) {
      this.#copyInParts(outbox, opcode, data, headSize);
    } else {
      const offset = outbox.reserve(headSize);
      writeWebSocketHead(outbox.slab, offset, opcode, size);
      outbox.append(data);
    }
    return outbox.status();
  }

  /** A frame for many connections; undefined where each needs a mask of its own. */
  frame(data: Uint8Array, isText: boolean): Uint8Array | undefined {
    if (this.#isMasked) return undefined;
    const headSize = webSocketHeadSize(data.length, false);
    const frame = new Uint8Array(headSize + data.length);
    const opcode = isText ? WebSocketOpcode.text : WebSocketOpcode.binary;
    writeWebSocketHead(frame, 0, opcode, data.length);
    frame.set(data, headSize);
    return frame;
  }

  /** Sends what `frame` made. */
  sendFrame(frame: Uint8Array, messageSize: number): SendStatus {
    if (messageSize > this.#maxMessageSize) {
      return SendStatus.MaxPacketSizeExceeded;
    }
    const outbox = this.#attached();
    if (!outbox.hasRoom(frame.length)) return outbox.refusal(frame.length);
    this.write(frame);
    return outbox.status();
  }

  /** Sends a close, ping or pong; limits do not hold for it. */
  control(opcode: WebSocketOpcode, payload: Uint8Array): void {
    const headSize = webSocketHeadSize(payload.length, this.#isMasked);
    this.#copy(this.#attached(), opcode, payload, headSize);
  }

  /** Sends bytes that are no frame, or frames already. */
  write(bytes: Uint8Array): void {
    this.#attached().put(bytes);
  }

  #copy(
    outbox: Outbox,
    opcode: WebSocketOpcode,
    payload: Uint8Array,
    headSize: number,
  ): void {
    const offset = outbox.reserve(headSize + payload.length);
    if (this.#isMasked) {
      writeMaskedFrame(outbox.slab, offset, opcode, payload, maskKeys.next());
    } else {
      writeWebSocketHead(outbox.slab, offset, opcode, payload.length);
      outbox.slab.set(payload, offset + headSize);
    }
  }

  /**
   * What the user gave stays as it is, so that its mask needs other memory: that
   * of slabs, filled to the last byte. They go round, where memory made for each
   * frame would be touched for the first time, which costs more than the mask.
   */
  #copyInParts(
    outbox: Outbox,
    opcode: WebSocketOpcode,
    payload: Uint8Array,
    headSize: number,
  ): void {
    const size = payload.length;
    const key = maskKeys.next();
    const offset = outbox.reserve(headSize);
    writeMaskedHead(outbox.slab, offset, opcode, size, key);
    for (let start = 0; start < size;) {
      const room = outbox.room > 0 ? outbox.room : outbox.slabSize;
      const end = Math.min(size, start + room);
      const offset = outbox.reserve(end - start);
      writeMaskedPart(outbox.slab, offset, payload, start, end, key);
      start = end;
    }
  }

  #attached(): Outbox {
    if (this.#outbox === undefined) {
      throw new TypeError("Cannot send before there is an outbox");
    }
    return this.#outbox;
  }
}
