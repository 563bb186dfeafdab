/**
 * The time that a WebSocket is given to close in order.
 *
 * @module
 */

import type { AdapterHost, CloseOptions, HostTimer } from "./adapter.ts";

/** How long the peer is given at least to answer the close frame, unless it gets less in all, in milliseconds. */
const LEAST_LINGER_MS = 1_000;

/**
 * A close that is under way: first the output leaves, then the peer's close
 * frame is awaited (RFC 6455, section 7.1.1).
 */
export class WsClosing {
  readonly #host: AdapterHost;
  /** What the second step gets of its own; without it, both steps share the time that is asked for. */
  readonly #closeTimeoutMs: number | undefined;
  readonly #giveUp: () => void;
  readonly #since: number;
  #drainMs: number;
  #lingerMs: number;
  #isLingering = false;
  #timer: HostTimer | undefined;
  #dueAt = 0;

  /**
   * @param host The node.
   * @param options What was asked for.
   * @param closeTimeoutMs The connection's own time for the peer's answer, in milliseconds, if it has one.
   * @param giveUp Called when a step took too long.
   */
  constructor(
    host: AdapterHost,
    options: CloseOptions,
    closeTimeoutMs: number | undefined,
    giveUp: () => void,
  ) {
    this.#host = host;
    this.#closeTimeoutMs = closeTimeoutMs;
    this.#giveUp = giveUp;
    this.#since = host.driver.now();
    this.#drainMs = options.drainMs;
    this.#lingerMs = options.lingerMs === 0
      ? 0
      : closeTimeoutMs ?? options.lingerMs;
  }

  /** How long the output may take to leave, in milliseconds. */
  get drainMs(): number {
    return this.#drainMs;
  }

  /** Whether the peer's answer is not to be waited for. */
  get isHasty(): boolean {
    return this.#lingerMs === 0;
  }

  /** Whether the output has left, and the peer's close frame is awaited. */
  get isLingering(): boolean {
    return this.#isLingering;
  }

  /** Waits for the output to leave. */
  awaitOutput(): void {
    this.#wait(this.#drainMs);
  }

  /** The output has left: waits for the peer's close frame. */
  awaitPeer(): void {
    this.#isLingering = true;
    const drainedMs = this.#closeTimeoutMs === undefined
      ? this.#host.driver.now() - this.#since
      : 0;
    this.#wait(
      Math.max(
        this.#lingerMs - drainedMs,
        Math.min(this.#lingerMs, LEAST_LINGER_MS),
      ),
    );
  }

  /** Closes no later than a second call asks for. */
  hurry(options: CloseOptions): void {
    this.#drainMs = Math.min(this.#drainMs, options.drainMs);
    this.#lingerMs = Math.min(
      this.#lingerMs,
      this.#closeTimeoutMs ?? options.lingerMs,
    );
    const waitMs = this.#isLingering ? this.#lingerMs : this.#drainMs;
    if (this.#host.driver.now() + waitMs < this.#dueAt) this.#wait(waitMs);
  }

  /** The shorter of what is left and what is asked for. */
  shortened(options: CloseOptions): CloseOptions {
    return {
      drainMs: Math.min(options.drainMs, this.#drainMs),
      lingerMs: Math.min(options.lingerMs, this.#lingerMs),
    };
  }

  /** Waits no longer. */
  stop(): void {
    if (this.#timer !== undefined) this.#host.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #wait(delayMs: number): void {
    this.stop();
    this.#dueAt = this.#host.driver.now() + delayMs;
    this.#timer = this.#host.setTimer(this.#giveUp, delayMs);
  }
}
