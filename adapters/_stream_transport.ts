/**
 * Connecting and listening of the transports that are one framing over one stream.
 *
 * @module
 */

import type { Framing } from "../framing/framing.ts";
import type {
  SocketAddress,
  StreamConnectRequest,
  StreamEvents,
  StreamListener,
  StreamListenerEvents,
  StreamListenRequest,
  StreamSocket,
} from "../runtime/driver.ts";
import type { Driver } from "../runtime/driver.ts";
import type { Fault } from "../runtime/fault.ts";
import { FramedConnection } from "./_framed_connection.ts";
import type { ConnectionLimits } from "./_framed_connection.ts";
import { connectionLimits, DEFAULT_MAX_MESSAGE_SIZE } from "./_options.ts";
import { refuseTls, withoutTls } from "./_tls_asked.ts";
import { SendStatus } from "./adapter.ts";
import type {
  Adapter,
  AdapterHost,
  ConnectOptions,
  Listener,
  ListenerEvents,
  ListenOptions,
  TargetAddress,
} from "./adapter.ts";

/** The part of a driver that makes streams; the memory transport brings its own. */
export type StreamDriver = Pick<Driver, "connectStream" | "listenStream">;

/** What makes one transport over streams different from another. */
export interface StreamTransportParts<
  Connect extends ConnectOptions,
  Listen extends ListenOptions,
> {
  readonly id: number;
  readonly name: string;
  readonly framing: Framing;
  /** Whether messages keep their boundaries: false for raw bytes, which have no size limit either. */
  readonly isPacketBased: boolean;
  /** Whose streams are used, given the node's driver. Default: the node's driver's. */
  readonly driverOf?: (driver: Driver) => StreamDriver;
  /** What the driver is asked for. Throws a Fault for an address or option that cannot be used. */
  connectRequest(
    address: TargetAddress,
    options: Connect,
  ): StreamConnectRequest;
  /** What the driver is asked for. Throws a Fault for an address or option that cannot be used. */
  listenRequest(address: TargetAddress, options: Listen): StreamListenRequest;
}

/** Makes the transport that is one framing over one kind of stream. */
export function streamTransport<
  Connect extends ConnectOptions,
  Listen extends ListenOptions,
>(
  parts: StreamTransportParts<Connect, Listen>,
): Adapter<Connect, Listen> {
  const { id, name, framing, isPacketBased } = parts;
  const driverOf = parts.driverOf ?? ((driver: Driver) => driver);
  const defaultMaxMessageSize = isPacketBased
    ? DEFAULT_MAX_MESSAGE_SIZE
    : Infinity;
  return {
    id,
    name,
    maxMessageSize: framing.maxPayloadSize,
    isConnectionOriented: true,
    isPacketBased,
    connect(host, address, options, events) {
      const request = parts.connectRequest(address, options);
      if (request.tls === undefined) refuseTls(name, options);
      const limits = connectionLimits(options, defaultMaxMessageSize);
      const connection = new FramedConnection(
        host,
        framing,
        limits,
        request.address,
        request.tls !== undefined,
      );
      connection.listen(events);
      connection.stream.attach(
        driverOf(host.driver).connectStream(request, connection.stream),
      );
      return connection;
    },
    async listen(host, address, options, events) {
      const request = parts.listenRequest(address, options);
      if (request.tls === undefined) refuseTls(name, options);
      const acceptor = new FramedAcceptor(
        host,
        framing,
        connectionLimits(options, defaultMaxMessageSize),
        request.tls !== undefined,
        events,
      );
      return new StreamTransportListener(
        await driverOf(host.driver).listenStream(
          { ...request, signal: options.signal },
          acceptor,
        ),
      );
    },
  };
}

class FramedAcceptor implements StreamListenerEvents {
  readonly #host: AdapterHost;
  readonly #framing: Framing;
  readonly #limits: ConnectionLimits;
  readonly #isSecure: boolean;
  readonly #events: ListenerEvents;

  constructor(
    host: AdapterHost,
    framing: Framing,
    limits: ConnectionLimits,
    isSecure: boolean,
    events: ListenerEvents,
  ) {
    this.#host = host;
    this.#framing = framing;
    this.#limits = limits;
    this.#isSecure = isSecure;
    this.#events = events;
  }

  accept(socket: StreamSocket): StreamEvents | undefined {
    if (this.#isSecure && socket.tls === undefined) {
      this.#events.fault(withoutTls());
      return undefined;
    }
    const connection = new FramedConnection(
      this.#host,
      this.#framing,
      this.#limits,
      undefined,
      false,
    );
    connection.stream.attach(socket);
    const events = this.#events.accept(connection);
    if (events === undefined) return undefined;
    connection.listen(events);
    events.ready();
    return connection.stream;
  }

  fault(fault: Fault): void {
    this.#events.fault(fault);
  }
}

/** A listener of connections; the datagram half of the contract does not apply to it. */
export class StreamTransportListener implements Listener {
  readonly queuedBytes = 0;
  readonly #listener: StreamListener;

  constructor(listener: StreamListener) {
    this.#listener = listener;
  }

  get address(): SocketAddress {
    return this.#listener.address;
  }

  sendTo(): SendStatus {
    return SendStatus.ResourceNotFound;
  }

  pause(): void {}

  resume(): void {}

  close(): Promise<void> {
    return this.#listener.close();
  }
}
