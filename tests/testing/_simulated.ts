/**
 * What the tests of simulations share.
 *
 * @module
 */

import {
  type Adapter,
  type ConnectOptions,
  type Endpoint,
  type ListenOptions,
  type NodeEvent,
  type NodeHandler,
  Transport,
} from "../../mod.ts";
import type { HostProcess, SimulatedHost } from "../../testing/testing.ts";

/** A node that keeps its events. */
export interface RecordedNode {
  readonly handler: NodeHandler<string>;
  readonly events: NodeEvent<string>[];
  /** The texts of the messages. */
  readonly messages: string[];
}

/** Makes a node on a host; its events are kept, and told to `react`. */
export function record(
  host: SimulatedHost | HostProcess,
  react: (event: NodeEvent<string>, node: RecordedNode) => void = () => {},
): RecordedNode {
  const { handler, listener } = host.createNode<string>();
  const node: RecordedNode = { handler, events: [], messages: [] };
  listener.forEach((event) => {
    node.events.push(event);
    if (event.type === "message") node.messages.push(text(event.data));
    react(event, node);
  });
  return node;
}

/** A node that sends back what it gets. */
export async function echoServer(
  host: SimulatedHost | HostProcess,
  transport: Adapter<ConnectOptions, ListenOptions> = Transport.FramedTcp,
  address = "0.0.0.0:3000",
): Promise<RecordedNode> {
  const node = record(host, (event) => {
    if (event.type === "message") {
      node.handler.network.send(event.endpoint, event.data);
    }
  });
  await node.handler.network.listen(transport, address);
  return node;
}

/** A client that is connected to `"server:3000"`, and both its ends. */
export async function connected(
  client: SimulatedHost,
  transport: Adapter<ConnectOptions, ListenOptions> = Transport.FramedTcp,
  options: ConnectOptions = {},
): Promise<RecordedNode & { readonly toServer: Endpoint }> {
  const node = record(client);
  const toServer = await node.handler.network.connectAsync(
    transport,
    "server:3000",
    options,
  );
  return { ...node, toServer };
}

/** The kinds of events, and the reasons of ends. */
export function kinds({ events }: RecordedNode): string[] {
  return events.map((event) =>
    event.type === "disconnected" ? `disconnected ${event.reason}` : event.type
  );
}

/** The reason of the one end that a node was told of, or undefined. */
export function endOf({ events }: RecordedNode): string | undefined {
  for (const event of events) {
    if (event.type === "disconnected") return event.reason;
  }
  return undefined;
}

/** The text of bytes. */
export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}
