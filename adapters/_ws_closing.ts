/**
 * The time that a WebSocket is given to close in order.
 *
 * @module
 */

import { Deadline, lingerLeft } from "./_deadline.ts";
import type { AdapterHost, CloseOptions } from "./adapter.ts";

/**
 * A close that is under way: first the output leaves, then the peer's close
 * frame is awaited (RFC 6455, section 7.1.1).
 */
export class WsClosing {
  readonly #host: AdapterHost;
  /** What the second step gets of its own; without it, both steps share the time that is asked for. */
  readonly #closeTimeoutMs: number | undefined;
  readonly #giveUp: () => void;
  readonly #deadline: Deadline;
  readonly #since: number;
  #drainMs: number;
  #lingerMs: number;
  #isLingering = false;

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
    this.#deadline = new Deadline(host);
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
    this.#deadline.set(this.#giveUp, this.#drainMs);
  }

  /** The output has left: waits for the peer's close frame. */
  awaitPeer(): void {
    this.#isLingering = true;
    const drainedMs = this.#closeTimeoutMs === undefined
      ? this.#host.driver.now() - this.#since
      : 0;
    this.#deadline.set(this.#giveUp, lingerLeft(this.#lingerMs, drainedMs));
  }

  /** Closes no later than a second call asks for. */
  hurry(options: CloseOptions): void {
    this.#drainMs = Math.min(this.#drainMs, options.drainMs);
    this.#lingerMs = Math.min(
      this.#lingerMs,
      this.#closeTimeoutMs ?? options.lingerMs,
    );
    this.#deadline.hasten(this.#isLingering ? this.#lingerMs : this.#drainMs);
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
    this.#deadline.stop();
  }
}
