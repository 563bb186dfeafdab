/**
 * Which WebSocket handshakes a listener accepts, and with which subprotocol.
 *
 * @module
 */

import type { WebSocketHandshake } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import { checkProtocols } from "./_ws_options.ts";
import type { WsListenOptions } from "./_ws_options.ts";
import { isOriginAllowed } from "./_ws_origin_check.ts";

/** Judges a request: the subprotocol to agree on (`""` for none), or an HTTP status to refuse it with. */
export type Admit = (request: WebSocketHandshake) => string | number;

/**
 * The check of handshakes that the options of a listener ask for. Throws `invalid-option`.
 *
 * @param resource The path of a URL address, or `""`.
 */
export function admission(options: WsListenOptions, resource: string): Admit {
  const { path, origins, admit } = options;
  const protocols = checkProtocols(options.protocols);
  const paths = typeof path === "string"
    ? [path]
    : path ?? (resource === "" || resource === "/" ? undefined : [resource]);
  if (paths?.some((one) => !one.startsWith("/") || one.includes("?"))) {
    throw new Fault(
      "invalid-option",
      `Cannot listen on the paths ${
        paths.join(", ")
      }: each must begin with a slash, without a query`,
    );
  }
  return (request) => {
    const served = request.path.split("?", 1)[0] ?? "";
    if (paths !== undefined && !paths.includes(served)) return 404;
    if (origins !== undefined && !isOriginAllowed(origins, request.origin)) {
      return 403;
    }
    const verdict = admit?.(request) ?? true;
    if (verdict !== true) return refusalStatus(verdict);
    return protocols.find((one) => request.protocols.includes(one)) ?? "";
  };
}

function refusalStatus(verdict: false | number): number {
  if (verdict === false) return 403;
  return Number.isInteger(verdict) && verdict >= 400 && verdict <= 599
    ? verdict
    : 503;
}
