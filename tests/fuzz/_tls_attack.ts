/**
 * Clients of node:tls that shake hands in order, and say an input then.
 *
 * @module
 */

import { connect as connectTcp } from "node:net";
import { Duplex } from "node:stream";
import { connect, createSecureContext, type TLSSocket } from "node:tls";
import { CA } from "../tls/_certificates.ts";
import type { Random } from "./_random.ts";
import { play, type RawTarget } from "./_raw_attack.ts";

const secureContext = createSecureContext({ ca: CA });

/** Attacks a listener inside a TLS session of its own. */
export async function attackTls(
  target: RawTarget,
  input: Uint8Array,
  random: Random,
  waits = false,
): Promise<void> {
  const socket = connect({
    ...target,
    servername: "server.test",
    secureContext,
  });
  await shaken(socket);
  // What is under TLS cannot be reset on every runtime.
  await play(socket, input, random, { isTcp: false, waits });
}

/** Attacks a listener below a TLS session of its own: with records that nobody enciphered. */
export async function attackTlsRecords(
  target: RawTarget,
  input: Uint8Array,
  random: Random,
  waits = false,
): Promise<void> {
  const below = connectTcp({ ...target, noDelay: true });
  const between = new Duplex({
    read() {},
    write(chunk: Uint8Array, _encoding, done) {
      below.write(chunk, () => done());
    },
  });
  below.on("data", (chunk) => void between.push(chunk));
  below.on("error", () => {});
  below.once("close", () => void between.destroy());
  const socket = connect({
    socket: between,
    servername: "server.test",
    secureContext,
  });
  await shaken(socket);
  // It is told of what it did not say, or that the peer has left.
  socket.on("error", () => {});
  if (random.oneIn(2)) socket.write("\x05frame");
  await play(below, input, random, { waits });
  socket.destroy();
}

async function shaken(socket: TLSSocket): Promise<void> {
  const refused = await new Promise<Error | undefined>((resolve) => {
    socket.once("secureConnect", () => resolve(undefined));
    socket.once("error", resolve);
  });
  if (refused === undefined) return;
  throw new Error("the listener shakes hands with nobody any more", {
    cause: refused,
  });
}
