/**
 * A transport of the tests' own, whose connections are in their hand.
 *
 * @module
 */

import {
  type Adapter,
  type Connection,
  type ConnectionEvents,
  Fault,
  type FaultCode,
  SendStatus,
} from "../../mod.ts";

/** An address for it. */
export const NOBODY = "127.0.0.1:1";

/** A connection that the test opens and ends by itself. */
export interface Puppet extends Connection {
  readonly events: ConnectionEvents;
  /** The text of what was sent over it. */
  readonly sent: string[];
}

/** The transport of such connections, all of which it keeps. */
export type PuppetTransport = Adapter & { readonly puppets: Puppet[] };

/** Makes one; `connecting` hears of each connection. Its connections are in the test's hand. */
export function puppetTransport(
  connecting: (puppet: Puppet, count: number) => void = () => {},
): PuppetTransport {
  const puppets: Puppet[] = [];
  const address = {
    family: "ipv4",
    hostname: "127.0.0.1",
    path: "",
  } as const;
  return {
    puppets,
    id: 101,
    name: "Puppet",
    maxMessageSize: 1_000,
    isConnectionOriented: true,
    isPacketBased: true,
    connect(host, _address, _options, events) {
      const sent: string[] = [];
      let isClosed = false;
      const puppet: Puppet = {
        events,
        sent,
        localAddress: { ...address, port: 1_000 + puppets.length },
        peerAddress: { ...address, port: 1 },
        protocol: `protocol ${puppets.length}`,
        queuedBytes: 0,
        frameKey: undefined,
        send(data) {
          sent.push(new TextDecoder().decode(data));
          return SendStatus.Sent;
        },
        frame: () => undefined,
        sendFrame: () => SendStatus.ResourceNotFound,
        pause() {},
        resume() {},
        close() {
          if (isClosed) return;
          isClosed = true;
          host.defer(() => events.released());
        },
      };
      connecting(puppet, puppets.length);
      puppets.push(puppet);
      return puppet;
    },
    listen: () =>
      Promise.reject(new Fault("not-supported", "Cannot listen: puppets")),
  };
}

/** One whose connections are ready a turn after they are asked for. */
export function readyTransport(
  connecting: (puppet: Puppet) => void = () => {},
): PuppetTransport {
  return puppetTransport((puppet) => {
    connecting(puppet);
    setTimeout(() => puppet.events.ready(), 0);
  });
}

/** Why an attempt failed. */
export function refused(code: FaultCode = "connection-refused"): Fault {
  return new Fault(code, `Cannot connect: ${code}`);
}

/** The puppet's connection ends, and nothing is left of it. */
export function end(
  { events }: Puppet,
  fault: Fault | undefined = undefined,
): void {
  events.closed(fault === undefined ? "closed" : "error", fault);
  events.released();
}
