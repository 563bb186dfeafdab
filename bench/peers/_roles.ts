/**
 * What a peer does in each mode, whatever library it is on: the library gives
 * its connections as {@linkcode Link}s.
 *
 * @module
 */

import process from "node:process";
import { Latencies, Meter } from "../_meters.ts";
import { beforeEnd, fail, type PeerCommand, report } from "../_peer_command.ts";

const DEFAULT_SIZE = 64;
/** A source looks at the clock once in so many messages. */
const SENDS_A_LOOK = 64;
/** A sink of datagrams ends so long after the last one. */
const QUIET_MS = 1_000;

/** One connection, or one other side of a datagram socket. */
export interface Link {
  /** Sends one message; false when no more should be, until {@linkcode writable}. */
  send(payload: Uint8Array): boolean;
  /** Hands over what `send` has gathered. */
  flush(): void;
  /** Resolves when there is room again. */
  writable(): Promise<void>;
  /** Resolves when all is with the operating system, and the connection ended. */
  close(): Promise<void>;
  /** What a ping knows of it. */
  flight: Flight | undefined;
}

/** The messages in flight on one connection. */
export interface Flight {
  /** When each was sent, in a ring: answers come in order. */
  readonly sentAt: Float64Array;
  sent: number;
  answered: number;
  /** Bytes of an answer that is not whole yet, where nothing keeps messages apart. */
  partial: number;
}

/** What a mode does when something happens. */
export interface Role {
  opened(link: Link): void;
  message(link: Link, data: Uint8Array): void;
  closed(link: Link): void;
}

/** What a library's transport is like. */
export interface Traits {
  /** Nothing keeps messages apart. */
  readonly isStream?: boolean;
  /** There are no connections. */
  readonly isDatagram?: boolean;
  /** Sends to all at once, where the library can. */
  readonly broadcast?: (payload: Uint8Array) => void;
}

/** The role of the mode that was asked for. */
export function createRole(command: PeerCommand, traits: Traits = {}): Role {
  switch (command.mode) {
    case "echo":
      return echo();
    case "sink":
      return sink(command, traits);
    case "source":
      return source(command, traits);
    case "ping":
      return ping(command, traits);
  }
}

/** The first of its kind for whoever only connects: tells the other side of a datagram socket where to send. */
export function greets({ mode }: PeerCommand): boolean {
  return mode === "echo" || mode === "sink";
}

function echo(): Role {
  return {
    opened() {},
    message(link, data) {
      link.send(data);
    },
    closed() {},
  };
}

function sink(command: PeerCommand, traits: Traits): Role {
  const meter = new Meter(command.warmup);
  const { isStream = false, isDatagram = false } = traits;
  const size = command.size ?? DEFAULT_SIZE;
  const limit = isStream ? command.messages * size : command.messages;
  let open = 0;
  let most = 0;
  let bytes = 0;
  let seen = 0;
  let quiet: ReturnType<typeof setInterval> | undefined;
  const end = () => {
    const result = meter.result();
    if (isStream) result.messages = Math.floor(result.bytes / size);
    report({ ...result, connections: Math.max(most, 1), total: meter.total });
    process.exit(0);
  };
  if (isDatagram) beforeEnd(end);
  return {
    opened() {
      open += 1;
      most = Math.max(most, open);
    },
    // Hot: one call a message received.
    message(_link, data) {
      meter.note(data.length);
      bytes += data.length;
      if ((isStream ? bytes : meter.total) >= limit) {
        meter.look();
        end();
      }
      if (isDatagram && quiet === undefined) {
        quiet = setInterval(() => {
          if (meter.total === seen) end();
          seen = meter.total;
        }, QUIET_MS);
      }
    },
    closed() {
      open -= 1;
      if (open > 0 || isDatagram) return;
      meter.look();
      end();
    },
  };
}

/** Begins when all connections are there. */
function whenAllAreThere(
  command: PeerCommand,
  begin: (links: readonly Link[]) => void,
): (link: Link) => void {
  const links: Link[] = [];
  return (link) => {
    links.push(link);
    if (links.length === command.connections) begin(links);
  };
}

/**
 * Sends to all until a look at the clock is due, or there is no room. A function
 * of its own, because engines compile the loops of async functions badly.
 *
 * @returns How many messages each was sent, and whether they have no more room.
 */
function sendSome(
  links: readonly Link[],
  payload: Uint8Array,
  most: number,
): { sent: number; isFull: boolean } {
  let sent = 0;
  let isFull = false;
  // Hot: one turn a message sent.
  while (sent < most && !isFull) {
    for (const link of links) isFull = !link.send(payload) || isFull;
    sent += 1;
  }
  return { sent, isFull };
}

function source(command: PeerCommand, traits: Traits): Role {
  const payload = new Uint8Array(command.size ?? DEFAULT_SIZE).fill(0x5a);
  const { broadcast, isDatagram = false } = traits;
  let isEnding = false;
  const pump = async (links: readonly Link[]) => {
    const startedAt = performance.now();
    const endsAt = startedAt + command.seconds * 1_000;
    let sent = 0;
    let isLate = false;
    while (sent < command.messages && !isLate) {
      let isFull = false;
      if (broadcast !== undefined && links.length > 1) {
        broadcast(payload);
        sent += 1;
        isFull = sent % SENDS_A_LOOK === 0;
      } else {
        const most = links.length > 1
          ? 1
          : Math.min(SENDS_A_LOOK, command.messages - sent);
        const some = sendSome(links, payload, most);
        sent += some.sent;
        isFull = some.isFull;
      }
      if (isFull) {
        for (const link of links) {
          link.flush();
          await link.writable();
        }
      }
      isLate = performance.now() >= endsAt;
      if (isDatagram) await turn();
    }
    isEnding = true;
    for (const link of links) link.flush();
    await Promise.all(links.map((link) => link.close()));
    const messages = sent * links.length;
    report({
      messages,
      bytes: messages * payload.length,
      seconds: (performance.now() - startedAt) / 1_000,
      connections: links.length,
    });
    process.exit(0);
  };
  return {
    opened: whenAllAreThere(command, (links) => {
      // After the ready line, and what else is due in this turn.
      setImmediate(() => void pump(links).catch(fail));
    }),
    message() {},
    closed() {
      if (!isEnding) fail("the other side has closed");
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function ping(command: PeerCommand, { isStream = false }: Traits): Role {
  const payload = new Uint8Array(command.size ?? DEFAULT_SIZE).fill(0x5a);
  const latencies = new Latencies();
  let open = 0;
  let counted = 0;
  let startedAt = 0;
  let warmAt = 0;
  let endsAt = Infinity;
  let isWarm = command.warmup === 0;
  const launch = (link: Link, flight: Flight, now: number) => {
    flight.sentAt[flight.sent % command.depth] = now;
    flight.sent += 1;
    link.send(payload);
  };
  const land = (link: Link, flight: Flight) => {
    const now = performance.now();
    const sentAt = flight.sentAt[flight.answered % command.depth] ?? NaN;
    flight.answered += 1;
    if (!isWarm && now >= warmAt) {
      isWarm = true;
      startedAt = now;
      counted = 0;
      latencies.clear();
    }
    counted += 1;
    latencies.note((now - sentAt) * 1_000);
    if (flight.sent < command.messages && now < endsAt) {
      launch(link, flight, now);
    } else if (flight.answered === flight.sent) {
      open -= 1;
      if (open === 0) end(now);
    }
  };
  const end = (now: number) => {
    report({
      messages: counted,
      bytes: counted * payload.length,
      seconds: (now - startedAt) / 1_000,
      connections: command.connections,
      latencyMicros: latencies.summary(),
    });
    process.exit(0);
  };
  const begin = (links: readonly Link[]) => {
    startedAt = performance.now();
    warmAt = startedAt + command.warmup * 1_000;
    endsAt = startedAt + command.seconds * 1_000;
    open = links.length;
    for (const link of links) {
      const flight = {
        sentAt: new Float64Array(command.depth),
        sent: 0,
        answered: 0,
        partial: 0,
      };
      link.flight = flight;
      const count = Math.min(command.depth, command.messages);
      for (let index = 0; index < count; index += 1) {
        launch(link, flight, performance.now());
      }
      link.flush();
    }
  };
  return {
    opened: whenAllAreThere(command, (links) => {
      setImmediate(() => begin(links));
    }),
    message(link, data) {
      const { flight } = link;
      if (flight === undefined) return;
      if (!isStream) return land(link, flight);
      flight.partial += data.length;
      while (flight.partial >= payload.length) {
        flight.partial -= payload.length;
        land(link, flight);
      }
    },
    closed: () => fail("the other side has closed"),
  };
}
