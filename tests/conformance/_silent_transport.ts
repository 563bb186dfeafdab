/**
 * A transport of the tests' own, as a user could write one: its connections
 * never get ready.
 *
 * @module
 */

import {
  type Adapter,
  type Connection,
  Fault,
  SendStatus,
  type SocketAddress,
} from "../../mod.ts";

const NOWHERE: SocketAddress = {
  family: "ipv4",
  hostname: "127.0.0.1",
  port: 1,
  path: "",
};

/** A transport that tells how many of its connections were closed. */
export interface SilentTransport extends Adapter {
  readonly closed: number;
}

/** Makes one. */
export function silentTransport(): SilentTransport {
  let closed = 0;
  return {
    id: 100,
    name: "Silent",
    maxMessageSize: 1,
    isConnectionOriented: true,
    isPacketBased: true,
    get closed() {
      return closed;
    },
    connect: (host, _address, _options, events) =>
      new SilentConnection(() => {
        closed += 1;
        host.defer(() => events.released());
      }),
    listen: () =>
      Promise.reject(
        new Fault("not-supported", "Cannot listen: nobody would hear"),
      ),
  };
}

class SilentConnection implements Connection {
  readonly localAddress = NOWHERE;
  readonly peerAddress = NOWHERE;
  readonly queuedBytes = 0;
  readonly frameKey = undefined;
  readonly #close: () => void;
  #isClosed = false;

  constructor(close: () => void) {
    this.#close = close;
  }

  send(): SendStatus {
    return SendStatus.Sent;
  }

  frame(): undefined {
    return undefined;
  }

  sendFrame(): SendStatus {
    return SendStatus.Sent;
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#close();
  }
}
