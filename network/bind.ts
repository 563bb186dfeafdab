/**
 * A `listen` that is under way.
 *
 * @module
 */

import type { AdapterHost, HostTimer } from "../adapters/adapter.ts";
import { abortError, checkSignal, NetworkError } from "./errors.ts";
import type { LocalResource } from "./local_resource.ts";

/** How long a transport that goes on in spite of its signal holds up the answer, in milliseconds. */
const LATE_MS = 1_000;

/** Gives a listener up that is not bound yet, when the program's signal fires or the node stops. */
export class Bind {
  /** Why the listener is not wanted any more. */
  error: NetworkError | undefined;
  /** Rejects with the error when the transport does not let go in time; settles in no other way. */
  readonly late: Promise<never>;
  readonly #host: AdapterHost;
  readonly #local: LocalResource;
  readonly #doing: string;
  readonly #asked: AbortSignal | undefined;
  readonly #given = new AbortController();
  readonly #abort: () => void;
  #rejectLate: (error: NetworkError) => void = () => {};
  #timer: HostTimer | undefined;

  /** Throws `aborted` when the program's signal has fired already, and `invalid-option` for what is none. */
  constructor(
    host: AdapterHost,
    local: LocalResource,
    target: string,
    asked: AbortSignal | undefined,
  ) {
    const doing = `Cannot listen on ${target}`;
    checkSignal("signal", asked, doing);
    this.#host = host;
    this.#local = local;
    this.#doing = doing;
    this.#asked = asked;
    this.late = new Promise((_, reject) => this.#rejectLate = reject);
    this.#abort = () => {
      if (asked !== undefined) this.#giveUp(abortError(doing, asked));
    };
    asked?.addEventListener("abort", this.#abort);
  }

  /** What the transport gets: it fires when the listener is not wanted any more. */
  get signal(): AbortSignal {
    return this.#given.signal;
  }

  /** The node stops. */
  stop(): void {
    this.#giveUp(
      new NetworkError("stopped", `${this.#doing}: the node was stopped`),
    );
  }

  /** The outcome is there: leaves no timer and no subscription. */
  end(): void {
    this.#asked?.removeEventListener("abort", this.#abort);
    if (this.#timer !== undefined) this.#host.clearTimer(this.#timer);
  }

  #giveUp(error: NetworkError): void {
    if (this.error !== undefined) return;
    this.error = error;
    this.#local.abandon();
    this.#timer = this.#host.setTimer(() => this.#rejectLate(error), LATE_MS);
    this.#given.abort(error);
  }
}
