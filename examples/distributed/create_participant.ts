/**
 * A participant, as a function of a node: it registers with the discovery
 * server, and connects to every other participant to greet it.
 *
 * @module
 */

import {
  type Address,
  type Endpoint,
  formatAddress,
  type NodeHandler,
  type NodeListener,
  type SocketAddress,
  Transport,
} from "../../mod.ts";
import { type Contact, decode, encode, type Message } from "./protocol.ts";

export interface ParticipantOptions {
  /** Where the discovery server is. */
  readonly discovery: Address;
  /** Where to listen for the others; they are told this address. */
  readonly listenOn: Address;
  /** Hears, line by line, what happens. */
  readonly say: (line: string) => void;
}

/** Why a participant has ended. */
export type Ending =
  /** It was asked to. */
  | "left"
  /** The discovery server did not take it: its name is taken, say. */
  | "refused"
  /** There is no discovery server (any more), or it could not be reached for too long. */
  | "discovery lost";

export interface Participant {
  readonly address: SocketAddress;
  /** The others that it knows of, by name, with its connections to them. */
  readonly peers: ReadonlyMap<string, Endpoint>;
  /** Who has greeted it so far. */
  readonly greetedBy: ReadonlySet<string>;
  /** Resolves when its node has stopped. */
  readonly ended: Promise<Ending>;
  /** Unregisters, and stops the node. */
  leave(): Promise<void>;
}

/** How long a connection is silent before the other side is asked whether it is there. */
const KEEP_ALIVE_MS = 10_000;

/** How long the way to the discovery server may be broken. */
const MAX_OUTAGE_MS = 120_000;

/** Makes a node a participant. */
export async function createParticipant(
  handler: NodeHandler<never>,
  listener: NodeListener<never>,
  name: string,
  options: ParticipantOptions,
): Promise<Participant> {
  const { network } = handler;
  const { say } = options;
  const { address } = await network.listen(
    Transport.FramedTcp,
    options.listenOn,
    { maxMessageSize: 4_096, keepAliveMs: KEEP_ALIVE_MS },
  );
  let wasRegistered = false;
  const discovery = network.connect(Transport.FramedTcp, options.discovery, {
    keepAliveMs: KEEP_ALIVE_MS,
    reconnect: {
      maxOutageMs: MAX_OUTAGE_MS,
      // Where nobody ever was there is nobody to wait for.
      shouldRetry: ({ code }) => wasRegistered || code !== "connection-refused",
    },
  });
  const peers = new Map<string, Endpoint>();
  const addresses = new Map<string, string>();
  const greetedBy = new Set<string>();
  let ending: Ending = "left";

  function tell(endpoint: Endpoint, message: Message): void {
    network.send(endpoint, encode(message));
  }

  function end(why: Ending): void {
    ending = why;
    void handler.stop();
  }

  function meet(contact: Contact): void {
    if (addresses.get(contact.name) === contact.address) return;
    // The same name elsewhere is somebody else.
    part(contact.name);
    try {
      peers.set(
        contact.name,
        // Until the discovery server says that it has left.
        network.connect(Transport.FramedTcp, contact.address, {
          keepAliveMs: KEEP_ALIVE_MS,
          reconnect: true,
        }),
      );
      addresses.set(contact.name, contact.address);
    } catch (error) {
      // Another's bad address is no reason to end.
      say(`cannot meet ${contact.name}: ${error}`);
    }
  }

  function forget(name: string): void {
    peers.delete(name);
    addresses.delete(name);
  }

  function part(name: string): void {
    const peer = peers.get(name);
    if (peer === undefined) return;
    forget(name);
    network.remove(peer.resourceId);
  }

  function hearDiscovery(message: Message | undefined): void {
    switch (message?.type) {
      case "registered":
        wasRegistered = true;
        say(`registered; ${message.contacts.length} others are there`);
        // Who left while the way to the server was broken.
        for (const peer of [...peers.keys()]) {
          if (!message.contacts.some(({ name }) => name === peer)) part(peer);
        }
        for (const contact of message.contacts) meet(contact);
        break;
      case "added":
        say(`${message.contact.name} came`);
        meet(message.contact);
        break;
      case "removed":
        say(`${message.name} left`);
        part(message.name);
        break;
      case "refused":
        say(`the discovery server refuses: ${message.reason}`);
        end("refused");
        break;
    }
  }

  function nameOf(endpoint: Endpoint): string | undefined {
    for (const [peer, itsEndpoint] of peers) {
      if (itsEndpoint.equals(endpoint)) return peer;
    }
    return undefined;
  }

  const task = listener.forEach((event) => {
    switch (event.type) {
      case "connected": {
        const { endpoint } = event;
        if (endpoint.equals(discovery)) {
          if (!event.ok) {
            say(event.error.message);
            return end("discovery lost");
          }
          const contact = { name, address: formatAddress(address) };
          return tell(discovery, { type: "register", contact });
        }
        const peer = nameOf(endpoint);
        if (peer === undefined) break;
        if (event.ok) {
          tell(endpoint, {
            type: "greetings",
            name,
            text: `Hello ${peer}, I am ${name}`,
          });
        } else {
          forget(peer);
          say(`cannot meet ${peer}: ${event.error.message}`);
        }
        break;
      }
      case "message": {
        const message = decode(event.data);
        if (event.endpoint.equals(discovery)) hearDiscovery(message);
        else if (message?.type === "greetings") {
          greetedBy.add(message.name);
          say(`${message.name} greets: ${message.text}`);
        } else network.remove(event.endpoint.resourceId);
        break;
      }
      case "disconnected": {
        const { endpoint, reason, willReconnect } = event;
        if (endpoint.equals(discovery)) {
          say(`the discovery server is gone: ${reason}`);
          // It closes in order when it ends; everything else may pass.
          if (reason === "closed" || !willReconnect) end("discovery lost");
          break;
        }
        const peer = nameOf(endpoint);
        if (peer !== undefined && !willReconnect) forget(peer);
        break;
      }
    }
  });

  const ended = (async () => {
    await task;
    return ending;
  })();
  return {
    address,
    peers,
    greetedBy,
    ended,
    leave() {
      tell(discovery, { type: "unregister" });
      return handler.stop({ drain: 1_000 });
    },
  };
}
