/**
 * Values instead of bytes, over any transport that keeps messages whole.
 *
 * @module
 */

import type { NetworkController } from "../network/controller.ts";
import type { Endpoint } from "../network/endpoint.ts";
import { NetworkError } from "../network/errors.ts";
import type { NetworkMessageEvent } from "../network/events.ts";
import type { SendOptions } from "../network/options.ts";
import type { SendStatus } from "../network/send_status.ts";
import type { Codec } from "./codec.ts";

/** What became of the bytes of a message. */
export type Decoded<Value> =
  | {
    /** The bytes were a value's. */
    readonly ok: true;
    /** The value. */
    readonly value: Value;
    /** There is none. */
    readonly error: undefined;
  }
  | {
    /** The bytes were nothing that the codec knows. */
    readonly ok: false;
    /** There is none. */
    readonly value: undefined;
    /** Code `protocol`; `cause` is what the codec threw. */
    readonly error: NetworkError;
  };

/**
 * Sends and reads values by a codec. It keeps no state: make as many as there
 * are kinds of peers.
 *
 * @typeParam Out What is sent.
 * @typeParam In What is received. Default: the same.
 * @example
 * ```ts
 * import { createNode, jsonCodec, Transport, TypedMessages } from "@signalbox/signalbox";
 *
 * interface Move { x: number; y: number }
 * const { handler, listener } = createNode();
 * const moves = new TypedMessages(handler.network, jsonCodec<Move>());
 * await handler.network.listen(Transport.FramedTcp, "127.0.0.1:0");
 * const task = listener.forEach((event) => {
 *   if (event.type !== "message") return;
 *   const move = moves.decode(event);
 *   if (move.ok) moves.send(event.endpoint, { x: move.value.y, y: move.value.x });
 *   else handler.network.remove(event.endpoint.resourceId);
 * });
 * await handler.stop();
 * await task;
 * ```
 */
export class TypedMessages<Out, In = Out> {
  readonly #network: Pick<NetworkController, "send" | "sendAll">;
  readonly #codec: Codec<Out, In>;

  /**
   * Makes a typed view of a node's network.
   *
   * @param network The node's.
   * @param codec Encodes what is sent and decodes what is received.
   */
  constructor(
    network: Pick<NetworkController, "send" | "sendAll">,
    codec: Codec<Out, In>,
  ) {
    this.#network = network;
    this.#codec = codec;
  }

  /**
   * Sends one value: as `network.send` with its bytes.
   *
   * @param endpoint The peer.
   * @param value The value.
   * @param options As in `network.send`; `text: true` suits text and JSON over WebSocket.
   * @returns What became of it.
   * @throws {NetworkError} `invalid-message` when the codec or the framing cannot carry the value.
   */
  send(endpoint: Endpoint, value: Out, options?: SendOptions): SendStatus {
    return this.#network.send(endpoint, this.#encode(value), options);
  }

  /**
   * Sends one value to many peers; it is encoded once.
   *
   * @param endpoints The peers.
   * @param value The value.
   * @param options As in `network.sendAll`.
   * @returns What became of each, in the order of `endpoints`.
   * @throws {NetworkError} `invalid-message`, as `send` does.
   */
  sendAll(
    endpoints: Iterable<Endpoint>,
    value: Out,
    options?: SendOptions,
  ): SendStatus[] {
    return this.#network.sendAll(endpoints, this.#encode(value), options);
  }

  /**
   * The value of a message. Bytes that are none are an answer, not an
   * exception, and do the connection no harm: what to do is up to you.
   *
   * @param event The message.
   */
  decode(event: Pick<NetworkMessageEvent, "data" | "endpoint">): Decoded<In> {
    try {
      return {
        ok: true,
        value: this.#codec.decode(event.data),
        error: undefined,
      };
    } catch (cause) {
      return {
        ok: false,
        value: undefined,
        error: new NetworkError(
          "protocol",
          `Cannot decode a message of ${event.endpoint} as ${this.#codec.name}`,
          { cause },
        ),
      };
    }
  }

  #encode(value: Out): Uint8Array {
    try {
      return this.#codec.encode(value);
    } catch (cause) {
      throw new NetworkError(
        "invalid-message",
        `Cannot encode a message as ${this.#codec.name}`,
        { cause },
      );
    }
  }
}
