/**
 * A node that listens and echoes, with one good connection to it, and its rules checked.
 *
 * @module
 */

import {
  type Adapter,
  type Address,
  type ConnectOptions,
  createNode,
  type Endpoint,
  type Listening,
  type ListenOptions,
  NetworkError,
  type NetworkEvent,
  type NodeEvent,
  type NodeHandler,
  type NodeTask,
  resourceType,
} from "../../mod.ts";

/** Small, so that inputs reach it. */
export const MAX_MESSAGE_SIZE = 4_096;

const REASONS: ReadonlySet<string> = new Set([
  "closed",
  "reset",
  "timeout",
  "protocol",
  "tls",
  "message-too-big",
  "overflow",
  "error",
]);

/** A node whose every event is checked. */
export class WatchedNode {
  readonly handler: NodeHandler<never>;
  readonly task: NodeTask;
  readonly violations: string[] = [];
  onEvent: (event: NetworkEvent) => void = () => {};
  readonly #alive = new Set<unknown>();

  constructor() {
    const { handler, listener } = createNode<never>();
    this.handler = handler;
    this.task = listener.forEach((event) => {
      this.#check(event);
      if (event.type !== "signal") this.onEvent(event);
    });
  }

  async stop(): Promise<void> {
    await this.handler.stop();
    await this.task;
  }

  #check(event: NodeEvent<never>): void {
    if (event.type === "signal") return;
    const id = event.endpoint.resourceId;
    const isKnown = this.#alive.has(id) || resourceType(id) === "local";
    switch (event.type) {
      case "accepted":
      case "connected":
        if (isKnown) this.violations.push(`${event.type} came twice`);
        if (event.type === "accepted" || event.ok) this.#alive.add(id);
        if (
          event.type === "connected" && !event.ok &&
          !(event.error instanceof NetworkError)
        ) {
          this.violations.push("connected failed without an error");
        }
        return;
      case "message":
        if (!isKnown) this.violations.push("a message came of nobody");
        return;
      case "disconnected":
        if (!isKnown) this.violations.push("disconnected came of nobody");
        this.#alive.delete(id);
        if (!REASONS.has(event.reason)) {
          this.violations.push(`the reason ${event.reason}`);
        }
        if (
          event.error !== undefined && !(event.error instanceof NetworkError)
        ) {
          this.violations.push(`the error ${String(event.error)}`);
        }
    }
  }
}

/** Sends and waits for the same bytes, whole or in pieces. */
export class Echo {
  readonly #node: WatchedNode;
  readonly #endpoint: Endpoint;
  #got = "";
  #wanted = "";
  #count = 0;
  #done: (() => void) | undefined;

  private constructor(node: WatchedNode, endpoint: Endpoint) {
    this.#node = node;
    this.#endpoint = endpoint;
  }

  /** Connects to what echoes. */
  static async open<Options extends ConnectOptions>(
    node: WatchedNode,
    transport: Adapter<Options>,
    address: Address,
    options?: Options,
  ): Promise<Echo> {
    const endpoint = await node.handler.network.connectAsync(
      transport,
      address,
      options,
    );
    const echo = new Echo(node, endpoint);
    const others = node.onEvent;
    node.onEvent = (event) => {
      if (event.endpoint !== endpoint) others(event);
      else if (event.type === "message") echo.#take(event.data);
      else if (event.type === "disconnected") {
        node.violations.push(`the good connection ended: ${event.reason}`);
      }
    };
    return echo;
  }

  /** One after the other; resolves with the milliseconds that the answer took. */
  #turn: Promise<unknown> = Promise.resolve();

  use(resendMs?: number): Promise<number> {
    const next = this.#turn.then(() => this.#use(resendMs));
    this.#turn = next.catch(() => {});
    return next;
  }

  async #use(resendMs: number | undefined): Promise<number> {
    const start = performance.now();
    this.#count += 1;
    this.#wanted = `still here ${this.#count};`;
    const done = new Promise<void>((resolve) => this.#done = resolve);
    const send = () => {
      this.#got = "";
      this.#node.handler.network.send(this.#endpoint, this.#wanted);
    };
    send();
    const timer = resendMs === undefined
      ? undefined
      : setInterval(send, resendMs);
    await done;
    clearInterval(timer);
    return performance.now() - start;
  }

  #take(data: Uint8Array): void {
    this.#got += new TextDecoder().decode(data);
    // A datagram that was sent again may come twice, or late.
    if (this.#got.endsWith(this.#wanted)) this.#done?.();
    else if (!this.#wanted.startsWith(this.#got)) {
      if (!this.#got.includes("still here")) {
        this.#node.violations.push(`the good connection got ${this.#got}`);
      }
    }
  }
}

/** Listens, and sends back what comes. */
export async function listenAndEcho<Options extends ListenOptions>(
  node: WatchedNode,
  transport: Adapter<ConnectOptions, Options>,
  address: Address,
  options: Options,
  maxMessageSize: number,
): Promise<Listening> {
  node.onEvent = (event) => {
    if (event.type !== "message") return;
    if (event.data.length > maxMessageSize) {
      node.violations.push(`a message of ${event.data.length} bytes came`);
    }
    node.handler.network.send(event.endpoint, event.data);
  };
  return await node.handler.network.listen(transport, address, options);
}
