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
  readonly #release: () => void;
  #isClosed = false;

  /** @param release Stops accepting and frees the address. */
  constructor(address: SocketAddress, release: () => void) {
    this.address = address;
    this.#release = release;
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    // The runtimes' own "closed" waits for the last accepted connection.
    this.#release();
    return nextTurn();
  }
}
