/**
 * Clients of node:tls that shake hands in order, and then say an input.
 *
 * @module
 */

import { connect, createSecureContext } from "node:tls";
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
  const refused = await new Promise<Error | undefined>((resolve) => {
    socket.once("secureConnect", () => resolve(undefined));
    socket.once("error", resolve);
  });
  if (refused !== undefined) {
    throw new Error("the listener shakes hands with nobody any more", {
      cause: refused,
    });
  }
  // What is under TLS cannot be reset on every runtime.
  await play(socket, input, random, { isTcp: false, waits });
}
