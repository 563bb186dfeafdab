/**
 * A listener whose native counterpart frees its address as soon as it is told to.
 *
 * @module
 */

import { nextTurn } from "./_turn.ts";
import type { SocketAddress, StreamListener } from "./driver.ts";

/** One listener of the runtimes' own, behind the contract of drivers. */
export class BoundListener implements StreamListener {
  readonly address: SocketAddress;
  readonly #release: () => void | Promise<void>;
  #isClosed = false;

  /** @param release Stops accepting and frees the address; resolves when what it dropped is gone. */
  constructor(address: SocketAddress, release: () => void | Promise<void>) {
    this.address = address;
    this.#release = release;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // The runtimes' own "closed" waits for the last accepted connection.
    await this.#release();
    await nextTurn();
  }
}
