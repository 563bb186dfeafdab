/**
 * One life of a host, from its start to its crash: its sockets, its clock and its nodes.
 *
 * @module
 */

import { NetworkError } from "../network/errors.ts";
import { fullParts } from "../node/full_parts.ts";
import { NodeHandler } from "../node/handler.ts";
import { Node, type NodeOptions } from "../node/node.ts";
import type { NodePair } from "../node/node_pair.ts";
import type { Driver } from "../runtime/driver.ts";
import { createMemoryDriver } from "../runtime/memory_driver.ts";
import { MemoryHost, TaskQueue } from "../runtime/memory_host.ts";
import { HostClock } from "./_host_clock.ts";
import type { Kernel } from "./_kernel.ts";
import { checkDuration } from "./options.ts";
import { WatchedListener } from "./_watched_listener.ts";
import type { SimulationRandom } from "./random.ts";

/** One life of a host. */
export class Life {
  readonly clock: HostClock;
  readonly driver: Driver;
  readonly #kernel: Kernel;
  readonly #name: string;
  readonly #abort = new AbortController();
  readonly #host: MemoryHost;
  readonly #nodes = new Set<Pick<Node<unknown>, "stop">>();

  constructor(
    kernel: Kernel,
    name: string,
    address: string,
    random: SimulationRandom,
  ) {
    this.#kernel = kernel;
    this.#name = name;
    this.clock = new HostClock(kernel.scheduler);
    this.#host = new MemoryHost({
      hostname: address,
      clock: this.clock,
      tasks: new TaskQueue(this.clock),
      random: () => random.next(),
    });
    const { space } = kernel;
    space.hosts.set(address, this.#host);
    this.driver = createMemoryDriver({
      space,
      host: this.#host,
      limits: { maxWriteSize: Infinity, maxChunkSize: Infinity },
    });
    kernel.lives.add(this);
  }

  /** Aborted by the crash. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  createNode<Signal>(options: Omit<NodeOptions, "driver">): NodePair<Signal> {
    if (this.signal.aborted) {
      throw new NetworkError(
        "stopped",
        `Cannot make a node: the host ${this.#name} has crashed`,
      );
    }
    const node = new Node<Signal>(this.driver, options, fullParts);
    this.#nodes.add(node);
    void node.stopped.then(() => {
      this.#nodes.delete(node);
      if (node.failure !== undefined) this.#kernel.fail(node.failure.error);
    });
    return {
      handler: new NodeHandler(node),
      listener: new WatchedListener(node),
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      checkDuration("delayMs", delayMs);
      this.clock.setTimer(() => {
        if (!this.signal.aborted) resolve();
      }, delayMs);
    });
  }

  /** The host is gone from the network without a word; its nodes are stopped. */
  end(): void {
    const { space, carrier, lives } = this.#kernel;
    lives.delete(this);
    space.removeHost(this.#host);
    carrier.abandon(this.#host);
    // What is left of it closes its sockets, and reaches nobody.
    this.clock.thaw();
    void this.stopNodes();
    this.#abort.abort();
  }

  /** Stops its nodes. */
  async stopNodes(): Promise<void> {
    await Promise.all([...this.#nodes].map((node) => node.stop(undefined)));
  }
}
