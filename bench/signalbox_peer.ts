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
import { connectAll, whenAllAreThere } from "./_connecting.ts";
import {
  DEFAULT_SIZE,
  endWithInput,
  fail,
  readPeerCommand,
  refuse,
  report,
} from "./_peer_command.ts";
import { type Flight, Ping } from "./_ping.ts";
import { Sink } from "./_sink.ts";

const TRANSPORTS = {
  "tcp": Transport.Tcp,
  "framed-tcp": Transport.FramedTcp,
  "udp": Transport.Udp,
  "ws": Transport.Ws,
};

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
  return refuse(`there is no transport ${name}`);
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
  await connectAll(
    command,
    () => network.connectAsync(transport, command.address),
  );
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
  const sink = new Sink(command, {
    isStream: !transport.isPacketBased,
    isDatagram: !transport.isConnectionOriented,
  });
  return {
    opened: () => sink.opened(),
    // Hot: one call a message received.
    message(_endpoint, data) {
      sink.message(data.length);
    },
    closed: () => sink.closed(),
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

async function pump(endpoints: readonly Endpoint[]): Promise<void> {
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
    opened: whenAllAreThere<Endpoint>(
      command,
      (endpoints) => void pump(endpoints).catch(fail),
    ),
    closed: () => fail("a connection ended"),
  };
}

function ping(): Role {
  const flights = new Map<ResourceId, Flight>();
  const ping = new Ping<Endpoint>(
    command,
    !transport.isPacketBased,
    (endpoint, payload) => void network.send(endpoint, payload),
  );
  return {
    opened: whenAllAreThere<Endpoint>(command, (endpoints) => {
      ping.begin(endpoints.length);
      for (const endpoint of endpoints) {
        flights.set(endpoint.resourceId, ping.launch(endpoint));
      }
    }),
    message(endpoint, data) {
      const flight = flights.get(endpoint.resourceId);
      if (flight !== undefined) ping.land(endpoint, flight, data.length);
    },
    closed: () => fail("a connection ended"),
  };
}

const ROLES = { echo, sink, source, ping };

run(ROLES[command.mode]()).catch(fail);
