/**
 * To make a node in a browser.
 *
 * @module
 */

import { browserDriver } from "../runtime/browser.ts";
import { clientParts } from "./client_parts.ts";
import type { NodeOptions } from "./node.ts";
import { createNodeOn } from "./node_pair.ts";
import type { NodePair } from "./node_pair.ts";

/**
 * Makes a node on the browser's own WebSocket: as `createNode` of the main entry,
 * without the code of the other runtimes.
 *
 * @typeParam Signal What the program sends to itself; nothing by default.
 * @param options The bounds of the event queue, and another driver.
 * @throws {NetworkError} `invalid-option`.
 */
export function createNode<Signal = never>(
  options: NodeOptions = {},
): NodePair<Signal> {
  return createNodeOn(options.driver ?? browserDriver(), options, clientParts);
}
