/**
 * The transports that come with signalbox.
 *
 * @module
 */

import type { Adapter } from "./adapter.ts";
import { FramedTcp } from "./framed_tcp.ts";
import { Memory } from "./memory.ts";
import { Tcp } from "./tcp.ts";
import type { TcpConnectOptions, TcpListenOptions } from "./tcp.ts";
import { Udp } from "./udp.ts";
import type { UdpConnectOptions, UdpListenOptions } from "./udp.ts";
import { FramedUnix, Unix } from "./unix.ts";
import { Ws } from "./ws.ts";
import type { WsConnectOptions, WsListenOptions } from "./ws.ts";

/** The transports of {@linkcode Transport} by name. */
export interface Transports {
  /** TCP without message boundaries. */
  readonly Tcp: Adapter<TcpConnectOptions, TcpListenOptions>;
  /** Whole messages over TCP. */
  readonly FramedTcp: Adapter<TcpConnectOptions, TcpListenOptions>;
  /** Datagrams, multicast and broadcast. */
  readonly Udp: Adapter<UdpConnectOptions, UdpListenOptions>;
  /** WebSocket, binary and text. */
  readonly Ws: Adapter<WsConnectOptions, WsListenOptions>;
  /** A Unix socket without message boundaries. */
  readonly Unix: Adapter;
  /** Whole messages over a Unix socket. */
  readonly FramedUnix: Adapter;
  /** Whole messages inside one process. */
  readonly Memory: Adapter;
}

/**
 * The ready transports. Each is also an export of a subpath of its own
 * (`@signalbox/signalbox/framed_tcp`), for programs that bundle only what they use.
 */
export const Transport: Transports = {
  Tcp,
  FramedTcp,
  Udp,
  Ws,
  Unix,
  FramedUnix,
  Memory,
};
