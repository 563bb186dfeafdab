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
}

/** What a driver is asked for. Throws a Fault for an address or option that cannot be used. */
export function tcpConnectRequest(
  transport: string,
  address: TargetAddress,
  options: TcpConnectOptions,
): StreamConnectRequest {
  const { sourceAddress, keepAliveMs } = options;
  if (address.port === 0) {
    throw new Fault(
      "invalid-address",
      `Cannot connect to ${address.text} with ${transport}: port 0 is no address`,
    );
  }
  return {
    address: internetAddress(transport, address, ["tcp"], "127.0.0.1"),
    ...(sourceAddress !== undefined &&
      { sourceAddress: checkSourceAddress(sourceAddress) }),
    ...(keepAliveMs !== undefined &&
      {
        keepAliveMs: checkInteger("keepAliveMs", keepAliveMs, 1, MAX_TIME_MS),
      }),
  };
}

/** What a driver is asked for. Throws a Fault for an address or option that cannot be used. */
export function tcpListenRequest(
  transport: string,
  address: TargetAddress,
  options: TcpListenOptions,
): StreamListenRequest {
  const { keepAliveMs, backlog, reusePort, ipv6Only } = options;
  return {
    address: internetAddress(transport, address, ["tcp"], "0.0.0.0"),
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
