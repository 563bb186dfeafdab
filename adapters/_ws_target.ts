/**
 * The addresses of WebSockets.
 *
 * @module
 */

import { Fault } from "../runtime/fault.ts";
import type { TcpConnectOptions, TcpListenOptions } from "./_tcp_options.ts";
import { asksForTls, refuseTls } from "./_tls_asked.ts";
import type { TargetAddress } from "./adapter.ts";

/** An address, as a WebSocket uses it. */
export interface WsTarget {
  /** The part that a stream connects to or listens on. */
  readonly stream: TargetAddress;
  /** Whether TLS is asked for, by `wss:` or by options. */
  readonly isSecure: boolean;
  /** The value of the `Host` header. */
  readonly host: string;
  /** Path and query; `""` when the address has none. */
  readonly resource: string;
}

/** The path that message-io asks for when an address is no URL. */
const DEFAULT_RESOURCE = "/message-io-default";

/**
 * Takes an address apart: host and port, a path of a Unix socket, or a URL.
 *
 * @param options Those of the connect or listen.
 * @throws {Fault} `invalid-address`; `tls` or `not-supported` for TLS where there is none.
 */
export function wsTarget(
  address: TargetAddress,
  options: TcpConnectOptions | TcpListenOptions,
): WsTarget {
  if (address.path === "") return wsInternetTarget(address, options);
  checkScheme(address);
  refuseTls("Ws over a Unix socket", options);
  return {
    stream: address,
    isSecure: false,
    host: "localhost",
    resource: address.resource,
  };
}

/** As `wsTarget`, of an address that is no path. */
export function wsInternetTarget(
  address: TargetAddress,
  options: TcpConnectOptions | TcpListenOptions,
): WsTarget {
  checkScheme(address);
  const { scheme } = address;
  const isSecure = asksForTls(address, options.tls, "wss");
  const defaultPort = scheme === "" ? undefined : isSecure ? 443 : 80;
  const port = address.port ?? defaultPort;
  return {
    stream: { ...address, scheme: "", resource: "", port },
    isSecure,
    host: hostHeader(address.hostname, port, isSecure ? 443 : 80),
    resource: address.resource,
  };
}

function checkScheme({ scheme, text }: TargetAddress): void {
  if (scheme === "" || scheme === "ws" || scheme === "wss") return;
  throw new Fault(
    "invalid-address",
    `Cannot use ${text} with Ws: the scheme is not ws`,
  );
}

/** Path and query that a client asks for. */
export function requestedResource(
  address: TargetAddress,
  target: WsTarget,
): string {
  if (target.resource !== "") return target.resource;
  return address.scheme === "" ? DEFAULT_RESOURCE : "/";
}

function hostHeader(
  hostname: string,
  port: number | undefined,
  defaultPort: number,
): string {
  // A zone id names an interface of this host and means nothing to the peer.
  const name = hostname === "" ? "127.0.0.1" : hostname.split("%", 1)[0] ?? "";
  const host = name.includes(":") ? `[${name}]` : name;
  return port === undefined || port === defaultPort ? host : `${host}:${port}`;
}
