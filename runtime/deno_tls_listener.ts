/**
 * Accepting with TLS on Deno's `node:tls`: over a gate of our own, because its
 * TLS sockets read on while they are paused.
 *
 * @module
 */

import type { Server, Socket } from "node:net";
import type { TlsOptions, TLSSocket } from "node:tls";
import { gateOver } from "./_cipher_gate.ts";
import { nodeBuiltin } from "./_node_builtins.ts";
import { UNKNOWN_ADDRESS } from "./_socket_address.ts";
import type { StreamListenerEvents } from "./driver.ts";
import { Fault } from "./fault.ts";
import { NodeStream } from "./node_stream.ts";
import { ServerSecurity, type TlsGuard } from "./node_tls_server.ts";

/** A listener that is yet to be bound. */
export interface DenoTlsAcceptor {
  /** Accepts TCP; TLS comes on top. */
  readonly server: Server;
  /** Drops the handshakes under way; resolves when no socket is left but those handed out. */
  close(): Promise<void>;
}

/** Makes the listener that shakes hands on each connection it accepts. */
export function serveDenoTls(
  options: TlsOptions,
  guard: TlsGuard,
  keepAliveMs: number | undefined,
  events: StreamListenerEvents,
): DenoTlsAcceptor {
  const { createServer } = nodeBuiltin("node:net");
  const { TLSSocket } = nodeBuiltin("node:tls");
  const shaking = new Map<Socket, ReturnType<typeof setTimeout> | undefined>();
  /** Not handed out, or not yet: a failed one may have an alert to bring out. */
  const own = new Set<Socket>();
  let isClosed = false;

  const begin = (carrier: Socket): void => {
    own.add(carrier);
    carrier.once("close", () => own.delete(carrier));
    const refusal = isClosed ? undefined : guard.refusal(shaking.size);
    if (isClosed || refusal !== undefined) {
      carrier.on("error", () => {});
      carrier.destroy();
      if (refusal !== undefined) events.fault(refusal);
      return;
    }
    const socket = new TLSSocket(gateOver(carrier), {
      ...options,
      isServer: true,
    });
    const fail = (fault: Fault): void => {
      if (!shaking.has(carrier)) return;
      clearTimeout(shaking.get(carrier));
      shaking.delete(carrier);
      socket.destroy();
      events.fault(fault);
    };
    const breakOff = (): void => {
      fail(
        new Fault("tls", "A TLS handshake failed: the peer broke it off", {
          tlsFailure: "handshake",
        }),
      );
    };
    shaking.set(carrier, guard.limit(fail));
    socket.on("error", (error) => fail(guard.failed(error)));
    socket.once("close", breakOff);
    carrier.once("end", breakOff);
    socket.once("secure", () => {
      if (!shaking.has(carrier)) return;
      const verdict = verdictOn(socket);
      const fault = guard.judge(socket, verdict === "", verdict);
      if (fault !== undefined) return fail(fault);
      clearTimeout(shaking.get(carrier));
      shaking.delete(carrier);
      own.delete(carrier);
      // Not before: a peer that leaves inside the handshake must not stay half-open.
      socket.allowHalfOpen = true;
      const security = new ServerSecurity(socket, carrier, true);
      new NodeStream(socket, UNKNOWN_ADDRESS, keepAliveMs, security)
        .offer((stream) => events.accept(stream));
    });
  };

  return {
    server: createServer({ allowHalfOpen: true }, begin),
    async close() {
      isClosed = true;
      for (const [carrier, timer] of shaking) {
        clearTimeout(timer);
        shaking.delete(carrier);
        carrier.destroy();
      }
      const closed = [...own].map((carrier) =>
        new Promise<void>((resolve) => carrier.once("close", () => resolve()))
      );
      await Promise.all(closed);
    },
  };
}

/** What the runtime thinks of the peer's certificate: `""` if it accepts it. Told nowhere but here. */
function verdictOn(socket: TLSSocket): unknown {
  const handle: unknown = Reflect.get(socket, "ssl");
  if (typeof handle !== "object" || handle === null) return "UNSPECIFIED";
  const verifyError: unknown = Reflect.get(handle, "verifyError");
  return typeof verifyError === "function"
    ? Reflect.apply(verifyError, handle, [])
    : "UNSPECIFIED";
}
