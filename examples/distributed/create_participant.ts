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
  /** There is no discovery server (any more). */
  | "discovery lost";

export interface Participant {
  readonly address: SocketAddress;
  /** The others that it is connected to, by name. */
  readonly peers: ReadonlyMap<string, Endpoint>;
  /** Who has greeted it so far. */
  readonly greetedBy: ReadonlySet<string>;
  /** Resolves when its node has stopped. */
  readonly ended: Promise<Ending>;
  /** Unregisters, and stops the node. */
  leave(): Promise<void>;
}

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
    { maxMessageSize: 4_096 },
  );
  const discovery = network.connect(Transport.FramedTcp, options.discovery);
  const peers = new Map<string, Endpoint>();
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
    if (peers.has(contact.name)) return;
    try {
      peers.set(
        contact.name,
        network.connect(Transport.FramedTcp, contact.address),
      );
    } catch (error) {
      // Another's bad address is no reason to end.
      say(`cannot meet ${contact.name}: ${error}`);
    }
  }

  function hearDiscovery(message: Message | undefined): void {
    switch (message?.type) {
      case "registered":
        say(`registered; ${message.contacts.length} others are there`);
        for (const contact of message.contacts) meet(contact);
        break;
      case "added":
        say(`${message.contact.name} came`);
        meet(message.contact);
        break;
      case "removed": {
        say(`${message.name} left`);
        const peer = peers.get(message.name);
        peers.delete(message.name);
        if (peer !== undefined) network.remove(peer.resourceId);
        break;
      }
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
          peers.delete(peer);
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
        if (event.endpoint.equals(discovery)) {
          say(`the discovery server is gone: ${event.reason}`);
          return end("discovery lost");
        }
        const peer = nameOf(event.endpoint);
        if (peer !== undefined) peers.delete(peer);
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
