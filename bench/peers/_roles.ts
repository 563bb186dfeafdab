/**
 * What a peer does in each mode, whatever library it is on: the library gives
 * its connections as {@linkcode Link}s.
 *
 * @module
 */

import process from "node:process";
import { whenAllAreThere } from "../_connecting.ts";
import {
  DEFAULT_SIZE,
  fail,
  type PeerCommand,
  report,
} from "../_peer_command.ts";
import { type Flight, Ping } from "../_ping.ts";
import { Sink, type SinkTraits } from "../_sink.ts";

/** A source looks at the clock once in so many messages. */
const SENDS_A_LOOK = 64;

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

/** What a mode does when something happens. */
export interface Role {
  opened(link: Link): void;
  message(link: Link, data: Uint8Array): void;
  closed(link: Link): void;
}

/** What a library's transport is like. */
export interface Traits extends SinkTraits {
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

/** Whether a socket of datagrams that connects sends an empty one first: from it the other side learns where to send. */
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
  const sink = new Sink(command, traits);
  return {
    opened: () => sink.opened(),
    // Hot: one call a message received.
    message(_link, data) {
      sink.message(data.length);
    },
    closed: () => sink.closed(),
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
  const ping = new Ping<Link>(
    command,
    isStream,
    (link, payload) => void link.send(payload),
  );
  const begin = (links: readonly Link[]) => {
    ping.begin(links.length);
    for (const link of links) {
      link.flight = ping.launch(link);
      link.flush();
    }
  };
  return {
    opened: whenAllAreThere(command, (links) => {
      setImmediate(() => begin(links));
    }),
    message(link, data) {
      if (link.flight !== undefined) ping.land(link, link.flight, data.length);
    },
    closed: () => fail("the other side has closed"),
  };
}
