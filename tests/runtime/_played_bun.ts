/**
 * A stand-in for `Bun` that tests play, so that they run on every runtime.
 *
 * @module
 */

import type {
  BunApi,
  BunConnectedDatagram,
  BunDatagramHandler,
  BunDatagramOptions,
  BunFreeDatagram,
  BunSocketHandler,
  BunTcpListener,
  BunTcpListenOptions,
  BunUnixOptions,
} from "../../runtime/_bun_api.ts";
import type { BunStream } from "../../runtime/bun_stream.ts";

/** A microtask's wait: what was deferred has been called. */
export function settled(): Promise<void> {
  return Promise.resolve();
}

/** A `Bun` whose listeners and UDP sockets the test plays. */
export class PlayedBun implements BunApi {
  handler: BunSocketHandler<BunStream | undefined> | undefined;
  datagram: BunDatagramHandler | undefined;
  /** What a send does. */
  onSend: () => boolean = () => true;

  listen<Data>(
    options: BunTcpListenOptions<Data> | BunUnixOptions<Data>,
  ): BunTcpListener {
    const { socket } = options;
    if (isStreamHandler(socket)) this.handler = socket;
    return { port: 80, stop() {} };
  }
  connect(): Promise<unknown> {
    return Promise.reject(new Error("not played"));
  }
  udpSocket(
    { socket }: BunDatagramOptions,
  ): Promise<BunConnectedDatagram & BunFreeDatagram> {
    this.datagram = socket;
    return Promise.resolve({
      hostname: "127.0.0.1",
      port: 53,
      close: () => {},
      setBroadcast: () => true,
      setTTL: () => 1,
      setMulticastTTL: () => 1,
      setMulticastLoopback: () => true,
      setMulticastInterface: () => true,
      addMembership: () => true,
      dropMembership: () => true,
      send: () => this.onSend(),
    });
  }
  serve(): never {
    throw new Error("not played");
  }
}

function isStreamHandler(
  handler: object,
): handler is BunSocketHandler<BunStream | undefined> {
  return "open" in handler;
}
