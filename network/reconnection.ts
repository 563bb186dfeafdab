/**
 * A connection that is made again when it is lost.
 *
 * @module
 */

import type { CloseOptions, HostTimer } from "../adapters/adapter.ts";
import { Attempt } from "./attempt.ts";
import { Backoff } from "./backoff.ts";
import { NetworkError } from "./errors.ts";
import type { NetworkErrorCode } from "./errors.ts";
import { HeldMessages } from "./held_messages.ts";
import { OwnConnect } from "./own_connect.ts";
import type { ConnectPlan } from "./own_connect.ts";
import type { ReconnectPlan } from "./reconnect_plan.ts";
import type { Registry } from "./registry.ts";
import type { RemoteResource } from "./remote_resource.ts";

/** What no other attempt can mend. */
const PERMANENT: readonly NetworkErrorCode[] = [
  "invalid-address",
  "invalid-option",
  "not-supported",
  "permission-denied",
  "stopped",
];

/** The attempts of one endpoint, and the waits between them. */
export class Reconnection extends OwnConnect {
  override readonly tracksConnections: boolean = true;
  readonly #registry: Registry;
  readonly #reconnect: ReconnectPlan;
  readonly #backoff: Backoff;
  #attempt: Attempt | undefined;
  /** How many attempts this outage has taken. */
  #attempts = 0;
  #retryTimer: HostTimer | undefined;
  #outageTimer: HostTimer | undefined;
  #unwatchEnd: (() => void) | undefined;
  #lastError: NetworkError | undefined;
  /** -1 until the connection is up for the first time. */
  #reconnects = -1;

  constructor(
    registry: Registry,
    resource: RemoteResource,
    plan: ConnectPlan,
    reconnect: ReconnectPlan,
    maxMessageSize: number,
  ) {
    const { queueLimit } = reconnect;
    const held = queueLimit > 0
      ? new HeldMessages(queueLimit, maxMessageSize)
      : undefined;
    super(registry, resource, plan, held);
    this.#registry = registry;
    this.#reconnect = reconnect;
    const { driver } = registry.host;
    this.#backoff = new Backoff(reconnect, () => driver.random());
  }

  override get reconnects(): number {
    return Math.max(0, this.#reconnects);
  }

  override start(): void {
    const attempt = new Attempt(this.#registry, this.resource);
    this.#attempts = 1;
    this.resource.attach(attempt.dial(this.plan.dial));
    this.#attempt = attempt;
    this.#limitOutage();
    this.limitTime();
    this.watchStart();
    this.#unwatchEnd = this.watch(this.#reconnect.signal);
  }

  override settled(): OwnConnect {
    this.stopWaiting();
    this.#stopTimers();
    this.#lastError = undefined;
    this.#reconnects += 1;
    if (this.#reconnects > 0) this.#registry.reconnected(this.resource);
    return this;
  }

  override failed(error: NetworkError): boolean {
    this.stopTimeLimit();
    this.#attempt = undefined;
    return this.aborted === undefined && this.#tryAgain(error);
  }

  override lost(error: NetworkError, upMs: number): boolean {
    this.#attempt?.finish();
    this.#attempt = undefined;
    this.#backoff.wasUp(upMs);
    this.#attempts = 0;
    if (!this.#tryAgain(error)) return false;
    this.#limitOutage();
    return true;
  }

  override ended(): void {
    this.stopWaiting();
    this.#stopTimers();
    this.#unwatchEnd?.();
    this.#unwatchEnd = undefined;
  }

  override hangUp(options: CloseOptions): void {
    this.#attempt?.hurry(options);
  }

  protected override timedOut(error: NetworkError): void {
    this.#attempt?.hurry({ drainMs: 0, lingerMs: 0 });
    this.resource.attemptFailed(error);
  }

  #tryAgain(error: NetworkError): boolean {
    this.#lastError = error;
    const { maxAttempts, signal } = this.#reconnect;
    if (this.#attempts >= maxAttempts || signal?.aborted === true) return false;
    if (!this.#isWorthwhile(error)) return false;
    const delayMs = this.#backoff.next();
    this.#retryTimer = this.#registry.host.setTimer(
      () => this.#retry(delayMs),
      delayMs,
    );
    return true;
  }

  #isWorthwhile(error: NetworkError): boolean {
    if (PERMANENT.includes(error.code)) return false;
    const { shouldRetry } = this.#reconnect;
    if (shouldRetry === undefined) {
      // A certificate that never was good is a mistake to be told of, not a fault that passes.
      return error.code !== "tls" || this.#reconnects >= 0;
    }
    try {
      // It may also have removed the endpoint.
      return shouldRetry(error, this.#attempts) && !this.resource.isGone;
    } catch (thrown) {
      this.#registry.failed(thrown);
      return false;
    }
  }

  #retry(delayMs: number): void {
    this.#retryTimer = undefined;
    this.#attempts += 1;
    this.#registry.tell("reconnecting", this.resource, {
      error: this.#lastError,
      attempt: this.#attempts,
      delayMs,
    });
    const attempt = new Attempt(this.#registry, this.resource);
    try {
      this.resource.attach(attempt.dial(this.plan.dial));
    } catch (error) {
      const { endpoint } = this.resource;
      this.resource.attemptFailed(
        this.#registry.errorFrom(error, `Cannot connect to ${endpoint}`),
      );
      return;
    }
    this.#attempt = attempt;
    this.limitTime();
  }

  #limitOutage(): void {
    const { maxOutageMs } = this.#reconnect;
    if (maxOutageMs === Infinity) return;
    this.#outageTimer = this.#registry.host.setTimer(() => {
      this.#outageTimer = undefined;
      this.resource.abandon(
        new NetworkError(
          "timed-out",
          `Cannot connect to ${this.resource.endpoint}: the outage lasted over ${maxOutageMs} ms`,
          { cause: this.#lastError },
        ),
      );
    }, maxOutageMs);
  }

  #stopTimers(): void {
    const { host } = this.#registry;
    if (this.#retryTimer !== undefined) host.clearTimer(this.#retryTimer);
    if (this.#outageTimer !== undefined) host.clearTimer(this.#outageTimer);
    this.#retryTimer = undefined;
    this.#outageTimer = undefined;
  }
}
