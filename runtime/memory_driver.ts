/**
 * The parts of the memory network behind the contract of drivers.
 *
 * @module
 */

import type {
  DatagramBindRequest,
  DatagramEvents,
  DatagramSocket,
  Driver,
  StreamConnectRequest,
  StreamEvents,
  StreamListener,
  StreamListenerEvents,
  StreamListenRequest,
  StreamSocket,
  TimerHandle,
} from "./driver.ts";
import { Fault } from "./fault.ts";
import { bindMemoryDatagram } from "./memory_datagram.ts";
import {
  connectMemoryStream,
  listenMemoryStream,
  type MemoryPlace,
} from "./memory_stream_listener.ts";

/** Makes the driver of a place in a memory network. */
export function createMemoryDriver(place: MemoryPlace): Driver {
  return new MemoryDriver(place);
}

/** The driver of one host of a memory network. */
class MemoryDriver implements Driver {
  readonly name = "memory";
  readonly #place: MemoryPlace;

  constructor(place: MemoryPlace) {
    this.#place = place;
  }

  now(): number {
    return this.#place.host.clock.now();
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    return this.#place.host.clock.setTimer(callback, delayMs);
  }

  clearTimer(timer: TimerHandle): void {
    this.#place.host.clock.clearTimer(timer);
  }

  defer(callback: () => void): void {
    this.#place.host.clock.defer(callback);
  }

  random(): number {
    return this.#place.host.random();
  }

  connectStream(
    request: StreamConnectRequest,
    events: StreamEvents,
  ): StreamSocket {
    if (request.tls !== undefined) throw noTls();
    return connectMemoryStream(this.#place, request, events);
  }

  listenStream(
    request: StreamListenRequest,
    events: StreamListenerEvents,
  ): Promise<StreamListener> {
    return attempt(() => {
      if (request.tls !== undefined) throw noTls();
      return listenMemoryStream(this.#place, request, events);
    });
  }

  bindDatagram(
    request: DatagramBindRequest,
    events: DatagramEvents,
  ): Promise<DatagramSocket> {
    return attempt(() => bindMemoryDatagram(this.#place, request, events));
  }

  connectWebSocket(): never {
    throw noWebSockets();
  }

  listenWebSocket(): Promise<never> {
    return Promise.reject(noWebSockets());
  }
}

/** Runs at once; what it throws becomes a rejection. */
function attempt<Result>(run: () => Result): Promise<Result> {
  return new Promise((resolve) => resolve(run()));
}

function noTls(): Fault {
  return new Fault(
    "not-supported",
    "Cannot use TLS: the memory network has none",
  );
}

function noWebSockets(): Fault {
  return new Fault(
    "not-supported",
    "Cannot use native WebSockets: the memory network has none; WebSockets run over its streams",
  );
}
