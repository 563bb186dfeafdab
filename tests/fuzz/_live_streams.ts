/**
 * Listeners of streams, attacked by raw sockets.
 *
 * @module
 */

import type {
  Adapter,
  Address,
  ConnectOptions,
  ListenOptions,
  SocketAddress,
} from "../../mod.ts";
import {
  Echo,
  listenAndEcho,
  MAX_MESSAGE_SIZE,
  WatchedNode,
} from "./_live_node.ts";
import { concat } from "./_mutate.ts";
import { attackStream, type RawTarget } from "./_raw_attack.ts";
import type { LiveSession, LiveTarget, Source } from "./_target.ts";

/** Where raw sockets reach a listener. */
export function rawTarget(address: SocketAddress): RawTarget {
  return address.path === ""
    ? { host: "127.0.0.1", port: address.port }
    : { path: address.path };
}

/** How a listener is attacked. */
export interface StreamAttack<Connect> {
  readonly name: string;
  readonly source: Source;
  /** Said before each input. Default: nothing. */
  readonly prefix?: Uint8Array;
  /** Whether the listener must end the connection after this input, unasked. Default: never. */
  readonly ends?: (input: Uint8Array) => boolean;
  /** Says the input over a connection of its own. Default: as plain bytes. */
  readonly attack?: typeof attackStream;
  /** How the good client connects. Default: as it is. */
  readonly connectOptions?: Connect;
  /** Default: 4,096. */
  readonly maxMessageSize?: number;
  /** Default: a port. */
  readonly address?: () => Address;
}

/** A listener whose connections are attacked. */
export function streamTarget<
  Connect extends ConnectOptions,
  Listen extends ListenOptions,
>(
  transport: Adapter<Connect, Listen>,
  listenOptions: Listen,
  {
    name,
    source,
    prefix = new Uint8Array(0),
    ends = () => false,
    attack = attackStream,
    connectOptions,
    maxMessageSize = MAX_MESSAGE_SIZE,
    address = () => "127.0.0.1:0",
  }: StreamAttack<Connect>,
): LiveTarget {
  return {
    ...source,
    name,
    async open(): Promise<LiveSession> {
      const server = new WatchedNode();
      const client = new WatchedNode();
      const listening = await listenAndEcho(
        server,
        transport,
        address(),
        listenOptions,
        maxMessageSize,
      );
      const good = await Echo.open(
        client,
        transport,
        listening.address,
        connectOptions,
      );
      const to = rawTarget(listening.address);
      return {
        attack: (input, random) =>
          attack(to, concat([prefix, input]), random, ends(input)),
        useGood: () => good.use(),
        left: () => server.handler.stats().connections - 1,
        get violations() {
          return [...server.violations, ...client.violations];
        },
        async close() {
          await client.stop();
          await server.stop();
        },
      };
    },
  };
}
