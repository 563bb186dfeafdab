/**
 * Finds peers that are gone without a word, by protocol pings (RFC 6455, section 5.5.2).
 *
 * @module
 */

import type { AdapterHost, HostTimer } from "./adapter.ts";

/** When pings are sent, in milliseconds. */
export interface HeartbeatTimes {
  /** The time between pings; 0 for none. */
  readonly pingIntervalMs: number;
  /** How long a sign of life may take. */
  readonly pongTimeoutMs: number;
}

/** What a heartbeat does to its connection. */
export interface HeartbeatUser {
  /** Sends a ping. */
  sendPing(): void;
  /** The peer gave no sign of life. */
  heartbeatFailed(): void;
}

/** The heartbeat of one connection. */
export class Heartbeat {
  readonly #host: Pick<AdapterHost, "setTimer" | "clearTimer">;
  readonly #times: HeartbeatTimes;
  readonly #user: HeartbeatUser;
  #timer: HostTimer | undefined;
  #isAlive = true;
  #isPaused = false;

  constructor(
    host: Pick<AdapterHost, "setTimer" | "clearTimer">,
    times: HeartbeatTimes,
    user: HeartbeatUser,
  ) {
    this.#host = host;
    this.#times = times;
    this.#user = user;
  }

  /** Begins. */
  start(): void {
    const { pingIntervalMs } = this.#times;
    if (pingIntervalMs === 0) return;
    this.#timer = this.#host.setTimer(() => {
      this.#isAlive = this.#isPaused;
      this.#user.sendPing();
      this.#awaitSign();
    }, pingIntervalMs);
  }

  /** Anything came from the peer, or it took something that waited: a pong may be far behind in a queue. */
  heard(): void {
    this.#isAlive = true;
  }

  /** While we do not read, the peer's silence says nothing. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#isAlive = true;
  }

  /** Ends; no timer is left. */
  stop(): void {
    if (this.#timer !== undefined) this.#host.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #awaitSign(): void {
    this.#timer = this.#host.setTimer(() => {
      this.#timer = undefined;
      if (this.#isAlive) this.start();
      else this.#user.heartbeatFailed();
    }, this.#times.pongTimeoutMs);
  }
}
