/**
 * The discovery server, as a function of a node: it knows who is there, and
 * tells everybody. It carries no messages between participants.
 *
 * @module
 */

import {
  type Address,
  type Endpoint,
  type NodeHandler,
  type NodeListener,
  type NodeTask,
  type SocketAddress,
  Transport,
} from "../../mod.ts";
import { type Contact, decode, encode, type Message } from "./protocol.ts";

export interface DiscoveryServer {
  readonly address: SocketAddress;
  /** Ends when the node is stopped. */
  readonly task: NodeTask;
}

interface Registration {
  readonly contact: Contact;
  readonly endpoint: Endpoint;
}

/** Whether somebody who registers is who has the name: at the same address, from the same host. */
function isSame(
  before: Registration,
  endpoint: Endpoint,
  contact: Contact,
): boolean {
  return before.contact.address === contact.address &&
    before.endpoint.address.hostname === endpoint.address.hostname;
}

/**
 * Makes a node the discovery server.
 *
 * @param address Where to listen.
 * @param say Hears, line by line, what happens.
 */
export async function createDiscoveryServer(
  handler: NodeHandler<never>,
  listener: NodeListener<never>,
  address: Address,
  say: (line: string) => void,
): Promise<DiscoveryServer> {
  const { network } = handler;
  const listening = await network.listen(Transport.FramedTcp, address, {
    maxMessageSize: 4_096,
    // Whose network is gone says nothing any more: it has to be asked.
    keepAliveMs: 10_000,
  });
  const registrations = new Map<string, Registration>();

  function tell(endpoint: Endpoint, message: Message): void {
    network.send(endpoint, encode(message));
  }

  /** Tells everybody that is registered, with one frame for all. */
  function tellAll(message: Message): void {
    const endpoints = [...registrations.values()].map((one) => one.endpoint);
    network.sendAll(endpoints, encode(message));
  }

  function register(endpoint: Endpoint, contact: Contact): void {
    if (nameOf(endpoint) !== undefined) {
      return tell(endpoint, {
        type: "refused",
        reason: "you are registered already",
      });
    }
    const before = registrations.get(contact.name);
    if (before !== undefined && isSame(before, endpoint, contact)) {
      // It noticed before us that the way was broken, and has come back.
      registrations.delete(contact.name);
      network.remove(before.endpoint.resourceId);
    } else if (before !== undefined) {
      say(`${contact.name} at ${contact.address} refused: the name is taken`);
      return tell(endpoint, {
        type: "refused",
        reason: `the name ${contact.name} is taken`,
      });
    }
    tell(endpoint, {
      type: "registered",
      contacts: [...registrations.values()].map((one) => one.contact),
    });
    tellAll({ type: "added", contact });
    registrations.set(contact.name, { contact, endpoint });
    say(`${contact.name} at ${contact.address} added: ${registrations.size}`);
  }

  function unregister(endpoint: Endpoint): void {
    const name = nameOf(endpoint);
    if (name === undefined) return;
    registrations.delete(name);
    tellAll({ type: "removed", name });
    say(`${name} removed: ${registrations.size}`);
  }

  function nameOf(endpoint: Endpoint): string | undefined {
    for (const [name, registration] of registrations) {
      if (registration.endpoint.equals(endpoint)) return name;
    }
    return undefined;
  }

  const task = listener.forEach((event) => {
    switch (event.type) {
      case "message": {
        const { endpoint, data } = event;
        const message = decode(data);
        if (message?.type === "register") register(endpoint, message.contact);
        else if (message?.type === "unregister") unregister(endpoint);
        else {
          say(`${endpoint} speaks something else: it is removed`);
          unregister(endpoint);
          network.remove(endpoint.resourceId);
        }
        break;
      }
      case "disconnected":
        // Whoever crashed, or lost its network, has left too.
        unregister(event.endpoint);
        break;
    }
  });
  return { address: listening.address, task };
}
