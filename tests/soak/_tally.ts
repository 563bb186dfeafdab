/**
 * What a soak counts, and every bound that was broken.
 *
 * @module
 */

/** How many examples of broken bounds are kept. */
const MAX_COMPLAINTS = 30;

/** The counts of one run. */
export class Tally {
  /** Conversations begun. */
  conversations = 0;
  /** Messages that `send` took, over reliable transports. */
  sent = 0;
  /** Messages that came, over reliable transports. */
  received = 0;
  /** Sends that answered `QueueFull`. */
  refused = 0;
  /** Sends that answered `Congested`. */
  congested = 0;
  /** Messages of conversations that ended in order which did not come. */
  lost = 0;
  /** Messages under way when a fault, or a `remove` without drain, ended a conversation. */
  cutOff = 0;
  /** Broadcasts. */
  broadcasts = 0;
  /** Connections made again by `reconnect`. */
  reconnects = 0;
  /** Connects that failed at a faulty proxy. */
  connectsFailed = 0;
  datagramsSent = 0;
  datagramsReceived = 0;
  signalsSent = 0;
  signalsReceived = 0;
  /** How late a signal by timer was at worst since the last line, in milliseconds. */
  latestMs = 0;
  /** `disconnected` events by reason. */
  readonly reasons = new Map<string, number>();
  /** Conversations by transport. */
  readonly transports = new Map<string, number>();
  /** Examples of broken bounds. */
  readonly complaints: string[] = [];
  /** How many bounds were broken. */
  broken = 0;

  /** Notes a broken bound. */
  complain(text: string): void {
    this.broken += 1;
    if (this.complaints.length < MAX_COMPLAINTS) this.complaints.push(text);
  }
}

/** Counts one more of a name. */
export function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
