/**
 * The options that the transports over TCP take, and what a driver is asked for by them.
 *
 * @module
 */

import type {
  StreamConnectRequest,
  StreamListenRequest,
} from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import {
  checkInteger,
  checkSourceAddress,
  internetAddress,
  MAX_TIME_MS,
} from "./_options.ts";
import type { SourceAddress } from "./_options.ts";
import { asksForTls } from "./_tls_asked.ts";
import { tlsConnectRequest, tlsListenRequest } from "./_tls_options.ts";
import type { TlsConnectOptions, TlsListenOptions } from "./_tls_options.ts";
import type {
  ConnectOptions,
  ListenOptions,
  TargetAddress,
} from "./adapter.ts";

/** Options of `connect` over TCP. */
export interface TcpConnectOptions extends ConnectOptions {
  /** The local address to connect from; port 0 or none lets the system choose. Default: the system's choice. */
  readonly sourceAddress?: SourceAddress;
  /** TCP keepalive: the idle time before the first probe, in milliseconds. Default: off. */
  readonly keepAliveMs?: number;
  /** TLS: true, or how. Default: true for `tls:` and `wss:`, else none. */
  readonly tls?: true | TlsConnectOptions;
}

/** Options of `listen` over TCP. */
export interface TcpListenOptions extends ListenOptions {
  /** TCP keepalive of accepted connections, in milliseconds of idle time. Default: off. */
  readonly keepAliveMs?: number;
  /** How many connections may wait to be accepted. Default: the runtime's (511 or 128). */
  readonly backlog?: number;
  /** Whether several processes may listen on the port and share its connections, where the runtime and system can. Default: false. */
  readonly reusePort?: boolean;
  /** Whether a listener on an IPv6 address refuses IPv4. Default: false. */
  readonly ipv6Only?: boolean;
  /** TLS, with the certificate to show; `tls:` and `wss:` need it. Default: none. */
  readonly tls?: TlsListenOptions;
}

/** The URL schemes of TCP without and with TLS. */
const SCHEMES: readonly string[] = ["tcp", "tls"];

/**
 * What a driver is asked for. Throws a Fault for an address or option that cannot be used.
 *
 * @param isSecure Whether TLS is asked for. Default: as scheme and options say.
 */
export function tcpConnectRequest(
  transport: string,
  address: TargetAddress,
  options: TcpConnectOptions,
  isSecure?: boolean,
): StreamConnectRequest {
  const { sourceAddress, keepAliveMs } = options;
  if (address.port === 0) {
    throw new Fault(
      "invalid-address",
      `Cannot connect to ${address.text} with ${transport}: port 0 is no address`,
    );
  }
  const socketAddress = internetAddress(
    transport,
    address,
    SCHEMES,
    "127.0.0.1",
  );
  return {
    address: socketAddress,
    ...((isSecure ?? asksForTls(address, options.tls, "tls")) &&
      { tls: tlsConnectRequest(address, options.tls) }),
    ...(sourceAddress !== undefined &&
      { sourceAddress: checkSourceAddress(sourceAddress) }),
    ...(keepAliveMs !== undefined &&
      {
        keepAliveMs: checkInteger("keepAliveMs", keepAliveMs, 1, MAX_TIME_MS),
      }),
  };
}

/** As {@linkcode tcpConnectRequest}. */
export function tcpListenRequest(
  transport: string,
  address: TargetAddress,
  options: TcpListenOptions,
  isSecure?: boolean,
): StreamListenRequest {
  const { keepAliveMs, backlog, reusePort, ipv6Only } = options;
  const socketAddress = internetAddress(
    transport,
    address,
    SCHEMES,
    "0.0.0.0",
  );
  return {
    address: socketAddress,
    ...((isSecure ?? asksForTls(address, options.tls, "tls")) &&
      { tls: tlsListenRequest(address, options.tls) }),
    ...(keepAliveMs !== undefined &&
      {
        keepAliveMs: checkInteger("keepAliveMs", keepAliveMs, 1, MAX_TIME_MS),
      }),
    ...(backlog !== undefined &&
      { backlog: checkInteger("backlog", backlog, 1, 65_535) }),
    ...(reusePort !== undefined && { reusePort }),
    ...(ipv6Only !== undefined && { ipv6Only }),
  };
}
