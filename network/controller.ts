/**
 * To act on the network: connect, listen, send, remove.
 *
 * @module
 */

import { SendStatus } from "../adapters/adapter.ts";
import type {
  Adapter,
  AdapterHost,
  Attachment,
  ConnectOptions,
  ListenOptions,
} from "../adapters/adapter.ts";
import type { SocketAddress } from "../runtime/driver.ts";
import { parseAddress } from "./address.ts";
import type { Address } from "./address.ts";
import { ownConnect } from "./connect_plan.ts";
import type { Endpoint } from "./endpoint.ts";
import { NetworkError } from "./errors.ts";
import { closeOptions, idleTimeout } from "./options.ts";
import type {
  Listening,
  RemoveOptions,
  ResourceInfo,
  SendOptions,
} from "./options.ts";
import type { OwnConnect } from "./own_connect.ts";
import type { Registry } from "./registry.ts";
import type { ResourceId } from "./resource_id.ts";
import type { ResourceStats } from "./statistics.ts";

const textEncoder = new TextEncoder();

/** The sockets of one node. All methods may be called at any time, inside callbacks too. */
export class NetworkController {
  readonly #host: AdapterHost;
  readonly #registry: Registry;

  /** Nodes make their controller; programs have no need to. */
  constructor(registry: Registry) {
    this.#host = registry.host;
    this.#registry = registry;
  }

  /**
   * Binds an address and waits for peers.
   *
   * No event comes of it: the promise is the answer. A connection-oriented
   * listener reports each peer as `accepted`, a UDP listener each message.
   *
   * @param transport What carries the messages.
   * @param address Where to listen; `":0"` lets the system choose a port on all IPv4 addresses.
   * @param options `signal`: gives the listener up until it is bound; and the transport's own.
   * @returns The listener's name and real address.
   * @throws {NetworkError} (as a rejection) `invalid-address`, `invalid-option`, `address-in-use`,
   * `address-not-available`, `host-not-found`, `permission-denied`, `not-supported`, `stopped`, `aborted`.
   * After `aborted` nothing is left open, and the address is free.
   *
   * @example Not for longer than two seconds
   * ```ts
   * import { createNode, Transport } from "@signalbox/signalbox";
   *
   * const { handler } = createNode();
   * await handler.network.listen(Transport.FramedTcp, "localhost:0", {
   *   signal: AbortSignal.timeout(2_000),
   * });
   * await handler.stop();
   * ```
   */
  async listen<Connect extends ConnectOptions, Listen extends ListenOptions>(
    transport: Adapter<Connect, Listen>,
    address: Address,
    options?: NoInfer<Listen>,
  ): Promise<Listening> {
    this.#checkRunning("listen");
    return await this.#registry.listeners.listen(transport, address, options);
  }

  /**
   * Starts to connect and returns at once. The outcome is one `connected`
   * event; until then `send` answers `ResourceNotAvailable`.
   *
   * With `reconnect` a failed attempt is followed by another, and a connection
   * that is lost is made again: see {@linkcode ReconnectOptions}.
   *
   * @param transport What carries the messages.
   * @param address The peer.
   * @param options `connectTimeoutMs` (30,000), `signal`, `reconnect`, `idleTimeoutMs`, and the transport's own.
   * @returns The peer's endpoint, the same object as in its events.
   * @throws {NetworkError} `invalid-address`, `invalid-option`, `not-supported`, `stopped`; `aborted` when
   * `signal` has fired already. Everything that the network has a part in comes as `connected` with `ok: false`.
   */
  connect<Connect extends ConnectOptions, Listen extends ListenOptions>(
    transport: Adapter<Connect, Listen>,
    address: Address,
    options?: NoInfer<Connect>,
  ): Endpoint {
    return this.#connect(transport, address, options).resource.endpoint;
  }

  /**
   * Connects and waits for the outcome. The `connected` event comes too, and first.
   * With `reconnect` it is the outcome of the first outage: when an attempt succeeded, or all was given up.
   *
   * @param transport What carries the messages.
   * @param address The peer.
   * @param options `connectTimeoutMs` (30,000), `signal`, and the transport's own.
   * @returns The peer's endpoint.
   * @throws {NetworkError} (as a rejection) what `connect` throws, and `connection-refused`, `host-not-found`,
   * `timed-out`, `unreachable`, `aborted`, `protocol`, …
   */
  async connectAsync<
    Connect extends ConnectOptions,
    Listen extends ListenOptions,
  >(
    transport: Adapter<Connect, Listen>,
    address: Address,
    options?: NoInfer<Connect>,
  ): Promise<Endpoint> {
    const own = this.#connect(transport, address, options);
    return await new Promise<Endpoint>((resolve, reject) => {
      own.waiter = { resolve, reject };
    });
  }

  /**
   * Takes over a connection that was made elsewhere, such as a WebSocket that
   * the user's own HTTP server upgraded. It reports `accepted` with no listener.
   *
   * @param attachment What `attachWebSocket` and its like return.
   * @returns The peer's endpoint.
   * @throws {NetworkError} `stopped`, `invalid-option`.
   */
  attach(attachment: Attachment): Endpoint {
    this.#checkRunning("attach");
    try {
      const resource = this.#registry.createRemote(
        attachment.adapter,
        idleTimeout(attachment),
      );
      resource.attach(attachment.attach(this.#host, resource));
      this.#registry.addRemote(resource);
      return resource.endpoint;
    } catch (error) {
      throw this.#registry.errorFrom(error, "Cannot attach a connection");
    }
  }

  // Hot: one call a message sent.
  /**
   * Sends one message. Never blocks, and never throws for anything that the network does.
   *
   * @param endpoint The peer.
   * @param data The message; a string goes as UTF-8, over WebSocket as a text message. Leave the bytes
   * unchanged from now on, or ask for `copy`.
   * @param options `copy`, `tag`, `text`.
   * @returns What became of it: see {@linkcode SendStatus}. `Sent` says that it was accepted, not that it arrived.
   * @throws {NetworkError} `invalid-message` when the framing cannot carry the message, and for what is neither text nor bytes.
   */
  send(
    endpoint: Endpoint,
    data: Uint8Array | string,
    options?: SendOptions,
  ): SendStatus {
    let bytes: Uint8Array;
    let isText = false;
    let tag = 0;
    if (typeof data === "string") {
      bytes = textEncoder.encode(data);
      isText = true;
    } else {
      bytes = checkBytes(data);
    }
    if (options !== undefined) {
      if (options.copy === true && bytes === data) bytes = bytes.slice();
      tag = options.tag ?? 0;
      isText = options.text ?? isText;
    }
    const remote = this.#registry.remote(endpoint.resourceId);
    try {
      if (remote !== undefined) return remote.send(bytes, isText, tag);
      const local = this.#registry.listeners.get(endpoint.resourceId);
      return local === undefined
        ? SendStatus.ResourceNotFound
        : local.sendTo(bytes, endpoint.address);
    } catch (error) {
      throw this.#registry.errorFrom(error, `Cannot send to ${endpoint}`);
    }
  }

  /**
   * Sends one message to many peers. Its frame is made once for all connections of the same framing.
   *
   * @param endpoints The peers.
   * @param data The message, as in `send`.
   * @param options As in `send`.
   * @returns What became of each, in the order of `endpoints`.
   * @throws {NetworkError} `invalid-message` when a framing cannot carry the message; those before it were sent.
   */
  sendAll(
    endpoints: Iterable<Endpoint>,
    data: Uint8Array | string,
    options?: SendOptions,
  ): SendStatus[] {
    const isText = options?.text ?? (typeof data === "string");
    const tag = options?.tag ?? 0;
    const given = typeof data === "string"
      ? textEncoder.encode(data)
      : checkBytes(data);
    const bytes = options?.copy === true ? given.slice() : given;
    const frames = new Map<object, Uint8Array | undefined>();
    const statuses: SendStatus[] = [];
    const whole: SendOptions = { text: isText, tag };
    // Mostly one framing serves them all.
    let lastKey: object | undefined;
    let frame: Uint8Array | undefined;
    for (const endpoint of endpoints) {
      const remote = this.#registry.remote(endpoint.resourceId);
      const frameKey = remote?.takesFrames === true
        ? remote.connection.frameKey
        : undefined;
      if (remote === undefined || frameKey === undefined) {
        statuses.push(this.send(endpoint, bytes, whole));
        continue;
      }
      if (frameKey !== lastKey) {
        lastKey = frameKey;
        frame = frames.get(frameKey);
        if (frame === undefined && !frames.has(frameKey)) {
          try {
            frame = remote.connection.frame(bytes, isText, tag);
          } catch (error) {
            throw this.#registry.errorFrom(error, `Cannot send to ${endpoint}`);
          }
          frames.set(frameKey, frame);
        }
      }
      statuses.push(
        frame === undefined
          ? this.send(endpoint, bytes, whole)
          : remote.sendFrame(frame, bytes.length),
      );
    }
    return statuses;
  }

  /**
   * Ends a connection or a listener. No event comes of it, and none of the
   * endpoint after it: not even for messages that had already been read.
   *
   * Removing a listener leaves its accepted connections alive. Removing a
   * connection that is not ready yet suppresses its `connected` event.
   *
   * @param resourceId What to end.
   * @param options `drain`: how long what was accepted may take to go out; it does so in the background.
   * @returns Whether there was such a resource.
   * @throws {NetworkError} `invalid-option`.
   */
  remove(resourceId: ResourceId, options: RemoveOptions = {}): boolean {
    return this.#registry.remove(resourceId, closeOptions(options));
  }

  /**
   * Whether messages may be sent: true for a listener and for a connection whose
   * handshake is done, false while it connects, undefined when there is no such resource (any more).
   */
  isReady(resourceId: ResourceId): boolean | undefined {
    return this.#registry.remote(resourceId)?.isReady ??
      (this.#registry.listeners.get(resourceId) && true);
  }

  /**
   * Waits until a peer can take more, after `send` answered `Congested` or `QueueFull`.
   *
   * @param endpoint The peer.
   * @param options `signal`: gives the waiting up.
   * @returns True once its queue is below half of the high-water mark (at once when it is not congested);
   * false when the connection has ended.
   * @throws {NetworkError} (as a rejection) `aborted`.
   */
  writable(
    endpoint: Endpoint,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<boolean> {
    const { resourceId } = endpoint;
    const resource = this.#registry.remote(resourceId) ??
      this.#registry.listeners.get(resourceId);
    return resource?.whenWritable(options.signal) ?? Promise.resolve(false);
  }

  /** The own address of a connection (once it is ready) or of a listener; undefined when there is none. */
  localAddress(resourceId: ResourceId): SocketAddress | undefined {
    const remote = this.#registry.remote(resourceId);
    if (remote !== undefined) {
      return remote.isReady ? remote.connection.localAddress : undefined;
    }
    return this.#registry.listeners.get(resourceId)?.address;
  }

  /** The peer's address of a connection, with the numeric host once it is ready (over UDP, the host as it was given); undefined for a listener. */
  peerAddress(resourceId: ResourceId): SocketAddress | undefined {
    return this.#registry.remote(resourceId)?.connection.peerAddress;
  }

  /** What is known of one connection or listener; undefined when there is none. */
  resource(resourceId: ResourceId): ResourceInfo | undefined {
    const resource = this.#registry.remote(resourceId) ??
      this.#registry.listeners.get(resourceId);
    return resource?.info();
  }

  /**
   * What went over one connection or listener, and what waits in it; undefined
   * when there is none (any more). Counting costs nothing until it is asked for.
   */
  stats(resourceId: ResourceId): ResourceStats | undefined {
    const resource = this.#registry.remote(resourceId) ??
      this.#registry.listeners.get(resourceId);
    return resource?.stats();
  }

  /** All listeners and connections of the node, the oldest first. */
  resources(): ResourceInfo[] {
    const all: ResourceInfo[] = [];
    for (const local of this.#registry.listeners.all()) all.push(local.info());
    for (const remote of this.#registry.remotes()) all.push(remote.info());
    return all;
  }

  #connect<Connect extends ConnectOptions, Listen extends ListenOptions>(
    transport: Adapter<Connect, Listen>,
    address: Address,
    options: Connect | undefined,
  ): OwnConnect {
    this.#checkRunning("connect");
    try {
      const asked = options ?? emptyOptions<Connect>();
      const target = parseAddress(address);
      const own = ownConnect(this.#registry, transport, target, asked);
      own.resource.start(own);
      this.#registry.addRemote(own.resource);
      return own;
    } catch (error) {
      throw this.#registry.errorFrom(
        error,
        `Cannot connect with ${transport.name}`,
      );
    }
  }

  #checkRunning(verb: string): void {
    if (this.#registry.isStopped) {
      throw new NetworkError("stopped", `Cannot ${verb}: the node is stopped`);
    }
  }
}

// Hot: one call a message sent.
/**
 * Programs without types send arrays and ArrayBuffers, whose lengths mean nothing here.
 * Not `instanceof`: the bytes may come from another realm.
 */
function checkBytes(data: Uint8Array): Uint8Array {
  if (data?.BYTES_PER_ELEMENT === 1) return data;
  throw new NetworkError(
    "invalid-message",
    "Cannot send: the message is neither text nor a Uint8Array",
  );
}

/** Every member of every adapter's options is optional. */
function emptyOptions<
  Options extends ConnectOptions | ListenOptions,
>(): Options {
  return {} as Options;
}
