/**
 * What the WebSocket servers of all runtimes share: where they listen, and how
 * they read a handshake.
 *
 * @module
 */

import { checkPort } from "./_socket_address.ts";
import type { SocketAddress, WebSocketHandshake } from "./driver.ts";
import { Fault } from "./fault.ts";

/**
 * Refuses an address that no WebSocket server can have.
 *
 * @throws {Fault} `not-supported` for a Unix path: the HTTP servers of the
 * runtimes do not take over a stale one; `invalid-address` for a bad port.
 */
export function checkServable(address: SocketAddress): void {
  if (address.family === "unix") {
    throw new Fault(
      "not-supported",
      "Cannot listen for WebSockets on a Unix path: the runtime's HTTP server would not take over a stale one",
    );
  }
  checkPort(address);
}

/** The handshake in a request of `Bun.serve` or `Deno.serve`; undefined for a request that asks for no WebSocket. */
export function handshakeOf(request: Request): WebSocketHandshake | undefined {
  const { headers, url } = request;
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") return undefined;
  // As it was sent: parsing the URL would rewrite it.
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return {
    path: start < 0 ? "/" : url.slice(start),
    origin: headers.get("origin") ?? undefined,
    protocols: listOf(headers.get("sec-websocket-protocol")),
    header: (name) => headers.get(name) ?? undefined,
  };
}

/**
 * What is wrong with a handshake, as the HTTP status that says so, before anybody
 * is asked to admit it: the runtimes pass over different faults, and have
 * different statuses for the rest (RFC 6455, 4.2.1).
 */
export function flawOf(
  method: string,
  header: (name: string) => string | undefined,
): 400 | 405 | 426 | undefined {
  if (method !== "GET") return 405;
  if (header("sec-websocket-version")?.trim() !== "13") return 426;
  const key = header("sec-websocket-key")?.trim() ?? "";
  // 16 bytes in Base64.
  return /^[a-z\d+/]{22}==$/i.test(key) ? undefined : 400;
}

/** The headers of a refusal: what the client would have to ask for. */
export function refusalHeaders(status: number): Record<string, string> {
  if (status === 405) return { allow: "GET" };
  return status === 426
    ? { upgrade: "websocket", "sec-websocket-version": "13" }
    : {};
}

/** The answer that refuses a handshake. 426 is for a request that asks for no WebSocket (RFC 9110, 15.5.22). */
export function refusal(status: number): Response {
  return new Response(null, { status, headers: refusalHeaders(status) });
}

/** The items of a header that is a list. */
export function listOf(header: string | null | undefined): string[] {
  return (header ?? "").split(",").map((item) => item.trim())
    .filter((item) => item !== "");
}
