/**
 * To make a node.
 *
 * @module
 */

import { detectDriver } from "../runtime/detect.ts";
import { fullParts } from "./full_parts.ts";
import type { NodeOptions } from "./node.ts";
import { createNodeOn } from "./node_pair.ts";
import type { NodePair } from "./node_pair.ts";

export type { NodePair } from "./node_pair.ts";

/**
 * Makes a node: it runs at once, and until `handler.stop()`. It opens nothing by itself.
 *
 * @typeParam Signal What the program sends to itself; nothing by default.
 * @param options The bounds of the event queue, and the driver.
 * @throws {NetworkError} `invalid-option`.
 * @example An echo server
 * ```ts
 * import { createNode, Transport } from "@signalbox/signalbox";
 *
 * const { handler, listener } = createNode();
 * const { address } = await handler.network.listen(Transport.FramedTcp, "127.0.0.1:0");
 * const task = listener.forEach((event) => {
 *   if (event.type === "message") handler.network.send(event.endpoint, event.data);
 * });
 * console.log("listening on port", address.port);
 * await handler.stop();
 * await task;
 * ```
 */
export function createNode<Signal = never>(
  options: NodeOptions = {},
): NodePair<Signal> {
  return createNodeOn(options.driver ?? detectDriver(), options, fullParts);
}
