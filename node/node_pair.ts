/**
 * The two sides of a node on a given driver.
 *
 * @module
 */

import type { Driver } from "../runtime/driver.ts";
import { NodeHandler } from "./handler.ts";
import { NodeListener } from "./listener.ts";
import { Node } from "./node.ts";
import type { NodeOptions } from "./node.ts";
import type { NodeParts } from "./node_parts.ts";

/** The two sides of a node. */
export interface NodePair<Signal> {
  /** To act. */
  readonly handler: NodeHandler<Signal>;
  /** To react. */
  readonly listener: NodeListener<Signal>;
}

/** Makes a node on a driver, without looking for the runtime's own. */
export function createNodeOn<Signal>(
  driver: Driver,
  options: NodeOptions,
  parts: NodeParts,
): NodePair<Signal> {
  const node = new Node<Signal>(driver, options, parts);
  return { handler: new NodeHandler(node), listener: new NodeListener(node) };
}
