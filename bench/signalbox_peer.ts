/**
 * signalbox as a peer of the benchmark: echo, sink, source and ping over each
 * transport, written as a user would write them. The command line is that of
 * `bench/peers/README.md`.
 *
 *     deno run -A bench/signalbox_peer.ts sink --transport framed-tcp --listen 127.0.0.1:0
 *     node bench/signalbox_peer.ts source --transport framed-tcp --connect 127.0.0.1:4000
 *
 * @module
 */

import process from "node:process";
import {
  createNode,
  type Endpoint,
  formatAddress,
  type ResourceId,
  SendStatus,
  Transport,
} from "../mod.ts";
import { Latencies, Meter } from "./_meters.ts";
import {
  beforeEnd,
  endWithInput,
  fail,
  readPeerCommand,
  report,
} from "./_peer_command.ts";

const TRANSPORTS = {
  "tcp": Transport.Tcp,
  "framed-tcp": Transport.FramedTcp,
  "udp": Transport.Udp,
  "ws": Transport.Ws,
};

const DEFAULT_SIZE = 64;
/** Connections that are made at once: more would pass the system's backlog. */
const CONNECTIONS_AT_ONCE = 64;
/** A sink of datagrams ends so long after the last one. */
const QUIET_MS = 1_000;
/** A source looks at the clock once in so many messages. */
const SENDS_A_LOOK = 64;

const command = readPeerCommand();
const transport = chooseTransport(command.transport);
const { handler, listener } = createNode();
const { network } = handler;
endWithInput();

function chooseTransport(name: string) {
  for (const [known, transport] of Object.entries(TRANSPORTS)) {
    if (name === known) return transport;
  }
  return fail(`there is no transport ${name}`, 2);
}

/** What a mode does with the events of the node. */
interface Role {
  readonly opened?: (endpoint: Endpoint) => void;
  readonly message?: (endpoint: Endpoint, data: Uint8Array) => void;
  readonly closed?: () => void;
}

/** Opens what was asked for, and tells when it is there. */
async function open(): Promise<void> {
  if (command.isListening) {
    const { address } = await network.listen(transport, command.address);
    report({ ready: true, address: formatAddress(address) });
    return;
  }
  for (let made = 0; made < command.connections;) {
    const count = Math.min(CONNECTIONS_AT_ONCE, command.connections - made);
    await Promise.all(
      Array.from(
        { length: count },
        () => network.connectAsync(transport, command.address),
      ),
    );
    made += count;
  }
  report({ ready: true, address: command.address });
}

async function run(role: Role): Promise<void> {
  const { opened, message, closed } = role;
  const task = listener.forEach((event) => {
    switch (event.type) {
      case "message":
        message?.(event.endpoint, event.data);
        break;
      case "accepted":
        opened?.(event.endpoint);
        break;
      case "connected":
        if (event.ok) opened?.(event.endpoint);
        break;
      case "disconnected":
        closed?.();
        break;
    }
  });
  await open();
  await task;
}

function echo(): Role {
  return {
    message(endpoint, data) {
      network.send(endpoint, data);
    },
  };
}

function sink(): Role {
  const meter = new Meter(command.warmup);
  let connections = 0;
  let most = 0;
  let seen = 0;
  let bytes = 0;
  let quiet: ReturnType<typeof setInterval> | undefined;
  const end = () => {
    clearInterval(quiet);
    const result = meter.result();
    if (command.transport === "tcp" && command.size !== undefined) {
      result.messages = result.bytes / command.size;
    }
    report({ ...result, connections: Math.max(most, 1), total: meter.total });
    process.exit(0);
  };
  const closeWhenQuiet = () => {
    if (quiet !== undefined) return;
    quiet = setInterval(() => {
      if (meter.total === seen) end();
      seen = meter.total;
    }, QUIET_MS);
  };
  const isPacket = !transport.isConnectionOriented;
  if (isPacket) beforeEnd(end);
  const limit = command.transport === "tcp"
    ? command.messages * (command.size ?? 1)
    : command.messages;
  const countsBytes = command.transport === "tcp";
  return {
    opened() {
      connections += 1;
      most = Math.max(most, connections);
    },
    message(_endpoint, data) {
      meter.note(data.length);
      if (isPacket) closeWhenQuiet();
      bytes += data.length;
      if ((countsBytes ? bytes : meter.total) >= limit) {
        meter.look();
        end();
      }
    },
    closed() {
      connections -= 1;
      if (connections > 0) return;
      meter.look();
      end();
    },
  };
}

/** Begins when all connections are there. */
function whenAllAreThere(begin: (endpoints: Endpoint[]) => void): {
  opened: (endpoint: Endpoint) => void;
} {
  const endpoints: Endpoint[] = [];
  return {
    opened(endpoint) {
      endpoints.push(endpoint);
      if (endpoints.length === command.connections) begin(endpoints);
    },
  };
}

/**
 * Sends until a look at the clock is due, or there is no room. A function of
 * its own, because engines compile the loops of async functions badly.
 *
 * @returns How many messages were accepted, and what became of the last.
 */
function sendSome(
  endpoint: Endpoint,
  payload: Uint8Array,
  most: number,
): { accepted: number; status: SendStatus } {
  let accepted = 0;
  let status: SendStatus = SendStatus.Sent;
  // Hot: one turn a message sent.
  while (accepted < most && status === SendStatus.Sent) {
    status = network.send(endpoint, payload);
    if (status === SendStatus.Sent || status === SendStatus.Congested) {
      accepted += 1;
    }
  }
  return { accepted, status };
}

async function pump(endpoints: Endpoint[]): Promise<void> {
  const payload = new Uint8Array(command.size ?? DEFAULT_SIZE).fill(0x5a);
  const [only] = endpoints;
  const isOne = endpoints.length === 1 && only !== undefined;
  const startedAt = performance.now();
  const endsAt = startedAt + command.seconds * 1_000;
  const isPacket = !transport.isConnectionOriented;
  let sent = 0;
  let isLate = false;
  while (sent < command.messages && !isLate) {
    if (isOne) {
      const { accepted, status } = sendSome(
        only,
        payload,
        Math.min(SENDS_A_LOOK, command.messages - sent),
      );
      sent += accepted;
      if (status !== SendStatus.Sent) {
        const isFull = status === SendStatus.Congested ||
          status === SendStatus.QueueFull;
        if (!isFull || !await network.writable(only)) break;
      }
    } else {
      const statuses = network.sendAll(endpoints, payload);
      sent += 1;
      if (statuses.includes(SendStatus.Congested)) {
        for (const endpoint of endpoints) await network.writable(endpoint);
      }
    }
    isLate = performance.now() >= endsAt;
    // A socket of datagrams seldom refuses: its own work needs a turn too.
    if (isPacket) await turn();
  }
  await handler.stop({ drain: true });
  const messages = sent * endpoints.length;
  report({
    messages,
    bytes: messages * payload.length,
    seconds: (performance.now() - startedAt) / 1_000,
    connections: endpoints.length,
  });
  process.exit(0);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function source(): Role {
  return {
    ...whenAllAreThere((endpoints) => void pump(endpoints).catch(fail)),
    closed: () => fail("a connection ended"),
  };
}

/** What a ping knows of one connection. */
interface Flight {
  /** When each message in flight was sent, in a ring: answers come in order. */
  readonly sentAt: Float64Array;
  sent: number;
  answered: number;
  /** Bytes of an answer that is not whole yet, where nothing keeps messages apart. */
  bytes: number;
}

function ping(): Role {
  const payload = new Uint8Array(command.size ?? DEFAULT_SIZE).fill(0x5a);
  const flights = new Map<ResourceId, Flight>();
  const latencies = new Latencies();
  const isStream = !transport.isPacketBased;
  let open = 0;
  let counted = 0;
  let startedAt = 0;
  let warmAt = 0;
  let isWarm = command.warmup === 0;
  let endsAt = Infinity;
  const launch = (endpoint: Endpoint, flight: Flight, now: number) => {
    flight.sentAt[flight.sent % command.depth] = now;
    flight.sent += 1;
    network.send(endpoint, payload);
  };
  const land = (endpoint: Endpoint, flight: Flight) => {
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
      launch(endpoint, flight, now);
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
      connections: flights.size,
      latencyMicros: latencies.summary(),
    });
    process.exit(0);
  };
  return {
    ...whenAllAreThere((endpoints) => {
      startedAt = performance.now();
      warmAt = startedAt + command.warmup * 1_000;
      endsAt = startedAt + command.seconds * 1_000;
      open = endpoints.length;
      for (const endpoint of endpoints) {
        const flight = {
          sentAt: new Float64Array(command.depth),
          sent: 0,
          answered: 0,
          bytes: 0,
        };
        flights.set(endpoint.resourceId, flight);
        const count = Math.min(command.depth, command.messages);
        for (let index = 0; index < count; index += 1) {
          launch(endpoint, flight, performance.now());
        }
      }
    }),
    message(endpoint, data) {
      const flight = flights.get(endpoint.resourceId);
      if (flight === undefined) return;
      if (!isStream) return land(endpoint, flight);
      flight.bytes += data.length;
      while (flight.bytes >= payload.length) {
        flight.bytes -= payload.length;
        land(endpoint, flight);
      }
    },
    closed: () => fail("a connection ended"),
  };
}

const ROLES = { echo, sink, source, ping };

run(ROLES[command.mode]()).catch(fail);
