/**
 * TCP and Unix listeners over `Deno.listen`.
 *
 * @module
 */

import {
  type DenoApi,
  type DenoConn,
  type DenoListener,
  isLocalClose,
  socketAddressFrom,
} from "./_deno_api.ts";
import { checkPath, checkPort, UNKNOWN_ADDRESS } from "./_socket_address.ts";
import { listenTakingOver } from "./_unix_path.ts";
import { DenoStream } from "./deno_stream.ts";
import type {
  SocketAddress,
  StreamListener,
  StreamListenerEvents,
  StreamListenRequest,
} from "./driver.ts";
import { faultFrom } from "./fault.ts";

/** How long accepting rests after a failure, in milliseconds: descriptors need time to come back. */
const BACK_OFF_MS = 100;

class DenoStreamListener implements StreamListener {
  readonly address: SocketAddress;
  readonly #listener: DenoListener;
  readonly #events: StreamListenerEvents;
  readonly #accepting: Promise<void>;
  #closed = false;
  /** Ends the rest after a failure. */
  #wake: (() => void) | undefined;

  constructor(
    listener: DenoListener,
    events: StreamListenerEvents,
  ) {
    this.address = socketAddressFrom(listener.addr);
    this.#listener = listener;
    this.#events = events;
    this.#accepting = this.#accept();
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#wake?.();
      this.#listener.close();
    }
    return this.#accepting;
  }

  async #accept(): Promise<void> {
    // A connection may be waiting already; nothing is called from inside `listenStream`.
    await Promise.resolve();
    while (!this.#closed) {
      let conn: DenoConn;
      try {
        conn = await this.#listener.accept();
      } catch (error) {
        if (this.#closed || isLocalClose(error)) return;
        // The peer reset its connection before it was accepted: it was never there.
        if (isGonePeer(error)) continue;
        this.#events.fault(faultFrom(error, "Cannot accept a connection"));
        await this.#rest();
        continue;
      }
      if (this.#closed) {
        conn.close();
        return;
      }
      this.#offer(conn);
    }
  }

  #offer(conn: DenoConn): void {
    const socket = new DenoStream(UNKNOWN_ADDRESS);
    if (!socket.adopt(conn)) return;
    const events = this.#events.accept(socket);
    if (events === undefined) socket.abort();
    else socket.start(events);
  }

  #rest(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, BACK_OFF_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/**
 * Listens with `Deno.listen`, as `Driver.listenStream` asks.
 *
 * The path of a Unix socket whose owner died is taken over: it is removed if it
 * is a socket and connecting to it is refused, and left alone otherwise. Unix
 * sockets need the permissions to read and to write the path.
 *
 * `reusePort`, `ipv6Only` and the delay of keepalive are beyond `Deno.listen`:
 * the caller takes such requests elsewhere.
 *
 * @throws {Fault} by rejection: `address-in-use`; `address-not-available` for an
 * address that is not this machine's and a path in a folder that does not exist;
 * `permission-denied`; `invalid-address`; `host-not-found`.
 */
export async function listenDenoStream(
  deno: DenoApi,
  request: StreamListenRequest,
  events: StreamListenerEvents,
): Promise<StreamListener> {
  const listener = await listenTakingOver(
    request.address,
    () => listen(deno, request),
  );
  return new DenoStreamListener(listener, events);
}

function listen(deno: DenoApi, request: StreamListenRequest): DenoListener {
  const { address, backlog } = request;
  if (address.family === "unix") {
    checkPath(address.path, deno.build.os);
    return deno.listen({ transport: "unix", path: address.path });
  }
  checkPort(address);
  const options = {
    // Deno's own default is IPv4 alone; the other runtimes' is both families.
    hostname: address.hostname === "" ? "::" : address.hostname,
    port: address.port,
  };
  return deno.listen(
    backlog === undefined ? options : { ...options, tcpBacklog: backlog },
  );
}

function isGonePeer(error: unknown): boolean {
  return error instanceof Error &&
    (error.name === "NotConnected" || error.name === "ConnectionAborted" ||
      error.name === "ConnectionReset");
}
