/// <reference types="bun" />
/**
 * Proves at compile time that what `runtime/_bun_api.ts` says of Bun is what
 * Bun's own types say: a misspelt name or option fails here, where it would do
 * nothing at run time. To be run from the root of the repository:
 *
 * ```sh
 * npx tsc -p tests/types
 * ```
 */

import type {
  BunApi,
  BunConnectedDatagram,
  BunDatagramOptions,
  BunFreeDatagram,
  BunHandle,
  BunServeOptions,
  BunServer,
  BunServerWebSocket,
  BunTcpListenOptions,
  BunUnixOptions,
  BunWebSocketHandlers,
} from "../../runtime/_bun_api.ts";

/** A type error unless every name of `Ours` is one of `Theirs`, but for those known to be missing there. */
type OnlyNamesOf<Ours, Theirs, Missing extends string = never> =
  Exclude<keyof Ours, keyof Theirs | Missing> extends never ? true
    : Exclude<keyof Ours, keyof Theirs | Missing>;

interface Slot {
  readonly name: string;
}

/** What Bun has beside its types, measured on 1.4. */
type UntypedListenOptions = "ipv6Only" | "reusePort";

export const names: {
  readonly tcp: OnlyNamesOf<
    BunTcpListenOptions<Slot>,
    Bun.TCPSocketListenOptions<Slot>,
    UntypedListenOptions
  >;
  readonly unix: OnlyNamesOf<BunUnixOptions<Slot>, Bun.UnixSocketOptions<Slot>>;
  readonly handler: OnlyNamesOf<
    BunUnixOptions<Slot>["socket"],
    Bun.SocketHandler<Slot, "uint8array">
  >;
  readonly datagram: OnlyNamesOf<
    BunDatagramOptions,
    Bun.udp.SocketOptions<"uint8array">
  >;
  readonly datagramHandler: OnlyNamesOf<
    BunDatagramOptions["socket"],
    Bun.udp.SocketHandler<"uint8array">
  >;
  readonly serve: OnlyNamesOf<
    BunServeOptions<Slot>,
    & Bun.Serve.HostnamePortServeOptions<Slot>
    & Bun.Serve.FetchOrRoutesWithWebSocket<Slot, never>
  >;
  readonly webSocket: OnlyNamesOf<
    BunServeOptions<Slot>["websocket"],
    Bun.WebSocketHandler<Slot>
  >;
} = {
  tcp: true,
  unix: true,
  handler: true,
  datagram: true,
  datagramHandler: true,
  serve: true,
  webSocket: true,
};

/** Bun's objects are what the drivers take them for. */
export function assign(
  socket: Bun.Socket<Slot>,
  free: Bun.udp.Socket<"uint8array">,
  connected: Bun.udp.ConnectedSocket<"uint8array">,
  webSocket: Bun.ServerWebSocket<Slot>,
): {
  readonly socket: BunHandle<Slot>;
  readonly free: BunFreeDatagram;
  readonly connected: BunConnectedDatagram;
  readonly webSocket: BunServerWebSocket & { readonly data: Slot };
  readonly bun: Omit<BunApi, "serve">;
} {
  return { socket, free, connected, webSocket, bun: Bun };
}

/** `serve` on its own: its types depend on that of `data`, and cannot be compared for all. */
export function serveOwn(options: BunServeOptions<Slot>): BunServer<Slot> {
  return Bun.serve<Slot>(options);
}

/** The handlers fit a user's own server. */
export function serve(
  handlers: BunWebSocketHandlers<Bun.ServerWebSocket<Slot>>,
): void {
  Bun.serve<Slot>({
    fetch: (request, server) =>
      server.upgrade(request, { data: { name: "a" } })
        ? undefined
        : new Response("no"),
    websocket: { ...handlers, maxPayloadLength: 1_024 },
  });
}
