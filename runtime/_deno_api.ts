/**
 * The part of the `Deno` namespace that the driver uses, described here so that
 * neither the sources nor the published types need Deno's own.
 *
 * @module
 */

import { inetAddress, unixAddress } from "./_socket_address.ts";
import type { SocketAddress } from "./driver.ts";
import { Fault, faultFrom } from "./fault.ts";

/** Deno's address: of a network socket, or of a Unix one. */
export interface DenoAddress {
  readonly transport: string;
  readonly hostname?: string;
  readonly port?: number;
  /** Null for an unnamed Unix peer. */
  readonly path?: string | null;
}

/** `Deno.Conn`; the two setters exist for TCP only. */
export interface DenoConn {
  readonly localAddr: DenoAddress;
  readonly remoteAddr: DenoAddress;
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  setNoDelay?(on: boolean): void;
}

/** `Deno.Listener`. */
export interface DenoListener {
  readonly addr: DenoAddress;
  accept(): Promise<DenoConn>;
  close(): void;
}

/** What `joinMulticastV4` and `joinMulticastV6` give. */
export interface DenoMembership {
  leave(): Promise<void>;
}

/** `Deno.DatagramConn`. */
export interface DenoDatagramConn {
  readonly addr: DenoAddress;
  receive(into: Uint8Array): Promise<[Uint8Array, DenoAddress]>;
  send(bytes: Uint8Array, to: DenoAddress): Promise<number>;
  joinMulticastV4(group: string, ownAddress: string): Promise<DenoMembership>;
  joinMulticastV6(group: string, index: number): Promise<DenoMembership>;
  close(): void;
}

/** `Deno.HttpServer`. */
export interface DenoHttpServer {
  readonly addr: DenoAddress;
  shutdown(): Promise<void>;
}

/** What `Deno.serve` tells a handler beside the request. */
export interface DenoServeInfo {
  readonly remoteAddr: DenoAddress;
}

/** The members of `Deno` that the driver calls. */
export interface DenoApi {
  readonly build: { readonly os: string };
  connect(
    options:
      | { hostname: string; port: number; signal: AbortSignal }
      | { transport: "unix"; path: string },
  ): Promise<DenoConn>;
  listen(
    options:
      | { hostname: string; port: number; tcpBacklog?: number }
      | { transport: "unix"; path: string },
  ): DenoListener;
  /** There only with `--unstable-net`. */
  listenDatagram?(
    options: {
      transport: "udp";
      hostname: string;
      port: number;
      reuseAddress: boolean;
      loopback: boolean;
    },
  ): DenoDatagramConn;
  serve(
    options: {
      hostname: string;
      port: number;
      onListen(address: DenoAddress): void;
      onError(error: unknown): Response;
    },
    handler: (
      request: Request,
      info: DenoServeInfo,
    ) => Response | Promise<Response>,
  ): DenoHttpServer;
  upgradeWebSocket(
    request: Request,
    options: { idleTimeout: number },
  ): { socket: WebSocket; response: Response };
}

function isDenoApi(value: unknown): value is DenoApi {
  return typeof value === "object" && value !== null && "listen" in value &&
    "connect" in value && "serve" in value;
}

/** The `Deno` namespace, or undefined on another runtime. */
export function findDeno(): DenoApi | undefined {
  const found: unknown = Reflect.get(globalThis, "Deno");
  return isDenoApi(found) ? found : undefined;
}

/** Deno's address in the shape of all drivers. */
export function socketAddressFrom(address: DenoAddress): SocketAddress {
  return address.hostname === undefined
    ? unixAddress(address.path ?? "")
    : inetAddress(address.hostname, address.port ?? 0);
}

/** Whether an error only says that the socket was closed here while an operation was under way. */
export function isLocalClose(error: unknown): boolean {
  return error instanceof Error &&
    (error.name === "Interrupted" || error.name === "BadResource");
}

/** The fault of a failed operation on a socket that had been connected. */
export function connectionFault(error: unknown, doing: string): Fault {
  // What the kernel says of a socket that was reset before it was asked: ENOTCONN.
  if (error instanceof Error && error.name === "NotConnected") {
    return new Fault("connection-reset", `${doing}: ${error.message}`, {
      cause: error,
    });
  }
  return faultFrom(error, doing);
}
