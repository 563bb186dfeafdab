/**
 * Connecting by the runtime's own WebSocket client.
 *
 * @module
 */

import { Fault } from "../runtime/fault.ts";
import {
  connectionLimits,
  DEFAULT_MAX_MESSAGE_SIZE,
  familyOf,
} from "./_options.ts";
import { NativeWsConnection } from "./_ws_native_connection.ts";
import type { WsEngine } from "./_ws_engine.ts";
import { checkProtocols, closeTimeout, connectHeaders } from "./_ws_options.ts";
import type { WsConnectOptions, WsListenOptions } from "./_ws_options.ts";
import { requestedResource, wsInternetTarget } from "./_ws_target.ts";

/** Throws `not-supported` for options that the runtime has no means for: nothing is silently ignored. */
export function refuseOptions<
  Options extends WsConnectOptions | WsListenOptions,
>(
  options: Options,
  names: readonly (keyof Options & string)[],
): void {
  for (const name of names) {
    if (options[name] === undefined) continue;
    throw new Fault(
      "not-supported",
      `Cannot use ${name} with the runtime's own WebSockets: they have no means for it`,
    );
  }
}

/** As `WsEngine.connect`, by the runtime's own client. */
export const connectNative: WsEngine["connect"] = (
  host,
  address,
  options,
  events,
) => {
  refuseOptions(options, [
    "handshakeTimeoutMs",
    "keepAliveMs",
    "maxFragments",
    "maxHandshakeSize",
    "maxHeaders",
    "pingIntervalMs",
    "pongTimeoutMs",
    "sourceAddress",
  ]);
  if (options.tls !== true) refuseOptions(options, ["tls"]);
  const target = wsInternetTarget(address, options);
  const { hostname: name, port = 0, path } = target.stream;
  if (path !== "" || port === 0) {
    throw new Fault(
      "invalid-address",
      `Cannot connect to ${address.text} with Ws: it needs a host and a port above 0`,
    );
  }
  const hostname = name === "" ? "127.0.0.1" : name;
  const headers = connectHeaders(options);
  const connection = new NativeWsConnection(
    host,
    connectionLimits(options, DEFAULT_MAX_MESSAGE_SIZE),
    closeTimeout(options),
    { family: familyOf(hostname), hostname, port, path: "" },
  );
  connection.listen(events);
  const scheme = target.isSecure ? "wss" : "ws";
  const resource = requestedResource(address, target);
  connection.attach(host.driver.connectWebSocket({
    url: `${scheme}://${target.host}${resource}`,
    protocols: checkProtocols(options.protocols),
    ...(Object.keys(headers).length > 0 && { headers }),
  }, connection));
  return connection;
};
