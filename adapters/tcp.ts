/**
 * Raw TCP: bytes in order, without message boundaries.
 *
 * @module
 */

import { rawFraming } from "../framing/raw.ts";
import { streamTransport } from "./_stream_transport.ts";
import { tcpConnectRequest, tcpListenRequest } from "./_tcp_options.ts";
import type { TcpConnectOptions, TcpListenOptions } from "./_tcp_options.ts";
import type { Adapter } from "./adapter.ts";

export type { SourceAddress } from "./_options.ts";
export type { TcpConnectOptions, TcpListenOptions } from "./_tcp_options.ts";
export type {
  Pem,
  TlsConnectOptions,
  TlsIdentityOptions,
  TlsListenOptions,
} from "./_tls_options.ts";

/**
 * TCP without framing. A message is whatever bytes arrive together: it may be a
 * part of what the peer sent at once, or several sends in one. Use `FramedTcp`
 * where both ends are yours.
 *
 * Addresses: `"host:port"`, `"[::1]:80"`, `"tcp://host:port"`, and with TLS
 * `"tls://host:port"`. TCP_NODELAY is
 * always on. Binding to a device (SO_BINDTODEVICE) is not offered: no JavaScript
 * runtime can.
 */
export const Tcp: Adapter<TcpConnectOptions, TcpListenOptions> =
  streamTransport({
    id: 0,
    name: "Tcp",
    framing: rawFraming,
    isPacketBased: false,
    connectRequest: (address, options: TcpConnectOptions) =>
      tcpConnectRequest("Tcp", address, options),
    listenRequest: (address, options: TcpListenOptions) =>
      tcpListenRequest("Tcp", address, options),
  });
