/**
 * To make a node.
 *
 * @module
 */

import { detectDriver } from "../runtime/detect.ts";
import { NodeHandler } from "./handler.ts";
import { NodeListener } from "./listener.ts";
import { Node } from "./node.ts";
import type { NodeOptions } from "./node.ts";

/** The two sides of a node. */
export interface NodePair<Signal> {
  /** To act. */
  readonly handler: NodeHandler<Signal>;
  /** To react. */
  readonly listener: NodeListener<Signal>;
}

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
  return createNodeOn(options.driver ?? detectDriver(), options);
}

/** Makes a node on a driver, without looking for the runtime's own. */
export function createNodeOn<Signal = never>(
  driver: NonNullable<NodeOptions["driver"]>,
  options: NodeOptions = {},
): NodePair<Signal> {
  const node = new Node<Signal>(driver, options);
  return { handler: new NodeHandler(node), listener: new NodeListener(node) };
}
