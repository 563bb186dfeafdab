/**
 * The same event-driven message network on Deno, Bun and Node, over TCP, framed
 * TCP, UDP, WebSocket and Unix sockets; and in a browser, as a WebSocket client.
 *
 * @example An echo server on two transports
 * ```ts
 * import { createNode, Transport } from "@signalbox/signalbox";
 *
 * const { handler, listener } = createNode();
 * await handler.network.listen(Transport.FramedTcp, "127.0.0.1:0");
 * await handler.network.listen(Transport.Udp, "127.0.0.1:0");
 * const task = listener.forEach((event) => {
 *   if (event.type === "message") handler.network.send(event.endpoint, event.data);
 * });
 * await handler.stop();
 * await task;
 * ```
 *
 * @module
 */

export { SendStatus } from "./adapters/adapter.ts";
export type {
  Adapter,
  AdapterHost,
  Attachment,
  CloseOptions,
  Connection,
  ConnectionEvents,
  ConnectionFailure,
  ConnectOptions,
  DisconnectReason,
  HostTimer,
  Listener,
  ListenerEvents,
  ListenOptions,
  Outbox,
  OutboxControl,
  OutboxLimits,
  OutboxSocket,
  ReconnectOptions,
  TargetAddress,
} from "./adapters/adapter.ts";
export { FramedTcp, framedTcp } from "./adapters/framed_tcp.ts";
export type { FramedOptions } from "./adapters/framed_tcp.ts";
export { Memory } from "./adapters/memory.ts";
export { Tcp } from "./adapters/tcp.ts";
export type {
  Pem,
  SourceAddress,
  TcpConnectOptions,
  TcpListenOptions,
  TlsConnectOptions,
  TlsIdentityOptions,
  TlsListenOptions,
} from "./adapters/tcp.ts";
export { Transport } from "./adapters/transport.ts";
export type { Transports } from "./adapters/transport.ts";
export {
  isMulticast,
  MAX_DATAGRAM_SIZE,
  SAFE_DATAGRAM_SIZE,
  Udp,
} from "./adapters/udp.ts";
export type {
  UdpConnectOptions,
  UdpListenOptions,
  UdpSocketOptions,
} from "./adapters/udp.ts";
export { FramedUnix, framedUnix, Unix } from "./adapters/unix.ts";
export { attachWebSocket, WebSocketClose, Ws, ws } from "./adapters/ws.ts";
export type {
  AttachWebSocketOptions,
  StandardWebSocketLike,
  WebSocketAttachment,
  WsConnectOptions,
  WsLimitOptions,
  WsListenOptions,
  WsOptions,
  WsTimeOptions,
} from "./adapters/ws.ts";
export {
  bytesCodec,
  checkSchema,
  jsonCodec,
  textCodec,
  validated,
} from "./codec/codec.ts";
export type {
  Codec,
  StandardSchema,
  StandardSchemaResult,
} from "./codec/codec.ts";
export { TypedMessages } from "./codec/typed_messages.ts";
export type { Decoded } from "./codec/typed_messages.ts";
export type {
  FrameDecoder,
  Framing,
  FramingFault,
  MessageSink,
} from "./framing/framing.ts";
export { messagePackFraming } from "./framing/message_pack.ts";
export { createNewlineFraming, newlineFraming } from "./framing/newline.ts";
export type { NewlineOptions } from "./framing/newline.ts";
export { taggedFraming } from "./framing/tagged.ts";
export {
  readVarint,
  VARINT_MALFORMED,
  VARINT_NEED_MORE,
  VARINT_TOO_BIG,
  varintFraming,
  varintSize,
  writeVarint,
} from "./framing/varint.ts";
export { formatAddress } from "./network/address.ts";
export type { Address } from "./network/address.ts";
export type { NetworkController } from "./network/controller.ts";
export type {
  DiagnosticDetail,
  DiagnosticMessage,
} from "./network/diagnostics.ts";
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
export {
  adapterId,
  baseValue,
  formatResourceId,
  resourceType,
} from "./network/resource_id.ts";
export type { ResourceId, ResourceType } from "./network/resource_id.ts";
export type { ResourceStats, TransportStats } from "./network/statistics.ts";
export type { TrafficTotals } from "./network/traffic.ts";
export { createNode } from "./node/create_node.ts";
export type { NodePair } from "./node/node_pair.ts";
export type { NodeEvent, SignalEvent } from "./node/events.ts";
export type { NodeHandler, StopOptions } from "./node/handler.ts";
export type { NodeListener } from "./node/listener.ts";
export type { NodeOptions, NodeStats } from "./node/node.ts";
export type { NodeReceiver } from "./node/receiver.ts";
export type { NodeTask } from "./node/task.ts";
export type {
  DatagramBindRequest,
  DatagramEvents,
  DatagramSocket,
  DiagnosticChannel,
  DiagnosticName,
  Driver,
  MulticastMembership,
  SocketAddress,
  StreamConnectRequest,
  StreamEvents,
  StreamListener,
  StreamListenerEvents,
  StreamListenRequest,
  StreamSocket,
  TimerHandle,
  WebSocketConnectRequest,
  WebSocketEvents,
  WebSocketHandshake,
  WebSocketListenerEvents,
  WebSocketListenRequest,
  WebSocketSocket,
} from "./runtime/driver.ts";
export { Rpc, RpcError } from "./rpc/rpc.ts";
export type {
  CallOptions,
  ItemOf,
  NoMethods,
  RequestOf,
  ResponseOf,
  RpcContext,
  RpcContract,
  RpcErrorCode,
  RpcHandlers,
  RpcNode,
  RpcOptions,
  RpcStats,
  StreamMethod,
  StreamName,
  UnaryMethod,
  UnaryName,
} from "./rpc/rpc.ts";
export { createBunWebSocketHandlers } from "./runtime/bun_web_socket.ts";
export type {
  BunServerWebSocket,
  BunWebSocketHandlers,
} from "./runtime/bun_web_socket.ts";
export { Fault } from "./runtime/fault.ts";
export type { FaultCode, FaultOptions } from "./runtime/fault.ts";
export type {
  PeerCertificate,
  TlsConnectRequest,
  TlsFailure,
  TlsIdentity,
  TlsListenRequest,
  TlsSession,
  TlsVersion,
} from "./runtime/tls.ts";
export { FakeClock } from "./signals/clock.ts";
export type { Clock } from "./signals/clock.ts";
export { EventQueue, EventQueueClosedError } from "./signals/event_queue.ts";
export type {
  EventQueueOptions,
  EventReceiver,
  EventSender,
  ReceiveOptions,
} from "./signals/event_queue.ts";
export { TimerQueue } from "./signals/timer_queue.ts";
export { TimerService } from "./signals/timer_service.ts";
export type { TimerId, TimerStore } from "./signals/timer_queue.ts";
