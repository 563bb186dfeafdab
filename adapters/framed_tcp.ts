/**
 * Messages over TCP.
 *
 * @module
 */

import type { Framing } from "../framing/framing.ts";
import { varintFraming } from "../framing/varint.ts";
import { streamTransport } from "./_stream_transport.ts";
import { tcpConnectRequest, tcpListenRequest } from "./_tcp_options.ts";
import type { TcpConnectOptions, TcpListenOptions } from "./_tcp_options.ts";
import type { Adapter } from "./adapter.ts";

export type { TcpConnectOptions, TcpListenOptions } from "./_tcp_options.ts";
export type {
  Pem,
  TlsConnectOptions,
  TlsIdentityOptions,
  TlsListenOptions,
} from "./_tls_options.ts";

/** How a framed transport cuts its messages. */
export interface FramedOptions {
  /** Both ends must use the same. Default: `varintFraming`, as message-io and protosocket (prost) do. */
  readonly framing?: Framing;
}

/**
 * Makes a framed TCP transport with a framing of your choice.
 *
 * @param options `framing`: default `varintFraming`.
 * @example
 * ```ts
 * import { createNode, framedTcp, newlineFraming } from "@signalbox/signalbox";
 *
 * const { handler } = createNode();
 * await handler.network.listen(framedTcp({ framing: newlineFraming }), "127.0.0.1:0");
 * await handler.stop();
 * ```
 */
export function framedTcp(
  options: FramedOptions = {},
): Adapter<TcpConnectOptions, TcpListenOptions> {
  return streamTransport({
    id: 1,
    name: "FramedTcp",
    framing: options.framing ?? varintFraming,
    isPacketBased: true,
    connectRequest: (address, options: TcpConnectOptions) =>
      tcpConnectRequest("FramedTcp", address, options),
    listenRequest: (address, options: TcpListenOptions) =>
      tcpListenRequest("FramedTcp", address, options),
  });
}

/**
 * TCP with a varint length before each message: what goes in with one `send`
 * comes out as one message, whole and in order. Compatible with message-io's
 * FramedTcp byte for byte.
 */
export const FramedTcp: Adapter<TcpConnectOptions, TcpListenOptions> =
  framedTcp();
