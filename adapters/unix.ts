/**
 * Unix domain sockets: raw bytes, and messages.
 *
 * @module
 */

import type { Framing } from "../framing/framing.ts";
import { rawFraming } from "../framing/raw.ts";
import { varintFraming } from "../framing/varint.ts";
import { pathAddress } from "./_options.ts";
import { streamTransport } from "./_stream_transport.ts";
import type { Adapter, ConnectOptions, ListenOptions } from "./adapter.ts";
import type { FramedOptions } from "./framed_tcp.ts";

function unixTransport(
  id: number,
  name: string,
  framing: Framing,
  isPacketBased: boolean,
): Adapter {
  return streamTransport<ConnectOptions, ListenOptions>({
    id,
    name,
    framing,
    isPacketBased,
    connectRequest: (address) => ({ address: pathAddress(name, address) }),
    listenRequest: (address) => ({ address: pathAddress(name, address) }),
  });
}

/**
 * A Unix socket without framing, as `Tcp` is without framing.
 *
 * Addresses: a path (`"/run/app.sock"`, `"./app.sock"`, `{ path }`,
 * `"unix:app.sock"`); on Linux also an abstract name, which begins with `\0`.
 * A path left over by a dead process is replaced, one that a living process
 * listens on is `address-in-use`; the path is removed on close.
 */
export const Unix: Adapter = unixTransport(4, "Unix", rawFraming, false);

/**
 * Makes a framed Unix transport with a framing of your choice.
 *
 * @param options `framing`: default `varintFraming`.
 */
export function framedUnix(options: FramedOptions = {}): Adapter {
  return unixTransport(5, "FramedUnix", options.framing ?? varintFraming, true);
}

/** A Unix socket with a varint length before each message: whole messages in order. Addresses as {@linkcode Unix}. */
export const FramedUnix: Adapter = framedUnix();
