/**
 * The listeners of a node that can have some.
 *
 * @module
 */

import type {
  Adapter,
  ConnectOptions,
  Listener,
  ListenOptions,
} from "../adapters/adapter.ts";
import { parseAddress } from "./address.ts";
import type { Address } from "./address.ts";
import { Bind } from "./bind.ts";
import { LocalResource } from "./local_resource.ts";
import type { Listeners } from "./network_parts.ts";
import { listenLimits } from "./options.ts";
import type { Listening } from "./options.ts";
import type { Registry } from "./registry.ts";
import { createResourceId } from "./resource_id.ts";
import type { ResourceId } from "./resource_id.ts";

/** Binds listeners, and keeps them until they are closed. */
export class OpenListeners implements Listeners {
  readonly #registry: Registry;
  readonly #open = new Map<ResourceId, LocalResource>();
  readonly #binds = new Set<Bind>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  get size(): number {
    return this.#open.size;
  }

  async listen<Connect extends ConnectOptions, Listen extends ListenOptions>(
    transport: Adapter<Connect, Listen>,
    address: Address,
    options: Listen | undefined,
  ): Promise<Listening> {
    const registry = this.#registry;
    const { host } = registry;
    try {
      const target = parseAddress(address);
      // Every member of every adapter's options is optional.
      const asked = options ?? {} as Listen;
      const limits = listenLimits(transport, asked);
      const id = createResourceId(transport.id, "local");
      const local = new LocalResource(registry, id, transport, limits);
      const bind = new Bind(host, local, target.text, asked.signal);
      const watched = { ...asked, signal: bind.signal };
      const listening = this.#bind(
        bind,
        local,
        () => transport.listen(host, target, watched, local),
      );
      return await Promise.race([listening, bind.late]);
    } catch (error) {
      throw registry.errorFrom(error, `Cannot listen with ${transport.name}`);
    }
  }

  get(id: ResourceId): LocalResource | undefined {
    return this.#open.get(id);
  }

  all(): Iterable<LocalResource> {
    return this.#open.values();
  }

  remove(id: ResourceId): boolean {
    const local = this.#open.get(id);
    if (local === undefined) return false;
    this.#open.delete(id);
    this.#close(local);
    if (!local.adapter.isConnectionOriented) this.#registry.discard(id);
    return true;
  }

  removeAll(): void {
    for (const bind of this.#binds) bind.stop();
    const locals = [...this.#open.values()];
    this.#open.clear();
    for (const local of locals) this.#close(local);
  }

  async #bind(
    bind: Bind,
    local: LocalResource,
    listen: () => Promise<Listener>,
  ): Promise<Listening> {
    const registry = this.#registry;
    // A `stop` meanwhile must not be done before what is being bound is closed again.
    const release = registry.hold();
    this.#binds.add(bind);
    try {
      let listener: Listener;
      try {
        listener = await listen();
      } catch (error) {
        throw bind.error ?? error;
      }
      local.attach(listener);
      if (bind.error !== undefined) {
        await local.remove();
        throw bind.error;
      }
      this.#open.set(local.id, local);
      registry.tell("listening", local);
      if (registry.isPaused) listener.pause();
      return { resourceId: local.id, address: local.address };
    } finally {
      bind.end();
      this.#binds.delete(bind);
      release();
    }
  }

  #close(local: LocalResource): void {
    const registry = this.#registry;
    registry.statistics.closed(local);
    registry.tell("closed", local);
    const release = registry.hold();
    void local.remove().catch((error: unknown) => local.fault(error)).then(
      release,
    );
  }
}
