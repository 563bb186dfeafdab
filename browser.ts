/**
 * signalbox for browsers: a node whose one transport is WebSocket, as a client.
 *
 * The same names as the main entry's, over the browser's own WebSocket; a
 * bundle of it holds no code of servers or of other transports.
 *
 * @example
 * ```ts ignore
 * import { createNode, Ws } from "@signalbox/signalbox/browser";
 *
 * const { handler, listener } = createNode();
 * handler.network.connect(Ws, "wss://example.com/game");
 * await listener.forEach((event) => console.log(event.type));
 * ```
 *
 * @module
 */

export { SendStatus } from "./adapters/adapter.ts";
export type {
  Adapter,
  ConnectionFailure,
  ConnectOptions,
  DisconnectReason,
  ReconnectOptions,
} from "./adapters/adapter.ts";
export { WebSocketClose, Ws } from "./adapters/ws_client.ts";
export type {
  WsConnectOptions,
  WsLimitOptions,
  WsListenOptions,
  WsTimeOptions,
} from "./adapters/ws_client.ts";
export { formatAddress } from "./network/address.ts";
export type { Address } from "./network/address.ts";
export type { NetworkController } from "./network/controller.ts";
export { Endpoint } from "./network/endpoint.ts";
export { NetworkError } from "./network/errors.ts";
export type { NetworkErrorCode } from "./network/errors.ts";
export type {
  AcceptedEvent,
  ConnectedEvent,
  DisconnectedEvent,
  NetworkEvent,
  NetworkMessageEvent,
} from "./network/events.ts";
export type {
  Listening,
  RemoveOptions,
  ResourceInfo,
  SendOptions,
} from "./network/options.ts";
export { formatResourceId } from "./network/resource_id.ts";
export type { ResourceId } from "./network/resource_id.ts";
export type { ResourceStats, TransportStats } from "./network/statistics.ts";
export type { TrafficTotals } from "./network/traffic.ts";
export { createNode } from "./node/create_browser_node.ts";
export type { NodePair } from "./node/node_pair.ts";
export type { NodeEvent, SignalEvent } from "./node/events.ts";
export type { NodeHandler, StopOptions } from "./node/handler.ts";
export type { NodeListener } from "./node/listener.ts";
export type { NodeOptions, NodeStats } from "./node/node.ts";
export type { NodeReceiver } from "./node/receiver.ts";
export type { NodeTask } from "./node/task.ts";
export type { Driver, SocketAddress } from "./runtime/driver.ts";
export type {
  EventReceiver,
  EventSender,
  ReceiveOptions,
} from "./signals/event_queue.ts";
export type { TimerId } from "./signals/timer_queue.ts";
