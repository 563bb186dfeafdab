/**
 * What the network of a node is made of that not every program needs: a page in
 * a browser downloads it for nothing.
 *
 * @module
 */

import type {
  Adapter,
  ConnectOptions,
  ListenOptions,
} from "../adapters/adapter.ts";
import type { Fault } from "../runtime/fault.ts";
import type { Address } from "./address.ts";
import type { LocalResource } from "./local_resource.ts";
import type { Listening } from "./options.ts";
import type { Registry } from "./registry.ts";
import type { ResourceId } from "./resource_id.ts";

/** The parts of the network of a node. */
export interface NetworkParts {
  /** What keeps the listeners of a node. */
  createListeners(registry: Registry): Listeners;
  /** The fault that an error stands for; a Fault is returned as it is. `doing` opens the message. */
  faultFrom(error: unknown, doing: string): Fault;
}

/** The listeners of one node. */
export interface Listeners {
  /** How many are open. */
  readonly size: number;
  /** As `NetworkController.listen`, on a node that runs. */
  listen<Connect extends ConnectOptions, Listen extends ListenOptions>(
    transport: Adapter<Connect, Listen>,
    address: Address,
    options: Listen | undefined,
  ): Promise<Listening>;
  /** The listener of that id. */
  get(id: ResourceId): LocalResource | undefined;
  /** All that are open, oldest first. */
  all(): Iterable<LocalResource>;
  /** Closes a listener in the background. False: there is none of that id. */
  remove(id: ResourceId): boolean;
  /** Closes all. What they received and nobody has taken yet may still be taken. */
  removeAll(): void;
}
