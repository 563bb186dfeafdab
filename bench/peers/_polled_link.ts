import type { Flight } from "../_ping.ts";
import type { Link } from "./_roles.ts";

/** A source waits when so much is queued. */
const HIGH_WATER = 1 << 20;

/** A connection that tells how much it has queued, and not when that is gone. */
export class PolledLink implements Link {
  readonly #send: (payload: Uint8Array) => void;
  readonly #queued: () => number;
  readonly #close: () => void;
  #resolveClosed: (() => void) | undefined;
  #isClosed = false;
  flight: Flight | undefined;

  constructor(
    send: (payload: Uint8Array) => void,
    queued: () => number,
    close: () => void,
  ) {
    this.#send = send;
    this.#queued = queued;
    this.#close = close;
  }

  send(payload: Uint8Array): boolean {
    this.#send(payload);
    return this.#queued() < HIGH_WATER;
  }

  flush(): void {}

  async writable(): Promise<void> {
    while (this.#queued() > 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    await this.writable();
    if (this.#isClosed) return;
    const closed = new Promise<void>((resolve) =>
      this.#resolveClosed = resolve
    );
    this.#close();
    await closed;
  }

  /** To be called when the connection has ended. */
  ended(): void {
    this.#isClosed = true;
    this.#resolveClosed?.();
  }
}
